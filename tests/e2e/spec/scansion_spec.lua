-- SPDX-License-Identifier: MIT
-- How .scs scripts are read.
local scansion = require "e2e.scansion";

local HEAD = "[Client] Romeo\n\tjid: romeo@localhost\n\tpassword: secret\n\n"
	.. "[Client] Juliet's phone\n\tjid: lady@localhost\n-----\n";

describe("scansion.parse", function ()
	it("reads clients and actions with their lines", function ()
		local script = assert(scansion.parse("# title\n" .. HEAD .. [[

Romeo connects

Juliet's phone sends:
	<message>
		<body>hi</body>
	</message>
# a comment
-- another
--
// a third
Romeo receives: nothing
Romeo disconnects
]]));
		assert.same({ jid = "romeo@localhost", password = "secret" }, script.clients.Romeo);
		assert.same({ jid = "lady@localhost" }, script.clients["Juliet's phone"]);
		local seen = {};
		for i, action in ipairs(script.actions) do
			seen[i] = { action.client, action.verb, action.line };
		end
		assert.same({ { "Romeo", "connects", 10 }, { "Juliet's phone", "sends", 12 }, { "Romeo", "receives", 20 },
			{ "Romeo", "disconnects", 21 } }, seen);
		assert.equal("\t<message>\n\t\t<body>hi</body>\n\t</message>", script.actions[2].text);
		assert.is_true(script.actions[3].nothing);
	end);

	local wrong = {
		{ "no dashes", "[Client] Romeo\n\tjid: romeo@localhost\n", "no line of dashes" },
		{ "an unknown verb", HEAD .. "Romeo dances\n", "line 8: expected \"Name connects|disconnects|sends:|receives:\"" },
		{ "words after the verb", HEAD .. "Romeo connects twice\n", "line 8: expected" },
		{ "an unknown client", HEAD .. "Tybalt connects\n", "line 8: no client is named \"Tybalt\"" },
		{ "text among the clients", "hello\n" .. HEAD, "line 1: expected \"%[Client%] Name\"" },
	};
	for _, row in ipairs(wrong) do
		it("names the line of " .. row[1], function ()
			local script, err = scansion.parse(row[2]);
			assert.is_nil(script);
			assert.matches(row[3], err);
		end);
	end
end);
