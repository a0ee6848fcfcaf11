-- SPDX-License-Identifier: MIT
-- 1.A Discovery: XEP-0045 6, 7.12, 18.1.1.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local refusal = words.refusal;
local test = suite.section("1.A", "Discovery");

local MUC = "http://jabber.org/protocol/muc";
local NS_SET = "http://jabber.org/protocol/rsm";
local INFO, ITEMS = forms.disco(), forms.disco(nil, "items");

local function identity(answer)
	local list = words.children(forms.query(answer), "identity");
	local first = list[1] and list[1].attr or {};
	return { count = #list, category = first.category, type = first.type, name = first.name };
end

local function item_of(answer, jid)
	for _, item in ipairs(forms.items(answer)) do
		if item.jid == jid then
			return item;
		end
	end
end

test { 1, "the service says that it is a conference of texts and does multi-user chat", function (t)
	local answer = t.guest:get(INFO, "{service}");
	t:same(identity(answer), { count = 1, category = "conference", type = "text", name = "Talk" });
	t.check(forms.features(answer)[MUC], "no feature " .. MUC);
end };

test { { 2, "C21" }, "the service says that ids stay as they are",
	stock = "only rooms say so", function (t)
	t.check(forms.features(t.guest:get(INFO, "{service}"))[MUC .. "#stable_id"], "no feature muc#stable_id");
end };

test { 3, "the service lists public rooms with their names, and no hidden ones", function (t)
	t:create({ publicroom = 1, roomname = "Orchard" });
	local public = t.room;
	t:moves();
	t:create({ publicroom = 0, roomname = "Cellar" });
	local answer = t.guest:get(ITEMS, "{service}");
	t:same(item_of(answer, public), { jid = public, name = "Orchard" });
	t.check(not item_of(answer, t.room), "the hidden room is listed");
end };

local function page(asked)
	return ("<query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='%s'>%s</set></query>"):format(NS_SET,
		asked);
end

-- The <set/> of an answer: { first, index, last, count }.
local function set_of(answer)
	local set = xml.child(forms.query(answer), "set", NS_SET);
	local function part(name)
		local child = set and xml.child(set, name);
		return child and xml.content(child), child and child.attr.index;
	end
	local first, index = part("first");
	return { first = first, index = index, last = part("last"), count = tonumber((part("count"))) };
end

test { { 4, "C20" }, "the list comes in pages, when asked for them",
	stock = "always whole", function (t)
	for _ = 1, 3 do
		t:moves();
		t:create({ publicroom = 1 });
	end
	local all = t.guest:get(ITEMS, "{service}");
	local total = #forms.items(all);
	local first = t.guest:get(page("<max>1</max>"), "{service}");
	local set = set_of(first);
	t:same({ #forms.items(first), set.index, set.count }, { 1, "0", total });
	t:same(set.first, set.last, "the ends of a page of one");
	local second = t.guest:get(page(("<max>1</max><after>%s</after>"):format(set.last)), "{service}");
	t:same(set_of(second).index, "1");
	t.check(forms.items(second)[1].jid ~= forms.items(first)[1].jid, "the same page again");
	local back = t.guest:get(page(("<max>1</max><before>%s</before>"):format(set_of(second).first)), "{service}");
	t:same(forms.items(back), forms.items(first), "the page before the second");
	local last = t.guest:get(page("<max>2</max><before/>"), "{service}");
	t:same({ #forms.items(last), set_of(last).index }, { 2, tostring(total - 2) });
	local none = t.guest:get(page("<max>0</max>"), "{service}");
	t:same({ #forms.items(none), set_of(none).count }, { 0, total });
	t:same(#forms.items(t.guest:get(page("<max>1</max><index>2</index>"), "{service}")), 1);
end };

test { 5, "a room says what it is called and that it is a room", function (t)
	t:create({ roomname = "Orchard" });
	local answer = t.guest:get(INFO);
	t:same(identity(answer), { count = 1, category = "conference", type = "text", name = "Orchard" });
	t.check(forms.features(answer)[MUC], "no feature " .. MUC);
end };

local PAIRS = {
	{ "muc_hidden", "muc_public", "publicroom" }, { "muc_open", "muc_membersonly", "membersonly" },
	{ "muc_unmoderated", "muc_moderated", "moderatedroom" }, { "muc_semianonymous", "muc_nonanonymous", "whois" },
	{ "muc_unsecured", "muc_passwordprotected", "roomsecret" }, { "muc_temporary", "muc_persistent", "persistentroom" },
};
local VALUES = { whois = { "moderators", "anyone" }, roomsecret = { "", "key" } };

test { 6, "a room says one of each pair of features, as it is configured", function (t)
	t:create();
	for i = 1, 2 do
		local config = {};
		for _, pair in ipairs(PAIRS) do
			config[pair[3]] = VALUES[pair[3]] and VALUES[pair[3]][i] or i - 1;
		end
		config.passwordprotectedroom = i - 1;
		t:configure(config);
		local features = forms.features(t.guest:get(INFO));
		for _, pair in ipairs(PAIRS) do
			t:same({ features[pair[i]], features[pair[3 - i]] or "not" }, { true, "not" }, pair[i]);
		end
	end
end };

test { { 7, "C21" }, "a room says that ids stay and that voice can be asked for", function (t)
	t:create();
	local features = forms.features(t.guest:get(INFO));
	t.check(features[MUC .. "#stable_id"] and features[MUC .. "#request"], "a feature is missing");
end };

test { 7, "a room says that it has registration, configuration and information",
	stock = "does not say so", function (t)
	t:create();
	local features = forms.features(t.guest:get(INFO));
	for _, name in ipairs({ "#register", "#roomconfig", "#roominfo" }) do
		t.check(features[MUC .. name], "no feature muc" .. name);
	end
end };

test { 8, "a room describes itself in a form", function (t)
	t:create({ roomdesc = "Where they met", changesubject = 1 });
	t:enter("guest");
	local fields, kind = forms.read(t.guest:get(INFO));
	t:same(kind, MUC .. "#roominfo", "FORM_TYPE");
	t:same({ fields["muc#roominfo_description"][1], fields["muc#roominfo_occupants"][1] }, { "Where they met", "2" });
end };

test { 8, "a room tells its subject in the form",
	stock = "does not", function (t)
	t:create();
	t.owner:sets_subject("Roses");
	local fields = forms.read(t.guest:get(INFO));
	t:same(fields["muc#roominfo_subject"] and fields["muc#roominfo_subject"][1], "Roses");
end };

test { 9, "who is in the room is not listed", function (t)
	t:create();
	t:enter("other");
	t:same(forms.items(t.guest:get(ITEMS)), {});
end };

test { 10, "who is outside does not discover occupants: bad-request",
	stock = "not-acceptable", function (t)
	t:create();
	t.guest:cannot_get("modify/bad-request cancel/bad-request", INFO, "owner");
	t.guest:cannot_get("modify/bad-request cancel/bad-request", ITEMS, "owner");
	t.owner:gets_no();
end };

test { { 11, 197 }, "an occupant's question to another is passed on, from nickname to nickname", function (t)
	t:create();
	t:enter("guest");
	t.guest:send("<iq type='get' id='q' to='{room}/owner'>" .. INFO .. "</iq>");
	local asked = t.owner:gets_only("<iq type='get' from='{room}/guest' id='{any}'>" .. INFO .. "</iq>");
	t.owner:send(("<iq type='result' id='%s' to='{room}/guest'><query xmlns='http://jabber.org/protocol/disco#info'>"
		.. "<feature var='x'/></query></iq>"):format(xml.escape(asked.attr.id)));
	t.guest:gets_only("<iq type='result' id='q' from='{room}/owner'><query xmlns='http://jabber.org/protocol/disco#info'>"
		.. "<feature var='x'/></query></iq>");
end };

test { 12, "which extensions pass: a room that filters none says service-unavailable",
	stock = "an empty list, which means that none pass", function (t)
	t:create();
	t:enter("guest");
	t.guest:cannot_get("cancel/service-unavailable cancel/feature-not-implemented", forms.disco(MUC .. "#traffic"));
end };

test { 13, "one's reserved nickname is told, inside and outside; without one the answer is empty", function (t)
	t:create({}, "member");
	local ask = forms.disco("x-roomuser-item");
	t:same(identity(t.member:get(ask)).count, 0, "identities before");
	t:same(identity(t.guest:get(ask)).count, 0, "identities of another");
	t.owner:set(forms.admin("<item affiliation='member' jid='{member.bare}' nick='Crowned'/>"));
	t:same(identity(t.member:get(ask)), { count = 1, category = "conference", type = "text", name = "Crowned" });
	t.member:join({ nick = "Crowned" });
	t:same(identity(t.member:get(ask)).name, "Crowned");
end };

test { 14, "a node that nobody knows is not found",
	stock = "an empty answer", function (t)
	t:create();
	t.guest:cannot_get("cancel/item-not-found", forms.disco("urn:x:nonsense"));
end };

test { 15, "a room that is not there is not found", function (t)
	t.guest:cannot_get("cancel/item-not-found", INFO);
	t.guest:cannot_get("cancel/item-not-found", ITEMS);
end };

test { 15, "a locked room is not found but by its owner",
	stock = "is found", function (t)
	t.owner:join();
	t.guest:cannot_get("cancel/item-not-found", INFO);
	t.owner:get(INFO);
end };

test { 16, "a hidden room answers who knows its address", function (t)
	t:create({ publicroom = 0, roomname = "Cellar" });
	t:same(identity(t.guest:get(INFO)).name, "Cellar");
	t.guest:gets_no(refusal { "iq" });
end };
