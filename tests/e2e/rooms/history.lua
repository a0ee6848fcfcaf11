-- SPDX-License-Identifier: MIT
-- 1.D History: XEP-0045 7.2.13 to 7.2.15, 7.9.
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local message, subject, presence = words.message, words.subject, words.presence;
local test, leave_out = suite.section("1.D", "History");

local NS_DELAY = "urn:xmpp:delay";
local DELAY = "<delay xmlns='urn:xmpp:delay' from='{room}' stamp='{any}'/>";

local function says_numbers(t, count)
	t:create();
	for i = 1, count do
		t.owner:says(("number %d"):format(i));
	end
	t:forget();
end

-- Joins asking for history, and gives the bodies that came: "2 3".
local function history(who, attributes)
	who:join({ x = ("<history %s/>"):format(attributes) });
	local bodies = {};
	for _, one in ipairs(who:hears()) do
		local body = one.name == "message" and xml.child(one, "body");
		bodies[#bodies + 1] = body and xml.content(body):gsub("^number ", ""):sub(1, 1) or nil;
	end
	who:leave();
	who:forgets();
	return table.concat(bodies, " ");
end

test { { 46, 60 }, "history comes after all presences and before the subject", function (t)
	t:create();
	t:enter("other");
	t.owner:says("number 1");
	t.owner:sets_subject("Roses");
	t.other:says("number 2");
	t.guest:join();
	t.guest:gets_only(presence {}, presence {}, presence { "guest", as = "none/participant", status = "110" },
		message { "owner", body = "number 1" }, message { "other", body = "number 2" }, subject { subject = "Roses" });
end };

test { 47, "each message of history says when and where it was said, in UTC", function (t)
	says_numbers(t, 2);
	local before = os.date("!%Y-%m-%dT%H:%M", os.time() - 60);
	t.guest:join();
	for i = 1, 2 do
		local got = t.guest:gets(message { "owner", body = ("number %d"):format(i), with = DELAY });
		local delays = words.children(got, "delay", NS_DELAY);
		local stamp = delays[1].attr.stamp;
		t:same(#delays, 1, "the number of delays");
		t.check(stamp:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d[%d.]*Z$") and stamp >= before, "the time is " .. stamp);
		t:same(got.attr.to, "{guest}");
	end
end };

leave_out(48, "optional: in a non-anonymous room the presences already say whose nickname it is");

test { 49, "maxchars counts whole stanzas and cuts none", function (t)
	t:create();
	for i = 1, 3 do
		t.owner:says(("number %d"):format(i) .. ("."):rep(1000));
	end
	t:forget();
	t:same(history(t.guest, "maxchars='1000'"), "", "what fits into 1000 characters");
	t:same(history(t.guest, "maxchars='1600'"), "3", "what fits into 1600 characters");
	t:same(history(t.guest, "maxchars='3200'"), "2 3", "what fits into 3200 characters");
	t:same(history(t.guest, "maxchars='65000'"), "1 2 3", "what fits into 65000 characters");
end };

test { 50, "maxchars of zero asks for no history", function (t)
	says_numbers(t, 2);
	t:same(history(t.guest, "maxchars='0'"), "");
end };

test { 51, "maxstanzas asks for so many, the last ones", function (t)
	says_numbers(t, 4);
	t:same({ history(t.guest, "maxstanzas='0'"), history(t.guest, "maxstanzas='1'"), history(t.guest, "maxstanzas='3'"),
		history(t.guest, "maxstanzas='9'") }, { "", "4", "2 3 4", "1 2 3 4" });
end };

test { { 52, 53, 54 }, "seconds and since ask for what is new enough, and the smallest answer wins", function (t)
	says_numbers(t, 1);
	t:pass(3.1); -- so that the two are told apart by their times, in whole seconds
	local since = os.date("!%Y-%m-%dT%H:%M:%SZ");
	t.owner:says("number 2");
	t:forget();
	t:same(history(t.guest, "seconds='2'"), "2", "the last seconds");
	t:same(history(t.guest, "seconds='600'"), "1 2", "the last 600 seconds");
	t:same(history(t.guest, ("since='%s'"):format(since)), "2", "since then");
	t:same(history(t.guest, "since='1970-01-01T00:00:00Z'"), "1 2", "since ever");
	t:same(history(t.guest, ("since='%s' maxstanzas='9'"):format(since)), "2");
	t:same(history(t.guest, "seconds='600' maxstanzas='1' maxchars='65000'"), "2");
	t:same(history(t.guest, ("since='%s' seconds='600' maxchars='0'"):format(since)), "");
	t:same(history(t.guest, ("since='1970-01-01T00:00:00Z' seconds='2' maxstanzas='9'")), "2");
end };

test { { 55, 54 }, "nobody gets more than the service keeps, whatever it asks for", set = "capped", function (t)
	says_numbers(t, 5);
	t:same(history(t.guest, "since='1970-01-01T00:00:00Z'"), "3 4 5");
	t:same(history(t.guest, "maxstanzas='100'"), "3 4 5");
end };

test { { 56, 57 }, "neither subjects nor whispers are in history", function (t)
	t:create();
	t:enter("other");
	t.owner:sets_subject("Roses");
	t.owner:sets_subject("Violets");
	t.owner:whispers("other", "psst");
	t.owner:says("number 1");
	t.guest:join();
	t.guest:gets_only(presence {}, presence {}, presence { "guest", as = "none/participant", status = "110" },
		message { "owner", body = "number 1" }, subject { subject = "Violets" });
end };

test { 58, "history keeps ids and occupant ids", function (t)
	t:create();
	local id = t.owner:says("number 1", "<markable xmlns='urn:xmpp:chat-markers:0'/>");
	local live = t.owner:gets(message { "owner", body = "number 1" });
	t.guest:join();
	local late = t.guest:gets(message { "owner", body = "number 1", id = id,
		with = "<markable xmlns='urn:xmpp:chat-markers:0'/>" });
	for _, kind in ipairs({ { "occupant-id", "urn:xmpp:occupant-id:0" }, { "stanza-id", "urn:xmpp:sid:0" } }) do
		local mine, theirs = words.children(live, kind[1], kind[2])[1], words.children(late, kind[1], kind[2])[1];
		t:same(theirs and theirs.attr.id, mine and mine.attr.id, kind[1]);
	end
end };

test { { 58, "C6" }, "history keeps occupant ids", function (t)
	t:create();
	t.owner:says("number 1");
	t.guest:join();
	local late = t.guest:gets(message { "owner", body = "number 1" });
	t:same(#words.children(late, "occupant-id", "urn:xmpp:occupant-id:0"), 1, "the number of occupant ids");
end };

local OLD = "<delay xmlns='urn:xmpp:delay' from='%s' stamp='2002-10-13T23:58:37Z'/>";

test { 59, "what an owner brings along with its own delay keeps that, without another",
	stock = "adds one of the room", function (t)
	t:create();
	t.owner:says("number 1", OLD:format("{owner.bare}"));
	t.guest:join();
	local got = t.guest:gets(message { "owner", body = "number 1", with = OLD:format("{owner.bare}") });
	t:same(#words.children(got, "delay", NS_DELAY), 1, "the number of delays");
end };

test { { 59, 70 }, "a delay that claims to be the room's is not believed", function (t)
	t:create();
	t.owner:says("number 1", OLD:format("{room}"));
	t.guest:join();
	t.guest:gets(message { "owner", body = "number 1", with = DELAY, without = OLD:format("{room}") });
end };

test { 60, "the subject comes last, without a body, with the time when it was set", function (t)
	t:create();
	t.owner:sets_subject("Roses");
	t.guest:join();
	local got = t.guest:gets(subject { subject = "Roses", with = DELAY });
	t.check(got.attr.from == t.room or got.attr.from == t.room .. "/owner", "from " .. got.attr.from);
	t.guest:gets_no(message {});
end };

test { 61, "without a subject an empty one is sent", function (t)
	t:create();
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" }, subject { subject = "" });
end };

test { 61, "a cleared subject is sent empty, with the time when it was cleared", function (t)
	t:create();
	t.owner:sets_subject("Roses");
	t.owner:sets_subject("");
	t.guest:join();
	t.guest:gets(subject { subject = "", with = DELAY });
end };
