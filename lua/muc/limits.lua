-- SPDX-License-Identifier: MIT
-- limits: who may enter, by password, membership and number (XEP-0045 sections 7.2.6 to 7.2.10).
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local RESERVED = 10; -- places above the limit for owners and admins

local function check_password(event)
	local room = event.room;
	local password = room:get_password();
	if not password then
		return nil;
	end
	local x = event.stanza:get_child("x", ns.MUC);
	if (x and x:get_child_text("password")) ~= password then
		return room:refuse(event.origin, event.stanza, "auth", "not-authorized", "This room asks for a password");
	end
end

-- Who makes a room may bring the password that others will need.
local function take_password(event)
	local x = event.stanza:get_child("x", ns.MUC);
	local password = x and x:get_child_text("password");
	if password and password ~= "" then
		event.room:set_password(password);
	end
end

local function check_member(event)
	local room = event.room;
	if room:get_members_only() and not ranks.is_affiliated(room:get_affiliation(event.stanza.attr.from), "member") then
		return room:refuse(event.origin, event.stanza, "auth", "registration-required", "Only members may enter");
	end
end

-- How many occupants there are, and how many sessions of an account.
local function count_in(room, bare_jid)
	local occupants, sessions = 0, 0;
	for _, occupant in pairs(room._occupants) do
		occupants = occupants + 1;
		if occupant.bare_jid == bare_jid then
			for _ in occupant:each_session() do
				sessions = sessions + 1;
			end
		end
	end
	return occupants, sessions;
end

local function check_space(event)
	local room, from = event.room, event.stanza.attr.from;
	local most = math.min(room:get_max_users() or math.huge, room.env.limits.occupants);
	if ranks.is_affiliated(room:get_affiliation(from), "admin") then
		most = most + RESERVED;
	end
	local occupants, sessions = count_in(room, room.env.jid.bare(from));
	if sessions >= (room.env.limits.sessions or math.huge) then
		return room:refuse(event.origin, event.stanza, "wait", "resource-constraint",
			"Too many sessions of yours are in this room");
	elseif event.is_first_session and occupants >= most then
		return room:refuse(event.origin, event.stanza, "wait", "service-unavailable", "This room is full");
	end
end

return {
	methods = {};
	hooks = {
		{ "muc-room-pre-create", take_password, 0 };
		{ "muc-occupant-pre-join", check_member, -15 };
		{ "muc-occupant-pre-join", check_password, -20 };
		{ "muc-occupant-pre-join", check_space, -50 };
	};
};
