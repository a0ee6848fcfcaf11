-- SPDX-License-Identifier: MIT
-- Reads the options that say how much and how fast (sx.muc.bounds and sx.muc.rates).
local options = module:require "muc_scion_options";

-- Option, place in the limits, default. Zero: no bound.
local BOUNDS = {
	{ "muc_scion_max_nick_bytes", "nick_bytes", 256 };
	{ "muc_scion_max_stanza_bytes", "stanza_bytes", 65536 };
	{ "muc_scion_max_text_bytes", "text_bytes", 4096 };
	{ "muc_scion_max_form_values", "form_values", 1000 };
};

-- What is counted, how many a second, how many at once. A rate of zero: not limited.
local RATES = {
	{ "message", 10, 50 };
	{ "presence", 5, 25 };
	{ "nick", 0.5, 10 };
	{ "join", 10, 100 };
};

local function read_rates()
	local rates = {
		delay = options.number("muc_scion_max_delay", 5), queue = options.number("muc_scion_max_waiting", 100),
		queue_bytes = options.number("muc_scion_max_waiting_bytes", 65536),
		exempt = options.strings("muc_scion_unlimited_jids"),
	};
	for _, row in ipairs(RATES) do
		local rate = options.number(("muc_scion_%s_rate"):format(row[1]), row[2]);
		local burst = options.number(("muc_scion_%s_burst"):format(row[1]), row[3]);
		rates[row[1]] = rate > 0 and { rate = rate, burst = math.max(1, burst) } or nil;
	end
	return rates;
end

--- Completes the limits and rates of `env`.
return function (env)
	for _, row in ipairs(BOUNDS) do
		local bound = options.number(row[1], row[3]);
		env.limits[row[2]] = bound > 0 and bound or nil;
	end
	env.rates = read_rates();
end
