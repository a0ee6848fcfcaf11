-- SPDX-License-Identifier: MIT
-- retraction: who takes back a message of its own (XEP-0424). It is for clients to act on; the room makes its archive
-- and history forget the message, of which a tombstone remains, where env.options.retraction_tombstones says so.
local ns = require "sx.muc.ns";

local function is_kept(room, child)
	local xmlns = child.attr.xmlns;
	return xmlns == ns.OCCUPANT_ID or xmlns == ns.USER or xmlns == ns.DELAY and child.attr.from == room.jid
		or child.name == "stanza-id" and xmlns == ns.SID and child.attr.by == room.jid;
end

--- What remains of a message: who sent it and when. The caller adds what has become of it.
local function tombstone(room, original)
	local st, attr = room.env.st, original.attr;
	local stone = st.message({ type = attr.type, from = attr.from, id = attr.id });
	for _, child in ipairs(original.tags) do
		if is_kept(room, child) then
			stone:add_direct_child(st.clone(child));
		end
	end
	return stone;
end

local function occupant_id(stanza)
	local mark = stanza:get_child("occupant-id", ns.OCCUPANT_ID);
	return mark and mark.attr.id;
end

local function replacement(room, original, stanza)
	local is_own = original.attr.from ~= room.jid and occupant_id(original) ~= nil
		and occupant_id(original) == occupant_id(stanza);
	if not is_own or original:get_child("retracted", ns.RETRACT) then
		return nil;
	end
	return tombstone(room, original):tag("retracted",
		{ xmlns = ns.RETRACT, id = stanza.attr.id, stamp = room.env.stamp(room.env.now()) }):up();
end

local function bury(event)
	local room, stanza = event.room, event.stanza;
	local retract = stanza:get_child("retract", ns.RETRACT);
	if room.env.options.retraction_tombstones and retract and retract.attr.id and stanza.attr.from ~= room.jid then
		room:replace_message(retract.attr.id, function (original)
			return replacement(room, original, stanza);
		end);
	end
end

-- Who catches up has to know of retractions.
local function is_historic(event)
	if event.stanza:get_child("retract", ns.RETRACT) then
		return true, "retraction";
	end
end

local function tell(event)
	event.reply:tag("feature", { var = ns.RETRACT }):up();
end

return {
	methods = {};
	hooks = {
		{ "muc-message-is-historic", is_historic, -2 };
		{ "muc-broadcast-message", bury, -1 };
		{ "muc-disco#info", tell, 0 };
	};
	tombstone = tombstone;
};
