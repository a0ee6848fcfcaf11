-- SPDX-License-Identifier: MIT
-- events: one story in a room of each kind, and the events that add-ons see of it.
local forms = require "e2e.rooms.forms";
local hand = require "e2e.rooms.hand";
local xml = require "e2e.xml";

local events = {};

local USER = "http://jabber.org/protocol/muc#user";
local REQUEST = "http://jabber.org/protocol/muc#request";

local function voice(fields)
	return ("<message to='{room}'>%s</message>"):format(forms.submit(REQUEST, fields));
end

local function registers(t)
	t.other:get("<query xmlns='jabber:iq:register'/>");
	t.other:set(("<query xmlns='jabber:iq:register'>%s</query>"):format(forms.submit(
		"http://jabber.org/protocol/muc#register", { ["muc#register_roomnick"] = "Earl" })));
end

local function invites(t, content)
	t.owner:send(("<message to='{room}'><x xmlns='%s'>%s</x></message>"):format(USER, content));
end

-- What happens, step by step.
events.story = {
	{ "the owner makes the room", function (t) t.owner:join(); end };
	{ "the owner asks for the form", function (t) t.owner:get(forms.owner()); end };
	{ "the owner configures it", function (t)
		t:configure({ roomname = "Garden", moderatedroom = 0, persistentroom = 1 });
	end };
	{ "a guest enters", function (t) t.guest:join(); end };
	{ "its second session enters", function (t) t.guest2:join({ nick = "guest" }); end };
	{ "the second session leaves", function (t) t.guest2:leave(); end };
	{ "the guest speaks", function (t) t.guest:says("hello"); end };
	{ "the guest shows itself away", function (t) t.guest:shows("<show>away</show>"); end };
	{ "the guest changes its nick", function (t)
		t.guest:renames("visitor");
		t.guest.nick = "visitor";
	end };
	{ "the guest whispers", function (t) t.guest:whispers("owner", "psst"); end };
	{ "the owner sets the subject", function (t) t.owner:sets_subject("Roses"); end };
	{ "the guest is asked about", function (t) t.other:get(forms.disco()); end };
	{ "the guest asks for its own nick", function (t) t.guest:get(forms.disco("x-roomuser-item")); end };
	{ "another becomes a member", function (t) t:affiliate("other", "member"); end };
	{ "the member registers a nick", registers };
	{ "the member enters", function (t) t.other:join({ nick = "Earl" }); end };
	{ "the guest becomes a moderator", function (t) t:give_role("visitor", "moderator"); end };
	{ "the guest loses its voice", function (t) t:give_role("visitor", "visitor"); end };
	{ "the guest speaks all the same", function (t) t.guest:says("hello?"); end };
	{ "the guest asks for voice", function (t) t.guest:send(voice({ ["muc#role"] = "participant" })); end };
	{ "the owner gives it", function (t)
		t.owner:send(voice({ ["muc#role"] = "participant", ["muc#request_allow"] = 1, ["muc#roomnick"] = "visitor",
			["muc#jid"] = t.guest.full_jid }));
	end };
	{ "the owner invites somebody", function (t) invites(t, "<invite to='third@example.org'/>"); end };
	{ "who declines", function (t)
		t.third:send(("<message to='{room}'><x xmlns='%s'><decline to='owner@example.org'/></x></message>"):format(USER));
	end };
	{ "the guest is kicked", function (t) t:give_role("visitor", "none"); end };
	{ "the guest enters again", function (t) t.guest:join(); end };
	{ "the guest is banned", function (t) t:affiliate("guest", "outcast"); end };
	{ "the guest knocks", function (t) t.guest:join(); end };
	{ "the member is lost", function (t)
		t.other:send(("<presence type='error' to='%s'><error type='cancel'><gone "
			.. "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"):format(t.room .. "/Earl"));
	end };
	{ "the room is only for members", function (t)
		t.third:join();
		t:configure({ membersonly = 1 });
	end };
	{ "a stranger knocks", function (t) t.guest2:join({ nick = "stranger" }); end };
	{ "data of a member change", function (t)
		hand(t, [[room:set_affiliation_data("{other.bare}", "colour", "red")]]);
	end };
	{ "the owner leaves", function (t) t.owner:leave(); end };
	{ "the room is put aside and taken up again", function (t)
		hand(t, "room:save(true, true); muc.forget_room(room); return muc.get_room_from_jid(room.jid).jid");
	end };
	{ "a module makes a room", function (t)
		hand(t, [[return muc.create_room("made-" .. room.jid).jid]]);
	end };
	{ "the room is destroyed", function (t) t.owner:set(forms.owner("<destroy><reason>done</reason></destroy>")); end };
};

-- Tells the story; returns for each step the lines of what was noted.
function events.tell(t)
	local told = {};
	hand(t, "return module:context(module.host):depends('rooms_events').take()");
	for i, step in ipairs(events.story) do
		step[2](t);
		t:forget();
		local text = hand(t, "return module:depends('rooms_events').take()");
		told[i] = {};
		for line in text:gsub(t.service:gsub("%p", "%%%0"), "SERVICE"):gsub("room%d+@", "room@"):gmatch("[^\n]+") do
			table.insert(told[i], line);
		end
	end
	return told;
end

return events, xml;
