-- SPDX-License-Identifier: MIT
-- Limits of rooms (item 206): what comes too fast waits, then is refused; what is too big is refused.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;

local MUC = "http://jabber.org/protocol/muc";
local ROMEO, JULIET = "romeo@example.org/orchard", "juliet@example.org/balcony";
local NURSE = "nurse@example.org/kitchen";

local world, room;

local function prepare(rates)
	world = rooms_world.new({ locking = false });
	room = world:create(ROMEO, "romeo");
	world:join(room, JULIET, "juliet");
	world:take();
	world.operations = {};
	rates.delay, rates.queue, rates.queue_bytes = rates.delay or 2, rates.queue or 100, rates.queue_bytes or 10000;
	world.env.rates = rates;
end

local function say(text, from)
	world:give(room, "handle_message_to_room", st.message({ type = "groupchat", from = from or JULIET, to = room.jid,
		id = text }):text_tag("body", text));
end

local function show(status)
	world:give(room, "handle_presence_to_occupant",
		world.presence(JULIET, room.jid .. "/juliet"):text_tag("status", status));
end

-- Runs timers that are due at the time of now, those they set as well.
local function run_timers()
	local i = 1;
	while world.operations[i] do
		local timer = world.operations[i];
		if timer.kind == "timer" and timer.at <= world.time + 0.001 then
			table.remove(world.operations, i);
			world.env.plan:run(timer.call, timer.room);
			i = 1;
		else
			i = i + 1;
		end
	end
end

