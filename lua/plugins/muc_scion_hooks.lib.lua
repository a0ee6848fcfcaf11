-- SPDX-License-Identifier: MIT
-- Handlers of rooms at Prosody's events, and whether an event has others.
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

--- A function that tells whether all handlers of an event are ours now. Prosody makes a new list for each change.
function hooks.is_known(name)
	local handlers = prosody.hosts[module.host].events._handlers;
	local last, answer;
	return function ()
		local list = handlers[name];
		if list ~= last then
			last, answer = list, are_ours(list or {});
		end
		return answer;
	end;
end

return hooks;
