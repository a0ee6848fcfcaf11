-- SPDX-License-Identifier: MIT
-- actions: random things that users do to a room, as XML text. ROOM stands for the room's JID, ID for an id.
local actions = {};

local USERS = { "owner", "admin", "member", "guest", "other" };
local NICKS = { "thane", "witch", "ghost", "porter", "king" };
local AFFILIATIONS = { "none", "member", "admin", "owner", "outcast" };
local ROLES = { "none", "visitor", "participant", "moderator" };
local SHOWS = { "away", "dnd", "xa", "chat" };

actions.users = USERS;

local MUC = "http://jabber.org/protocol/muc";

local function pick(dice, list)
	return list[dice(#list)];
end

local function jid(dice)
	return pick(dice, USERS) .. "@example.org";
end

local function reason(dice)
	return dice(2) == 1 and "<reason>because &amp; so</reason>" or "";
end

local function admin(items)
	return ("<iq type='set' to='ROOM' id='ID'><query xmlns='%s#admin'>%s</query></iq>"):format(MUC, items);
end

local WITH = { "", "", "", "<password>secret</password>", "<history maxstanzas='2'/>", "<history maxchars='0'/>" };

local function join(dice)
	local extra = pick(dice, WITH);
	return ("<presence to='ROOM/%s'><x xmlns='%s'>%s</x></presence>"):format(pick(dice, NICKS), MUC, extra);
end

local function update(dice)
	return ("<presence to='ROOM/%s'><show>%s</show><status>so</status><x xmlns='urn:example:extra'/></presence>")
		:format(pick(dice, NICKS), pick(dice, SHOWS));
end

local function leave(dice)
	return ("<presence type='unavailable' to='ROOM/%s'><status>bye</status></presence>"):format(pick(dice, NICKS));
end

local SAID = {
	"<body>Double, double toil and trouble</body>", "<body>&lt;&apos;&quot;&amp;&gt;</body>",
	"<body xml:lang='en'>Fire burn</body><active xmlns='urn:example:state'/>",
	"<body>secret</body><no-store xmlns='urn:xmpp:hints'/>", "<x xmlns='urn:example:only-this'/>",
	"<subject>Macbeth</subject>", "<subject/>", "<subject>Both</subject><body>and</body>",
};

local function say(dice)
	return ("<message type='groupchat' to='ROOM' id='ID'>%s</message>"):format(pick(dice, SAID));
end

local function whisper(dice)
	return ("<message type='chat' to='ROOM/%s' id='ID'><body>psst</body></message>"):format(pick(dice, NICKS));
end

local function affiliate(dice)
	return admin(("<item affiliation='%s' jid='%s'>%s</item>"):format(pick(dice, AFFILIATIONS), jid(dice), reason(dice)));
end

local function give_role(dice)
	return admin(("<item role='%s' nick='%s'>%s</item>"):format(pick(dice, ROLES), pick(dice, NICKS), reason(dice)));
end

local function list_of(what)
	return ("<iq type='get' to='ROOM' id='ID'><query xmlns='%s#admin'><item %s/></query></iq>"):format(MUC, what);
end

local LISTS = {
	"affiliation='member'", "affiliation='admin'", "affiliation='owner'", "affiliation='outcast'", "role='visitor'",
	"role='participant'", "role='moderator'",
};

local function list(dice)
	return list_of(pick(dice, LISTS));
end

local FIELDS = {
	{ "roomname", { "The heath", "Elsinore" } }, { "roomdesc", { "A play", "" } }, { "moderatedroom", { "0", "1" } },
	{ "membersonly", { "0", "0", "1" } }, { "whois", { "anyone", "moderators" } }, { "changesubject", { "0", "1" } },
	{ "roomsecret", { "", "secret" } }, { "roomsecret", { "", "secret" } },
	{ "persistentroom", { "0", "1" } }, { "publicroom", { "0", "1" } },
};

local function set_field(name, value)
	return ("<iq type='set' to='ROOM' id='ID'><query xmlns='%s#owner'><x xmlns='jabber:x:data' type='submit'>"
		.. "<field var='FORM_TYPE'><value>%s#roomconfig</value></field>"
		.. "<field var='muc#roomconfig_%s'><value>%s</value></field></x></query></iq>")
		:format(MUC, MUC, name, value);
end

local function configure(dice)
	local field = pick(dice, FIELDS);
	return set_field(field[1], pick(dice, field[2]));
end

local function invite(dice)
	return ("<message to='ROOM' id='ID'><x xmlns='%s#user'><invite to='%s'><reason>come</reason></invite></x></message>")
		:format(MUC, jid(dice));
end

local function decline(dice)
	return ("<message to='ROOM' id='ID'><x xmlns='%s#user'><decline to='%s'><reason>no</reason></decline></x></message>")
		:format(MUC, jid(dice));
end

local function register(dice)
	return ("<iq type='set' to='ROOM' id='ID'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>"
		.. "<field var='FORM_TYPE'><value>%s#register</value></field>"
		.. "<field var='muc#register_roomnick'><value>%s</value></field></x></query></iq>"):format(MUC, pick(dice, NICKS));
end

local function ask_voice()
	return ("<message to='ROOM' id='ID'><x xmlns='jabber:x:data' type='submit'>"
		.. "<field var='FORM_TYPE'><value>%s#request</value></field>"
		.. "<field var='muc#role'><value>participant</value></field></x></message>"):format(MUC);
end

local function ask(dice)
	return ("<iq type='get' to='ROOM/%s' id='ID'><query xmlns='urn:example:question'/></iq>"):format(pick(dice, NICKS));
end

local function destroy()
	return ("<iq type='set' to='ROOM' id='ID'><query xmlns='%s#owner'><destroy><reason>over</reason></destroy></query>"
		.. "</iq>"):format(MUC);
end

-- How often, and what.
local CHOICES = {
	{ 20, "join", join }, { 8, "update", update }, { 6, "leave", leave }, { 20, "say", say }, { 6, "whisper", whisper },
	{ 10, "affiliate", affiliate }, { 8, "give role", give_role }, { 5, "list", list }, { 8, "configure", configure },
	{ 3, "invite", invite }, { 1, "decline", decline }, { 2, "register", register }, { 2, "ask voice", ask_voice },
	{ 3, "ask", ask }, { 1, "destroy", destroy },
};

local total = 0;
for _, choice in ipairs(CHOICES) do
	total = total + choice[1];
end

local function fixed_join(nick)
	return ("<presence to='ROOM/%s'><x xmlns='%s'/></presence>"):format(nick, MUC);
end

local function registered(index)
	return register(function () return index; end);
end

local function same_update()
	return update(function () return 1; end);
end

--- What chance brings about too seldom: each a list of actions in rooms of their own.
actions.preludes = {
	{
		{ "owner", "join", fixed_join("thane") },
		{ "guest", "join", fixed_join("witch") },
		{ "owner", "update", same_update() },
		{ "owner", "update", same_update() },
		{ "owner", "say", "<message type='groupchat' to='ROOM' id='ID'><subject>Macbeth</subject></message>" },
		{ "owner", "say", "<message type='groupchat' to='ROOM' id='ID'><subject>Macbeth</subject></message>" },
		{ "owner", "affiliate", admin("<item affiliation='admin' jid='admin@example.org'><reason>so</reason></item>") },
		{ "owner", "list", list_of("affiliation='admin'") },
		{ "admin", "list", list_of("affiliation='admin'") },
		{ "owner", "configure", set_field("whois", "anyone") },
		{ "guest", "join", fixed_join("witch") },
		{ "owner", "register", registered(1) },
		{ "owner", "configure", set_field("roomsecret", "secret") },
		{ "other", "join", fixed_join("thane") },
		{ "owner", "configure", set_field("membersonly", "1") },
		{ "guest", "register", registered(1) },
		{ "owner", "give role", admin("<item role='none' nick='thane'/>") },
	},
	{
		{ "owner", "join", fixed_join("thane") },
		{ "owner", "affiliate", admin("<item affiliation='member' jid='guest@example.org'/>") },
		{ "guest", "register", registered(4) },
		{ "owner", "affiliate", admin("<item affiliation='outcast' jid='guest@example.org'/>") },
		{ "other", "join", fixed_join("porter") },
	},
	{
		{ "owner", "join", fixed_join("thane") },
		{ "owner", "give role", admin("<item role='visitor' nick='thane'/>") },
	},
	{
		{ "owner", "join", fixed_join("thane") },
		{ "owner", "configure", set_field("moderatedroom", "1") },
		{ "guest", "join", fixed_join("witch") },
		{ "guest", "ask voice", ask_voice() },
		{ "owner", "give role", admin("<item role='participant' nick='witch'/>") },
		{ "guest", "leave", leave(function () return 2; end) },
		{ "guest", "join", fixed_join("witch") },
	},
	{
		{ "owner", "join", fixed_join("thane") },
		{ "guest", "join", fixed_join("witch") },
		{ "owner", "give role", admin("<item role='visitor' nick='witch'/>") },
		{ "guest", "ask voice", ask_voice() },
		{ "owner", "affiliate", admin("<item affiliation='outcast' jid='other@example.org'/>") },
		{ "owner", "configure", set_field("membersonly", "1") },
		{ "owner", "invite", invite(function () return 5; end) },
	},
	{
		{ "owner", "join", fixed_join("thane") },
		{ "owner", "register", registered(1) },
		{ "guest", "affiliate", admin("<item affiliation='owner' jid='owner@example.org'><reason>so</reason></item>") },
		{ "owner", "list", list_of("affiliation='owner'") },
	},
	{
		{ "owner", "join", fixed_join("thane") },
		{ "owner", "destroy", destroy() },
	},
};

--- A user, what it does in a word, and the XML of it. `dice(n)` is a number from 1 to n.
function actions.choose(dice)
	local user, left = pick(dice, USERS), dice(total);
	for _, choice in ipairs(CHOICES) do
		left = left - choice[1];
		if left <= 0 then
			return user, choice[2], choice[3](dice);
		end
	end
end

return actions;
