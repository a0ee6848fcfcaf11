-- SPDX-License-Identifier: MIT
-- The list of rooms in pages (items 3, 4 and C20).
local rooms_world = dofile "tests/spec/rooms_world.lua";
local listing = require "sx.muc.listing";
local st = rooms_world.st;

local RSM = "http://jabber.org/protocol/rsm";
local ITEMS = "http://jabber.org/protocol/disco#items";

local names = {};
for i = 1, 5 do
	names[("r%d@rooms.example.org"):format(i)] = "Room " .. i;
end

local function request(wish)
	local stanza = st.iq({ type = "get", id = "1", from = "romeo@example.org/orchard", to = "rooms.example.org" })
		:query(ITEMS);
	if wish then
		stanza:tag("set", { xmlns = RSM });
		for name, value in pairs(wish) do
			stanza:text_tag(name, value);
		end
	end
	return stanza:reset();
end

-- What came, as "rooms|first@index|first|last|count", the rooms by their numbers.
local function page(wish, of)
	local answer = listing.page(st, request(wish), of or names);
	if answer.attr.type == "error" then
		local kind, condition = answer:get_error();
		return kind .. " " .. condition;
	end
	local rooms = {};
	for item in answer.tags[1]:childtags("item") do
		rooms[#rooms + 1] = item.attr.jid:match("%d+");
	end
	local set = answer.tags[1]:get_child("set", RSM);
	local first = set:get_child("first");
	return ("%s|%s|%s|%s|%s"):format(table.concat(rooms), first and first.attr.index or "",
		first and first:get_text():match("%d+") or "", (set:get_child_text("last") or ""):match("%d+") or "",
		set:get_child_text("count"));
end

local function jid(number)
	return ("r%d@rooms.example.org"):format(number);
end

describe("the list of rooms", function ()
	it("is whole and sorted without a wish for pages", function ()
		assert.is_nil(listing.page(st, request(), names));
		local reply = st.stanza("query");
		listing.add_all(reply, names);
		for i = 1, 5 do
			assert.same({ jid = jid(i), name = "Room " .. i }, reply.tags[i].attr);
		end
	end);

	it("comes in pages, forwards and backwards", function ()
		local cases = {
			{ { max = "2" }, "12|0|1|2|5" },
			{ { max = "2", after = jid(2) }, "34|2|3|4|5" },
			{ { max = "2", after = jid(4) }, "5|4|5|5|5" },
			{ { max = "2", after = jid(5) }, "||||5" },
			{ { max = "2", before = "" }, "45|3|4|5|5" },
			{ { max = "2", before = jid(4) }, "23|1|2|3|5" },
			{ { max = "2", before = jid(2) }, "1|0|1|1|5" },
			{ { max = "2", before = jid(1) }, "||||5" },
			{ { max = "2", index = "3" }, "45|3|4|5|5" },
			{ { max = "2", index = "9" }, "||||5" },
			{ { max = "0" }, "||||5" },
			{ {}, "12345|0|1|5|5" },
		};
		for _, case in ipairs(cases) do
			assert.equal(case[2], page(case[1]));
		end
	end);

	it("refuses numbers that are none, and items that are not there", function ()
		for _, wish in ipairs({ { max = "-1" }, { max = "many" }, { index = "1.5" }, { max = "" } }) do
			assert.equal("modify bad-request", page(wish));
		end
		assert.equal("cancel item-not-found", page({ after = "gone@rooms.example.org" }));
		assert.equal("cancel item-not-found", page({ before = "gone@rooms.example.org" }));
	end);

	it("has pages of a bounded size", function ()
		local many = {};
		for i = 1, 300 do
			many[jid(1000 + i)] = "Room";
		end
		local _, count = page({ max = "1000" }, many):match("^(%d+)"):gsub("%d%d%d%d", "");
		assert.equal(200, count);
	end);
end);
