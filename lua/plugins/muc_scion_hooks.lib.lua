-- SPDX-License-Identifier: MIT
-- Handlers of rooms at Prosody's events, and whether an event has others.
local gate = module:require "muc_scion_gate";

local hooks = {};

local ours = {}; -- handler -> true

function hooks.hook(name, handler, priority)
	ours[handler] = true;
	module:hook(name, handler, priority);
end

local function are_ours(list)
	for _, handler in ipairs(list) do
		if not ours[handler] then
			return false;
		end
	end
	return true;
end

--- A function that tells whether an event is heard by handlers of ours alone now. Prosody makes a new list for each
--- change.
function hooks.is_known(name)
	local events = prosody.hosts[module.host].events;
	local last, answer;
	return function ()
		local list = events._handlers[name];
		if list ~= last then
			last, answer = list, are_ours(list or {});
		end
		return answer and gate.is_plain(events, name);
	end;
end

return hooks;
