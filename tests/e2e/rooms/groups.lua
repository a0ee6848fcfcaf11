-- SPDX-License-Identifier: MIT
-- A private group with end-to-end encryption, as clients make one: what each of them submits, in which shape, and what
-- it does then. The facts are from the sources of Conversations 2.17, Gajim 2, Dino 0.5 and Movim 0.30.
--
-- A client: name; config, the fields that it sets; shape, how it answers the room's form: "fields" with all of its
-- fields and their values alone, "whole" with the form as it came, labels and options too, "own" with a form of its own
-- making; affiliation, what it makes of those who are to come, nil where it leaves that to the invitation; invitation:
-- "mediated" or "direct"; lists, which ones it asks for once it is in; is_lasting, whether the room is to stay.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local message, presence = words.message, words.presence;
local test = suite.section("groups", "Private groups");

local NS_CONFIG, NS_DATA = "http://jabber.org/protocol/muc#roomconfig", "jabber:x:data";
local NS_OMEMO, NS_MAM = "eu.siacs.conversations.axolotl", "urn:xmpp:mam:2";
local PREFIX = "muc#roomconfig_";

local CLIENTS = {
	{
		name = "Conversations", shape = "fields", affiliation = "member", invitation = "mediated", is_lasting = true,
		config = {
			[PREFIX .. "persistentroom"] = "1", [PREFIX .. "membersonly"] = "1", [PREFIX .. "publicroom"] = "0",
			[PREFIX .. "whois"] = "anyone", [PREFIX .. "changesubject"] = "0", [PREFIX .. "allowinvites"] = "0",
			[PREFIX .. "enablearchiving"] = "1", mam = "1", [PREFIX .. "mam"] = "1",
		},
		lists = { "member", "admin", "owner" },
	},
	{
		name = "Gajim", shape = "fields", affiliation = "member", invitation = "direct", is_lasting = true,
		config = {
			[PREFIX .. "allowinvites"] = "1", [PREFIX .. "allowpm"] = "anyone", [PREFIX .. "changesubject"] = "1",
			[PREFIX .. "enablelogging"] = "0", [PREFIX .. "membersonly"] = "1", [PREFIX .. "moderatedroom"] = "0",
			[PREFIX .. "passwordprotectedroom"] = "0", [PREFIX .. "persistentroom"] = "1", [PREFIX .. "publicroom"] = "0",
			[PREFIX .. "whois"] = "anyone", allow_voice_requests = "0", public_list = "0", mam = "1",
			["{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites"] = "0", [PREFIX .. "enablearchiving"] = "1",
			[PREFIX .. "roomname"] = "Weird Sisters", [PREFIX .. "roomdesc"] = "Double, double",
		},
		lists = { "owner", "admin", "member" },
	},
	{
		name = "Dino", shape = "whole", affiliation = "owner", invitation = "mediated",
		config = {
			[PREFIX .. "allowinvites"] = "1", [PREFIX .. "persistentroom"] = "0", [PREFIX .. "membersonly"] = "1",
			[PREFIX .. "whois"] = "anyone",
		},
		lists = { "member", "admin", "owner" },
	},
	{
		name = "Movim", shape = "own", invitation = "mediated", is_lasting = true,
		config = {
			[PREFIX .. "roomname"] = "Weird Sisters", [PREFIX .. "persistentroom"] = "true",
			[PREFIX .. "changesubject"] = "false", [PREFIX .. "membersonly"] = "true", [PREFIX .. "whois"] = "anyone",
			[PREFIX .. "publicroom"] = "false",
		},
		lists = { "member", "owner", "admin" },
	},
};

local function remove(element, is_meant)
	for i = #element, 1, -1 do
		if is_meant(element[i]) then
			table.remove(element, i);
		end
	end
end

-- The attributes of an element without the order that they came in.
local function plain(attr, ...)
	local copy = {};
	for _, name in ipairs({ ... }) do
		copy[name] = attr[name];
	end
	return copy;
end

local function fill_field(field, client)
	local value = client.config[field.attr.var];
	if value then
		remove(field, function (child) return child.name == "value"; end);
		table.insert(field, { name = "value", xmlns = NS_DATA, attr = {}, value });
	end
	for _, option in ipairs(field) do
		option.attr = plain(option.attr, "label");
	end
	if client.shape == "whole" then
		field.attr = plain(field.attr, "var", "type", "label");
		return;
	end
	field.attr = plain(field.attr, "var");
	remove(field, function (child) return child.name ~= "value"; end);
end

-- The room's form with the values of a client; what the room does not know is left out.
local function fill(form, client)
	form.attr = { type = "submit" };
	if client.shape == "fields" then
		remove(form, function (child) return child.name ~= "field"; end);
	end
	for _, child in ipairs(form) do
		if child.name == "field" then
			fill_field(child, client);
		end
	end
	return xml.text(form, "http://jabber.org/protocol/muc#owner");
end

local function own_form(client)
	local text = forms.submit(NS_CONFIG, client.config);
	return (text:gsub("var='FORM_TYPE'", "type='hidden' var='FORM_TYPE'"));
end

local function configure(t, client)
	if client.shape == "own" then
		t.owner:set(forms.owner(own_form(client)));
		return;
	end
	local form = xml.child(forms.query(t.owner:get(forms.owner())), "x", NS_DATA);
	t.owner:set(forms.owner(fill(form, client)));
end

local function invite(t, client, name)
	if client.affiliation then
		t.owner:set(forms.admin(("<item affiliation='%s' jid='{%s.bare}'/>"):format(client.affiliation, name)));
	end
	t[name]:forgets();
	if client.invitation == "mediated" then
		t.owner:send(("<message to='{room}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='{%s}'/></x></message>")
			:format(name));
		t[name]:gets(("<message from='{room}' to='{any}' scansion:strict='false'><x "
			.. "xmlns='http://jabber.org/protocol/muc#user' scansion:strict='false'><invite from='{owner}'/></x></message>"));
	end
