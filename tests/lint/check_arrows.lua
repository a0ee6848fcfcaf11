-- SPDX-License-Identifier: MIT
-- Includes point down the chain only: base <- scion <- quic <- transport.h <- resolver <- module; `rains` and `dns`
-- never meet; tests see all.
local tap = require "e2e.tap";
local tree = require "lint.tree";

-- Longest prefix wins.
local RANKS = {
	["transport/base/"] = 0, ["transport/scion/"] = 1, ["transport/quic/"] = 2, ["transport/"] = 3,
	["resolver/"] = 4, ["module/"] = 5, ["tests/"] = 6,
};
local STRANGERS = { ["resolver/rains/"] = "resolver/dns/", ["resolver/dns/"] = "resolver/rains/" };

local function folder_of(name)
	return name:match("^(.*/)") or "";
end

local function rank_of(name)
	local best, rank = "", nil;
	for prefix, value in pairs(RANKS) do
		if name:sub(1, #prefix) == prefix and #prefix > #best then
			best, rank = prefix, value;
		end
	end
	return rank;
end

-- The file that `#include "wanted"` means in `from`, as the include paths of the build find it.
local function resolve(texts, from, wanted)
	for _, folder in ipairs({ folder_of(from), "transport/", "resolver/", "module/", "tests/", "tests/unit/", "" }) do
		if texts[folder .. wanted] then
			return folder .. wanted;
		end
	end
	return nil;
end

local function is_wrong(from, target)
	local here, there = rank_of(from), rank_of(target);
	local stranger = STRANGERS[folder_of(from)];
	return here and there and (there > here or stranger == folder_of(target));
end

local function violations(texts)
	local found = {};
	for from, text in pairs(texts) do
		for wanted in ("\n" .. text):gmatch("\n[ \t]*#[ \t]*include[ \t]+\"([^\"\n]+)\"") do
			local target = resolve(texts, from, wanted);
			if target and is_wrong(from, target) then
				found[#found + 1] = ("%s includes %s, which is not below it"):format(from, target);
			end
		end
	end
	return found;
end

local planted = {
	["transport/base/map.h"] = "",
	["transport/scion/addr.h"] = "#include \"base/map.h\"\n",
	["transport/base/loop.c"] = "#include \"map.h\"\n#include \"scion/addr.h\"\n",
	["transport/transport.h"] = "#include \"scion/addr.h\"\n",
	["transport/quic/conn.c"] = "# include \"transport.h\"\n",
	["resolver/rains/cbor.h"] = "", ["resolver/dns/dns.c"] = "#include \"rains/cbor.h\"\n",
	["tests/unit/test_addr.c"] = "#include \"scion/addr.h\"\n",
};

tap.run({
	{ "planted violations are found, and only they", function ()
		local found = violations(planted);
		table.sort(found);
		assert(#found == 3, table.concat(found, "\n"));
		assert(found[1]:find("resolver/dns/dns.c includes resolver/rains/cbor.h", 1, true), found[1]);
		assert(found[2]:find("transport/base/loop.c includes transport/scion/addr.h", 1, true), found[2]);
		assert(found[3]:find("transport/quic/conn.c includes transport/transport.h", 1, true), found[3]);
	end },
	{ "includes point down", function ()
		tree.none(violations(tree.texts(".c", ".h")));
	end },
});
