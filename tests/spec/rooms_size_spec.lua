-- SPDX-License-Identifier: MIT
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;
local size = require "sx.muc.size";

describe("the size of a stanza", function ()
	local function all_characters()
		local list = {};
		for code = 32, 126 do
			list[#list + 1] = string.char(code);
		end
		return table.concat(list);
	end

	local STANZAS = {
		st.message(),
		st.presence({ from = "a@b/c", to = "d@e/f", type = "unavailable" }),
		st.message({ id = ("&"):rep(100) }, ("<"):rep(100)),
		st.message({ from = all_characters() }):text_tag("body", all_characters()),
		st.message({ ["http://example.org/x\1y"] = "'" }):tag("a", { ["http://example.org/x\1y"] = "\"" }),
		st.message():tag("a"):tag("b"):tag("c"):text(("\n\t\226\130\172"):rep(20)),
	};
	for i = 1, 40 do
		STANZAS[1]:text_tag("x" .. i, nil, { a = "", b = "" });
	end

	it("is never estimated too small", function ()
		for _, stanza in ipairs(STANZAS) do
			assert.is_true(size.estimate(stanza) >= #tostring(stanza));
		end
	end);

	it("is exact where it is close to a bound", function ()
		for _, stanza in ipairs(STANZAS) do
			local bytes = #tostring(stanza);
			assert.is_true(size.fits(stanza, bytes));
			assert.is_false(size.fits(stanza, bytes - 1));
		end
	end);
end);
