-- SPDX-License-Identifier: MIT
local rooms_world = dofile "tests/spec/rooms_world.lua";
local bounded = require "sx.muc.bounded";
local same = require "sx.muc.same";
local st = rooms_world.st;
local presence = rooms_world.new().presence;

local USER, JINGLE = "http://jabber.org/protocol/muc#user", "urn:xmpp:jingle:1";
local MUJI = "urn:xmpp:jingle:muji:0";
local ROMEO, JULIET = "romeo@one.example/orchard", "juliet@two.example/balcony";
local PHONE, NURSE = "juliet@two.example/phone", "nurse@three.example/chamber";
local ROOM = "room@rooms.example.org";

local function muji(from, nick, is_join)
	return presence(from, ROOM .. "/" .. nick, is_join):tag("muji", { xmlns = MUJI })
		:tag("preparing"):reset();
end

local function jingle(from, nick, attr)
	attr.xmlns = JINGLE;
	return st.iq({ type = "set", id = "asked", from = from, to = ROOM .. "/" .. nick }):tag("jingle", attr):reset();
end

local function result(request, from)
	return st.iq({ type = "result", id = request.attr.id, from = from, to = request.attr.from });
end

local function failure(request, from, condition, by, text)
	local reply = st.error_reply(request, "cancel", condition, text, by);
	reply.attr.from = from;
	return reply;
end

local function condition_of(stanza)
	return (select(2, stanza:get_error()));
end

