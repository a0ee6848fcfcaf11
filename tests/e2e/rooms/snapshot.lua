-- SPDX-License-Identifier: MIT
-- snapshot: all that a user, an owner and who enters see of a room, as texts by name, to compare.
local forms = require "e2e.rooms.forms";
local hand = require "e2e.rooms.hand";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local snapshot = {};

local DELAY = "urn:xmpp:delay";
local SID = "urn:xmpp:sid:0";

local function form_values(into, prefix, answer)
	for var, values in pairs(forms.read(answer)) do
		if values.type == "boolean" and #values == 0 then
			values[1] = "0"; -- stock leaves it out where nobody has said anything
		end
		values.type = nil;
		table.sort(values);
		into[prefix .. var] = forms.shown(values);
	end
end

local function affiliations(t, into)
	for _, affiliation in ipairs({ "owner", "admin", "member", "outcast" }) do
		for _, item in ipairs(forms.items(t.owner:get(forms.admin(("<item affiliation='%s'/>"):format(affiliation))))) do
			into[("affiliation of %s"):format(item.jid)] = affiliation;
			into[("data of %s"):format(item.jid)] = hand(t, ([[return require "util.serialization".new({ preset = "oneline",
				table_iterator = require "util.iterators".sorted_pairs })(
				room:get_affiliation_data(%q) or {})]]):format(item.jid));
		end
	end
end

local function stamp_of(element)
	local delay = xml.child(element, "delay", DELAY);
	return delay and delay.attr.stamp;
end

local function note_presence(into, element)
	if element.attr.type then -- of those who are not there, or a refusal
		into[("%s from %s"):format(element.attr.type, element.attr.from)] = words.error_of(element) or "shown";
		return;
	end
	local id = xml.child(element, "occupant-id", "urn:xmpp:occupant-id:0");
	local nick = element.attr.from:match("/(.*)$");
	if not nick then -- of the room, with the hash of its picture
		return;
	end
	into["id of " .. nick] = id and id.attr.id;
	for _, child in ipairs(element) do
		if type(child) == "table" and child.name == "hats" then
			local hat = xml.child(child, "hat");
			into["hat of " .. nick] = ("%s %s"):format(hat.attr.uri, hat.attr.title);
		end
	end
end

local function note_message(into, element)
	local body, subject = xml.child(element, "body"), xml.child(element, "subject");
	if body then
		into["last message"] = ("%s by %s at %s"):format(xml.content(body), element.attr.from, stamp_of(element));
		local id = xml.child(element, "stanza-id", SID);
		into["id of the last message"] = id and id.attr.id;
	elseif subject then
		into["subject"] = ("%s by %s at %s"):format(xml.content(subject), element.attr.from, stamp_of(element));
	end
end

-- What somebody gets who enters.
local function entry(t, name, into, how)
	t[name]:forgets();
	t[name]:join(how);
	for _, element in ipairs(t[name]:hears()) do
		if element.name == "presence" then
			note_presence(into, element);
		elseif element.name == "message" then
			note_message(into, element);
		end
	end
	t[name]:leave();
	t[name]:forgets();
end

local function listing(t, into)
	local answer = t.guest:get(forms.disco(nil, "items"), "{service}");
	for _, item in ipairs(words.children(forms.query(answer), "item")) do
		into["listed: " .. item.attr.jid] = item.attr.name or "";
	end
end

local function picture(t, into)
	local answer = t.guest:asks("get", "<vCard xmlns='vcard-temp'/>");
	local card = answer.attr.type == "result" and xml.child(answer, "vCard", "vcard-temp");
	into.picture = card and xml.text(card) or nil;
end

local function identities(answer, into)
	for _, child in ipairs(words.children(forms.query(answer), "identity")) do
		into.identity = ("%s (%s)"):format(child.attr.name, child.attr["http://www.w3.org/XML/1998/namespace\1lang"]
			or child.attr["xml:lang"] or "");
	end
end

-- Name -> text. `entering`: who enters in turn, as `how` (actor.lua); they leave again.
function snapshot.take(t, entering, how)
	local into = {};
	listing(t, into);
	local info = t.guest:get(forms.disco());
	identities(info, into);
	for name in pairs(forms.features(info)) do
		into["feature " .. name] = "yes";
	end
	form_values(into, "info ", info);
	form_values(into, "config ", t.owner:get(forms.owner()));
	affiliations(t, into);
	picture(t, into);
	for _, name in ipairs(entering) do
		local own = forms.query(t[name]:get(forms.disco("x-roomuser-item")));
		into["nick of " .. name] = own[1] and own[1].attr.name;
		entry(t, name, into, how);
	end
	return into;
end

-- What differs between two snapshots, as lines of text, but for names of which `is_apart(name, before, after)` holds.
function snapshot.differences(before, after, is_apart)
	local found, names = {}, {};
	for _, side in ipairs({ before, after }) do
		for name in pairs(side) do
			names[name] = true;
		end
	end
	for name in pairs(names) do
		if before[name] ~= after[name] and not (is_apart and is_apart(name, before, after)) then
			found[#found + 1] = ("%s: %s, then %s"):format(name, before[name], after[name]);
		end
	end
	table.sort(found);
	return found;
end

return snapshot;
