-- SPDX-License-Identifier: MIT
-- api: rooms as other modules use them, and what users get of that.
local forms = require "e2e.rooms.forms";
local hand = require "e2e.rooms.hand";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local api = {};

local gone, message, presence, refusal = words.gone, words.message, words.presence, words.refusal;
local test = suite.section("At home", "Rooms and other modules");

local USER = "http://jabber.org/protocol/muc#user";
local XMLNS = "urn:x-prosody-scion:guests";
local GROUPCHAT = "<message type='groupchat' from='%s'><body>%s</body></message>";

test { "create_room", "a module makes a room: with defaults or its own configuration, and not twice", function (t)
	t:same(hand(t, "return muc.create_room('{room}').jid"), "{room}");
	t:same({ hand(t, "return muc.create_room('{room}')") }, { "nil", "room-exists" });
	t:same({ hand(t, "return muc.create_room('{room}/nick')") }, { "nil", "invalid-jid" });
	t:same(hand(t, "return muc.get_room_from_jid('{room}') == room"), "true");
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
	local made = hand(t, "return muc.create_room('second-{room}', { members_only = true, name = 'Second' }):get_name()");
	t:same(made, "Second");
	t.room = "second-" .. t.room;
	t.guest:join();
	t.guest:gets(refusal { "presence", "auth/registration-required" });
end };

test { "each_room", "a module goes through all rooms, those in memory or those that are stored, too", function (t)
	t:create({ persistentroom = 1 });
	local both = "return (function () local count = 0; for found in muc.%s do "
		.. "count = count + (found.jid == '{room}' and 1 or 0) end return count end)()";
	local names = { "each_room()", "each_room(true)", "all_rooms()", "live_rooms()" };
	for _, name in ipairs(names) do
		t:same(hand(t, both:format(name)), "1", name);
	end
	t.owner:leave();
	hand(t, "room:save(true); muc.forget_room(room)");
	for _, name in ipairs({ "live_rooms()", "each_room(true)" }) do
		t:same(hand(t, both:format(name), "{service}"), "0", name);
	end
	t:same(hand(t, both:format("all_rooms()"), "{service}"), "1", "all_rooms() once it is stored");
end };

test { "hosts", "a module finds the rooms of a host by its modules", function (t)
	t:create();
	t:same(hand(t, "return prosody.hosts[module.host].modules.muc.get_room_from_jid('{room}') == room"), "true");
	t:same(hand(t, "return rawget(prosody.hosts[module.host].modules.muc, 'get_room_from_jid') ~= nil"), "true");
	t:same(hand(t, "return module:get_host_type()"), "component");
end };

test { "lobby", "who waits in a lobby is let in once it is a member", function (t)
	t:create();
	hand(t, "room.lobby = {}");
	t.guest:join();
	t.guest:gets(refusal { "presence", "auth/registration-required" });
	t.owner:gets_no();
	t:same(hand(t, "return room.lobby['{guest.bare}']"), "{room}/guest");
	t:same(hand(t, "return room:set_affiliation(true, '{guest.bare}', 'member')"), "true");
	t.guest:join();
	t.guest:gets(presence { "guest", as = "member/participant", status = "110" });
	t.owner:gets(presence { "guest", as = "member/participant", jid = "{guest}" });
end };

