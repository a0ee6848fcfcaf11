-- SPDX-License-Identifier: MIT
-- avatars: the vCard of a room (XEP-0486, XEP-0054) and the digests of its pictures (XEP-0153).
--
-- `env.vcards`, nil where rooms have none: get(node) -> vCard, or nil and an error text; set(node, vCard or nil), true
-- or nil and an error text; digest(base64) -> hash or nil; is_ours(), whether no other module serves them; advertise,
-- "presence", "message", "none" or nil for both; bytes, how big a vCard may be.
local ns = require "sx.muc.ns";
local presence = require "sx.muc.presence";

local methods = {};

local function is_served(room)
	local vcards = room.env.vcards;
	return vcards ~= nil and vcards.is_ours();
end

local function node_of(room)
	return room.env.jid.node(room.jid);
end

-- The digests of the pictures in a vCard, or nil and what is wrong.
local function digests_in(room, vcard)
	local list = {};
	for photo in vcard:childtags("PHOTO") do
		local data = photo:get_child_text("BINVAL");
		if data then
			local hash = room.env.vcards.digest((data:gsub("%s", "")));
			if not hash then
				return nil, "The picture is not Base64";
			end
			list[#list + 1] = hash;
		end
	end
	return list;
end

--- The digests of the pictures of the room, the first of which XEP-0153 tells; none where it has no vCard.
function methods:get_avatar_hashes()
	if not is_served(self) then
		return {};
	end
	if not self._avatar_hashes then
		local vcard = self.env.vcards.get(node_of(self));
		self._avatar_hashes = vcard and digests_in(self, vcard) or {};
	end
	return self._avatar_hashes;
end

local function update_of(room)
	local hash = room:get_avatar_hashes()[1];
	return room.env.st.presence({ from = room.jid }):tag("x", { xmlns = ns.VCARD_UPDATE })
		:text_tag("photo", hash or ""):up();
end

-- Everybody is told that the room looks different now.
local function announce(room)
	local how = room.env.vcards.advertise;
	if how == nil or how == "presence" then
		room:broadcast(update_of(room));
	end
	if how == nil or how == "message" then
		room:broadcast_message(room.env.st.message({ type = "groupchat", from = room.jid })
			:add_child(presence.user_x(room.env, "104")));
	end
end

local function bad(room, stanza, kind, condition, text)
	return room.env.st.error_reply(stanza, kind, condition, text, room.jid);
end

local function show(room, stanza)
	local vcard, err = room.env.vcards.get(node_of(room));
	if err then
		return bad(room, stanza, "wait", "internal-server-error", "The vCard cannot be read");
	elseif not vcard then
		return bad(room, stanza, "cancel", "item-not-found", "This room has no vCard");
	end
	return room.env.st.reply(stanza):add_child(vcard);
end

-- Nil, or an answer that says why a vCard cannot be taken.
local function judge(room, stanza, vcard)
	local most = room.env.vcards.bytes;
	if room:get_affiliation(stanza.attr.from) ~= "owner" then
		return bad(room, stanza, "auth", "forbidden", "Only owners of the room may set its vCard");
	elseif #tostring(vcard) > most then
		return bad(room, stanza, "modify", "policy-violation", ("A vCard has at most %d bytes here"):format(most));
	end
	local _, text = digests_in(room, vcard);
	return text and bad(room, stanza, "modify", "bad-request", text);
end

local function set(room, stanza)
	local vcard = stanza.tags[1];
	local refusal = judge(room, stanza, vcard);
	if refusal then
		return refusal;
	end
	if not room.env.vcards.set(node_of(room), vcard.tags[1] and vcard or nil) then
		return bad(room, stanza, "wait", "internal-server-error", "The vCard cannot be stored");
	end
	room._avatar_hashes = nil;
	announce(room);
	return room.env.st.reply(stanza);
end

--- An IQ that asks for the vCard of the room, or sets it.
function methods:handle_vcard_iq(origin, stanza)
	if not self.env.vcards then
		return self:refuse(origin, stanza, "cancel", "service-unavailable", "Rooms have no vCards here");
	end
	self.env.plan:after_answer(origin, stanza.attr.type == "get" and show or set, self, stanza);
	return true;
end

local function greet(event)
	local room = event.room;
	if is_served(room) and room.env.vcards.advertise ~= "none" and room:get_avatar_hashes()[1] then
		local stanza = update_of(room);
		stanza.attr.to = event.jid;
		room:route_stanza(stanza);
	end
end

local function tell(event)
	if not is_served(event.room) then
		return;
	end
	event.reply:tag("feature", { var = ns.VCARD }):up();
	local hashes = event.room:get_avatar_hashes();
	if hashes[1] then
		table.insert(event.form, { name = "muc#roominfo_avatarhash", type = "text-multi", label = "Digest of the avatar" });
		event.formdata["muc#roominfo_avatarhash"] = table.concat(hashes, "\n");
	end
end

-- The next room of this name starts without a face.
local function forget(event)
	if is_served(event.room) then
		event.room.env.vcards.set(node_of(event.room), nil);
	end
end

return {
	methods = methods;
	routes = { ["iq/bare/" .. ns.VCARD .. ":vCard"] = "handle_vcard_iq" };
	hooks = {
		{ "muc-occupant-session-new", greet, 10 };
		{ "muc-room-destroyed", forget, 0 };
		{ "muc-disco#info", tell, -1 };
	};
};
