-- SPDX-License-Identifier: MIT
-- hosts: parses hosts files that name SCION hosts, in both dialects: `ADDRESS name... # comment` (PAN, jpan; the host
-- part bare or in brackets) and `name ADDRESS...` (scion-cpp). Ordinary lines of /etc/hosts are passed over.

local NAMES_MOST = 10000;
local LINES_MOST = 100000;

local function words(line)
	local out = {};
	for word in line:gsub("#.*", ""):gmatch("%S+") do
		out[#out + 1] = word;
	end
	return out;
end

--- Something with an ISD-AS in front: "1-ff00:0:110," and a host.
local function looks_scion(word)
	return word:find("^%d+%-[%x:]+,") ~= nil;
end

local function looks_ip(word)
	return word:find("^%d+%.%d+%.%d+%.%d+$") ~= nil or word:find("^[%x:.]+$") ~= nil and word:find(":", 1, true) ~= nil
		or word:find("^[%x:.]+%%%w+$") ~= nil;
end

local function normal_name(word)
	local name = word:lower():gsub("%.$", "");
	return name ~= "" and #name <= 255 and not name:find("[,%[%]@/]") and name or nil;
end

--- The names and addresses of a line, or nil and why it cannot be used. Two empty lists: nothing of ours.
local function parse_line(line, normalise)
	local fields = words(line);
	local names, addresses = {}, {};
	if #fields == 0 or looks_ip(fields[1]) then
		return names, addresses;
	end
	local address_first = looks_scion(fields[1]);
	for i, word in ipairs(fields) do
		local is_address = (i == 1) == address_first;
		local normal = is_address and normalise(word) or not is_address and normal_name(word);
		if not normal then
			return nil, ("%q is not a %s"):format(word, is_address and "SCION address" or "name");
		end
		local list = is_address and addresses or names;
		list[#list + 1] = normal;
	end
	if #names == 0 or #addresses == 0 then
		return nil, #names == 0 and "an address without a name" or "a name without an address";
	end
	return names, addresses;
end

local function add(map, name, address)
	local list = map[name];
	if not list then
		list = {};
		map[name] = list;
	end
	for _, known in ipairs(list) do
		if known == address then
			return;
		end
	end
	list[#list + 1] = address;
end

---@param content string
---@param normalise fun(text: string): string? the canonical spelling of a SCION address
---@return table<string, string[]> addresses by name
---@return { line: integer, text: string }[] warnings
local function parse(content, normalise)
	local map, warnings = {}, {};
	local number, count = 0, 0;
	for line in content:gmatch("([^\r\n]*)\r?\n?") do
		number = number + 1;
		local names, addresses = parse_line(line, normalise);
		if not names then
			warnings[#warnings + 1] = { line = number, text = addresses };
			names, addresses = {}, {};
		end
		for _, name in ipairs(names) do
			count = count + 1;
			for _, address in ipairs(addresses) do
				add(map, name, address);
			end
		end
		if count >= NAMES_MOST or number >= LINES_MOST then
			warnings[#warnings + 1] = { line = number, text = "too long; the rest is not read" };
			break;
		end
	end
	return map, warnings;
end

return { parse = parse };