end

-- A room as a client makes it, with guest and other as those who were asked to come, guest in it.
local function found(t, client)
	t.owner:join();
	t.owner:gets(presence { "owner", as = "owner/moderator", status = "110 201", jid = "{owner}" });
	configure(t, client);
	invite(t, client, "guest");
	invite(t, client, "other");
	t.guest:join();
	t.guest:gets(presence { "owner", as = "owner/moderator", jid = "{owner}" });
	t:forget();
end

-- Addresses in a list, in order.
local function listed(who, affiliation)
	local jids = {};
	for i, item in ipairs(forms.items(who:get(forms.admin(("<item affiliation='%s'/>"):format(affiliation))))) do
		jids[i] = item.jid;
	end
	table.sort(jids);
	return jids;
end

local SECRET = ("<encrypted xmlns='%s'><header sid='27183'><key rid='31415'>QUJD</key><key prekey='true' rid='12321'>"
	.. "REVG</key><iv>R0hJ</iv></header><payload>SktM</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' "
	.. "name='OMEMO' namespace='%s'/><store xmlns='urn:xmpp:hints'/><origin-id xmlns='urn:xmpp:sid:0' id='o1'/>"):format(
	NS_OMEMO, NS_OMEMO);
local KEYS = ("<encrypted xmlns='%s'><header sid='1'><key rid='2'>QQ==</key><iv>Qg==</iv></header></encrypted>")
	:format(NS_OMEMO);
local PARTS = {
	SECRET:match("^<encrypted.-</encrypted>"), SECRET:match("<encryption.-/>"), SECRET:match("<store.-/>"),
	"<body>I sent you an OMEMO encrypted message</body>",
};

-- The messages with something encrypted that the archive has for a user.
local function archived(who)
	who:forgets();
	who:send(("<iq type='set' id='archive' to='{room}'><query xmlns='%s'/></iq>"):format(NS_MAM));
	local list = {};
	for _, one in ipairs(who:hears()) do
		local result = xml.child(one, "result", NS_MAM);
		local forwarded = result and xml.child(result, "forwarded");
		local inner = forwarded and xml.child(forwarded, "message");
		if inner and xml.child(inner, "encrypted", NS_OMEMO) then
			list[#list + 1] = inner;
		end
	end
	return list;
end

for _, client in ipairs(CLIENTS) do
	local function case(what, body)
		test { client.name, ("%s: %s"):format(client.name, what), body = body, function (t)
			found(t, client);
			body(t);
		end };
	end

	case("the room is as it was meant: for members, with real addresses, hidden", function (t)
		local features = forms.features(t.guest:get(forms.disco()));
		for _, feature in ipairs({ "muc_membersonly", "muc_nonanonymous", client.is_lasting and "muc_persistent"
			or "muc_temporary", "muc_hidden", "muc_unmoderated", "muc_unsecured", NS_MAM }) do
			t.check(features[feature], "no feature " .. feature);
		end
		for _, item in ipairs(forms.items(t.third:get(forms.disco(nil, "items"), "{service}"))) do
			t.check(item.jid ~= t.room, "the room is listed");
		end
		t.third:join();
		t.third:gets_only(words.refusal { "presence", "auth/registration-required" });
	end);

	case("members look up who belongs to it, whether they are in or not", function (t)
		local members, owners = { t.guest.jid, t.other.jid }, { t.owner.jid };
		if client.affiliation == "owner" then
			members, owners = {}, { t.guest.jid, t.other.jid, t.owner.jid };
		end
		for _, who in ipairs({ t.owner, t.guest }) do
			local found_lists = {};
			for _, affiliation in ipairs(client.lists) do
				found_lists[affiliation] = listed(who, affiliation);
			end
			t:same(found_lists, { member = members, admin = {}, owner = owners }, who.name);
		end
		t.third:cannot_get("auth/forbidden", forms.admin("<item affiliation='member'/>"));
	end);

	case("encrypted messages arrive whole, are in the history and in the archive", function (t)
		local id = t.guest:says("I sent you an OMEMO encrypted message", SECRET);
		t.owner:gets(message { "guest", id = id, x = false, with = PARTS });
		t.guest:says(nil, KEYS); -- for a new session, nobody reads it
		t.owner:gets(message { "guest", x = false, with = KEYS });
		t.other:join();
		t.other:gets(presence { "guest", as = (client.affiliation or "member") .. "/"
			.. (client.affiliation == "owner" and "moderator" or "participant"), jid = "{guest}" },
			message { "guest", id = id, x = false, with = PARTS });
		local list = archived(t.other);
		t:same(#list, 1, "messages in the archive");
		t:same(list[1].attr.id, id);
		t.third:cannot_set("auth/forbidden", ("<query xmlns='%s'/>"):format(NS_MAM));
	end);

	case("who is no member any more is out, and reads nothing", function (t)
		t.owner:set(forms.admin("<item affiliation='none' jid='{guest.bare}'/>"));
		t.guest:gets(words.gone { "guest", as = "none/none", status = "110 321", actor = "owner", jid = "{guest}" });
		t.guest:cannot_get("auth/forbidden", forms.admin("<item affiliation='member'/>"));
		t.guest:cannot_set("auth/forbidden", ("<query xmlns='%s'/>"):format(NS_MAM));
	end);
end

test { "Movim", "Movim: the list of bans, which it asks for with the others, is for admins", function (t)
	found(t, CLIENTS[4]);
	t.guest:cannot_get("auth/forbidden", forms.admin("<item affiliation='outcast'/>"));
	t:same(listed(t.owner, "outcast"), {});
end };
