-- SPDX-License-Identifier: MIT
-- versions: versions of the list of affiliations, so that who enters again gets only what has changed (XEP-0463).
--
-- `_data.affiliation_versions`: now, the version of the list, and log, the last changes, the oldest first, each with
-- since, until, jid and affiliation. A version is random: who knows one has been shown that list.
local ns = require "sx.muc.ns";
local presence = require "sx.muc.presence";

local LOG_MOST = 200; -- changes
local ITEMS_MOST = 500; -- in one message

local methods = {};

local function state_of(room)
	local data = room._data;
	data.affiliation_versions = data.affiliation_versions or { now = room.env.id(), log = {} };
	return data.affiliation_versions;
end

--- Whether a real JID may know all affiliations but bans: what it may also ask for by IQ.
function methods:may_follow_affiliations(jid)
	for _, affiliation in ipairs({ "owner", "admin", "member" }) do
		if not self:may_list_affiliation(jid, affiliation) then
			return false;
		end
	end
	return true;
end

local function record(event)
	local room, change = event.room, event.change;
	if change.before == change.affiliation then
		return;
	end
	local state = state_of(room);
	local entry = { since = state.now, ["until"] = room.env.id(), jid = change.jid, affiliation = change.affiliation };
	state.now = entry["until"];
	table.insert(state.log, entry);
	if #state.log > LOG_MOST then
		table.remove(state.log, 1);
	end
	event.x:tag("mav", { xmlns = ns.MAV, since = entry.since, ["until"] = entry["until"] }):up();
end

-- Every presence with 110 tells the version, to those who may follow.
local function mark(event)
	if not event.x:get_child("mav", ns.MAV) and event.room:may_follow_affiliations(event.occupant.jid) then
		event.x:tag("mav", { xmlns = ns.MAV, ["until"] = state_of(event.room).now }):up();
	end
end

local function sorted(affiliations)
	local items = {};
	for jid, affiliation in pairs(affiliations) do
		items[#items + 1] = { jid = jid, affiliation = affiliation };
	end
	table.sort(items, function (x, y) return x.jid < y.jid; end);
	return items;
end

-- What has changed since a version, or nil where that is not known any more.
local function changes_since(state, version)
	local changed, is_known = {}, false;
	for _, entry in ipairs(state.log) do
		is_known = is_known or entry.since == version;
		if is_known then
			changed[entry.jid] = entry.affiliation or "none";
		end
	end
	return is_known and changed or nil;
end

-- Bans are for admins to see.
local function censored(room, jid, affiliations, is_diff)
	if room:may_list_affiliation(jid, "outcast") then
		return affiliations;
	end
	local list = {};
	for other, affiliation in pairs(affiliations) do
		if affiliation ~= "outcast" then
			list[other] = affiliation;
		elseif is_diff then
			list[other] = "none";
		end
	end
	return list;
end

local function message_with(room, to, mav, items, first)
	local x = presence.user_x(room.env):tag("mav", mav):up();
	for i = first, math.min(first + ITEMS_MOST - 1, #items) do
		x:tag("item", items[i]):up();
	end
	return room.env.st.message({ from = room.jid, to = to }):add_child(x);
end

-- Long lists take several messages, whose versions are joined.
local function send(room, to, items, since, version)
	for first = 1, math.max(1, #items), ITEMS_MOST do
		local is_last = first + ITEMS_MOST > #items;
		local mav = { xmlns = ns.MAV, since = since, ["until"] = is_last and version or ("%s.%d"):format(version, first) };
		room:route_stanza(message_with(room, to, mav, items, first));
		since = mav["until"];
	end
end

-- Who enters has asked for what is new: it comes before any presence.
local function answer(event)
	local room, to = event.room, event.jid;
	local x = event.stanza:get_child("x", ns.MUC);
	local mav = x and x:get_child("mav", ns.MAV);
	if not mav then
		return;
	elseif not room:may_follow_affiliations(to) then
		room:refuse_affiliations(event.stanza, to);
		return;
	end
	local state, since = state_of(room), mav.attr.since;
	if since == state.now then
		return;
	end
	local changed = since and changes_since(state, since);
	local list = censored(room, to, changed or room._affiliations, changed ~= nil);
	send(room, to, sorted(list), changed and since or nil, state.now);
end

--- Tells somebody who enters that the list of affiliations is not for it.
function methods:refuse_affiliations(stanza, to)
	local question = self.env.st.message({ from = to, to = self.jid, id = stanza.attr.id });
	self:route_stanza(self.env.st.error_reply(question, "auth", "forbidden",
		"You may not see the affiliations of this room", self.jid));
end

local function tell(event)
	event.reply:tag("feature", { var = ns.MAV }):up();
end

return {
	methods = methods;
	hooks = {
		{ "muc-scion-affiliation-stored", record, 0 };
		{ "muc-scion-self-presence", mark, 0 };
		{ "muc-scion-arrival", answer, 0 };
		{ "muc-disco#info", tell, 0 };
	};
};
