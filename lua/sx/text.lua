-- SPDX-License-Identifier: MIT
-- text: words for people: what a value is, and which known word a wrong one is nearest to.

local FOUND_MOST = 60;

--- What was found, short enough for one log line.
local function found(value)
	local kind = type(value);
	if kind == "string" then
		local shown = #value > FOUND_MOST and value:sub(1, FOUND_MOST).."..." or value;
		return ("%q"):format(shown):gsub("\\\n", "\\n");
	elseif kind == "number" or kind == "boolean" then
		return tostring(value);
	elseif kind == "nil" then
		return "nothing";
	end
	return "a "..kind;
end

--- Edit distance of two words (Levenshtein), one row at a time.
local function distance(a, b)
	local row = {};
	for j = 0, #b do
		row[j] = j;
	end
	for i = 1, #a do
		local diagonal = row[0];
		row[0] = i;
		for j = 1, #b do
			local cost = a:byte(i) == b:byte(j) and 0 or 1;
			local best = math.min(diagonal + cost, row[j] + 1, row[j - 1] + 1);
			diagonal = row[j];
			row[j] = best;
		end
	end
	return row[#b];
end

--- The word of `known` (a list) nearest to `word`; the earlier one when two are as near.
local function nearest(word, known)
	local best, least;
	for _, candidate in ipairs(known) do
		local d = distance(word:sub(1, FOUND_MOST), candidate);
		if not least or d < least then
			best, least = candidate, d;
		end
	end
	return best;
end

--- "a, b or c", each in quotes.
local function one_of(words)
	local quoted = {};
	for i, word in ipairs(words) do
		quoted[i] = ("%q"):format(word);
	end
	if #quoted < 2 then
		return quoted[1] or "nothing";
	end
	local last = table.remove(quoted);
	return table.concat(quoted, ", ").." or "..last;
end

return { found = found, distance = distance, nearest = nearest, one_of = one_of };
