-- SPDX-License-Identifier: MIT
-- mod_rooms_hand: lets a test do with rooms what a module can do. An IQ to a room or to the service carries Lua code,
-- which gets `room`, `muc` (what module:depends "muc" returns), `module` and `st`; what it returns is the answer.

local st = require "util.stanza";
local jid = require "util.jid";

local muc = module:depends "muc";
local XMLNS = "urn:x-prosody-scion:hand";

local function run(room, code)
	local env = setmetatable({ room = room, muc = muc, module = module, st = st, jid = jid }, { __index = _G });
	local chunk, err = load(code, "=hand", "t", env);
	if not chunk then
		return false, err;
	end
	return pcall(chunk);
end

local function handle(event)
	local origin, stanza = event.origin, event.stanza;
	local to = jid.bare(stanza.attr.to);
	local room = to ~= module.host and muc.get_room_from_jid(to) or nil;
	local ok, result, second, third = run(room, stanza.tags[1]:get_text());
	if not ok then
		origin.send(st.error_reply(stanza, "cancel", "undefined-condition", tostring(result)));
		return true;
	end
	local reply = st.reply(stanza):tag("run", { xmlns = XMLNS });
	for _, value in ipairs({ tostring(result), second ~= nil and tostring(second) or nil, third and tostring(third) }) do
		reply:text_tag("value", value);
	end
	origin.send(reply);
	return true;
end

module:hook("iq-set/bare/" .. XMLNS .. ":run", handle, 10);
module:hook("iq-set/host/" .. XMLNS .. ":run", handle, 10);
