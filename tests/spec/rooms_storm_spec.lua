-- SPDX-License-Identifier: MIT
-- Storms of joins and leaves: work is spread over turns, in order (pace.lua), and presences for newcomers are kept.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local new_pace = require "sx.muc.pace".new;
local weigh = require "sx.muc.pace".weigh;
local st = rooms_world.st;

local COST = 0.002; -- seconds of an entry, of a clock that nothing else moves

describe("pace", function ()
	local time, later, done, turns, full, pacer;

	local function entry(key, is_heavy, is_end)
		return { key = key, is_heavy = is_heavy ~= false, is_end = is_end, name = key };
	end

	-- Lets turns pass until nothing more is wanted of them; notes what each has done.
	local function run_turns()
		while #later > 0 do
			local calls, before = later, #done;
			later = {};
			for _, call in ipairs(calls) do
				call();
			end
			turns[#turns + 1] = #done > before and #done - before or nil;
		end
	end

	before_each(function ()
		time, later, done, turns, full = 0, {}, {}, {}, false;
		pacer = new_pace({
			clock = function () return time; end;
			soon = function (call) later[#later + 1] = call; end;
			is_full = function () return full; end;
			fail = function (err) done[#done + 1] = "failed: " .. tostring(err):match("[^\n]*"); end;
			refuse = function (refused) return "refused " .. refused.name; end;
			work = function (one)
				time = time + (one.is_heavy and COST or 0);
				done[#done + 1] = one.name;
				return one.inner and one.inner();
			end;
		});
	end);

	it("does at once what there is time for", function ()
		pacer:give(entry("a"));
		pacer:give(entry("b"));
		assert.same({ "a", "b" }, done);
		run_turns();
		assert.same({}, turns);
	end);

	it("spreads a storm over turns, a few in each, in order", function ()
		local names = {};
		for i = 1, 100 do
			names[i] = "user" .. i;
			pacer:give(entry(names[i]));
		end
		assert.equal(3, #done);
		run_turns();
		assert.same(names, done);
		for _, count in ipairs(turns) do
			assert.is_true(count <= 3);
		end
		assert.equal(0, pacer:count());
		assert.equal(0, pacer.long);
	end);

	it("lets light work pass, but not that of somebody who waits", function ()
		for i = 1, 4 do
			pacer:give(entry("user" .. i));
		end
		pacer:give(entry("other", false));
		pacer:give(entry("user4", false));
		assert.same({ "user1", "user2", "user3", "other" }, done);
		run_turns();
		assert.same({ "user1", "user2", "user3", "other", "user4", "user4" }, done);
	end);

	it("does one entry in a turn while what was sent is still to leave", function ()
		for i = 1, 10 do
			pacer:give(entry("user" .. i));
		end
		full = true;
		run_turns();
		assert.same({ 1, 1, 1, 1, 1, 1, 1 }, turns);
	end);

	it("goes on although the host never gets round to its timers", function ()
		for i = 1, 10 do
			pacer:give(entry("user" .. i));
		end
		time = time + 1;
		pacer:give(entry("other", false));
		assert.equal(7, #done);
	end);

	it("goes on where other work has taken as long", function ()
		for i = 1, 20 do
			time = time + COST;
			pacer:give(entry("user" .. i));
		end
		assert.equal(20, #done);
	end);

	it("keeps heavy work apart that comes out of heavy work", function ()
		local first = entry("first");
		function first.inner()
			pacer:give(entry("second"));
			assert.same({ "first" }, done);
		end
		pacer:give(first);
		run_turns();
		assert.same({ "first", "second" }, done);
	end);

	it("survives what fails", function ()
		local first = entry("first");
		function first.inner()
			error("no", 0);
		end
		assert.is_true(pacer:give(first));
		pacer:give(entry("second"));
		assert.same({ "first", "failed: no", "second" }, done);
	end);

	it("refuses what is too much, but no end", function ()
		for i = 1, 3 do
			pacer:give(entry("user" .. i));
		end
		for i = 1, 10000 do
			assert.is_true(pacer:give(entry("more" .. i)));
		end
		assert.equal("refused new", pacer:give(entry("new")));
		assert.is_true(pacer:give(entry("more1", true, true)));
		assert.equal(10001, pacer:count());
	end);

	it("takes the last word of who floods", function ()
		for _ = 1, 53 do
			pacer:give(entry("user"));
		end
		assert.equal("refused user", pacer:give(entry("user")));
		local last = entry("user", true, true);
		last.name = "leave";
		assert.is_true(pacer:give(last));
		run_turns();
		assert.equal("leave", done[#done]);
		assert.equal(53, #done);
	end);

	it("leaves nothing behind", function ()
		for i = 1, 20 do
			pacer:give(entry("user" .. i));
		end
		pacer:finish();
		assert.equal(20, #done);
		assert.is_nil(next(pacer.entries));
		assert.is_nil(next(pacer.of_key));
	end);
end);

local world, room;

local function jid_of(i)
	return ("user%d@example.org/crowd"):format(i);
end

local function fill(count)
	world = rooms_world.new({ locking = false });
	room = world:create("owner@example.org/first", "owner");
	for i = 1, count do
		world:join(room, jid_of(i), "user" .. i);
	end
	world:take();
end

-- nick -> text of the presence that a newcomer is shown
local function seen_by(jid, nick)
	world:join(room, jid, nick);
	local seen = {};
	for _, stanza in ipairs(world:take_for(jid)) do
		if stanza.name == "presence" then
			assert.equal(jid, stanza.attr.to);
			stanza.attr.to, stanza.attr.id = nil, nil;
			seen[stanza.attr.from:match("/(.*)")] = tostring(stanza);
		end
	end
	world:give(room, "handle_presence_to_occupant", world.presence(jid, room.jid .. "/" .. nick, false, "unavailable"));
	world:take();
	return seen;
end

-- Newcomers see the same with and without what is kept, with real JIDs and without.
local function see_the_truth()
	for _, jid in ipairs({ "new@example.org/x", "admin@example.org/x" }) do
		seen_by(jid, "new");
		local kept = seen_by(jid, "new");
		world.has_unknown_builders = true;
		assert.same(seen_by(jid, "new"), kept);
		world.has_unknown_builders = false;
	end
end

describe("presences for newcomers", function ()
	before_each(function () fill(5); end);

	local function lists()
		local stanzas = {};
		world.env.carry = function (operations)
			for _, operation in ipairs(operations) do
				for _, stanza in ipairs(operation.kind == "list" and operation.stanzas or {}) do
					stanzas[#stanzas + 1] = stanza;
				end
			end
		end;
		world.env.plan.carry = world.env.carry;
		for _ = 1, 2 do
			world.env.plan:run(room.send_occupant_list, room, "new@example.org/x");
		end
		return stanzas;
	end

	it("are made once", function ()
		local stanzas = lists();
		assert.equal(12, #stanzas);
		for i = 1, 6 do
			assert.equal(stanzas[i], stanzas[i + 6]);
			assert.is_true(stanzas[i].is_lasting);
		end
	end);

	it("are made anew where an unknown handler may add something", function ()
		world.has_unknown_builders = true;
		local stanzas = lists();
		assert.not_equal(stanzas[1], stanzas[7]);
		assert.is_nil(stanzas[1].is_lasting);
	end);

	it("are true after each change", function ()
		see_the_truth();
		world:give(room, "handle_presence_to_occupant",
			world.presence(jid_of(1), room.jid .. "/user1"):text_tag("show", "away"));
		see_the_truth();
		world:give(room, "handle_presence_to_occupant", world.presence(jid_of(1), room.jid .. "/other"));
		see_the_truth();
		room:set_role(true, room.jid .. "/user2", "visitor");
		see_the_truth();
		room:set_affiliation(true, "user3@example.org", "member");
		see_the_truth();
		room:set_affiliation_data("user3@example.org", "hats", { ["urn:example:hat"] = { active = true, title = "Hat" } });
		see_the_truth();
		room:set_affiliation_data("user3@example.org", "hats", nil);
		see_the_truth();
		world:give(room, "handle_presence_to_occupant",
			world.presence("user4@example.org/second", room.jid .. "/user4", true));
		see_the_truth();
		room:set_whois("anyone");
		see_the_truth();
	end);

	it("notice in time an affiliation that nobody has told them of", function ()
		see_the_truth();
		room._affiliations["user5@example.org"] = "member";
		world.time = world.time + 11;
		see_the_truth();
		assert.truthy(seen_by("new@example.org/x", "new").user5:find("affiliation='member'"));
	end);

	it("go when their occupants go", function ()
		see_the_truth();
		for i = 1, 5 do
			world:give(room, "handle_presence_to_occupant",
				world.presence(jid_of(i), room.jid .. "/user" .. i, false, "unavailable"));
		end
		collectgarbage();
		collectgarbage();
		local count = 0;
		for _ in pairs(room._listed) do
			count = count + 1;
		end
		assert.equal(1, count); -- the owner's
	end);
end);

describe("who is on the way out", function ()
	it("is not shown who else goes", function ()
		fill(3);
		room:note_leaving(jid_of(1), true);
		room:note_leaving(jid_of(2), true);
		local function lose(i)
			room:note_leaving(jid_of(i), false);
			world:give(room, "handle_presence_to_occupant", st.stanza("presence",
				{ from = jid_of(i), to = room.jid .. "/user" .. i, type = "error" })
				:tag("error", { type = "cancel" })
				:tag("remote-server-not-found", { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):reset());
		end
		lose(1);
		assert.equal(1, #world:take_for(jid_of(1)));
		assert.equal(0, #world:take_for(jid_of(2)));
		assert.equal(1, #world:take_for(jid_of(3)));
		lose(2);
		assert.equal(0, #world:take_for(jid_of(1)));
		assert.equal(1, #world:take_for(jid_of(2)));
		assert.equal(1, #world:take_for(jid_of(3)));
		assert.is_falsy(room._leaving);
	end);

	it("is who can be taken out of a large room, by a word of its own or an error that says that it is gone", function ()
		fill(23);
		assert.same({ false, false }, { weigh(room, world.presence(jid_of(1), room.jid .. "/x", false, "unavailable")) });
		fill(24);
		local function error_of(name, condition)
			return st.stanza(name, { from = jid_of(1), to = room.jid, type = "error" }):tag("error", { type = "cancel" })
				:tag(condition, { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):reset();
		end
		local function weight(stanza)
			return { weigh(room, stanza) };
		end
		local to = room.jid .. "/user1";
		assert.same({ true, true }, weight(world.presence(jid_of(1), to, false, "unavailable")));
		assert.same({ true, true }, weight(error_of("presence", "gone")));
		assert.same({ true, true }, weight(error_of("message", "gone")));
		assert.same({ false, false }, weight(error_of("message", "not-acceptable")));
		assert.same({ false, false }, weight(error_of("iq", "gone")));
		assert.same({ false, false }, weight(world.presence(jid_of(25), to, false, "unavailable")));
		assert.same({ true, false }, weight(world.presence(jid_of(25), to, true)));
		assert.same({ false, false }, weight(world.presence(jid_of(1), to, false, "probe")));
		assert.same({ false, false }, weight(st.message({ from = jid_of(1), to = room.jid, type = "groupchat" })));
	end);
end);
