-- SPDX-License-Identifier: MIT
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

-- As a scene, as far as patterns need one.
local SCENE = { room = "r@s", fill = function (_, text) return (text:gsub("{guest}", "g@h/x")); end };
SCENE.fill_xml = SCENE.fill;
function SCENE.address(_, nick)
	return nick == "" and "r@s" or "r@s/" .. nick;
end

local function fits(pattern, text)
	return words.fits(pattern, assert(xml.parse(text)), SCENE);
end

local function shown(inside, attributes)
	return ("<presence from='r@s/guest' %s><x xmlns='http://jabber.org/protocol/muc#user'>%s</x></presence>"):format(
		attributes or "", inside);
end

local ITEM = "<item affiliation='none' role='visitor' jid='g@h/x'/>";

describe("a presence", function ()
	it("has exactly the statuses that are wanted", function ()
		local pattern = words.presence { "guest", status = "110 201" };
		assert.is_true(fits(pattern, shown(ITEM .. "<status code='201'/><status code='110'/>")));
		assert.is_false(fits(pattern, shown(ITEM .. "<status code='110'/>")));
		assert.is_false(fits(pattern, shown(ITEM .. "<status code='110'/><status code='201'/><status code='100'/>")));
	end);

	it("has one item, or any number where that is said", function ()
		assert.is_false(fits(words.presence { "guest" }, shown("")));
		assert.is_false(fits(words.presence { "guest" }, shown(ITEM .. ITEM)));
		assert.is_true(fits(words.presence { "guest", items = "any" }, shown(ITEM .. ITEM)));
	end);

	it("has the wanted seat and address, or none", function ()
		assert.is_true(fits(words.presence { "guest", as = "none/visitor", jid = "{guest}" }, shown(ITEM)));
		assert.is_false(fits(words.presence { "guest", as = "none/participant" }, shown(ITEM)));
		assert.is_false(fits(words.presence { "guest", jid = false }, shown(ITEM)));
		assert.is_false(fits(words.presence { "guest", nick = "new" }, shown(ITEM)));
		assert.is_false(fits(words.presence { "other" }, shown(ITEM)));
	end);

	it("is available, or unavailable where that is wanted", function ()
		assert.is_false(fits(words.presence { "guest" }, shown(ITEM, "type='unavailable'")));
		assert.is_true(fits(words.gone { "guest" }, shown(ITEM, "type='unavailable'")));
		assert.is_false(fits(words.gone { "guest" }, shown(ITEM .. "<destroy/>", "type='unavailable'")));
	end);
end);

describe("an error", function ()
	local ERROR = "<iq type='error' from='r@s' id='1'><error type='auth' by='r@s'>"
		.. "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";

	it("has one of the wanted conditions", function ()
		assert.is_true(fits(words.refusal { "iq", "auth/forbidden" }, ERROR));
		assert.is_true(fits(words.refusal { "iq", "cancel/not-allowed", "auth/forbidden", by = "r@s" }, ERROR));
		assert.is_false(fits(words.refusal { "iq", "cancel/forbidden" }, ERROR));
		assert.is_false(fits(words.refusal { "message", "auth/forbidden" }, ERROR));
	end);
end);

describe("a message", function ()
	it("has the body that is wanted, or none", function ()
		local text = "<message type='groupchat' from='r@s/guest' id='1'><body>x</body></message>";
		assert.is_true(fits(words.message { "guest", body = "x", id = "1" }, text));
		assert.is_false(fits(words.message { "guest", body = false }, text));
		assert.is_false(fits(words.message { "guest", without = "<body/>" }, text));
		assert.is_false(fits(words.subject { "guest" }, text));
	end);
end);

describe("the checklist", function ()
	it("misses items without a test, and those that may not be left out", function ()
		local tests, left_out = suite.tests, suite.left_out;
		suite.tests, suite.left_out = {}, {};
		local declare, leave_out = suite.section("x", "x");
		for item = 1, 210 do
			if item ~= 33 and item ~= 48 and item ~= 49 then
				declare { item, "x", function () end };
			end
		end
		leave_out(48, "it may be");
		leave_out(49, "it may not be");
		local gaps = suite.gaps();
		suite.tests, suite.left_out = tests, left_out;
		assert.same({ "item 33 has no test", "item 49 has no test" }, gaps);
	end);
end);
