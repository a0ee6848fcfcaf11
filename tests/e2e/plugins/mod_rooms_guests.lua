-- SPDX-License-Identifier: MIT
-- mod_rooms_guests: what add-ons of conference systems do with rooms. A room does more than usual when a test sets
-- fields of it: `lobby`, `stamps`, `censors`, `counts`.

local st = require "util.stanza";
local jid = require "util.jid";

module:depends "muc";

local XMLNS = "urn:x-prosody-scion:guests";

-- Who has no affiliation waits outside.
module:hook("muc-occupant-pre-join", function (event)
	local room, stanza = event.room, event.stanza;
	if room.lobby and not room:get_affiliation(stanza.attr.from) then
		room.lobby[jid.bare(stanza.attr.from)] = event.occupant.nick;
		event.origin.send(st.error_reply(stanza, "auth", "registration-required", "Please wait", module.host));
		return true;
	end
end, -4);

-- Presence says what the room thinks of an occupant.
module:hook("muc-build-occupant-presence", function (event)
	if event.room.stamps then
		event.stanza:tag("seen", { xmlns = XMLNS, role = event.occupant and event.occupant.role or "none" }):up();
	end
end);

-- A word is replaced, another swallows the message.
module:hook("muc-occupant-groupchat", function (event)
	local body = event.room.censors and event.stanza:get_child_text("body");
	if body == "swallow" then
		return true;
	end
end, 100);

module:hook("muc-broadcast-message", function (event)
	local body = event.room.censors and event.stanza:get_child("body");
	if body and body:get_text() == "rude" then
		event.stanza:remove_children("body");
		event.stanza:text_tag("body", "polite");
	end
end);

module:hook("muc-private-message", function (event)
	local text = event.room.censors and event.stanza:get_child_text("body");
	if text == "drop" then
		return false;
	elseif text then
		event.stanza:tag("checked", { xmlns = XMLNS }):up();
	end
end);

-- Extra fields of a room and of its occupants.
module:hook("muc-occupant-joined", function (event)
	local room = event.room;
	if room.counts then
		room.counts.joined = (room.counts.joined or 0) + 1;
		room._occupants[event.nick].number = room.counts.joined;
	end
end);