-- What one recipient got, as text: bodies, or the condition of an error.
local function heard(to)
	local list = {};
	for _, stanza in ipairs(world:take_for(to)) do
		local _, condition = nil, nil;
		if stanza.attr.type == "error" then
			_, condition = stanza:get_error();
		end
		list[#list + 1] = condition or stanza:get_child_text("body") or stanza.attr.type or stanza.name;
	end
	return table.concat(list, " ");
end

describe("the rate of queries", function ()
	it("lets a burst pass, refuses the rest by name, and does not count other questions", function ()
		prepare({ query = { rate = 1, burst = 2 }, delay = 0 });
		local asked = {};
		room.handle_mam_query = function (_, _, stanza) asked[#asked + 1] = stanza.attr.id; end;
		for i = 1, 3 do
			world:give(room, "handle_mam_query", st.iq({ type = "set", id = tostring(i), from = JULIET, to = room.jid })
				:query("urn:xmpp:mam:2"):reset());
			world:give(room, "handle_disco_info_get_query", st.iq({ type = "get", id = "d", from = JULIET, to = room.jid })
				:query("http://jabber.org/protocol/disco#info"):reset());
		end
		assert.equal("1 2", table.concat(asked, " "));
		local refused = world:take_for(JULIET);
		local last = table.remove(refused, #refused - 1);
		assert.equal("Too many queries of the archive; try again in 1 seconds", select(3, last:get_error()));
		for _, answer in ipairs(refused) do
			assert.equal("result", answer.attr.type);
		end
	end);
end);

describe("the rate of messages", function ()
	before_each(function ()
		prepare({ message = { rate = 1, burst = 2 } });
	end);

	it("lets a burst pass, delays the next in order, and refuses the rest", function ()
		for i = 1, 5 do
			say(tostring(i));
		end
		assert.equal("1 2", heard(ROMEO));
		local error = world:take_for(JULIET)[3];
		local kind, condition, text = error:get_error();
		assert.same({ "wait", "policy-violation" }, { kind, condition });
		assert.equal("Too many messages; try again in 3 seconds", text);
		assert.equal("5", error.attr.id);
		world.time = world.time + 1;
		run_timers();
		assert.equal("3", heard(ROMEO));
		world.time = world.time + 1;
		run_timers();
		assert.equal("4", heard(ROMEO));
	end);

	it("is one for all sessions of an account, and does not touch others", function ()
		world:join(room, "juliet@example.org/phone", "juliet");
		say("1");
		say("2", "juliet@example.org/phone");
		say("3", "juliet@example.org/phone");
		say("a", ROMEO);
		local said = heard(ROMEO);
		assert.is_truthy(said:find("1 2 a", 1, true));
		assert.is_nil(said:find("3", 1, true));
	end);

	it("keeps what follows a stanza that waits behind it", function ()
		for i = 1, 3 do
			say(tostring(i));
		end
		show("here");
		world:give(room, "handle_iq_to_occupant", st.iq({ type = "get", id = "p", from = JULIET, to = room.jid .. "/romeo" })
			:tag("ping", { xmlns = "urn:xmpp:ping" }));
		assert.equal("1 2", heard(ROMEO));
		world.time = world.time + 1;
		run_timers();
		assert.equal("3 presence get", heard(ROMEO));
	end);

	it("lets those who leave go at once, after what they have said", function ()
		for i = 1, 3 do
			say(tostring(i));
		end
		world:give(room, "handle_presence_to_occupant",
			world.presence(JULIET, room.jid .. "/juliet", false, "unavailable"));
		assert.equal("1 2 3 unavailable", heard(ROMEO));
		world:join(room, JULIET, "juliet");
		world:take();
		say("again");
		say("and again");
		say("and again");
		assert.equal("policy-violation", heard(JULIET):match("policy%-violation"));
		assert.equal("", heard(ROMEO));
	end);

	it("does not hold for administrators of the service and exempt domains", function ()
		world.env.rates.exempt = { ["example.org"] = true };
		for i = 1, 9 do
			say(tostring(i));
		end
		assert.equal("1 2 3 4 5 6 7 8 9", heard(ROMEO));
	end);

	it("bounds what waits", function ()
		world.env.rates.queue = 1;
		for i = 1, 4 do
			say(tostring(i));
		end
		local stanza = world:take_for(JULIET)[3];
		assert.equal("resource-constraint", select(2, stanza:get_error()));
		world.env.rates.queue, world.env.rates.queue_bytes = 100, 10;
		world.time = world.time + 10;
		run_timers();
		world:take();
		for i = 1, 4 do
			say(tostring(i));
		end
		stanza = world:take_for(JULIET)[3];
		assert.equal("resource-constraint", select(2, stanza:get_error()));
	end);

	it("answers what waits when the room ends", function ()
		for i = 1, 3 do
			say(tostring(i));
		end
		assert.is_true(room:is_awaited());
		room:destroy();
		assert.is_truthy(heard(JULIET):find("gone", 1, true));
		assert.is_false(room:is_awaited());
		world.time = world.time + 9;
		run_timers();
	end);
end);

describe("the rate of", function ()
	it("presence delays updates", function ()
		prepare({ presence = { rate = 1, burst = 1 } });
		show("here");
		show("there");
		assert.equal("presence", heard(ROMEO));
		world.time = world.time + 1;
		run_timers();
		assert.equal("presence", heard(ROMEO));
	end);

	it("changes of nick refuses them with an error of the new nick's presence", function ()
		prepare({ nick = { rate = 0.1, burst = 1 } });
		world:give(room, "handle_presence_to_occupant", world.presence(JULIET, room.jid .. "/capulet"));
		world:take();
		world:give(room, "handle_presence_to_occupant", world.presence(JULIET, room.jid .. "/montague"));
		local answer = world:take_for(JULIET)[1];
		local _, condition, text = answer:get_error();
		assert.equal("policy-violation", condition);
		assert.equal("Too many changes of nick; try again in 10 seconds", text);
		assert.equal(room.jid .. "/montague", answer.attr.from);
	end);

	it("joins is one for the whole service, and refuses new rooms at once", function ()
		prepare({ join = { rate = 1, burst = 1 } });
		world:join(room, NURSE, "nurse");
		assert.is_truthy(heard(NURSE):find("presence", 1, true));
		local other = world.kit.new_room("other@rooms.example.org");
		world:give(other, "handle_first_presence", world.presence(NURSE, other.jid .. "/nurse", true));
		local answer = world:take_for(NURSE)[1];
		assert.equal("policy-violation", select(2, answer:get_error()));
		assert.is_truthy(answer:get_child("x", MUC));
		world:join(room, "nurse@example.org/hall", "nurse");
		assert.equal("", heard("nurse@example.org/hall"));
		world.time = world.time + 1;
		run_timers();
		assert.is_truthy(heard("nurse@example.org/hall"):find("presence", 1, true));
	end);
end);

describe("a bound", function ()
	before_each(function ()
		prepare({});
		local limits = world.env.limits;
		limits.nick_bytes, limits.stanza_bytes, limits.text_bytes, limits.form_values = 10, 400, 50, 10;
	end);

	local function refused(to)
		local stanza = world:take_for(to)[1];
		local kind, condition, text = stanza:get_error();
		assert.same({ "modify", "policy-violation" }, { kind, condition });
		return text;
	end

	it("holds for nicks, at the door and on a change", function ()
		world:join(room, NURSE, ("n"):rep(11));
		assert.equal("A nick has at most 10 bytes", refused(NURSE));
		world:give(room, "handle_presence_to_occupant", world.presence(JULIET, room.jid .. "/" .. ("j"):rep(11)));
		assert.equal("A nick has at most 10 bytes", refused(JULIET));
	end);

	it("on a nick leaves no empty room behind", function ()
		local other = world.kit.new_room("other@rooms.example.org");
		world:give(other, "handle_first_presence",
			world.presence(NURSE, other.jid .. "/" .. ("n"):rep(11), true));
		refused(NURSE);
		assert.equal("destroy", world.operations[#world.operations].kind);
	end);

	it("holds for what is passed on", function ()
		say(("x"):rep(400));
		assert.is_truthy(refused(JULIET):find("at most 400 are passed on here", 1, true));
	end);

	it("holds for subjects", function ()
		world:give(room, "handle_message_to_room", st.message({ type = "groupchat", from = ROMEO, to = room.jid })
			:text_tag("subject", ("s"):rep(51)));
		assert.equal("A subject has at most 50 bytes", refused(ROMEO));
		assert.is_nil(select(2, room:get_subject()));
	end);

	it("holds for forms: long values and many", function ()
		local function submit(name, ...)
			local form = st.iq({ type = "set", id = "1", from = ROMEO, to = room.jid })
				:query("http://jabber.org/protocol/muc#owner"):tag("x", { xmlns = "jabber:x:data", type = "submit" })
				:tag("field", { var = "FORM_TYPE" }):text_tag("value", "http://jabber.org/protocol/muc#roomconfig"):up()
				:tag("field", { var = name });
			for _, value in ipairs({ ... }) do
				form:text_tag("value", value);
			end
			world:give(room, "handle_owner_query_set_to_room", form:reset());
		end
		submit("muc#roomconfig_roomname", ("n"):rep(51));
		assert.equal("muc#roomconfig_roomname: at most 50 bytes", refused(ROMEO));
		submit("muc#roomconfig_roomadmins", "a@b", "b@b", "c@b", "d@b", "e@b", "f@b", "g@b", "h@b", "i@b", "j@b", "k@b");
		assert.equal("A form has at most 10 values here", refused(ROMEO));
	end);
end);
