-- SPDX-License-Identifier: MIT
-- 1.K Room creation: XEP-0045 10.1. Rooms are locked until their owner configures them.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, gone, refusal, subject = words.presence, words.gone, words.refusal, words.subject;
local test = suite.section("1.K", "Room creation");

local CANCEL = forms.owner("<x xmlns='jabber:x:data' type='cancel'/>");
local DESTROYED = "<destroy xmlns='http://jabber.org/protocol/muc#user' scansion:strict='false'/>";

-- Nobody but its owner can tell that there is a room.
local function does_not_exist(t)
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "cancel/item-not-found" });
	t.guest:forgets();
end

test { 145, "who makes a room is its owner, in it, and told that it is new: 201 and 110", function (t)
	t.guest:join();
	t.guest:gets(presence { "guest", as = "owner/moderator", status = "110 201" }, subject {});
	t.guest:gets_no(presence {});
	local owners = forms.items(t.guest:get(forms.admin("<item affiliation='owner'/>")));
	t:same(#owners, 1, "the number of owners");
	t:same(owners[1].jid, t.guest.jid, "the owner");
end };

test { 146, "a new room is locked for all others, then open", function (t)
	t.owner:join();
	does_not_exist(t);
	t.owner:set(forms.configuration({}));
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { 147, "a locked room is not listed", stock = "lists it", set = "listed", function (t)
	t.owner:join();
	t.owner:set(forms.admin("<item affiliation='member' jid='{member.bare}'/>")); -- whatever may make it known
	for _, item in ipairs(forms.items(t.guest:get(forms.disco(nil, "items"), "{service}"))) do
		t.check(item.jid ~= t.room, "the locked room is listed");
	end
end };

test { 148, "an empty submitted form makes an instant room", function (t)
	t.owner:join();
	t.owner:forgets();
	t.owner:set(forms.owner("<x xmlns='jabber:x:data' type='submit'/>"));
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { 149, "the owner gets a form of the room's configuration, also while it is locked", function (t)
	t.owner:join();
	local answer = t.owner:get(forms.owner());
	local fields, kind = forms.read(answer);
	t:same(kind, "http://jabber.org/protocol/muc#roomconfig", "FORM_TYPE");
	t.check(fields["muc#roomconfig_roomname"], "no field for the name");
	does_not_exist(t);
end };

test { 150, "a submitted form is applied and opens the room", function (t)
	t.owner:join();
	t.owner:set(forms.configuration({ roomname = "Orchard", membersonly = 1 }));
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "auth/registration-required" });
	local info = t.guest:get(forms.disco());
	t:same(words.children(forms.query(info), "identity")[1].attr.name, "Orchard", "the name");
end };

test { 151, "a configuration against policy is refused as not-acceptable, and the room stays locked",
	stock = "takes it", function (t)
	t.owner:join();
	t.owner:cannot_set("modify/not-acceptable", forms.configuration({ passwordprotectedroom = 1, roomsecret = "" }));
	does_not_exist(t);
end };

test { 152, "cancelling the first configuration destroys the room",
	stock = "the room stays", function (t)
	t.owner:join();
	t.owner:forgets();
	t.owner:set(CANCEL);
	t.owner:gets(gone { "owner", status = "110", destroy = DESTROYED });
	t.guest:cannot_get("cancel/item-not-found", forms.disco());
	t.guest:join();
	t.guest:gets(presence { "guest", as = "owner/moderator", status = "110 201" });
end };

test { 153, "when the owner leaves a locked room, it is destroyed", function (t)
	t.owner:join();
	t.owner:forgets();
	t.owner:leave();
	t.owner:gets("<presence type='unavailable' from='{room}/owner'/>");
	t.guest:cannot_get("cancel/item-not-found", forms.disco());
end };

test { 153, "the owner who leaves a locked room is told that it is destroyed",
	stock = "a plain unavailable", function (t)
	t.owner:join();
	t.owner:forgets();
	t.owner:leave();
	t.owner:gets(gone { "owner", status = "110", destroy = DESTROYED });
end };

test { 153, "when the owner's connection is lost, a locked room is destroyed", function (t)
	t.owner:join();
	t.owner:sync();
	t.owner.user:kill();
	t.guest:sync();
	t.guest:gets_no();
	t.eventually(function ()
		return words.error_of(t.guest:asks("get", forms.disco())) == "cancel/item-not-found";
	end, "the room is there");
end };

test { 154, "a room that stays locked too long is destroyed",
	stock = "it is unlocked", set = "hasty", function (t)
	t.owner:join();
	t.owner:forgets();
	t.owner:gets_within(3, gone { "owner", status = "110", destroy = DESTROYED });
	t.guest:join();
	t.guest:gets(presence { "guest", as = "owner/moderator", status = "110 201" });
end };

test { 155, "a form of another kind, or of none, is refused as bad-request", function (t)
	t:create();
	t.owner:cannot_set("modify/bad-request cancel/bad-request",
		forms.owner(forms.submit("http://jabber.org/protocol/muc#nonsense", { ["muc#roomconfig_roomname"] = "x" })));
	t.owner:cannot_set("modify/bad-request cancel/bad-request", forms.owner("<x xmlns='jabber:x:data' type='submit'>"
		.. "<field var='muc#roomconfig_roomname'><value>x</value></field></x>"));
	t.owner:cannot_set("modify/bad-request cancel/bad-request", forms.owner());
end };

test { 156, "only owners configure", function (t)
	t:create({}, "admin", "member");
	t:enter("admin", "guest");
	for _, who in ipairs({ t.admin, t.member, t.guest, t.other }) do
		who:cannot_get("auth/forbidden", forms.owner());
		who:cannot_set("auth/forbidden", forms.configuration({ roomname = "Mine" }));
	end
end };

test { 157, "a room that is not there cannot be configured", function (t)
	t.guest:cannot_get("cancel/item-not-found", forms.owner());
	t.guest:cannot_set("cancel/item-not-found", forms.configuration({}));
	t.guest:cannot_set("cancel/item-not-found", CANCEL);
end };

test { 158, "a service has room for so many rooms, and says so when it is full", set = "few", function (t)
	local refused = 0;
	for i = 1, 3 do
		t.guest:send(("<presence to='%d-{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(i));
		for _, one in ipairs(t.guest:hears()) do
			local found = words.error_of(one);
			refused = refused + (found and found:find("resource%-constraint$") and 1 or 0);
		end
	end
	t:same(refused, 1, "the number of refusals");
end };