describe("a call through a room", function ()
	local world, room;

	local function give(stanza)
		world:give(room, "handle_iq_to_occupant", stanza);
		return world:take();
	end

	local function show(stanza)
		world:give(room, "handle_presence_to_occupant", stanza);
		return world:take();
	end

	before_each(function ()
		world = rooms_world.new({ locking = false });
		room = world:create(NURSE, "nurse"); -- the moderator
		world:join(room, ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
	end);

	it("keeps what it carries, but for from, to and id", function ()
		local sent = jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s1" });
		sent.attr["xml:lang"] = "it";
		sent.tags[1]:tag("content", { name = " a & b ", creator = "initiator" })
			:tag("unknown", { xmlns = "urn:x:y", ["urn:z\1k"] = "<v>" }):text("  t\n<> "):up():tag("muji"):up():up();
		local got = give(sent)[1];
		assert.is_true(same(sent, got, { from = true, to = true, id = true }));
		assert.same({ ROOM .. "/romeo", JULIET }, { got.attr.from, got.attr.to });
		assert.not_equal("asked", got.attr.id);
		local answer = give(result(got, JULIET))[1];
		assert.same({ ROOM .. "/juliet", ROMEO, "asked" }, { answer.attr.from, answer.attr.to, answer.attr.id });
		assert.same({}, give(result(got, JULIET))); -- only once
	end);

	it("goes to the session that shows itself in the call, and stays with it", function ()
		show(presence(PHONE, ROOM .. "/juliet", true));
		show(muji(PHONE, "juliet"));
		local first = give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s1" }))[1];
		assert.equal(PHONE, first.attr.to);
		show(muji(JULIET, "juliet"));
		assert.equal(JULIET, give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s2" }))[1].attr.to);
		assert.equal(PHONE, give(jingle(ROMEO, "juliet", { action = "transport-info", sid = "s1" }))[1].attr.to);
		assert.equal(ROMEO, give(jingle(PHONE, "romeo", { action = "session-accept", sid = "s1" }))[1].attr.to);
		show(presence(JULIET, ROOM .. "/juliet")); -- out of the call again
		assert.equal(PHONE, give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s3" }))[1].attr.to);
		assert.equal(JULIET, give(jingle(ROMEO, "juliet", { action = "session-info", sid = "s2" }))[1].attr.to);
		give(jingle(ROMEO, "juliet", { action = "session-terminate", sid = "s2" }));
		assert.equal(PHONE, give(jingle(ROMEO, "juliet", { action = "session-info", sid = "s2" }))[1].attr.to);
	end);

	it("shows others the session that is in the call", function ()
		show(presence(PHONE, ROOM .. "/juliet", true));
		local seen;
		world:give(room, "handle_presence_to_occupant", muji(PHONE, "juliet"));
		seen = world:take_for(ROMEO)[1];
		assert.is_truthy(seen:get_child("muji", MUJI));
	end);

	it("follows a change of nick, and so do questions under way", function ()
		local asked = give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s1" }))[1];
		for _, stanza in ipairs(show(muji(JULIET, "jule"))) do
			assert.not_equal("iq", stanza.name);
			if stanza.attr.type == nil then
				assert.is_truthy(stanza:get_child("muji", MUJI));
			end
		end
		assert.equal(ROOM .. "/juliet", give(result(asked, JULIET))[1].attr.from);
		assert.equal(JULIET, give(jingle(ROMEO, "jule", { action = "session-info", sid = "s1" }))[1].attr.to);
		assert.equal(ROOM .. "/jule", give(jingle(JULIET, "romeo", { action = "session-info", sid = "s1" }))[1].attr.from);
	end);

	it("does not remember sids and ids without bounds", function ()
		assert.equal(JULIET, give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = ("x"):rep(300) }))[1].attr.to);
		assert.is_nil(room._calls);
		local long = jingle(ROMEO, "juliet", { action = "session-info", sid = "s1" });
		long.attr.id = ("x"):rep(2000);
		assert.equal("policy-violation", condition_of(give(long)[1]));
	end);

	for _, case in ipairs({
		{ "another room is refused", "other@rooms.example.org", "policy-violation" },
		{ "no room at all is refused", "a b@@", "policy-violation" },
		{ "this room, written otherwise, passes", "ROOM@rooms.Example.org" },
	}) do
		it("that names " .. case[1], function ()
			local refused = 0;
			world.env.hook("muc-scion-iq-refused", function () refused = refused + 1; end);
			local iq = jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s1" });
			iq.tags[1]:tag("muji", { xmlns = MUJI, room = case[2] });
			local got = give(iq);
			assert.equal(1, #got);
			assert.equal(case[3], condition_of(got[1]));
			assert.equal(case[3] and ROMEO or JULIET, got[1].attr.to);
			assert.equal(case[3] and 1 or 0, refused);
		end);
	end

	describe("in a semi-anonymous room", function ()
		for _, case in ipairs({
			{ "its own", ROMEO, ROOM .. "/romeo" },
			{ "its own, bare and in capitals", "Romeo@one.example", ROOM .. "/romeo" },
			{ "the recipient's", PHONE, ROOM .. "/juliet" },
			{ "an occupant JID", ROOM .. "/romeo", ROOM .. "/romeo" },
			{ "somebody else's, who is here", NURSE, nil },
			{ "somebody else's, who is not", "paris@four.example/x", nil },
			{ "none at all", "@@", nil },
			{ "nothing", "", nil },
		}) do
			it("says for a JID that is " .. case[1] .. " what one may know", function ()
				local got = give(jingle(ROMEO, "juliet", { action = "session-accept", sid = "s", initiator = case[2],
					responder = case[2] }))[1].tags[1].attr;
				assert.equal(case[3], got.initiator);
				assert.equal(case[3], got.responder);
			end);
		end

		it("leaves a moderator all", function ()
			local got = give(jingle(ROMEO, "nurse", { action = "session-initiate", sid = "s", initiator = ROMEO }))[1];
			assert.equal(ROMEO, got.tags[1].attr.initiator);
		end);

		for _, case in ipairs({
			{ "remote-server-not-found", "two.example", "No route to two.example" },
			{ "service-unavailable", JULIET, "JULIET is away" },
			{ "feature-not-implemented", nil, "What is this?", "What is this?" },
		}) do
			it("says of an error " .. case[1] .. " nothing of who it comes from", function ()
				local asked = give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s", initiator = ROMEO }))[1];
				local back = failure(asked, JULIET, case[1], case[2], case[3]);
				back:reset():add_child(st.stanza("jingle", { xmlns = JINGLE, responder = JULIET, initiator = ROMEO }));
				local got = give(back)[1];
				assert.equal(ROOM .. "/juliet", got.attr.from);
				assert.equal("asked", got.attr.id);
				local _, condition, text = got:get_error();
				assert.same({ case[1], case[4] }, { condition, text });
				assert.is_nil(tostring(got):lower():find("two.example", 1, true));
				assert.equal(ROOM .. "/juliet", got:get_child("jingle", JINGLE).attr.responder);
			end);
		end

		it("hides where somebody has gone", function ()
			local asked = give(jingle(ROMEO, "juliet", { action = "session-info", sid = "s" }))[1];
			local back = failure(asked, JULIET, "redirect");
			back:get_child("error").tags[1]:text("xmpp:juliet@elsewhere.example");
			assert.is_nil(tostring(give(back)[1]):find("elsewhere", 1, true));
		end);

		it("tells moderators whole errors", function ()
			local asked = give(jingle(NURSE, "juliet", { action = "session-info", sid = "s" }))[1];
			local got = give(failure(asked, JULIET, "service-unavailable", "two.example", "two.example is down"))[1];
			assert.same({ "two.example", "two.example is down" },
				{ got:get_child("error").attr.by, (select(3, got:get_error())) });
		end);
	end);

	it("is refused where it is too large for the recipient, and so is an answer", function ()
		local iq = jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s1" });
		iq.tags[1]:text_tag("blob", ("x"):rep(200 * 1024));
		local got = give(iq);
		assert.equal(JULIET, got[1].attr.to);
		local answer = result(got[1], JULIET):text_tag("blob", ("x"):rep(300 * 1024));
		assert.equal("policy-violation", condition_of(give(answer)[1]));
		world.env.peer_bytes = function (domain) return domain == "two.example" and 100000 or nil; end
		got = give(iq);
		assert.same({ 1, ROMEO, ROOM .. "/juliet" }, { #got, got[1].attr.to, got[1].attr.from });
		assert.equal("policy-violation", condition_of(got[1]));
	end);

	it("ends with an error when its target goes", function ()
		show(presence(PHONE, ROOM .. "/juliet", true));
		show(muji(PHONE, "juliet"));
		give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s1" }));
		local first = show(presence(PHONE, ROOM .. "/juliet", false, "unavailable"));
		local errors = 0;
		for _, stanza in ipairs(first) do
			if stanza.name == "iq" then
				errors = errors + 1;
				assert.same({ ROMEO, "asked", "recipient-unavailable" },
					{ stanza.attr.to, stanza.attr.id, condition_of(stanza) });
			end
		end
		assert.equal(1, errors);
		give(jingle(ROMEO, "juliet", { action = "session-initiate", sid = "s2" }));
		show(presence(JULIET, ROOM .. "/juliet", false, "unavailable"));
		assert.equal("item-not-found", condition_of(give(jingle(ROMEO, "juliet", { action = "x", sid = "s2" }))[1]));
		assert.equal(0, room._pending.count);
	end);

	it("is not for those outside", function ()
		assert.equal("not-acceptable",
			condition_of(give(jingle("paris@four.example/x", "juliet", { action = "session-initiate", sid = "s" }))[1]));
	end);

	it("is not in the history", function ()
		show(muji(ROMEO, "romeo"));
		assert.is_nil(room._history);
		local invite = st.message({ type = "groupchat", from = ROMEO, to = ROOM, id = "i" })
			:tag("invite", { xmlns = "urn:xmpp:call-invites:0" }):up():tag("store", { xmlns = "urn:xmpp:hints" }):up();
		world:give(room, "handle_groupchat_to_room", invite);
		assert.equal(1, #room._history);
	end);
end);

describe("presence that says nothing new", function ()
	local world, room;

	before_each(function ()
		world = rooms_world.new({ locking = false });
		room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
	end);

	local function count_for(jid)
		return #world:take_for(jid);
	end

	it("comes back to its sender and goes to nobody else", function ()
		world:give(room, "handle_presence_to_occupant", muji(ROMEO, "romeo"));
		assert.equal(1, count_for(JULIET));
		assert.equal(1, count_for(ROMEO));
		local again = muji(ROMEO, "romeo");
		again.attr.id = "again";
		world:give(room, "handle_presence_to_occupant", again);
		assert.equal(0, count_for(JULIET));
		local own = world:take_for(ROMEO)[1];
		assert.equal("again", own.attr.id);
		assert.equal("110", own:get_child("x", USER):get_child("status").attr.code);
	end);

	it("is told from one with other content, or in another session", function ()
		world:give(room, "handle_presence_to_occupant", muji(ROMEO, "romeo"));
		world:take();
		local more = muji(ROMEO, "romeo");
		more.tags[1]:tag("content", { name = "a" });
		world:give(room, "handle_presence_to_occupant", more);
		assert.equal(1, count_for(JULIET));
		world:give(room, "handle_presence_to_occupant", muji("romeo@one.example/phone", "romeo", true));
		assert.equal(1, count_for(JULIET));
	end);
end);

describe("a probe", function ()
	it("asks each session it is meant for, without a word to read", function ()
		local world = rooms_world.new({ locking = false });
		local room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
		world.env.plan:run(room.probe_sessions, room, room:sessions_of("two.example"));
		local sent = world:take();
		assert.same({ 1, JULIET, "groupchat", ROOM }, { #sent, sent[1].attr.to, sent[1].attr.type, sent[1].attr.from });
		assert.is_nil(sent[1]:get_child("body"));
		world:give(room, "handle_message_to_room", failure(sent[1], JULIET, "remote-server-not-found"));
		assert.is_nil(room:get_occupant_jid(JULIET));
		local seen = world:take_for(ROMEO)[1];
		assert.equal("333", seen:get_child("x", USER):get_child("status").attr.code);
	end);
end);

describe("a bounded map", function ()
	it("lets the oldest go, whatever else came and went", function ()
		local map = bounded.new(2);
		assert.is_nil(map:put("a", 1));
		for i = 1, 10 do
			assert.is_nil(map:put("b", i));
			assert.equal(i, map:take("b"));
		end
		assert.is_nil(map:put("b", 2));
		assert.equal(1, map:put("c", 3));
		assert.same({ nil, 2, 3 }, { map:get("a"), map:get("b"), map:get("c") });
		map:put("b", 4); -- the newest now
		assert.equal(3, map:put("d", 5));
		local keys = {};
		for key in map:each() do
			keys[#keys + 1] = key;
			map:take(key);
		end
		assert.same({ "b", "d" }, keys);
		assert.equal(0, map.count);
		assert.is_nil(map:take("b"));
	end);
end);