test { "set_affiliation", "a module affiliates who is there and who is not, and all see it", function (t)
	t:create({ whois = "anyone" });
	t:enter("guest", "other");
	t:same(hand(t, "return room:set_affiliation(true, '{guest.bare}', 'admin', 'trusted')"), "true");
	t.other:gets_only(presence { "guest", as = "admin/moderator", jid = "{guest}", reason = "trusted" });
	hand(t, "room:set_affiliation(true, '{guest.bare}', 'outcast', 'not so')");
	t.other:gets_only(gone { "guest", as = "outcast/none", jid = "{guest}", status = "301", reason = "not so" });
	hand(t, "room:set_affiliation(true, 'third@example.org', 'member', nil, { reserved_nickname = 'Third' })");
	t:same(hand(t, "return room:get_affiliation('third@example.org/x'), room:get_registered_nick('third@example.org')"),
		"member");
	t:same(hand(t, "return select(3, room:set_affiliation('{other}', '{owner.bare}', 'none'))"), "not-allowed");
	t:same(hand(t, [[local found = {};
		for bare, affiliation, data in room:each_affiliation() do
			found[#found + 1] = bare .. " " .. affiliation .. " " .. tostring(data and data.reserved_nickname);
		end
		table.sort(found);
		return table.concat(found, ", ")]]),
		"guest@example.org outcast nil, owner@example.org owner nil, third@example.org member Third");
end };

test { "set_role", "a module gives and takes roles", function (t)
	t:create();
	t:enter("guest", "other");
	t:same(hand(t, "return room:set_role(true, '{room}/guest', 'moderator', 'helps')"), "true");
	t.other:gets_only(presence { "guest", as = "none/moderator", reason = "helps" });
	t:same(hand(t, "return room:get_role('{room}/guest')"), "moderator");
	hand(t, "room:set_role(true, '{room}/guest', nil, 'enough')");
	t.other:gets_only(gone { "guest", as = "none/none", status = "307", reason = "enough" });
	t:same(hand(t, "return room:get_role('{room}/guest')"), "nil");
	t:same(hand(t, "return select(3, room:set_role(true, '{room}/nobody', 'visitor'))"), "item-not-found");
end };

test { "each_occupant", "occupants that a module goes through are copies until it saves one", function (t)
	t:create();
	t:enter("guest");
	hand(t, [[for _, occupant in room:each_occupant() do occupant.role = nil; occupant.sessions = {}; end
		room:get_occupant_by_nick("{room}/guest").role = "visitor";
		room:get_occupant_by_real_jid("{guest}").role = "visitor"]]);
	t.guest:says("still here");
	t.owner:gets_only(message { "guest", body = "still here" });
	hand(t, [[local occupant = room:get_occupant_by_nick("{room}/guest");
		occupant.role = "visitor";
		room:save_occupant(occupant);
		room:publicise_occupant_status(occupant, st.stanza("x", { xmlns = "http://jabber.org/protocol/muc#user" }))]]);
	t.owner:gets_only(presence { "guest", as = "none/visitor", jid = "{guest}" });
	t.guest:says("may I");
	t.guest:gets(refusal { "message", "auth/forbidden" });
	t:same({ hand(t, "return room:has_occupant(), room:get_occupant_jid('{guest}')") }, { "true", "{room}/guest" });
end };

test { "get_presence", "a module reads the presence of an occupant, of its first session or of another", function (t)
	t:create();
	t.guest:join({ with = "<show>away</show>" });
	t.guest2:join({ nick = "guest", with = "<show>dnd</show>" });
	local code = "local occupant = room:get_occupant_by_nick('{room}/guest'); "
		.. "return occupant:get_presence(%s):get_child_text('show'), occupant.jid, occupant.bare_jid";
	t:same({ hand(t, code:format("")) }, { "away", "{guest}", "{guest.bare}" });
	t:same(hand(t, code:format("'{guest2}'")), "dnd");
	t:same(hand(t, [[local count = 0;
		for real_jid, presence in room:get_occupant_by_nick("{room}/guest"):each_session() do
			count = count + (presence.attr.from == "{room}/guest" and 1 or 0);
		end
		return count]]), "2");
end };

test { "route_to_occupant", "a module sends to all sessions of an occupant", function (t)
	t:create();
	t:enter("guest", "other");
	t.guest2:join({ nick = "guest" });
	t:forget();
	hand(t, [[local note = st.message({ type = "groupchat", from = room.jid }):text_tag("body", "for you");
		room:route_to_occupant(room:get_occupant_by_nick("{room}/guest"), note);
		note.attr.to = "changed"]]);
	for _, who in ipairs({ t.guest, t.guest2 }) do
		who:gets_only(message { "", body = "for you" });
	end
	t.other:gets_no();
end };

test { "broadcast", "a module sends to those occupants that it chooses, or to all", function (t)
	t:create();
	t:enter("guest", "other");
	hand(t, [[room:broadcast(st.message({ type = "groupchat", from = room.jid }):text_tag("body", "ours"),
		function (nick, occupant) return nick == "{room}/guest" or occupant.role == "moderator" end)]]);
	t.owner:gets_only(GROUPCHAT:format("{room}", "ours"));
	t.guest:gets_only(GROUPCHAT:format("{room}", "ours"));
	t.other:gets_no();
	hand(t, [[room:broadcast(st.message({ type = "groupchat", from = room.jid }):text_tag("body", "all"))]]);
	t.other:gets_only(GROUPCHAT:format("{room}", "all"));
end };

test { "build_item_list", "a module builds items, with real addresses or without", function (t)
	t:create();
	t:enter("guest");
	local code = [[local x = st.stanza("x", { xmlns = "http://jabber.org/protocol/muc#user" });
		local occupant = room:get_occupant_by_nick("{room}/guest");
		local attr = room:build_item_list(occupant, x, %s, %s):get_child("item").attr;
		return table.concat({ attr.affiliation, attr.role, tostring(attr.jid), tostring(attr.nick) }, " ")]];
	t:same(hand(t, code:format("false", "nil")), "none participant {guest} nil");
	t:same(hand(t, code:format("true", "'new'")), "none participant nil new");
	t:same(hand(t, "return room:is_anonymous_for('{guest}'), room:is_anonymous_for('{owner}')"), "true");
end };

test { "destroy", "a module ends a room; who asks meanwhile sees that it is ending", function (t)
	t:create({ persistentroom = 1 });
	t:enter("guest");
	t:same(hand(t, [[local seen;
		local function look(event) seen = event.room.destroying; end
		module:hook("muc-occupant-left", look);
		room:destroy("elsewhere@" .. module.host, "moving");
		module:unhook("muc-occupant-left", look);
		return seen]]), "moving");
	t.guest:gets_only(gone { "guest", as = "none/none", status = "110",
		destroy = ("<destroy xmlns='%s' jid='elsewhere@{service}'><reason>moving</reason></destroy>"):format(USER) });
	t.other:join();
	t.other:gets(refusal { "presence", "cancel/gone" });
end };

test { "fields", "a module reads the fields of rooms, and adds fields to rooms and occupants", function (t)
	t:create();
	hand(t, "room.counts = {}");
	t:enter("guest", "other");
	t.guest:renames("visitor");
	t.guest.nick = "visitor";
	t:same(hand(t, "return room.counts.joined, room._occupants['{room}/other'].number"), "2");
	t:same(hand(t, "return room._jid_nick['{other}'], room._data ~= nil, room._affiliations['{owner.bare}']"),
		"{room}/other");
end };

test { "patches", "methods of all rooms and of one room can be replaced", function (t)
	t:create();
	t:enter("guest");
	hand(t, [[local get = muc.room_mt.get_affiliation;
		module.undo = function () muc.room_mt.get_affiliation = get end;
		function muc.room_mt:get_affiliation(who)
			return self.patched and jid.bare(who) == "{third.bare}" and "admin" or get(self, who);
		end
		room.patched = true;
		local say = room.broadcast_message;
		function room:broadcast_message(stanza)
			stanza:tag("patched", { xmlns = "urn:x-prosody-scion:guests" }):up();
			return say(self, stanza);
		end]]);
	t.third:join();
	t.third:gets(presence { "third", as = "admin/moderator", status = "110" });
	t.owner:forgets();
	t.guest:says("hello");
	t.owner:gets_only(message { "guest", body = "hello", with = ("<patched xmlns='%s'/>"):format(XMLNS) });
	hand(t, "module.undo()");
	t:same(hand(t, "return room:get_affiliation('{third.bare}')"), "nil");
end };

test { "module:send", "a module speaks in a room from the outside, as its host", function (t)
	t:create();
	t:enter("guest");
	hand(t, [[room:broadcast_message(st.message({ type = "groupchat", from = room.jid .. "/Bot", id = "b1" })
		:text_tag("body", "beep"))]]);
	t.guest:gets_only("<message type='groupchat' from='{room}/Bot' id='b1'><body>beep</body></message>");
	hand(t, [[module:send(st.message({ type = "groupchat", from = "{owner}", to = room.jid })
		:text_tag("body", "by proxy"))]]);
	t.guest:gets_only(message { "owner", body = "by proxy" });
	t.other:join();
	t.other:gets(message { "Bot", body = "beep" }, message { "owner", body = "by proxy" });
end };

test { "stanzas", "modules change presence and messages on their way, and swallow them", function (t)
	t:create();
	t:enter("guest");
	hand(t, "room.stamps, room.censors = true, true");
	t.other:join();
	local seen = ("<seen xmlns='%s' role='participant'/>"):format(XMLNS);
	t.guest:gets_only(presence { "other", as = "none/participant", with = seen });
	local of_moderator = ("<seen xmlns='%s' role='moderator'/>"):format(XMLNS);
	t.other:gets(presence { "owner", as = "owner/moderator", with = of_moderator },
		presence { "other", as = "none/participant", status = "110", with = seen });
	t:forget();
	t.guest:says("swallow");
	t.guest:says("rude");
	t.guest:says("fine");
	t.owner:gets_only(message { "guest", body = "polite" }, message { "guest", body = "fine" });
	t.guest:whispers("owner", "drop");
	t.guest:whispers("owner", "psst");
	t.owner:gets_only(message { "guest", body = "psst", type = "chat", with = ("<checked xmlns='%s'/>"):format(XMLNS) });
end };

test { "setters", "what a module sets is what users see", function (t)
	t:create();
	hand(t, [[room:set_name("Garden"); room:set_description("Roses"); room:set_public(true); room:set_password("key");
		room:set_subject("{room}/owner", "Thorns"); room:set_moderated(true); room:set_language("it");
		room:set_historylength(3); room:set_changesubject(true); room:set_persistent(true)]]);
	local features = forms.features(t.guest:get(forms.disco()));
	for _, name in ipairs({ "muc_public", "muc_passwordprotected", "muc_moderated", "muc_persistent" }) do
		t.check(features[name], "no feature " .. name);
	end
	t:same(forms.read(t.guest:get(forms.disco()))["muc#roominfo_description"][1], "Roses");
	t.owner:gets(words.subject { "owner", subject = "Thorns" });
	t.guest:join();
	t.guest:gets(refusal { "presence", "auth/not-authorized" });
	t:same(hand(t, "return room:get_historylength() .. room:get_language() .. room:get_password()"), "3itkey");
end };

-- Every name that other modules can call.
local NAMES = [[local found = {};
	local function add(prefix, functions)
		for name, value in pairs(functions) do
			found[#found + 1] = type(value) == "function" and not name:find("^__") and prefix .. name or nil;
		end
	end
	for _, occupant in room:each_occupant() do
		local class = getmetatable(occupant).__index;
		add("occupant:", class);
		add("occupant:", getmetatable(class) and getmetatable(class).__index or {});
	end
	add("room:", muc.room_mt.__index);
	local functions = prosody.hosts[module.host].modules.muc;
	for _, name in ipairs({ "create_room", "track_room", "delete_room", "forget_room", "get_room_from_jid", "all_rooms",
		"live_rooms", "each_room", "shutdown_component", "new_room" }) do
		add("muc.", { [name] = rawget(functions, name) });
	end
	return table.concat(found, " ")]];

-- What rooms and occupants of stock can do, as asked of stock's own room; ours can do the same.
function api.missing(of_ours, of_stock)
	local known, missing = {}, {};
	for name in hand(of_ours, NAMES):gmatch("%S+") do
		known[name] = true;
	end
	for name in hand(of_stock, NAMES):gmatch("%S+") do
		missing[#missing + 1] = not known[name] and name or nil;
	end
	return missing;
end

test { "send_history", "a module sends history and subject anew", function (t)
	t:create();
	t:enter("guest");
	t.owner:says("one");
	t.owner:sets_subject("Roses");
	t.guest:forgets();
	hand(t, [[room:send_history(st.presence({ from = "{guest}", to = room.jid .. "/guest" })
		:tag("x", { xmlns = "http://jabber.org/protocol/muc" }));
		room:send_subject("{guest}")]]);
	local delayed = "<delay xmlns='urn:xmpp:delay' from='{room}' stamp='{any}'/>";
	t.guest:gets_only(message { "owner", body = "one", with = delayed }, words.subject { "owner", subject = "Roses" });
end };

test { "forget_room", "a module puts a room aside, deletes it, and takes in one that it has made", function (t)
	t:create({ persistentroom = 1 });
	t.owner:leave();
	hand(t, "room:save(true); muc.forget_room(room); return muc.delete_room(room)");
	t.guest:cannot_get("cancel/item-not-found", forms.disco());
	t:same(hand(t, [[local made = muc.new_room("{room}", { name = "Made", persistent = true });
		return muc.track_room(made) == made]], "{service}"), "true");
	t:same(hand(t, "return room:get_name()"), "Made");
end };

local function shell(t, command, expected)
	local output = t.world.server:shell(t:fill(command));
	t.check(output:find(t:fill(expected), 1, true), ("%s: %s expected, but %s"):format(command, expected, output));
end

test { "shell", "what an operator does to a room in the shell is seen in it", function (t)
	t:create();
	t:enter("guest", "other");
	shell(t, "muc:room('{room}'):set_subject('{room}/owner', 'From the shell')", "Result: true");
	t.other:gets_only(words.subject { "owner", subject = "From the shell" });
	shell(t, "muc:room('{room}'):set_affiliation(true, '{guest.bare}', 'outcast', 'rude')", "Result: true");
	t.other:gets_only(gone { "guest", as = "outcast/none", status = "301", reason = "rude" });
	shell(t, "muc:room('{room}'):get_occupant_jid('{other}')", "Result: {room}/other");
end };

test { "shell", "the shell shows who is in a room and who is affiliated",
	lacks_in = { ["0.12"] = "the shell of 0.12 has no muc:occupants" }, function (t)
	t:create({}, "member");
	t:enter("guest");
	shell(t, "muc:occupants('{room}')", "{guest.bare}");
	shell(t, "muc:occupants('{room}', 'moderator')", "1 out of 2 occupants listed");
	shell(t, "muc:affiliations('{room}')", "{member.bare}");
end };

return api;
