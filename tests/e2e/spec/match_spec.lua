-- SPDX-License-Identifier: MIT
-- The rules by which scripts recognise stanzas.
local match = require "e2e.match";
local xml = require "e2e.xml";

local function fits(pattern, actual, captures)
	return match.element(assert(xml.parse(pattern)), assert(xml.parse(actual)), captures);
end

local rows = {
	{ "what is not mentioned may be there", true,
		"<message><body>hi</body></message>", "<message id='1' xml:lang='en'><body>hi</body><subject/></message>" },
	{ "a missing attribute is a mismatch", false, "<message id='1'/>", "<message/>" },
	{ "another value is a mismatch", false, "<message id='1'/>", "<message id='2'/>" },
	{ "another name is a mismatch", false, "<message/>", "<presence/>" },
	{ "another namespace is a mismatch", false, "<iq><query xmlns='a'/></iq>", "<iq><query xmlns='b'/></iq>" },
	{ "text is compared", false, "<message><body>hi</body></message>", "<message><body>ho</body></message>" },
	{ "text is compared without the white space around it", true,
		"<message><body> hi\n</body></message>", "<message><body>hi</body></message>" },
	{ "no text in the pattern means any", true,
		"<message><subject/></message>", "<message><subject>x</subject></message>" },
	{ "children come in any order", true, "<message><a/><b/></message>", "<message><b/><a/></message>" },
	{ "each wanted child takes one of its own", false, "<message><a/><a/></message>", "<message><a/><b/></message>" },
	{ "a greedy first choice is taken back", true,
		"<message><a/><a id='1'/></message>", "<message><a id='1'/><a id='2'/></message>" },
	{ "foreign elements are complete", false, "<iq><x xmlns='u'/></iq>", "<iq><x xmlns='u' more='1'/></iq>" },
	{ "foreign elements have no more children", false, "<iq><x xmlns='u'/></iq>", "<iq><x xmlns='u'><y/></x></iq>" },
	{ "strictness can be switched off for an element and its children", true,
		"<iq><x xmlns='u' scansion:strict='false'><y/></x></iq>", "<iq><x xmlns='u' k='v'><y z='1'/><w/></x></iq>" },
	{ "strictness can be switched on", false, "<message scansion:strict='true'/>", "<message id='1'/>" },
	{ "any value", true, "<message id='{scansion:any}'/>", "<message id='17'/>" },
	{ "any value must be there", false, "<message id='{scansion:any}'/>", "<message/>" },
};

describe("match", function ()
	for _, row in ipairs(rows) do
		it(row[1], function ()
			assert.equal(row[2], fits(row[3], row[4]));
		end);
	end

	it("captures attributes and text", function ()
		local captures = {};
		assert.is_true(fits("<message id='{scansion:capture:id}'><body>{scansion:capture:text}</body></message>",
			"<message id='17'><body>hello</body></message>", captures));
		assert.same({ id = "17", text = "hello" }, captures);
	end);

	it("captures nothing on a mismatch", function ()
		local captures = {};
		assert.is_false(fits("<message id='{scansion:capture:id}' to='x'/>", "<message id='17' to='y'/>", captures));
		assert.same({}, captures);
	end);
end);

describe("xml", function ()
	it("writes what it read", function ()
		local text = "<iq xml:lang='en' id='&apos;1&amp;'><x xmlns='u'><y z='&lt;'>a&gt;b</y></x></iq>";
		assert.equal(text, xml.text(assert(xml.parse(text))));
	end);

	it("names what is wrong", function ()
		local element, err = xml.parse("<a><b></a>");
		assert.is_nil(element);
		assert.matches("mismatched tag", err);
		element, err = xml.parse("<a/><b/>");
		assert.is_nil(element);
		assert.equal("expected one element, found 2", err);
	end);
end);
