-- SPDX-License-Identifier: MIT
-- Slow mode (XEP-0500, item C15) and the activity of a room (XEP-0502, item C16).
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;

local ROMEO, JULIET = "romeo@example.org/orchard", "juliet@example.org/balcony";
local ACTIVITY = "{urn:xmpp:muc-activity}message-activity";

local world, room;

before_each(function ()
	world = rooms_world.new({ locking = false });
	room = world:create(ROMEO, "romeo");
	world:join(room, JULIET, "juliet");
	world:take();
end);

local function message(from, text)
	local stanza = st.message({ type = "groupchat", from = from, to = room.jid });
	return text and stanza:text_tag("body", text) or stanza;
end

local function say(from, text)
	world:give(room, "handle_message_to_room", type(text) == "string" and message(from, text) or text);
end

local function heard(to)
	local list = {};
	for _, stanza in ipairs(world:take_for(to)) do
		list[#list + 1] = stanza:get_child_text("body") or stanza.attr.type;
	end
	return table.concat(list, " ");
end

local function info(name)
	world:take();
	world:give(room, "handle_disco_info_get_query", st.iq({ type = "get", id = "1", from = JULIET, to = room.jid })
		:query("http://jabber.org/protocol/disco#info"));
	for field in world:take()[1].tags[1]:get_child("x", "jabber:x:data"):childtags("field") do
		if field.attr.var == name then
			return field:get_child_text("value");
		end
	end
end

local function submit(value)
	world:take();
	world:give(room, "handle_owner_query_set_to_room", st.iq({ type = "set", id = "1", from = ROMEO, to = room.jid })
		:query("http://jabber.org/protocol/muc#owner"):tag("x", { xmlns = "jabber:x:data", type = "submit" })
		:tag("field", { var = "FORM_TYPE" }):text_tag("value", "http://jabber.org/protocol/muc#roomconfig"):up()
		:tag("field", { var = "muc#roomconfig_slow_mode_duration" }):text_tag("value", value):reset());
	return world:take_for(ROMEO);
end

describe("slow mode", function ()
	it("is set by the form, told by disco, and announced", function ()
		assert.equal("0", info("muc#roominfo_slow_mode_duration"));
		local got = submit("20");
		assert.equal("result", got[1].attr.type);
		assert.equal("104", got[2]:get_child("x", "http://jabber.org/protocol/muc#user").tags[1].attr.code);
		assert.equal("20", info("muc#roominfo_slow_mode_duration"));
		local form = room:get_form_layout(ROMEO):form();
		for field in form:childtags("field") do
			if field.attr.var == "muc#roomconfig_slow_mode_duration" then
				assert.equal("20", field:get_child_text("value"));
				local validate = field:get_child("validate", "http://jabber.org/protocol/xdata-validate");
				assert.equal("xs:integer", validate.attr.datatype);
				assert.equal("0", validate:get_child("range").attr.min);
			end
		end
		assert.equal("result", submit("0")[1].attr.type);
		assert.equal("0", info("muc#roominfo_slow_mode_duration"));
	end);

	it("takes whole numbers of seconds only", function ()
		for _, value in ipairs({ "", "-1", "1.5", "soon", "86401" }) do
			local _, condition = submit(value)[1]:get_error();
			assert.equal("bad-request", condition);
		end
	end);

	it("makes an account wait, with all its sessions, and says how long", function ()
		room:set_slow_mode_duration(20);
		world:join(room, "juliet@example.org/phone", "juliet");
		say(JULIET, "one");
		world:take();
		world.time = world.time + 5;
		say("juliet@example.org/phone", "two");
		local kind, condition, text = world:take_for("juliet@example.org/phone")[1]:get_error();
		assert.same({ "wait", "policy-violation" }, { kind, condition });
		assert.equal("Slow mode: 20 seconds lie between two of your messages here; try again in 15 seconds", text);
		assert.equal("", heard(ROMEO));
		world.time = world.time + 15;
		say(JULIET, "three");
		assert.equal("three", heard(ROMEO));
	end);

	it("is not for admins, owners and messages without text", function ()
		room:set_slow_mode_duration(20);
		say(ROMEO, "one");
		say(ROMEO, "two");
		assert.equal("one two", heard(JULIET));
		say(JULIET, message(JULIET):tag("composing", { xmlns = "http://jabber.org/protocol/chatstates" }):reset());
		say(JULIET, "three");
		say(JULIET, message(JULIET):tag("active", { xmlns = "http://jabber.org/protocol/chatstates" }):reset());
		local got = world:take_for(JULIET);
		assert.equal(3, #got);
	end);

	it("that is changed begins anew", function ()
		room:set_slow_mode_duration(20);
		say(JULIET, "one");
		room:set_slow_mode_duration(10);
		say(JULIET, "two");
		assert.equal("one two", heard(ROMEO));
	end);
end);

describe("the activity of a room", function ()
	before_each(function ()
		world.time = 3600 * 1000;
		room:set_persistent(true);
	end);

	it("is messages an hour over a day, once some are known", function ()
		assert.is_nil(info(ACTIVITY));
		say(JULIET, "one");
		say(JULIET, "two");
		assert.equal("2.00", info(ACTIVITY));
		world.time = world.time + 2 * 3600;
		assert.equal("1.00", info(ACTIVITY));
		say(JULIET, "three");
		assert.equal("1.50", info(ACTIVITY));
		world.time = world.time + 23 * 3600;
		assert.equal("0.04", info(ACTIVITY));
		world.time = world.time + 5 * 3600;
		assert.equal("0.00", info(ACTIVITY));
		assert.equal(0, #room._data.activity.hours);
	end);

	it("counts neither bodyless messages, corrections, private ones, nor what the room says", function ()
		say(JULIET, "one");
		say(JULIET, message(JULIET):tag("active", { xmlns = "http://jabber.org/protocol/chatstates" }):reset());
		say(JULIET, message(JULIET, "two"):tag("replace", { xmlns = "urn:xmpp:message-correct:0", id = "1" }):reset());
		world:give(room, "handle_message_to_occupant",
			st.message({ type = "chat", from = JULIET, to = room.jid .. "/romeo" }):text_tag("body", "psst"));
		room:broadcast_message(st.message({ type = "groupchat", from = room.jid }):text_tag("body", "three"));
		assert.equal("1.00", info(ACTIVITY));
	end);

	it("is told of rooms only that are public, stay, and are open to all", function ()
		say(JULIET, "one");
		assert.is_truthy(info(ACTIVITY));
		local closed = { set_hidden = true, set_persistent = false, set_password = "x", set_members_only = true };
		for setter, value in pairs(closed) do
			room[setter](room, value);
			assert.is_nil(info(ACTIVITY));
			room[setter](room, setter == "set_persistent" or nil);
			assert.is_truthy(info(ACTIVITY));
		end
	end);

	it("is kept with the room", function ()
		say(JULIET, "one");
		assert.equal(1, world.kit.restore_room(room:freeze()):get_message_activity());
	end);
end);
