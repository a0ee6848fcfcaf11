-- SPDX-License-Identifier: MIT
-- mod_rooms_events: notes every `muc-*` event of a service with what it carries, for a test to compare. Our own, named
-- `muc-scion-*`, are left out. `take()` returns the notes since the last call, one a line.

local st = require "util.stanza";
local jid = require "util.jid";

local notes = {};

local function stanza_text(stanza)
	return ("<%s %s>"):format(stanza.name, stanza.attr.type or "-");
end

-- Names what a value is, without what differs from run to run.
local function shown(value)
	local kind = type(value);
	if kind ~= "table" then
		return (kind == "function" or kind == "number") and kind or tostring(value);
	elseif st.is_stanza(value) then
		return stanza_text(value);
	elseif value._occupants then
		return "room";
	elseif value.sessions then
		return ("occupant %s %s"):format(jid.resource(value.nick), value.role or "none");
	elseif value.send then
		return "session";
	end
	return "table";
end

local function note(name, event)
	local parts = {};
	for key, value in pairs(type(event) == "table" and event or {}) do
		parts[#parts + 1] = ("%s=%s"):format(key, shown(value));
	end
	table.sort(parts);
	notes[#notes + 1] = ("%s{ %s }"):format(name, table.concat(parts, ", "));
end

local function watch(handlers, name, event)
	if name:find("^muc%-") and not name:find("^muc%-scion") then
		note(name, event);
	end
	return handlers(name, event);
end

local events = prosody.hosts[module.host].events;
events.add_wrapper(false, watch);

function module.unload()
	events.remove_wrapper(false, watch);
end

function module.environment.take()
	local text = table.concat(notes, "\n");
	notes = {};
	return text;
end
