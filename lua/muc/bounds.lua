-- SPDX-License-Identifier: MIT
-- bounds: how big things may be. `env.limits`: nick_bytes, stanza_bytes (a message or presence that is passed on),
-- text_bytes (a subject, a reason, a value in a form), form_values (in one form, or items in one request),
-- affiliations (people whom a room knows). Nil: no bound.
local size = require "sx.muc.size";

local methods = { CROWDED = "This room knows too many people already" };

local function refuse(event, text, ...)
	return event.room:refuse(event.origin, event.stanza, "modify", "policy-violation", text:format(...));
end

--- Whether a nick is short enough.
function methods:is_nick_allowed(nick)
	return #nick <= (self.env.limits.nick_bytes or math.huge);
end

--- Whether a text (or nil) is short enough.
function methods:is_text_allowed(text)
	return #(text or "") <= (self.env.limits.text_bytes or math.huge);
end

--- Whether a stanza is small enough to be passed on.
function methods:is_stanza_allowed(stanza)
	local most = self.env.limits.stanza_bytes;
	return not most or size.fits(stanza, most);
end

--- Whether the room can get to know these bare JIDs, as far as it does not know them yet.
function methods:has_place_for(jids)
	local most, count, seen = self.env.limits.affiliations, 0, {};
	for _, jid in ipairs(jids) do
		local is_known = self._affiliations[jid] or self._affiliation_data[jid] or seen[jid];
		count, seen[jid] = count + (is_known and 0 or 1), true;
	end
	if not most or count == 0 then
		return true;
	end
	for jid in pairs(self._affiliations) do
		count = count + (seen[jid] and 0 or 1);
	end
	for jid in pairs(self._affiliation_data) do
		count = count + (self._affiliations[jid] and 0 or 1);
	end
	return count <= most;
end

local function check_nick(event)
	local room = event.room;
	if not room:is_nick_allowed(room.env.jid.resource((event.occupant or event.dest_occupant).nick)) then
		return refuse(event, "A nick has at most %d bytes", room.env.limits.nick_bytes);
	end
end

local function check_size(event)
	if not event.room:is_stanza_allowed(event.stanza) then
		return refuse(event, "This has %d bytes; at most %d are passed on here", #tostring(event.stanza),
			event.room.env.limits.stanza_bytes);
	end
end

--- Refuses a message that is too big to be passed on. Whether it was; an error is only dropped.
function methods:refuse_large(origin, stanza)
	if self:is_stanza_allowed(stanza) then
		return false;
	end
	return stanza.attr.type == "error" or check_size({ room = self, origin = origin, stanza = stanza });
end

local function check_subject(event)
	local most, subject = event.room.env.limits.text_bytes, event.stanza:get_child_text("subject");
	if most and subject and #subject > most then
		return refuse(event, "A subject has at most %d bytes", most);
	end
end

-- The longest text in a value, and how many values there are.
local function measure(value)
	if type(value) ~= "table" then
		return #tostring(value), 1;
	end
	local longest = 0;
	for _, text in ipairs(value) do
		longest = math.max(longest, #tostring(text));
	end
	return longest, #value;
end

-- Returns error condition and text where a submitted form is too big.
local function check_form(event)
	local limits, count = event.room.env.limits, 0;
	for name, value in pairs(event.fields) do
		local longest, values = measure(value);
		count = count + values;
		if longest > (limits.text_bytes or math.huge) then
			return { "policy-violation", ("%s: at most %d bytes"):format(name, limits.text_bytes) };
		end
	end
	if count > (limits.form_values or math.huge) then
		return { "policy-violation", ("A form has at most %d values here"):format(limits.form_values) };
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-pre-join", check_size, 4 };
		{ "muc-occupant-pre-change", check_size, 4 };
		{ "muc-occupant-pre-join", check_nick, 3 };
		{ "muc-occupant-pre-change", check_nick, 3 };
		{ "muc-occupant-groupchat", check_size, 45 };
		{ "muc-occupant-groupchat", check_subject, 30 };
		{ "muc-scion-form-submitted", check_form, 0 };
	};
};
