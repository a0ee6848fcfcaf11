-- SPDX-License-Identifier: MIT
-- hibernation: sessions that outlive their connection (XEP-0198) stay in rooms until they are given up.
local client = require "e2e.client";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local gone, message, presence = words.gone, words.message, words.presence;
local test = suite.section("At home", "Sessions that hibernate");

local SECONDS = 3;

-- The connection of somebody drops; returns how to come back. After two pings of another the server has seen it, too.
local function drops(t, who)
	local lost = assert(who.user:enable_resumption());
	who.user:kill();
	t.owner:sync();
	t.owner:sync();
	return lost;
end

-- Its session goes on, until the end of the test.
local function comes_back(t, who, lost)
	local world = t.world;
	who.user = assert(client.connect({
		jid = who.full_jid, password = "secret", host = "127.0.0.1", port = world.server.c2s_port, tls = false,
		resume = lost,
	}));
	world.connections[who.name] = who.user;
end

test { "XEP-0198", "who hibernates stays in the room, and gets what it has missed when it comes back", function (t)
	t:create();
	t:enter("guest", "other");
	local lost = drops(t, t.guest);
	local missed = {};
	for i = 1, 30 do
		missed[i] = message { "owner", body = tostring(i) };
		t.owner:says(tostring(i));
	end
	t.other:whispers("guest", "psst");
	t.owner:gets_no(gone { "guest", as = "none/none" });
	comes_back(t, t.guest, lost);
	missed[#missed + 1] = message { "other", body = "psst", type = "chat" };
	t.guest:gets(table.unpack(missed));
	t:forget();
	t.guest:says("back");
	t.owner:gets_only(message { "guest", body = "back" });
	t.guest.user:close();
end };

test { "XEP-0198", "who comes back sees who has come and gone meanwhile", function (t)
	t:create();
	t:enter("guest", "other");
	local lost = drops(t, t.guest);
	t.other:leave();
	t.third:join();
	t.owner:sets_subject("Meanwhile");
	comes_back(t, t.guest, lost);
	t.guest:gets(gone { "other", as = "none/none" }, presence { "third", as = "none/participant" },
		words.subject { "owner", subject = "Meanwhile" });
	t.guest.user:close();
end };

test { "XEP-0198", "who does not come back in time leaves", function (t)
	t:create({}, "member");
	t:enter("member", "other");
	drops(t, t.member);
	t.other:gets_within(SECONDS + 3, gone { "member", as = "member/none" });
	t.other:gets_no();
end };

test { "XEP-0198", "who has missed something and does not come back is removed, not before its time", function (t)
	t:create({}, "member");
	t:enter("member", "other");
	drops(t, t.member);
	t.owner:says("are you there?");
	t.other:gets_only(message { "owner", body = "are you there?" });
	t.other:gets_within(SECONDS + 3, gone { "member", as = "member/none", status = "333" });
	t.owner:says("it seems not");
	t.other:gets_only(message { "owner", body = "it seems not" });
	t.member.user = t.world:connection("member");
	t.member:join();
	t.member:gets(presence { "member", as = "member/participant", status = "110" },
		message { "owner", body = "are you there?" }, message { "owner", body = "it seems not" });
end };

test { "XEP-0357", "who is woken by its phone's push service is still in the room", needs = "cloud_notify", function (t)
	t:create();
	t:enter("guest");
	t.third:sync();
	t.guest:send("<iq type='set' id='push'><enable xmlns='urn:xmpp:push:0' jid='{third}' node='phone'/></iq>");
	t.guest:gets(words.result "push");
	local lost = drops(t, t.guest);
	t.owner:says("wake up");
	local push = t.third:gets_within(2, "<iq type='set' from='{any}' id='{any}'>"
		.. "<pubsub xmlns='http://jabber.org/protocol/pubsub' scansion:strict='false'>"
		.. "<publish node='phone' scansion:strict='false'/></pubsub></iq>");
	t.third:send(("<iq type='result' to='%s' id='%s'/>"):format(push.attr.from, push.attr.id));
	t.owner:gets_no(gone { "guest", as = "none/none" });
	comes_back(t, t.guest, lost);
	t.guest:gets(message { "owner", body = "wake up" });
	t.guest.user:close();
end };
