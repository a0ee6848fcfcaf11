-- SPDX-License-Identifier: MIT
-- Several hosts on one server: components and a second virtual host take part as the first does.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local B = federation.address("b.example.org");
local ROOM = "garden@rooms.b.example.org";

-- a knows all hosts of b, and b has them.
local function pair(world)
	local peers = {};
	for _, domain in ipairs({ "b.example.org", "rooms.b.example.org", "c.example.org" }) do
		peers[domain] = { address = { B } };
	end
	return federation.pair(world, {
		["a.example.org"] = { scion = { peers = peers } },
		["b.example.org"] = {
			certificate = { names = { "b.example.org", "rooms.b.example.org", "c.example.org" } },
			hosts = {
				{ "Component \"rooms.b.example.org\" \"muc\"", { restrict_room_creation = false } },
				{ "VirtualHost \"c.example.org\"" },
			},
		},
	});
end

local function assert_scion_only(world)
	federation.assert_scion_only(world);
	assert(world.dns:asked("c.example.org") == 0, "a DNS query for c.example.org");
end

local function join(user, nick)
	user:send(("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(ROOM, nick));
	assert(user:expect(("<message from='%s' type='groupchat'><subject/></message>"):format(ROOM)));
end

local function speak(from, to, nick, text)
	from:send(("<message to='%s' type='groupchat'><body>%s</body></message>"):format(ROOM, text));
	assert(to:expect(("<message from='%s/%s' type='groupchat'><body>%s</body></message>"):format(ROOM, nick, text)));
end

tap.run({
	harness.test("a room of the other server", function (world)
		local a, b = pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		join(juliet, "juliet");
		local form = "<iq type='set' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"
			.. "<x xmlns='jabber:x:data' type='submit'/></query></iq>";
		assert(juliet:request(form:format(ROOM)).attr.type == "result", "the room stays locked");
		join(romeo, "romeo");
		speak(romeo, juliet, "romeo", "She speaks");
		speak(juliet, romeo, "juliet", "Ay me");
		local info = assert(romeo:request(
			"<iq type='get' to='rooms.b.example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"));
		assert(info.attr.type == "result", xml.text(info));
		assert_scion_only(world);
	end),

	harness.test("two virtual hosts of one server talk to one peer, each on a connection of its own", function (world)
		local a, b = pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		local nurse = world:user(b, "nurse", { jid = "nurse@c.example.org" });
		for _, other in ipairs({ juliet, nurse }) do
			assert(federation.say(romeo, other, "to " .. other.jid));
			assert(federation.say(other, romeo, "from " .. other.jid));
		end
		assert(federation.handshakes(a) == 2, "one connection for each pair of domains");
		assert_scion_only(world);
	end),

	harness.test("a second virtual host dials for itself", function (world)
		local a, b = pair(world);
		local nurse, romeo = world:user(b, "nurse", { jid = "nurse@c.example.org" }), world:user(a, "romeo");
		assert(federation.say(nurse, romeo, "my lord"));
		assert(federation.say(romeo, nurse, "nurse"));
		assert(federation.handshakes(b) == 1, "the answer takes the same stream");
		assert_scion_only(world);
	end),
});
