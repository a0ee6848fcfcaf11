-- SPDX-License-Identifier: MIT
-- What somebody hostile could make grow, or find out.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local registry = require "sx.muc.registry";
local st = rooms_world.st;

local MUC = "http://jabber.org/protocol/muc";
local ROMEO, JULIET = "romeo@example.org/orchard", "juliet@example.org/balcony";
local STRANGER = "tybalt@example.net/street";

describe("a room", function ()
	local world, room;

	before_each(function ()
		world = rooms_world.new({ locking = false });
		room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
	end);

	local function give(method, stanza)
		world:give(room, method, stanza);
		return world:take_for(stanza.attr.from);
	end

	local function condition_of(stanzas)
		return select(2, stanzas[#stanzas]:get_error());
	end

	local function text_of(stanzas)
		return select(3, stanzas[#stanzas]:get_error());
	end

	-- Type, condition and text of the one error with this id.
	local function answer_to(id)
		local found;
		for _, stanza in ipairs(world:take()) do
			if stanza.attr.id == id and stanza.attr.type == "error" then
				assert.is_nil(found);
				found = { stanza:get_error() };
			end
		end
		return { table.unpack(found, 1, 3) };
	end

	local function iq(kind, xmlns, from)
		return st.iq({ type = kind, id = "1", from = from or ROMEO, to = room.jid }):query(xmlns);
	end

	local function admin(...)
		local query = iq("set", MUC .. "#admin");
		for _, item in ipairs({ ... }) do
			query:tag("item", item):up();
		end
		return give("handle_admin_query_set_command", query:reset());
	end

	local function configure(fields)
		local form = iq("set", MUC .. "#owner"):tag("x", { xmlns = "jabber:x:data", type = "submit" })
			:tag("field", { var = "FORM_TYPE" }):text_tag("value", MUC .. "#roomconfig"):up();
		for name, value in pairs(fields) do
			form:tag("field", { var = name }):text_tag("value", value):up();
		end
		return give("handle_owner_query_set_to_room", form:reset());
	end

	local function command(node, fields)
		local form = st.iq({ type = "set", id = "1", from = ROMEO, to = room.jid })
			:tag("command", { xmlns = "http://jabber.org/protocol/commands", node = "urn:xmpp:hats:commands:" .. node })
			:tag("x", { xmlns = "jabber:x:data", type = "submit" });
		for name, value in pairs(fields) do
			form:tag("field", { var = name }):text_tag("value", value):up();
		end
		return give("handle_command_iq", form:reset());
	end

	it("has an owner whatever one request says", function ()
		local answer = admin({ affiliation = "owner", jid = "romeo@example.org" },
			{ affiliation = "none", jid = "romeo@example.org" });
		assert.equal("conflict", condition_of(answer));
		assert.equal("owner", room:get_affiliation(ROMEO));
	end);

	it("stores affiliations whose names begin with an underscore", function ()
		admin({ affiliation = "outcast", jid = "_tybalt@example.net" });
		local again = world.kit.restore_room(room:freeze());
		assert.equal("outcast", again:get_affiliation("_tybalt@example.net"));
	end);

	it("keeps the session of somebody whose name begins with an underscore", function ()
		world:join(room, "_nurse@example.org/house", "nurse");
		local again = world.kit.restore_room(room:freeze(true));
		assert.equal(room.jid .. "/nurse", again:get_occupant_jid("_nurse@example.org/house"));
	end);

	it("takes no domain for one of its own fields", function ()
		for _, jid in ipairs({ "_data", "_jid", "_affiliation_data", "tybalt@_data" }) do
			assert.equal("jid-malformed", condition_of(admin({ affiliation = "outcast", jid = jid })), jid);
			assert.is_nil(room:set_affiliation(true, jid, "member"));
		end
		assert.equal(room.jid, room:freeze()._jid);
		assert.same(room._data, room:freeze()._data);
	end);

	it("takes numbers only as they are written", function ()
		for _, text in ipairs({ "1e300", "1e2", "0x10", " 5", "5.0", "-1", "nan", "99999999999999999999" }) do
			assert.equal("bad-request", condition_of(configure({ ["muc#maxhistoryfetch"] = text })), text);
			assert.equal("bad-request", condition_of(configure({ ["muc#roomconfig_maxusers"] = text })), text);
		end
		for _, text in ipairs({ "0x10", "1e1", "nan", " 5", "361" }) do
			local answer = command("create", { ["hats#title"] = "King", ["hats#uri"] = "urn:x:king", ["hats#hue"] = text });
			assert.equal("bad-request", condition_of(answer), text);
		end
	end);

	it("ends only by its own element, and sends nobody to what is no address", function ()
		local query = iq("set", MUC .. "#owner"):tag("destroy", { xmlns = "urn:example:other" });
		assert.equal("bad-request", condition_of(give("handle_owner_query_set_to_room", query:reset())));
		query = iq("set", MUC .. "#owner"):tag("destroy", { jid = "@" });
		assert.equal("jid-malformed", condition_of(give("handle_owner_query_set_to_room", query:reset())));
		assert.is_nil(room.destroying);
	end);

	it("forgets what nobody wears any more", function ()
		command("create", { ["hats#title"] = "King", ["hats#uri"] = "urn:x:king" });
		local hat = { ["hats#jid"] = "tybalt@example.net", ["hats#uri"] = "urn:x:king" };
		command("assign", hat);
		assert.is_truthy(room._affiliation_data["tybalt@example.net"]);
		command("unassign", hat);
		assert.is_nil(room._affiliation_data["tybalt@example.net"]);
	end);

	it("knows so many people and no more", function ()
		world.env.limits.affiliations = 3;
		command("create", { ["hats#title"] = "King", ["hats#uri"] = "urn:x:king" });
		admin({ affiliation = "member", jid = "a@example.org" }, { affiliation = "member", jid = "b@example.org" });
		local crowded = "This room knows too many people already";
		for _, answer in ipairs({
			admin({ affiliation = "member", jid = "c@example.org" }),
			command("assign", { ["hats#jid"] = "c@example.org", ["hats#uri"] = "urn:x:king" }),
			configure({ ["muc#roomconfig_roomadmins"] = "c@example.org" }),
		}) do
			assert.equal("resource-constraint", condition_of(answer));
			assert.equal(crowded, text_of(answer));
		end
		world.env.options.open_registration = true;
		local answer = give("handle_register_iq", iq("set", "jabber:iq:register", STRANGER)
			:tag("x", { xmlns = "jabber:x:data", type = "submit" })
			:tag("field", { var = "FORM_TYPE" }):text_tag("value", "http://jabber.org/protocol/muc#register"):up()
			:tag("field", { var = "muc#register_roomnick" }):text_tag("value", "tybalt"):reset());
		assert.equal(crowded, text_of(answer));
		assert.equal("result", admin({ affiliation = "admin", jid = "a@example.org" })[1].attr.type);
		assert.equal("result", admin({ affiliation = "none", jid = "a@example.org" })[1].attr.type);
		assert.equal("result", admin({ affiliation = "member", jid = "c@example.org" })[1].attr.type);
	end);

	it("invites nobody as a member for whom there is no place", function ()
		world.env.limits.affiliations = 1;
		configure({ ["muc#roomconfig_membersonly"] = "1" });
		local answer = give("handle_message_to_room", st.message({ from = ROMEO, to = room.jid })
			:tag("x", { xmlns = MUC .. "#user" }):tag("invite", { to = "nurse@example.org" }):reset());
		assert.equal("resource-constraint", condition_of(answer));
		assert.equal("This room knows too many people already", text_of(answer));
		assert.equal(0, #world:take_for("nurse@example.org"));
	end);

	it("tells who has made somebody a member by an invitation", function ()
		configure({ ["muc#roomconfig_membersonly"] = "1", ["muc#roomconfig_whois"] = "anyone" });
		world:take();
		world:give(room, "handle_message_to_room", st.message({ from = ROMEO, to = room.jid })
			:tag("x", { xmlns = MUC .. "#user" }):tag("invite", { to = "nurse@example.org" }):reset());
		local item = world:take_for(ROMEO)[1]:get_child("x", MUC .. "#user"):get_child("item");
		assert.equal("nurse@example.org", item.attr.jid);
		assert.equal("Invited by " .. ROMEO, item:get_child_text("reason"));
	end);

	it("remembers so many roles that were given and no more", function ()
		world.env.limits.affiliations = 5;
		configure({ ["muc#roomconfig_moderatedroom"] = "1" });
		for i = 1, 20 do
			local from = ("v%d@example.net/x"):format(i);
			world:join(room, from, "v" .. i);
			admin({ nick = "v" .. i, role = "participant" });
			world:give(room, "handle_presence_to_occupant",
				world.presence(from, room.jid .. "/v" .. i, false, "unavailable"));
		end
		local count = 0;
		for _ in pairs(room._data.granted_roles) do
			count = count + 1;
		end
		assert.is_true(count <= 5);
		assert.equal("participant", room:get_granted_role("v20@example.net"));
	end);

	it("does so much at once and no more", function ()
		world.env.limits.form_values = 3;
		local item = { affiliation = "member", jid = "a@example.org" };
		local answer = admin(item, item, item, item);
		assert.equal("policy-violation", condition_of(answer));
		assert.equal("These are too many items for one request", text_of(answer));
	end);

	it("passes on only so much text", function ()
		world.env.limits.text_bytes, world.env.limits.stanza_bytes = 100, 1000;
		local long = ("x"):rep(101);
		local query = iq("set", MUC .. "#admin"):tag("item", { nick = "juliet", role = "none" }):text_tag("reason", long);
		assert.equal("policy-violation", condition_of(give("handle_admin_query_set_command", query:reset())));
		query = iq("set", MUC .. "#owner"):tag("destroy"):text_tag("reason", long);
		assert.equal("policy-violation", condition_of(give("handle_owner_query_set_to_room", query:reset())));
		local invitation = st.message({ from = JULIET, to = room.jid }):text_tag("body", ("x"):rep(1000))
			:tag("x", { xmlns = MUC .. "#user" }):tag("invite", { to = "nurse@example.org" }):reset();
		assert.equal("policy-violation", condition_of(give("handle_message_to_room", invitation)));
		local leave = world.presence(JULIET, room.jid .. "/juliet", false, "unavailable")
			:text_tag("status", ("x"):rep(1000));
		give("handle_presence_to_occupant", leave);
		for _, stanza in ipairs(world:take_for(ROMEO)) do
			assert.is_true(#tostring(stanza) < 500);
		end
		assert.is_nil(room:get_occupant_jid(JULIET));
	end);

	it("takes so many sessions of one account and no more", function ()
		world.env.limits.sessions = 3;
		local function join(i, nick)
			return give("handle_presence_to_occupant",
				world.presence("tybalt@example.net/r" .. i, room.jid .. "/" .. nick, true));
		end
		join(1, "tybalt");
		join(2, "tybalt");
		join(3, "prince");
		local answer = join(4, "tybalt");
		assert.equal("resource-constraint", condition_of(answer));
		assert.equal("Too many sessions of yours are in this room", text_of(answer));
		assert.equal("resource-constraint", condition_of(join(5, "king")));
		assert.equal("presence", join(1, "tybalt")[1].name);
		assert.is_nil(room:get_occupant_jid("tybalt@example.net/r4"));
	end);

	it("passes on what is declined only to who may have invited", function ()
		local function decline(to)
			local message = st.message({ from = STRANGER, to = room.jid })
				:tag("x", { xmlns = MUC .. "#user" }):tag("decline", { to = to }):reset();
			world:take();
			world:give(room, "handle_message_to_room", message);
			return world:take();
		end
		assert.equal(0, #decline("victim@example.com"));
		assert.equal(1, #decline("romeo@example.org"));
		assert.equal(1, #decline(JULIET));
		assert.equal(1, #decline(room.jid .. "/juliet"));
		give("handle_message_to_room", st.message({ from = JULIET, to = room.jid })
			:tag("x", { xmlns = MUC .. "#user" }):tag("invite", { to = "nurse@example.org" }):reset());
		give("handle_presence_to_occupant", world.presence(JULIET, room.jid .. "/juliet", false, "unavailable"));
		assert.equal(1, #decline("juliet@example.org"));
		assert.equal(0, #decline("nurse@example.org"));
	end);

	it("hides in errors of private messages where they come from", function ()
		world:join(room, STRANGER, "tybalt");
		world:take();
		local message = st.message({ from = STRANGER, to = room.jid .. "/juliet", type = "error", id = "1" })
			:tag("error", { type = "wait", by = "example.net" })
				:tag("policy-violation", { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):up()
				:tag("text", { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):text("tybalt@example.net is busy"):reset();
		world:give(room, "handle_message_to_occupant", message);
		local got = world:take_for(JULIET)[1];
		assert.is_falsy(tostring(got:get_child("error")):find("example.net", 1, true));
		assert.equal("policy-violation", select(2, got:get_error()));
	end);

	it("answers questions of who has left, with an error", function ()
		world:give(room, "handle_iq_to_occupant", st.iq({ type = "get", id = "q", from = JULIET, to = room.jid .. "/romeo" })
			:query("jabber:iq:version"));
		world:take();
		world:give(room, "handle_presence_to_occupant",
			world.presence(JULIET, room.jid .. "/juliet", false, "unavailable"));
		assert.equal(0, room._pending.count);
		assert.same({ "cancel", "recipient-unavailable", "You have left the room" }, answer_to("q"));
	end);

	it("does not tell everybody that nobody is no member any more", function ()
		world.env.options.open_registration = true;
		local query = iq("set", "jabber:iq:register", STRANGER):tag("remove"):reset();
		assert.equal("registration-required", condition_of(give("handle_register_iq", query)));
		assert.equal(0, #world:take());
	end);
end);

describe("a service", function ()
	it("has no room whose address makes too long a file name", function ()
		local world = rooms_world.new();
		local asked = 0;
		local store = { get = function () asked = asked + 1; end };
		local rooms = registry.new(world.env, world.kit, { config = store, state = store, persistent = store }, {});
		asked = 0;
		assert.is_nil(rooms:get(("n"):rep(241) .. "@rooms.example.org"));
		assert.is_nil(rooms:get(("-"):rep(81) .. "@rooms.example.org"));
		assert.equal(0, asked);
		assert.is_nil(rooms:get(("n"):rep(240) .. "@rooms.example.org"));
		assert.equal(1, asked);
	end);
end);
