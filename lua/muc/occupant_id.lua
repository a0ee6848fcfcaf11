-- SPDX-License-Identifier: MIT
-- occupant_id: who is the same person in a room, without telling who (XEP-0421). Salt and formula are those of stock
-- mod_muc, so that ids survive a change between the two.
local ns = require "sx.muc.ns";

local methods = {};

function methods:get_salt()
	if not self._data.occupant_id_salt then
		self._data.occupant_id_salt = self.env.salt();
	end
	return self._data.occupant_id_salt;
end

--- The id of an occupant; it may be the raw one or a copy.
function methods:get_occupant_id(occupant)
	occupant.stable_id = occupant.stable_id or self.env.occupant_id(occupant.bare_jid, self:get_salt());
	return occupant.stable_id;
end

local function mark(room, stanza, occupant)
	stanza:maptags(function (child)
		return not (child.name == "occupant-id" and child.attr.xmlns == ns.OCCUPANT_ID) and child or nil;
	end);
	stanza:tag("occupant-id", { xmlns = ns.OCCUPANT_ID, id = room:get_occupant_id(occupant) }):up();
end

local function mark_event(event)
	if event.occupant then
		mark(event.room, event.stanza, event.occupant);
	end
end

local function mark_private(event)
	mark(event.room, event.stanza, event.room._occupants[event.stanza.attr.from]);
end

local function tell(event)
	event.reply:tag("feature", { var = ns.OCCUPANT_ID }):up();
end

return {
	methods = methods;
	hooks = {
		{ "muc-build-occupant-presence", mark_event, 0 };
		{ "muc-occupant-groupchat", mark_event, 40 };
		{ "muc-private-message", mark_private, 0 };
		{ "muc-disco#info", tell, 0 };
	};
};
