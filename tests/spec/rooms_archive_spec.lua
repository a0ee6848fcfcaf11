-- SPDX-License-Identifier: MIT
local archive_world = dofile "tests/spec/archive_world.lua";
local new_expiry = require "sx.muc.expiry".new;
local st = archive_world.st;

local MAM, SID, USER = "urn:xmpp:mam:2", "urn:xmpp:sid:0", "http://jabber.org/protocol/muc#user";
local HINTS, MUC = "urn:xmpp:hints", "http://jabber.org/protocol/muc";
local ROMEO, JULIET, NURSE = "romeo@example.org/orchard", "juliet@example.org/balcony", "nurse@example.org/hall";

describe("the archive of a room", function ()
	local world, room;

	before_each(function ()
		world = archive_world.new();
		room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
	end);

	local function message(from, text)
		local stanza = st.message({ type = "groupchat", from = from, to = room.jid, id = "m" });
		return text and stanza:text_tag("body", text) or stanza;
	end

	-- What Juliet is sent of a message.
	local function say(from, what)
		world:give(room, "handle_message_to_room", type(what) == "string" and message(from, what) or what);
		return world:take_for(JULIET)[1];
	end

	local function ids_in(stanza)
		local ids = {};
		for child in stanza:childtags("stanza-id", SID) do
			ids[#ids + 1] = child.attr.by == room.jid and child.attr.id or nil;
		end
		return ids;
	end

	local function ask(from, fields, set, flip)
		world:take();
		local iq = st.iq({ type = "set", id = "q", from = from, to = room.jid }):query(MAM);
		iq.tags[1].attr.queryid = "f";
		iq:tag("x", { xmlns = "jabber:x:data", type = "submit" })
			:tag("field", { var = "FORM_TYPE", type = "hidden" }):text_tag("value", MAM):up();
		for name, value in pairs(fields or {}) do
			iq:tag("field", { var = name });
			for _, one in ipairs(type(value) == "table" and value or { value }) do
				iq:text_tag("value", one);
			end
			iq:up();
		end
		iq:up();
		iq:tag("set", { xmlns = "http://jabber.org/protocol/rsm" });
		for name, value in pairs(set or {}) do
			iq:text_tag(name, value);
		end
		iq:up();
		if flip then
			iq:tag("flip-page"):up();
		end
		world:give(room, "handle_mam_query", iq);
		local list = world:take();
		local answer = table.remove(list);
		return list, answer;
	end

	local function forwarded(result)
		return result:get_child("result", MAM):get_child("forwarded", "urn:xmpp:forward:0")
			:get_child("message", "jabber:client");
	end

	local function bodies(list)
		local texts = {};
		for i, result in ipairs(list) do
			texts[i] = forwarded(result):get_child_text("body");
		end
		return table.concat(texts, " ");
	end

	local function condition(answer)
		return (select(2, answer:get_error()));
	end

	it("keeps one copy of a message, under the id that everybody is told", function ()
		local seen = say(ROMEO, "one");
		assert.same({ "a1" }, ids_in(seen));
		assert.equal(1, #archive_world.kept(world, room));
		local list = ask(JULIET);
		assert.equal("a1", list[1]:get_child("result", MAM).attr.id);
		assert.equal("one", bodies(list));
	end);

	it("does not believe ids and <x/> of clients", function ()
		local forged = message(ROMEO, "mine"):tag("stanza-id", { xmlns = SID, by = room.jid, id = "forged" }):up()
			:tag("stanza-id", { xmlns = SID, by = "other@example.org", id = "theirs" }):up()
			:tag("x", { xmlns = USER }):tag("item", { jid = "benvolio@example.org" }):up():up();
		local seen = say(ROMEO, forged);
		assert.same({ "a1" }, ids_in(seen));
		local kept = archive_world.kept(world, room)[1];
		assert.equal("romeo@example.org", kept:get_child("x", USER):get_child("item").attr.jid);
		assert.same({}, ids_in(kept));
		assert.is_nil(kept.attr.to);
		local subject = st.message({ type = "groupchat", from = ROMEO, to = room.jid }):text_tag("subject", "night")
			:tag("stanza-id", { xmlns = SID, by = room.jid, id = "forged" }):up();
		assert.same({ "a2" }, ids_in(say(ROMEO, subject)));
	end);

	it("keeps what people would look for, and nothing else", function ()
		local rows = {
			{ message(ROMEO, "text"), true },
			{ message(ROMEO):text_tag("subject", "a subject"), true },
			{ message(ROMEO):tag("displayed", { xmlns = "urn:xmpp:chat-markers:0" }):up(), true },
			{ message(ROMEO):tag("reactions", { xmlns = "urn:xmpp:reactions:0", id = "a1" }):up(), true },
			{ message(ROMEO):tag("retract", { xmlns = "urn:xmpp:message-retract:1", id = "zz" }):up(), true },
			{ message(ROMEO):tag("invite", { xmlns = "urn:xmpp:call-invites:0" }):up():tag("store", { xmlns = HINTS }):up(),
				true },
			{ message(ROMEO):tag("composing", { xmlns = "http://jabber.org/protocol/chatstates" }):up(), false },
			{ message(ROMEO, "secret"):tag("no-store", { xmlns = HINTS }):up(), false },
			{ message(ROMEO):tag("retract", { xmlns = "urn:xmpp:message-retract:1", id = "zz" }):up()
				:tag("no-store", { xmlns = HINTS }):up(), false },
			{ message(NURSE, "from outside"), false, true },
		};
		for number, row in ipairs(rows) do
			local before = #archive_world.kept(world, room);
			local seen = say(ROMEO, row[1]);
			assert.equal(row[2], #archive_world.kept(world, room) > before, "row " .. number);
			assert.equal(row[3] and 0 or 1, seen and #ids_in(seen) or 0, "row " .. number);
		end
		world:give(room, "handle_presence_to_occupant", st.presence({ from = ROMEO, to = room.jid .. "/romeo" })
			:tag("muji", { xmlns = "urn:xmpp:jingle:muji:0" }):up());
		world:give(room, "handle_message_to_occupant",
			st.message({ type = "chat", from = ROMEO, to = room.jid .. "/juliet" }):text_tag("body", "psst"));
		world:give(room, "handle_message_to_room",
			st.message({ type = "error", from = ROMEO, to = room.jid }):tag("error", { type = "wait" }):up());
		assert.equal(6, #archive_world.kept(world, room));
	end);

	it("answers for what came after a message that it did not keep", function ()
		say(ROMEO, "one");
		local passed = ids_in(say(ROMEO, message(ROMEO):tag("x", { xmlns = "urn:x:state" }):up()))[1];
		assert.equal("a1~", passed:sub(1, 3));
		say(ROMEO, "two");
		assert.equal("two", bodies((ask(JULIET, nil, { after = passed }))));
		assert.equal("item-not-found", condition(select(2, ask(JULIET, nil, { after = "a9~x" }))));
	end);

	it("answers in pages", function ()
		for i = 1, 7 do
			world.time = 1000 + i;
			say(ROMEO, tostring(i));
		end
		local rows = {
			{ {}, { max = "3" }, "1 2 3", "a1", "a3" },
			{ {}, { max = "3", after = "a3" }, "4 5 6", "a4", "a6" },
			{ {}, { max = "3", after = "a4" }, "5 6 7", "a5", "a7", true },
			{ {}, { max = "3", before = "" }, "5 6 7", "a5", "a7" },
			{ {}, { max = "3", before = "a5" }, "2 3 4", "a2", "a4" },
			{ {}, { max = "3", before = "a4" }, "1 2 3", "a1", "a3", true },
			{ { start = "T1003", ["end"] = "T1005" }, {}, "3 4 5", "a3", "a5", true },
			{ { ["after-id"] = "a2", ["before-id"] = "a6" }, {}, "3 4 5", "a3", "a5", true },
			{ { ["after-id"] = "a2", ["before-id"] = "a6" }, { max = "2", before = "" }, "4 5", "a4", "a5" },
			{ { ids = { "a2", "a6", "a2" } }, {}, "2 6", "a2", "a6", true },
			{ { with = "room@rooms.example.org/juliet" }, {}, "", nil, nil, true },
			{ { with = "room@rooms.example.org/romeo" }, { max = "2", before = "" }, "6 7", "a6", "a7" },
		};
		for number, row in ipairs(rows) do
			local list, answer = ask(JULIET, row[1], row[2]);
			local fin = answer:get_child("fin", MAM);
			local set = fin:get_child("set", "http://jabber.org/protocol/rsm");
			assert.equal(row[3], bodies(list), "row " .. number);
			assert.equal(row[4], set:get_child_text("first"), "row " .. number);
			assert.equal(row[5], set:get_child_text("last"), "row " .. number);
			assert.equal(row[6] and "true" or nil, fin.attr.complete, "row " .. number);
		end
		assert.equal("3 2 1", bodies((ask(JULIET, nil, { max = "3" }, true))));
		assert.equal("7 6 5", bodies((ask(JULIET, nil, { max = "3", before = "" }, true))));
		local list, answer = ask(JULIET, nil, { max = "0" });
		assert.equal(0, #list);
		assert.equal("7", answer:get_child("fin", MAM):get_child("set", "http://jabber.org/protocol/rsm")
			:get_child_text("count"));
	end);

	it("finds who it is asked about a long way back", function ()
		say(JULIET, "first");
		for i = 1, 250 do
			say(ROMEO, tostring(i));
		end
		world.store.finds = 0;
		assert.equal("first", bodies((ask(JULIET, { with = room.jid .. "/juliet" }, { before = "" }))));
		assert.equal("first", bodies((ask(JULIET, { with = "juliet@example.org" }))));
		assert.equal("forbidden", condition(select(2, ask(JULIET, { with = "romeo@example.org" }))));
		assert.equal("first", bodies((ask(ROMEO, { with = "juliet@example.org" }))));
		assert.equal(9, world.store.finds);
	end);

	it("says what is wrong with a question", function ()
		say(ROMEO, "one");
		local many = {};
		for i = 1, 51 do
			many[i] = "a" .. i;
		end
		local rows = {
			{ { start = "yesterday" }, nil, "bad-request" },
			{ { colour = "red" }, nil, "feature-not-implemented" },
			{ { ids = { "a1", "zz" } }, nil, "item-not-found" },
			{ { ids = many }, nil, "policy-violation" },
			{ {}, { max = "-1" }, "bad-request" },
			{ {}, { max = "1.5" }, "bad-request" },
			{ {}, { index = "3" }, "feature-not-implemented" },
			{ {}, { after = "zz" }, "item-not-found" },
			{ {}, { before = "zz" }, "item-not-found" },
			{ { ["before-id"] = "zz" }, nil, "item-not-found" },
			{ { ["after-id"] = "zz" }, { before = "" }, "item-not-found" },
		};
		for _, is_vague in ipairs({ false, true }) do
			world.store.is_vague = is_vague;
			for number, row in ipairs(rows) do
				assert.equal(row[3], condition(select(2, ask(JULIET, row[1], row[2]))), "row " .. number);
			end
		end
		world.store.broken = true;
		assert.equal("internal-server-error", condition(select(2, ask(JULIET))));
		assert.same({ "broken" }, world.failures);
	end);

	it("is for those who may enter", function ()
		say(ROMEO, "one");
		assert.equal("one", bodies((ask(NURSE))));
		room:set_affiliation(true, "nurse@example.org", "outcast");
		assert.equal("forbidden", condition(select(2, ask(NURSE))));
		room:set_affiliation(true, "nurse@example.org", "none");
		room:set_password("rose");
		assert.equal("forbidden", condition(select(2, ask(NURSE))));
		assert.equal("one", bodies((ask(JULIET))));
		room:set_affiliation(true, "nurse@example.org", "member");
		assert.equal("one", bodies((ask(NURSE))));
		room:set_affiliation(true, "nurse@example.org", "none");
		room:set_password(nil);
		world.env.plan:run(room.set_members_only, room, true);
		assert.equal("forbidden", condition(select(2, ask(NURSE))));
		assert.equal("forbidden", condition(select(2, ask(JULIET))));
		assert.equal("one", bodies((ask(ROMEO))));
		room:set_members_only(false);
		world.env.plan:run(room.lock, room);
		assert.equal("item-not-found", condition(select(2, ask(NURSE))));
		assert.equal("one", bodies((ask(ROMEO))));
	end);

	it("tells real JIDs to those who may know them, and occupant ids to all", function ()
		say(JULIET, "one");
		local function jid_for(who)
			local x = forwarded((ask(who))[1]):get_child("x", USER);
			return x and x:get_child("item").attr.jid;
		end
		assert.equal("juliet@example.org", jid_for(ROMEO));
		assert.is_nil(jid_for(JULIET));
		assert.is_truthy(forwarded((ask(NURSE))[1]):get_child("occupant-id", "urn:xmpp:occupant-id:0"));
		room:set_whois("anyone");
		assert.equal("juliet@example.org", jid_for(NURSE));
	end);

	it("says where it begins and ends", function ()
		local function metadata()
			world:take();
			world:give(room, "handle_mam_metadata",
				st.iq({ type = "get", id = "q", from = JULIET, to = room.jid }):tag("metadata", { xmlns = MAM }));
			return world:take()[1]:get_child("metadata", MAM);
		end
		assert.equal(0, #metadata().tags);
		say(ROMEO, "one");
		world.time = 2000;
		say(ROMEO, "two");
		local found = metadata();
		assert.same({ "a1", "T1000" }, { found:get_child("start").attr.id, found:get_child("start").attr.timestamp });
		assert.same({ "a2", "T2000" }, { found:get_child("end").attr.id, found:get_child("end").attr.timestamp });
	end);

	it("lists the fields of a query", function ()
		world:give(room, "handle_mam_form", st.iq({ type = "get", id = "q", from = JULIET, to = room.jid }):query(MAM));
		local names = {};
		for field in world:take()[1]:get_child("query", MAM):get_child("x", "jabber:x:data"):childtags("field") do
			names[#names + 1] = field.attr.var;
		end
		assert.equal("FORM_TYPE with start end before-id after-id ids", table.concat(names, " "));
	end);

	local function features()
		local reply, list = room:get_disco_info(st.iq({ type = "get", id = "d", from = JULIET, to = room.jid })
			:query("http://jabber.org/protocol/disco#info")), {};
		for feature in reply.tags[1]:childtags("feature") do
			list[feature.attr.var] = (list[feature.attr.var] or 0) + 1;
		end
		return list;
	end

	local function configure(value)
		world:take();
		world:give(room, "handle_owner_query_set_to_room", st.iq({ type = "set", id = "c", from = ROMEO, to = room.jid })
			:query("http://jabber.org/protocol/muc#owner"):tag("x", { xmlns = "jabber:x:data", type = "submit" })
			:tag("field", { var = "FORM_TYPE" }):text_tag("value", MUC .. "#roomconfig"):up()
			:tag("field", { var = "muc#roomconfig_enablearchiving" }):text_tag("value", value):up());
		local told = world:take_for(JULIET)[1];
		return told and told:get_child("x", USER):get_child("status").attr.code;
	end

	it("is for the owner to switch off, and on", function ()
		assert.equal(1, features()[MAM]);
		assert.equal(1, features()[MAM .. "#extended"]);
		assert.equal(1, features()[SID]);
		assert.is_nil(configure("1"));
		assert.equal("171", configure("0"));
		assert.is_nil(features()[MAM]);
		assert.equal(1, #ids_in(say(ROMEO, "one")));
		assert.equal(0, #archive_world.kept(world, room));
		assert.equal("service-unavailable", condition(select(2, ask(JULIET))));
		assert.equal("170", configure("1"));
		say(ROMEO, "two");
		assert.equal("two", bodies((ask(JULIET))));
		world.env.archive.all_rooms = true;
		assert.is_nil(configure("0"));
		assert.equal(1, features()[MAM]);
	end);

	it("stands down for another one", function ()
		say(ROMEO, "one");
		world.env.archive.is_ours = false;
		assert.same({}, ids_in(say(ROMEO, "two")));
		assert.equal(1, #archive_world.kept(world, room));
		assert.is_nil(features()[MAM]);
		assert.is_nil(features()[SID]);
		assert.is_nil(configure("0"));
		world.env.emit("muc-room-destroyed", { room = room });
		assert.equal(1, #archive_world.kept(world, room));
	end);

	it("is not needed", function ()
		world.env.archive = nil;
		assert.equal(1, #ids_in(say(ROMEO, "one")));
		assert.equal("service-unavailable", condition(select(2, ask(JULIET))));
		assert.is_nil(features()[MAM]);
		world.env.emit("muc-room-destroyed", { room = room });
	end);

	it("goes with the room", function ()
		say(ROMEO, "one");
		world.env.emit("muc-room-destroyed", { room = room });
		assert.equal(0, #archive_world.kept(world, room));
	end);

	it("gives a room its history back after a restart, once", function ()
		room:set_historylength(3);
		say(ROMEO, message(ROMEO):text_tag("subject", "a subject"));
		for i = 1, 5 do
			say(ROMEO, tostring(i));
		end
		local again = world.kit.restore_room(room:freeze(true));
		local function joined(nick)
			world:take();
			world:give(again, "handle_presence_to_occupant",
				st.presence({ from = NURSE, to = again.jid .. "/" .. nick }):tag("x", { xmlns = MUC }):up());
			local texts = {};
			for _, stanza in ipairs(world:take_for(NURSE)) do
				if stanza:get_child("body") then
					assert.is_truthy(stanza:get_child("delay", "urn:xmpp:delay"));
					assert.same({ "a" .. stanza:get_child_text("body") + 1 }, ids_in(stanza));
					assert.equal("m", stanza.attr.id);
					assert.is_nil(stanza:get_child("x", USER));
					texts[#texts + 1] = stanza:get_child_text("body");
				end
			end
			return table.concat(texts, " ");
		end
		assert.equal("3 4 5", joined("nurse"));
		local finds = world.store.finds;
		assert.equal("3 4 5", joined("nurse"));
		assert.equal(finds, world.store.finds);
		again = world.kit.restore_room(room:freeze(true));
		again._history[1].stanza:remove_children("stanza-id");
		again._history[1].timestamp = 500; -- it was not archived, and is older
		world:give(again, "handle_presence_to_occupant",
			st.presence({ from = NURSE, to = again.jid .. "/nurse" }):tag("x", { xmlns = MUC }):up());
		assert.equal(1, #again._history);
	end);

	it("makes place when it is full, or says that it cannot keep more", function ()
		world.store.most = 2;
		say(ROMEO, "1");
		say(ROMEO, "2");
		assert.equal(1, #ids_in(say(ROMEO, "3")));
		assert.same({ "quota-limit" }, world.failures);
		world.env.archive.make_place = { function () end, function (node)
			world.store:delete(node, { truncate = 1 });
		end };
		say(ROMEO, "4");
		assert.equal("2 4", bodies((ask(JULIET))));
	end);

	it("forgets somebody", function ()
		say(ROMEO, "mine");
		say(JULIET, "hers");
		say(ROMEO, message(ROMEO):text_tag("subject", "my subject"));
		local ids = room:forget_messages_of("romeo@example.org");
		assert.same({ "a1", "a3" }, ids);
		assert.equal(1, #room._history);
		for _, id in ipairs(ids) do
			assert.is_true(room:erase_message(id));
		end
		assert.is_false(room:erase_message("zz"));
		local kept = archive_world.kept(world, room);
		assert.equal(3, #kept);
		assert.equal(room.jid, kept[1].attr.from);
		assert.is_nil(tostring(kept[1]):find("romeo", 1, true));
		assert.is_nil(tostring(kept[3]):find("romeo", 1, true));
		assert.is_truthy(kept[1]:get_child("retracted", "urn:xmpp:message-retract:1"));
		assert.same({}, room:forget_messages_of("romeo@example.org"));
		assert.equal("hers", bodies((ask(JULIET, nil, { after = "a1", max = "1" }))));
	end);

	it("forgets what is too old", function ()
		say(ROMEO, "old");
		world.time = 90000;
		say(ROMEO, "new");
		room:forget_history_before(2000);
		assert.equal(1, #room._history);
		local marks = { ["0"] = { room = true }, ["1"] = { room = true } };
		local job = new_expiry({
			archive = world.store, after = 3600, now = function () return world.time; end,
			date = function (time) return tostring(math.floor(time / 86400)); end,
			days = {
				users = function ()
					local dates = { "0", "1" };
					return function () return table.remove(dates, 1); end;
				end,
				get = function (_, date) return marks[date]; end,
				set = function (_, date, value) marks[date] = value; end,
			},
			marks = { set = function (_, date, node)
				marks[date] = marks[date] or {};
				marks[date][node] = true;
				return true;
			end },
		});
		job:note("room");
		local pauses = 0;
		assert.equal(1, (job:run(function () pauses = pauses + 1; end)));
		assert.equal(1, pauses);
		assert.is_nil(marks["0"]);
		assert.is_truthy(marks["1"]);
		assert.equal("new", bodies((ask(JULIET))));
	end);
end);
