-- SPDX-License-Identifier: MIT
-- Hats (XEP-0317): what people wear, and the commands by which admins give and take it (items C13 and C14).
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;

local HATS, COMMANDS = "urn:xmpp:hats:0", "http://jabber.org/protocol/commands";
local PREFIX = "urn:xmpp:hats:commands:";
local ROMEO, JULIET = "romeo@example.org/orchard", "juliet@example.org/balcony";
local HOST = "https://example.org/hats#host";

describe("hats", function ()
	local world, room;

	before_each(function ()
		world = rooms_world.new({ locking = false });
		room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
	end);

	-- Runs a command with the values given; returns the answer.
	local function command(from, name, values, attr)
		local iq = st.iq({ type = "set", id = "1", from = from, to = room.jid })
			:tag("command", { xmlns = COMMANDS, node = PREFIX .. name, action = attr and attr.action });
		if values then
			iq:tag("x", { xmlns = "jabber:x:data", type = "submit" })
				:tag("field", { var = "FORM_TYPE" }):text_tag("value", "urn:xmpp:hats:commands"):up();
			for key, value in pairs(values) do
				iq:tag("field", { var = "hats#" .. key }):text_tag("value", value):up();
			end
		end
		world:take();
		world:give(room, "handle_command_iq", iq:reset());
		return world.sent[1];
	end

	local function done(from, name, values)
		local answer = command(from, name, values);
		assert.equal("completed", answer:get_child("command", COMMANDS).attr.status);
		world.sent = table.move(world.sent, 2, #world.sent + 1, 1, {});
	end

	local function refusal(from, name, values, attr)
		local answer = command(from, name, values, attr);
		world:take();
		local _, condition, text = answer:get_error();
		return condition, text;
	end

	local function worn(stanza)
		local list = {};
		for hat in (stanza:get_child("hats", HATS) or st.stanza("none")):childtags("hat") do
			list[#list + 1] = ("%s %s %s"):format(hat.attr.uri, hat.attr.title, hat.attr.hue or "-");
		end
		return table.concat(list, ", ");
	end

	it("are made, given, changed, taken and removed, and seen by all at once", function ()
		done(ROMEO, "create", { uri = HOST, title = "Host", hue = "327.25" });
		local told = world:take_for(JULIET)[1];
		assert.equal("104", told:get_child("x", "http://jabber.org/protocol/muc#user"):get_child("status").attr.code);
		done(ROMEO, "assign", { uri = HOST, jid = JULIET });
		assert.equal(HOST .. " Host 327.25", worn(world:take_for(ROMEO)[1]));
		assert.equal(HOST .. " Host 327.25", worn(world:take_for(JULIET)[1]));
		done(ROMEO, "create", { uri = HOST, title = "Hostess" });
		assert.equal(HOST .. " Hostess -", worn(world:take_for(JULIET)[2]));
		done(ROMEO, "unassign", { uri = HOST, jid = "juliet@example.org" });
		assert.equal("", worn(world:take_for(JULIET)[1]));
		done(ROMEO, "assign", { uri = HOST, jid = JULIET });
		done(ROMEO, "destroy", { uri = HOST });
		local seen = world:take_for(JULIET);
		assert.equal("", worn(seen[#seen]));
		assert.is_nil(room:get_affiliation_data("juliet@example.org", "hats"));
		assert.is_nil(room._data.hats);
	end);

	it("are kept in the shape that stock Prosody reads", function ()
		done(ROMEO, "create", { uri = HOST, title = "Host" });
		done(ROMEO, "assign", { uri = HOST, jid = JULIET });
		local frozen = room:freeze();
		assert.same({ [HOST] = { active = true, title = "Host" } }, frozen._affiliation_data["juliet@example.org"].hats);
		assert.same({ [HOST] = { title = "Host" } }, world.kit.restore_room(frozen):get_hats());
	end);

	it("of clients are taken out", function ()
		world:give(room, "handle_presence_to_occupant", world.presence(JULIET, room.jid .. "/juliet")
			:text_tag("status", "here"):tag("hats", { xmlns = HATS }):tag("hat", { uri = HOST, title = "Host" }):reset());
		assert.equal("", worn(world:take_for(ROMEO)[1]));
	end);

	it("that are not active are not shown", function ()
		room:set_affiliation_data("juliet@example.org", "hats", { [HOST] = { active = false, title = "Host" } });
		assert.equal("", worn(world:take_for(ROMEO)[1]));
	end);

	it("stay with who reserves a nick", function ()
		done(ROMEO, "create", { uri = HOST, title = "Host" });
		room:set_affiliation(true, "juliet@example.org", "member");
		done(ROMEO, "assign", { uri = HOST, jid = JULIET });
		world:give(room, "handle_register_iq", st.iq({ type = "set", id = "1", from = JULIET, to = room.jid })
			:query("jabber:iq:register"):tag("x", { xmlns = "jabber:x:data", type = "submit" })
			:tag("field", { var = "FORM_TYPE" }):text_tag("value", "http://jabber.org/protocol/muc#register"):up()
			:tag("field", { var = "muc#register_roomnick" }):text_tag("value", "juliet"):reset());
		assert.is_truthy(room:get_affiliation_data("juliet@example.org", "hats"));
		assert.equal("juliet", room:get_registered_nick("juliet@example.org"));
	end);

	it("are offered by a form, and listed", function ()
		local form = command(ROMEO, "assign"):get_child("command", COMMANDS);
		assert.equal("executing", form.attr.status);
		assert.is_truthy(form.attr.sessionid);
		assert.equal("hats#jid", form:get_child("x", "jabber:x:data").tags[3].attr.var);
		world:take();
		assert.equal("canceled", command(ROMEO, "assign", nil, { action = "cancel" }).tags[1].attr.status);
		world:take();
		done(ROMEO, "create", { uri = HOST, title = "Host", hue = "10" });
		world:take();
		local list = command(JULIET, "list").tags[1]:get_child("x", "jabber:x:data");
		local fields = list:get_child("item").tags;
		assert.same({ "Host", HOST, "10" }, { fields[1]:get_child_text("value"), fields[2]:get_child_text("value"),
			fields[3]:get_child_text("value") });
	end);

	it("are for admins to give, and errors say what is wrong", function ()
		assert.equal("forbidden", (refusal(JULIET, "create", { uri = HOST, title = "Host" })));
		assert.equal("forbidden", (refusal("nurse@example.org/kitchen", "list")));
		assert.equal("item-not-found", (refusal(ROMEO, "iron")));
		assert.equal("bad-request", (refusal(ROMEO, "create", { uri = HOST, title = "Host" }, { action = "prev" })));
		assert.same({ "bad-request", "A hue is an angle from 0 to 360" },
			{ refusal(ROMEO, "create", { uri = HOST, title = "Host", hue = "red" }) });
		assert.same({ "bad-request", "A title has from 1 to 128 bytes" },
			{ refusal(ROMEO, "create", { uri = HOST, title = ("t"):rep(129) }) });
		assert.equal("bad-request", (refusal(ROMEO, "create", { uri = "host", title = "Host" })));
		assert.equal("bad-request", (refusal(ROMEO, "create", { uri = HOST })));
		assert.equal("bad-request", (refusal(ROMEO, "assign", { uri = HOST, jid = "@" })));
		assert.equal("item-not-found", (refusal(ROMEO, "assign", { uri = HOST, jid = JULIET })));
		assert.equal("item-not-found", (refusal(ROMEO, "unassign", { uri = HOST, jid = JULIET })));
		assert.equal("item-not-found", (refusal(ROMEO, "destroy", { uri = HOST })));
	end);

	it("are bounded, in a room and on a head", function ()
		for i = 1, 50 do
			done(ROMEO, "create", { uri = HOST .. i, title = "Host" });
		end
		assert.same({ "resource-constraint", "A room has at most 50 hats" },
			{ refusal(ROMEO, "create", { uri = HOST, title = "Host" }) });
		world:take();
		for i = 1, 10 do
			done(ROMEO, "assign", { uri = HOST .. i, jid = JULIET });
			world:take();
		end
		assert.equal("resource-constraint", (refusal(ROMEO, "assign", { uri = HOST .. "11", jid = JULIET })));
	end);

	it("are announced by disco: feature, digest, commands", function ()
		local function ask(method, xmlns, node, from)
			world:give(room, method, st.iq({ type = "get", id = "1", from = from or ROMEO, to = room.jid })
				:tag("query", { xmlns = "http://jabber.org/protocol/disco#" .. xmlns, node = node }));
			return world:take()[1].tags[1];
		end
		local function digest()
			for field in ask("handle_disco_info_get_query", "info"):get_child("x", "jabber:x:data"):childtags("field") do
				if field.attr.var == "hats#hash" then
					return field:get_child_text("value");
				end
			end
		end
		assert.is_nil(digest());
		done(ROMEO, "create", { uri = HOST, title = "Host" });
		world:take();
		assert.is_truthy(digest());
		assert.equal(5, #ask("handle_disco_items_get_query", "items", COMMANDS).tags);
		assert.equal(1, #ask("handle_disco_items_get_query", "items", COMMANDS, JULIET).tags);
		assert.equal(0, #ask("handle_disco_items_get_query", "items", nil).tags);
		local info = ask("handle_disco_info_get_query", "info", PREFIX .. "assign");
		assert.equal("command-node", info:get_child("identity").attr.type);
		assert.equal("command-list", ask("handle_disco_info_get_query", "info", COMMANDS).tags[1].attr.type);
	end);
end);
