-- SPDX-License-Identifier: MIT
-- Reads options so that one of the wrong type leaves its default. Prosody reports it, and does so in different ways.

local function get(kind, name, default)
	local value = module["get_option_"..kind](module, name, default);
	if value == nil or value ~= value then
		return default;
	end
	return value;
end

local options = {};

function options.boolean(name, default)
	return get("boolean", name, default);
end

function options.string(name, default)
	return get("string", name, default);
end

--- One of some words: the default, or another.
function options.one_of(name, default, others)
	local value = options.string(name, default);
	for _, other in ipairs(others) do
		if value == other then
			return value;
		end
	end
	if value ~= default then
		module:log("error", "Config option '%s' not understood, expecting %s or %s", name, default,
			table.concat(others, " or "));
	end
	return default;
end

--- A number from 0 on.
function options.number(name, default)
	local value = get("number", name, default);
	if value < 0 then
		module:log("error", "Config option '%s' not understood, expecting a number from 0 on", name);
		return default;
	end
	return value;
end

--- Seconds; Prosody 13.0 takes "5 minutes", too.
function options.seconds(name, default)
	return get(module.get_option_period and "period" or "number", name, default);
end

--- A set of strings; anything else in it is left out.
function options.strings(name)
	local found = {};
	for value in module:get_option_set(name, {}):items() do
		found[type(value) == "string" and value or ""] = true;
	end
	found[""] = nil;
	return found;
end

--- A table, or nil.
function options.table(name)
	local value = module:get_option(name);
	if value ~= nil and type(value) ~= "table" then
		module:log("error", "Config option '%s' not understood, expecting a table", name);
		return nil;
	end
	return value;
end

return options;
