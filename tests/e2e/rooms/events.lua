-- SPDX-License-Identifier: MIT
-- events: one story in a room of each kind, and the events that add-ons see of it.
local forms = require "e2e.rooms.forms";
local hand = require "e2e.rooms.hand";

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

-- All there are, in stock of either release; what comes after a / is the name of a field, a node or a key.
events.names = {
	"muc-room-pre-create", "muc-room-created", "muc-room-pre-restore", "muc-room-restored", "muc-pre-room-destroy",
	"muc-room-destroyed", "muc-room-locked", "muc-room-unlocked", "muc-occupant-pre-join", "muc-occupant-pre-change",
	"muc-occupant-pre-leave", "muc-occupant-joined", "muc-occupant-session-new", "muc-occupant-left",
	"muc-occupant-groupchat", "muc-broadcast-message", "muc-message-is-historic", "muc-add-history",
	"muc-private-message", "muc-build-occupant-presence", "muc-broadcast-presence", "muc-get-history",
	"muc-get-default-role", "muc-pre-set-affiliation", "muc-set-affiliation", "muc-set-affiliation-data/",
	"muc-pre-set-role",
	"muc-voice-request", "muc-voice-response", "muc-config-form", "muc-config-submitted", "muc-config-submitted/",
	"muc-registration-submitted", "muc-pre-invite", "muc-invite", "muc-pre-decline", "muc-decline", "muc-disco#info",
	"muc-disco#info/",
};

-- Where ours differs: lines that only one side has (`ours`, `stock`: a pattern), or keys that only ours has (`event`,
-- the end of its name, and `keys`). `steps` are the ones where that is so, `releases` those of Prosody, by default all.
events.differences = {
	{ why = "when one of two sessions goes, the others are not shown anything new",
		steps = { "the second session leaves" }, stock = "^muc%-b" };
	{ why = "of who leaves one nick for another the new one is told",
		steps = { "the guest changes its nick" }, event = "muc-occupant-left", keys = { "new_nick" } };
	{ why = "the event of a private message has its sender",
		steps = { "the guest whispers" }, event = "muc-private-message", keys = { "occupant" } };
	{ why = "an affiliation always has data, as in Prosody 13.0", releases = { ["0.12"] = true },
		steps = { "another becomes a member", "the guest is banned" }, event = "set-affiliation", keys = { "data" } };
	{ why = "subjects go into the archive",
		steps = { "the owner sets the subject" }, ours = "^muc%-add%-history" };
	{ why = "whether a role was given or is the usual one is found out when it is given",
		steps = { "the guest becomes a moderator", "the guest loses its voice", "the owner gives it", "the guest is kicked" },
		ours = "^muc%-get%-default%-role" };
	{ why = "who is invited is made a member only if others could not enter",
		steps = { "the owner invites somebody" }, stock = "^muc%-get%-default%-role" };
	{ why = "what made somebody be lost is told",
		steps = { "the member is lost" }, event = "muc-occupant-left", keys = { "origin", "stanza" } };
	{ why = "what is left of a destroyed room stays in memory",
		steps = { "the room is destroyed" }, stock = "^muc%-room%-p?r?e?%-?restored?" };
};

local function lines_of(text, service)
	local list = {};
	text = text:gsub(service:gsub("%p", "%%%0"), "SERVICE"):gsub("room%d+@", "room@");
	for line in text:gmatch("[^\n]+") do
		list[#list + 1] = line;
	end
	return list;
end

-- Tells the story; returns for each step the lines of what was noted.
function events.tell(t)
	local told, take = {}, "return module:depends('rooms_events').take()";
	hand(t, take);
	for i, step in ipairs(events.story) do
		step[2](t);
		t:forget();
		told[i] = lines_of(hand(t, take), t.service);
	end
	return told;
end

-- Several of these in a row come in any order: presences of occupants for one who enters, fields of a form.
local function is_unordered(line)
	return line:find("^muc%-build%-occupant%-presence") and not line:find(", x=", 1, true)
		or line:find("^muc%-config%-submitted/") ~= nil;
end

-- Lines in an order that is the same for equal lists. The type of a form is no field that anybody cares for.
function events.sorted(lines)
	local out, run = {}, {};
	local function flush()
		table.sort(run);
		table.move(run, 1, #run, #out + 1, out);
		run = {};
	end
	for _, line in ipairs(lines) do
		if is_unordered(line) then
			run[#run + 1] = not line:find("submitted/FORM_TYPE", 1, true) and line or nil;
		else
			flush();
			out[#out + 1] = line;
		end
	end
	flush();
	return out;
end

local function without_lines(lines, pattern)
	local rest = {};
	for _, line in ipairs(lines) do
		rest[#rest + 1] = not line:find(pattern) and line or nil;
	end
	return rest;
end

local function without_keys(lines, difference)
	local out = {};
	for i, line in ipairs(lines) do
		for _, key in ipairs(line:find(difference.event .. "{", 1, true) and difference.keys or {}) do
			line = line:gsub("([{,]) " .. key .. "=[^,}]*,? ?", "%1 "):gsub("[, ]*}", " }");
		end
		out[i] = line;
	end
	return out;
end

--- What is left when a known difference is taken out of a step of ours and of stock.
function events.without(difference, ours, stock)
	ours = difference.ours and without_lines(ours, difference.ours) or ours;
	stock = difference.stock and without_lines(stock, difference.stock) or stock;
	return difference.event and without_keys(ours, difference) or ours, stock;
end

return events;
