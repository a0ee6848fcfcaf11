-- SPDX-License-Identifier: MIT
-- words: what a test expects to arrive, in few words.
--
-- Each word makes a pattern { fits = function (element, scene), text = "..." }. Addresses are nicknames ("guest" is
-- ROOM/guest, "" the room) or texts with an @; texts may hold {room}, {service}, {guest}, {guest.bare} (scene.lua).
local match = require "e2e.match";
local xml = require "e2e.xml";

local words = {};

local NS_USER = "http://jabber.org/protocol/muc#user";
local NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";

-- A pattern as a line for people.
local function shown(word, want)
	local parts = {};
	for key, value in pairs(want) do
		local text = type(value) == "table" and table.concat(value, " ") or tostring(value);
		parts[#parts + 1] = key == 1 and text or ("%s = %s"):format(key, text);
	end
	table.sort(parts);
	return ("%s { %s }"):format(word, table.concat(parts, ", "));
end

local function pattern(word, want, fits)
	return { text = shown(word, want), fits = function (element, scene)
		return fits(want, element, scene);
	end };
end

-- The child elements with this name and namespace.
function words.children(element, name, xmlns)
	local list = {};
	for _, child in ipairs(element) do
		if type(child) == "table" and child.name == name and (not xmlns or child.xmlns == xmlns) then
			list[#list + 1] = child;
		end
	end
	return list;
end

-- The words of "110 201", sorted, as one text.
local function sorted(list)
	table.sort(list);
	return table.concat(list, " ");
end

local function statuses(x)
	local codes = {};
	for _, status in ipairs(words.children(x, "status")) do
		codes[#codes + 1] = status.attr.code;
	end
	return sorted(codes);
end

local function split(text)
	local list = {};
	for word in (text or ""):gmatch("%S+") do
		list[#list + 1] = word;
	end
	return list;
end

-- `want` nil: whatever is there; false: nothing may be there.
local function same(want, actual, scene)
	return want == nil or want == false and actual == nil or want and actual == scene:fill(want);
end

local function each_text(texts)
	return ipairs(type(texts) == "table" and texts or { texts });
end

local function has_child(element, text, scene)
	local wanted = assert(xml.parse(scene:fill_xml(text)));
	for _, child in ipairs(element) do
		if type(child) == "table" and match.element(wanted, child) then
			return true;
		end
	end
	return false;
end

local function contents_fit(want, element, scene)
	for _, text in each_text(want.with) do
		if not has_child(element, text, scene) then
			return false;
		end
	end
	for _, text in each_text(want.without) do
		if has_child(element, text, scene) then
			return false;
		end
	end
	return true;
end

local function envelope_fits(want, element, scene)
	local xs = words.children(element, "x", NS_USER);
	local from = element.attr.from;
	return (want[1] == nil or from == scene:address(want[1])) and same(want.id, element.attr.id, scene)
		and (#xs == 1 or want.x == false and #xs == 0) and contents_fit(want, element, scene);
end

local function item_fits(want, item, scene)
	local seat = ("%s/%s"):format(item.attr.affiliation or "", item.attr.role or "");
	local reason, actor = xml.child(item, "reason"), xml.child(item, "actor");
	return (not want.as or want.as == seat) and same(want.jid, item.attr.jid, scene)
		and item.attr.nick == want.nick and same(want.reason, reason and xml.content(reason), scene)
		and same(want.actor, actor and actor.attr.nick, scene);
end

local function presence_fits(want, element, scene)
	if element.name ~= "presence" or element.attr.type ~= want.type or not envelope_fits(want, element, scene) then
		return false;
	end
	local x = words.children(element, "x", NS_USER)[1];
	local items = words.children(x, "item");
	local enough = #items == 1 or #items > 1 and want.items == "any";
	return enough and statuses(x) == sorted(split(want.status)) and item_fits(want, items[1], scene)
		and (want.destroy == nil) == (xml.child(x, "destroy") == nil)
		and (not want.destroy or has_child(x, want.destroy, scene));
end

-- presence { NICK, as = "AFFILIATION/ROLE", jid =, nick =, status = "110 201", reason =, actor =, with =, without = }:
-- exactly one <x/> with exactly one <item/> (items = "any": one or more) and exactly these statuses.
function words.presence(want)
	return pattern("presence", want, presence_fits);
end

-- The same, unavailable. `destroy`: the <destroy/> that must be there.
function words.gone(want)
	want.type = "unavailable";
	return pattern("gone", want, presence_fits);
end

local function message_fits(want, element, scene)
	local body = xml.child(element, "body", xml.NS_CLIENT);
	local kind = want.type or "groupchat";
	return element.name == "message" and (element.attr.type or "normal") == kind
		and (want[1] == nil or element.attr.from == scene:address(want[1])) and same(want.id, element.attr.id, scene)
		and same(want.body, body and xml.content(body), scene) and contents_fit(want, element, scene);
end

-- message { NICK, body =, type = ("groupchat"), id =, with =, without = }
function words.message(want)
	return pattern("message", want, message_fits);
end

local function subject_fits(want, element, scene)
	local subject = xml.child(element, "subject", xml.NS_CLIENT);
	return message_fits(want, element, scene) and not xml.child(element, "body") and subject ~= nil
		and (want.subject == nil or xml.content(subject) == want.subject);
end

-- subject { NICK, subject = }: a groupchat message with a subject and no body.
function words.subject(want)
	return pattern("subject", want, subject_fits);
end

local function notice_fits(want, element)
	local xs = words.children(element, "x", NS_USER);
	return element.name == "message" and #xs == 1 and statuses(xs[1]) == sorted(split(want.status))
		and not xml.child(element, "body");
end

-- notice { status = "104 172" }: a groupchat message from the room about its configuration.
function words.notice(want)
	return pattern("notice", want, function (_, element, scene)
		return element.attr.type == "groupchat" and element.attr.from == scene.room and notice_fits(want, element);
	end);
end

-- The type and the condition of an error stanza as "auth/forbidden"; nil for others.
function words.error_of(element)
	local err = element.attr.type == "error" and xml.child(element, "error", xml.NS_CLIENT);
	for _, child in ipairs(err or {}) do
		if type(child) == "table" and child.xmlns == NS_STANZAS and child.name ~= "text" then
			return ("%s/%s"):format(err.attr.type, child.name), err;
		end
	end
	return err and "no condition" or nil;
end

-- refusal { "presence", "auth/forbidden" }: an error. More conditions after it are alternatives.
function words.refusal(want)
	return pattern("refusal", want, function (_, element, scene)
		local found, err = words.error_of(element);
		local is_one = false;
		for i = 2, #want do
			is_one = is_one or found == want[i];
		end
		return element.name == want[1] and is_one and same(want.by, err.attr.by, scene)
			and same(want.from, element.attr.from, scene) and same(want.id, element.attr.id, scene)
			and contents_fit(want, element, scene);
	end);
end

-- result "ID": the answer to an <iq/> with this id.
function words.result(id)
	return pattern("result", { id }, function (_, element)
		return element.name == "iq" and element.attr.type == "result" and element.attr.id == id;
	end);
end

-- What a test wrote as a pattern: a word from above, or XML text in the rules of `match`.
function words.fits(want, element, scene)
	if type(want) == "string" then
		return match.element(assert(xml.parse(scene:fill_xml(want))), element);
	end
	return want.fits(element, scene);
end

return words;
