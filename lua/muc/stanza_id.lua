-- SPDX-License-Identifier: MIT
-- stanza_id: the id that the room gives to what it passes on (XEP-0359); of what is in the archive it is the archive's.
--
-- What is passed on without being kept has an id of the form LAST~OWN: the id of the last message that was kept, and
-- one of its own. Some clients ask later for all that came after the last id they saw, whatever it was the id of.
local ns = require "sx.muc.ns";

local methods = {};

local function is_ours(room, child)
	return child.name == "stanza-id" and child.attr.xmlns == ns.SID
		and (child.attr.by == room.jid or room.env.jid.prep(child.attr.by) == room.jid);
end

--- The id that the room has given to a message, or nil.
function methods:get_stanza_id(stanza)
	for child in stanza:childtags("stanza-id", ns.SID) do
		if is_ours(self, child) then
			return child.attr.id;
		end
	end
end

--- Gives an id to a message.
function methods:set_stanza_id(stanza, id)
	stanza:add_direct_child(self.env.st.stanza("stanza-id", { xmlns = ns.SID, by = self.jid, id = id }));
end

--- The id of the last message that was kept when the one with this id was passed on, "" if none was; nil if `id` is
--- not the id of a message that was only passed on.
function methods.get_kept_before(_, id)
	return id:match("^(.*)~[^~]+$");
end

local function new_id(room)
	local own = room.env.id();
	return room:is_archived() and ("%s~%s"):format(room._last_archive_id or "", own) or own;
end

-- Section 17.3 of XEP-0045, for messages that come another way, too.
local function remove_forged(event)
	event.stanza:maptags(function (child)
		return not is_ours(event.room, child) and child or nil;
	end);
end

-- A foreign archive gives ids of its own, and only to what it keeps.
local function stands_down(room)
	return room.env.archive ~= nil and not room.env.archive.is_ours;
end

local function ensure(event)
	local room, stanza = event.room, event.stanza;
	if stanza.name == "message" and not stands_down(room) and not room:get_stanza_id(stanza) then
		room:set_stanza_id(stanza, new_id(room));
	end
end

-- What the room itself announces is nobody's message.
local function ensure_reflected(event)
	if event.stanza.attr.from ~= event.room.jid then
		ensure(event);
	end
end

local function tell(event)
	if not stands_down(event.room) then
		event.reply:tag("feature", { var = ns.SID }):up();
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-broadcast-message", remove_forged, 1 };
		{ "muc-add-history", ensure, -0.5 };
		{ "muc-broadcast-message", ensure_reflected, -0.5 };
		{ "muc-disco#info", tell, 0 };
	};
};
