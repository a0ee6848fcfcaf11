-- SPDX-License-Identifier: MIT
-- page: the table of items, tests and services in lua/README.md, between two markers.
local harness = require "e2e.harness";
local items = require "e2e.rooms.items";
local process = require "e2e.process";
local suite = require "e2e.rooms.suite";
local tap = require "e2e.tap";

local page = {};

local FILE = harness.ROOT .. "/lua/README.md";
local BEGIN, END = "<!-- rooms: begin, written by tests/e2e/test_rooms.lua -->\n", "<!-- rooms: end -->\n";

local function cell(text)
	return (text:gsub("|", "\\|"):gsub("<", "&lt;"));
end

-- What stock does, in a cell: "yes", or what it does instead.
local function stock_cell(test)
	local differs = test.stock;
	if not differs then
		return "yes";
	elseif type(differs) == "string" then
		return "no: " .. cell(differs);
	end
	local parts = {};
	for _, version in ipairs({ "0.12", "13.0" }) do
		parts[#parts + 1] = ("%s %s"):format(version, differs[version] and "no: " .. cell(differs[version]) or "yes");
	end
	return table.concat(parts, "; ");
end

local function rows_of(seen, lines, wanted)
	for _, test in ipairs(suite.tests) do
		if test.section == wanted then
			lines[#lines + 1] = ("| %s | %s | %s | %s |"):format(table.concat(test.items, ", "), cell(test.name),
				seen.rooms[test] == "passed" and "yes" or "no", stock_cell(test));
		end
	end
end

-- Sections in the order of the tests, those of the checklist first.
local function sections()
	local list, known = {}, {};
	for _, section in ipairs(items.sections) do
		list[#list + 1] = { section[1], section[2] };
		known[section[1]] = true;
	end
	for _, test in ipairs(suite.tests) do
		if not known[test.section] then
			list[#list + 1] = { test.section, test.title };
			known[test.section] = true;
		end
	end
	return list;
end

local function left_out_lines(lines)
	local numbers = {};
	for item in pairs(suite.left_out) do
		numbers[#numbers + 1] = item;
	end
	table.sort(numbers, function (x, y) return tostring(x) < tostring(y); end);
	for _, item in ipairs(numbers) do
		lines[#lines + 1] = ("| %s | left out: %s | | |"):format(item, cell(suite.left_out[item]));
	end
end

function page.text(seen)
	local lines = { "| item | the service | ours | stock |", "|---|---|---|---|" };
	for _, section in ipairs(sections()) do
		lines[#lines + 1] = ("| | **%s %s** | | |"):format(section[1], section[2]);
		rows_of(seen, lines, section[1]);
	end
	left_out_lines(lines);
	return table.concat(lines, "\n") .. "\n";
end

-- Compares the page with what was seen, or writes it. Needs a whole run of both services.
function page.check(seen, only, write)
	if only or not seen.rooms or not seen.stock then
		tap.skip("needs a whole run of both services");
	end
	local file = assert(process.read_file(FILE));
	local pattern = ("^(.*%s)(.-)(%s.*)$"):format((BEGIN:gsub("%p", "%%%0")), (END:gsub("%p", "%%%0")));
	local before, old, after = file:match(pattern);
	assert(before, FILE .. " has no place for the table: two lines " .. BEGIN .. END);
	local new = page.text(seen);
	if write and old ~= new then
		process.write_file(FILE, before .. new .. after);
	end
	assert(write or old == new, "it is out of date; SX_ROOMS_TABLE=write makes it anew");
end

return page;
