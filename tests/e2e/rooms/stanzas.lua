-- SPDX-License-Identifier: MIT
-- stanzas: one of each kind that XEP-0045 and its companions let a client send to a room, as XML text: { name, text }.
--
-- ROOM stands for a room, NICK for the nick of somebody in it, FREE for one that nobody has, USER for a bare JID,
-- SERVICE for the service, ID for an id.
local MUC = "http://jabber.org/protocol/muc";
local DATA = "jabber:x:data";

local list = {};

local function add(name, text, ...)
	list[#list + 1] = { name, text:format(...) };
end

local function iq(name, kind, payload, to)
	add(name, "<iq type='%s' id='ID' to='%s'>%s</iq>", kind, to or "ROOM", payload);
end

local function field(var, ...)
	local values = {};
	for i, value in ipairs({ ... }) do
		values[i] = ("<value>%s</value>"):format(value);
	end
	return ("<field var='%s'>%s</field>"):format(var, table.concat(values));
end

local function form(kind, ...)
	return ("<x xmlns='%s' type='submit'>%s%s</x>"):format(DATA, field("FORM_TYPE", kind), table.concat({ ... }));
end

-- Joins (sections 7.1, 7.2 and 10.1) and other presence (7.6, 7.7, 7.14).
for name, inside in pairs({
	plain = "", password = "<password>secret</password>", maxchars = "<history maxchars='100'/>",
	maxstanzas = "<history maxstanzas='5'/>", seconds = "<history seconds='180'/>",
	since = "<history since='2026-01-01T00:00:00Z'/>", versions = "<mav xmlns='urn:xmpp:muc:affiliations:1' since='x'/>",
}) do
	add("join, " .. name, "<presence to='ROOM/FREE' id='ID'><x xmlns='%s'>%s</x></presence>", MUC, inside);
end
add("presence", "<presence to='ROOM/NICK' id='ID'><show>away</show><status>so</status></presence>");
add("presence in a call", "<presence to='ROOM/NICK'><muji xmlns='urn:xmpp:jingle:muji:0'><preparing/>"
	.. "<content xmlns='urn:xmpp:jingle:1' creator='initiator' name='audio'/></muji></presence>");
add("presence with claims", "<presence to='ROOM/NICK'><x xmlns='%s#user'><item affiliation='owner' role='moderator'/>"
	.. "<status code='110'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>"
	.. "<hats xmlns='urn:xmpp:hats:0'><hat uri='urn:x:king' title='King'/></hats></presence>", MUC);
add("new nick", "<presence to='ROOM/FREE' id='ID'/>");
add("leave", "<presence to='ROOM/NICK' type='unavailable'><status>bye</status></presence>");
add("probe", "<presence to='ROOM/NICK' type='probe' id='ID'/>");
add("presence error", "<presence to='ROOM/NICK' type='error' id='ID'><error type='cancel'><gone xmlns='"
	.. "urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");

-- Messages to all (7.4), subjects (8.1), private ones (7.5).
local SAID = {
	text = "<body>Double, double toil and trouble</body>",
	history = "<body>Fire burn</body><delay xmlns='urn:xmpp:delay' from='ROOM' stamp='2026-01-01T00:00:00Z'/>",
	["an old delay"] = "<body>so</body><x xmlns='jabber:x:delay' from='ROOM' stamp='20260101T00:00:00'/>",
	claims = "<body>so</body><stanza-id xmlns='urn:xmpp:sid:0' by='ROOM' id='forged'/><occupant-id "
		.. "xmlns='urn:xmpp:occupant-id:0' id='forged'/><x xmlns='http://jabber.org/protocol/muc#user'>"
		.. "<status code='104'/></x>",
	subject = "<subject>Macbeth</subject>", ["no subject"] = "<subject/>",
	retraction = "<retract xmlns='urn:xmpp:message-retract:1' id='some'/><body>gone</body>",
	correction = "<body>so</body><replace xmlns='urn:xmpp:message-correct:0' id='some'/>",
	reaction = "<reactions xmlns='urn:xmpp:reactions:0' id='some'><reaction>x</reaction></reactions>",
	marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='some'/>",
	secret = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2'>QQ==</key><iv>QQ==</iv>"
		.. "</header><payload>QQ==</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' "
		.. "namespace='eu.siacs.conversations.axolotl'/><store xmlns='urn:xmpp:hints'/><body>fallback</body>",
};
for name, inside in pairs(SAID) do
	add("message, " .. name, "<message type='groupchat' to='ROOM' id='ID'>%s</message>", inside);
end
add("private message", "<message type='chat' to='ROOM/NICK' id='ID'><body>psst</body><x xmlns='%s#user'/></message>",
	MUC);
add("private message of no type", "<message to='ROOM/NICK' id='ID'><body>psst</body></message>");
add("message error", "<message type='error' to='ROOM/NICK' id='ID'><body>so</body><error type='wait'>"
	.. "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
add("message error to the room", "<message type='error' to='ROOM' id='ID'><error type='cancel'><item-not-found "
	.. "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
add("normal message", "<message to='ROOM' id='ID'><body>so</body></message>");

-- Invitations (7.8) and requests for voice (7.13, 8.6).
add("invitation", "<message to='ROOM' id='ID'><x xmlns='%s#user'><invite to='USER'><reason>come</reason>"
	.. "<continue thread='t'/></invite></x></message>", MUC);
add("invitations", "<message to='ROOM' id='ID'><x xmlns='%s#user'><invite to='USER'/><invite to='USER'/></x>"
	.. "</message>", MUC);
add("decline", "<message to='ROOM' id='ID'><x xmlns='%s#user'><decline to='USER'><reason>no</reason></decline></x>"
	.. "</message>", MUC);
add("request for voice", "<message to='ROOM' id='ID'>%s</message>",
	form(MUC .. "#request", field("muc#role", "participant")));
add("voice granted", "<message to='ROOM' id='ID'>%s</message>", form(MUC .. "#request",
	field("muc#role", "participant"), field("muc#jid", "USER/first"), field("muc#roomnick", "NICK"),
	field("muc#request_allow", "1")));

-- Lists, roles and affiliations (8.2 to 8.5, 9, 10.3 to 10.8).
local function admin(name, kind, items)
	iq(name, kind, ("<query xmlns='%s#admin'>%s</query>"):format(MUC, items));
end
admin("list of members", "get", "<item affiliation='member'/>");
admin("list of bans", "get", "<item affiliation='outcast'/>");
admin("list of moderators", "get", "<item role='moderator'/>");
admin("kick", "set", "<item nick='NICK' role='none'><reason>so</reason></item>");
admin("role", "set", "<item nick='NICK' role='visitor'/>");
admin("role by address", "set", "<item jid='USER/first' role='participant'/>");
admin("affiliation", "set", "<item affiliation='member' jid='USER' nick='FREE'><reason>so</reason></item>");
admin("affiliations", "set", "<item affiliation='admin' jid='USER'/><item affiliation='none' jid='USER'/>"
	.. "<item affiliation='owner' jid='third@example.org'/>");
admin("affiliation by nick", "set", "<item affiliation='member' nick='NICK'/>");
admin("ban", "set", "<item affiliation='outcast' jid='USER'><reason>so</reason></item>");

-- What owners do (10.2, 10.9).
local function owner(name, kind, inside)
	iq(name, kind, ("<query xmlns='%s#owner'>%s</query>"):format(MUC, inside));
end
owner("configuration", "get", "");
owner("instant room", "set", ("<x xmlns='%s' type='submit'/>"):format(DATA));
owner("cancelled configuration", "set", ("<x xmlns='%s' type='cancel'/>"):format(DATA));
owner("end of the room", "set", "<destroy jid='other@rooms.example.org'><reason>over</reason><password>x</password>"
	.. "</destroy>");
for name, values in pairs({
	roomname = { "Macbeth" }, roomdesc = { "A play" }, lang = { "en" }, publicroom = { "0" }, persistentroom = { "1" },
	membersonly = { "0" }, allowinvites = { "1" }, passwordprotectedroom = { "0" }, roomsecret = { "" },
	moderatedroom = { "0" }, whois = { "anyone" }, changesubject = { "1" }, allowpm = { "participants" },
	maxusers = { "50" }, presencebroadcast = { "moderator", "participant" }, getmemberlist = { "visitor" },
	enablelogging = { "1" }, enablearchiving = { "1" }, slow_mode_duration = { "1" }, roomadmins = { "USER" },
	roomowners = { "owner@example.org" }, pubsub = { "xmpp:pubsub.example.org?;node=play" }, unknown = { "1" },
}) do
	owner("configuration of " .. name, "set",
		form(MUC .. "#roomconfig", field("muc#roomconfig_" .. name, table.unpack(values))));
end
owner("configuration of history", "set", form(MUC .. "#roomconfig", field("muc#maxhistoryfetch", "20")));
owner("configuration of much", "set", form(MUC .. "#roomconfig", field("muc#roomconfig_moderatedroom", "1"),
	field("muc#roomconfig_membersonly", "0"), field("muc#roomconfig_whois", "moderators"), field("mam", "1")));

-- Registration (7.10 to 7.12) and discovery (6).
iq("registration form", "get", "<query xmlns='jabber:iq:register'/>");
iq("registration", "set", ("<query xmlns='jabber:iq:register'>%s</query>")
	:format(form(MUC .. "#register", field("muc#register_roomnick", "FREE"))));
iq("end of registration", "set", "<query xmlns='jabber:iq:register'><remove/></query>");
for _, kind in ipairs({ "info", "items" }) do
	local query = ("<query xmlns='http://jabber.org/protocol/disco#%s'%%s/>"):format(kind);
	iq("disco " .. kind, "get", query:format(""));
	iq("disco " .. kind .. " of a node", "get", query:format(" node='x-roomuser-item'"));
	iq("disco " .. kind .. " of an occupant", "get", query:format(""), "ROOM/NICK");
end
iq("disco of commands", "get", "<query xmlns='http://jabber.org/protocol/disco#items' "
	.. "node='http://jabber.org/protocol/commands'/>");

-- IQs to occupants (17.4), self-pings (XEP-0410), calls (XEP-0272).
iq("ping", "get", "<ping xmlns='urn:xmpp:ping'/>", "ROOM/NICK");
iq("version", "get", "<query xmlns='jabber:iq:version'/>", "ROOM/NICK");
iq("vCard of an occupant", "get", "<vCard xmlns='vcard-temp'/>", "ROOM/NICK");
iq("question", "set", "<question xmlns='urn:example:question'>so?</question>", "ROOM/NICK");
iq("call", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' initiator='USER/first' sid='call'>"
	.. "<content creator='initiator' name='audio'/><muji xmlns='urn:xmpp:jingle:muji:0' room='ROOM'/></jingle>",
	"ROOM/NICK");
iq("end of a call", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' responder='USER/first' "
	.. "sid='call'/>", "ROOM/NICK");
add("answer", "<iq type='result' id='ID' to='ROOM/NICK'/>");
add("refusal", "<iq type='error' id='ID' to='ROOM/NICK'><error type='cancel'/></iq>");

-- The archive (XEP-0313), retraction by moderators (XEP-0425), hats (XEP-0317), pictures (XEP-0486).
iq("archive form", "get", "<query xmlns='urn:xmpp:mam:2'/>");
iq("archive ends", "get", "<metadata xmlns='urn:xmpp:mam:2'/>");
iq("archive", "set", "<query xmlns='urn:xmpp:mam:2' queryid='q'/>");
iq("archive page", "set", ("<query xmlns='urn:xmpp:mam:2' queryid='q'>%s<set xmlns='http://jabber.org/protocol/rsm'>"
	.. "<max>5</max><before/></set></query>"):format(form("urn:xmpp:mam:2", field("start", "2026-01-01T00:00:00Z"),
	field("end", "2036-01-01T00:00:00Z"))));
iq("archive search", "set", ("<query xmlns='urn:xmpp:mam:2'>%s<set xmlns='http://jabber.org/protocol/rsm'><max>5</max>"
	.. "<after>some</after></set></query>"):format(form("urn:xmpp:mam:2", field("with", "ROOM/NICK"))));
iq("archive by id", "set", ("<query xmlns='urn:xmpp:mam:2'>%s<flip-page/></query>"):format(
	form("urn:xmpp:mam:2", field("ids", "one", "two"), field("after-id", "one"))));
iq("moderation", "set", "<moderate xmlns='urn:xmpp:message-moderate:1' id='some'><retract "
	.. "xmlns='urn:xmpp:message-retract:1'/><reason>so</reason></moderate>");
iq("old moderation", "set", "<apply-to xmlns='urn:xmpp:fasten:0' id='some'><moderate "
	.. "xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/>"
	.. "<reason>so</reason></moderate></apply-to>");
for name, fields in pairs({
	list = "",
	create = field("hats#title", "King") .. field("hats#uri", "urn:x:king") .. field("hats#hue", "20"),
	destroy = field("hats#uri", "urn:x:king"), assign = field("hats#jid", "USER") .. field("hats#uri", "urn:x:king"),
	unassign = field("hats#jid", "USER") .. field("hats#uri", "urn:x:king"),
}) do
	iq("hats, " .. name, "set", ("<command xmlns='http://jabber.org/protocol/commands' action='execute' "
		.. "node='urn:xmpp:hats:commands:%s'>%s</command>"):format(name, form("urn:xmpp:hats:commands", fields)));
end
iq("picture", "get", "<vCard xmlns='vcard-temp'/>");
iq("new picture", "set", "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>aGVsbG8=</BINVAL></PHOTO>"
	.. "</vCard>");
iq("list of rooms", "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", "SERVICE");
iq("page of rooms", "get", "<query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='"
	.. "http://jabber.org/protocol/rsm'><max>5</max><index>1</index></set></query>", "SERVICE");
iq("service", "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "SERVICE");

table.sort(list, function (x, y) return x[1] < y[1]; end);
return list;
