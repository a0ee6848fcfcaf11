-- SPDX-License-Identifier: MIT
-- hand: what a module can do with rooms, from a test (plugins/mod_rooms_hand.lua).
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local XMLNS = "urn:x-prosody-scion:hand";

-- Runs Lua code in the server, in which `room` is the room of the scene, with placeholders filled in. Returns what it
-- returns, as texts. `to`: the service, where there is to be no `room`.
return function (t, code, to)
	local answer = t.owner:set(("<run xmlns='%s'>%s</run>"):format(XMLNS, xml.escape(t:fill(code))), to);
	local values = {};
	for i, value in ipairs(words.children(xml.child(answer, "run", XMLNS), "value")) do
		values[i] = xml.content(value);
	end
	return table.unpack(values);
end
