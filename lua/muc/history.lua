-- SPDX-License-Identifier: MIT
-- history: what somebody who enters has missed (XEP-0045 sections 7.2.13 and 7.2.14). `_history` is a list of
-- { stanza, timestamp }, the oldest first, bounded in messages and in bytes.
local ns = require "sx.muc.ns";
local size = require "sx.muc.size";

local DEFAULT_LENGTH = 20;

local methods = {};

--- How many messages are kept for those who enter.
function methods:get_historylength()
	return math.min(self._data.history_length or DEFAULT_LENGTH, self.env.limits.history_messages);
end

function methods:set_historylength(length)
	local before = self._data.history_length;
	length = assert(tonumber(length), "Length not a valid number");
	self._data.history_length = length ~= DEFAULT_LENGTH and length or nil;
	return before ~= self._data.history_length;
end

-- What the joiner wants: at most so many characters and messages, and nothing before a time.
local function wishes(self, stanza)
	local x = stanza:get_child("x", ns.MUC);
	local history = x and x:get_child("history");
	if not history then
		return {};
	end
	local attr = history.attr;
	local since = self.env.parse_stamp(attr.since);
	local seconds = tonumber(attr.seconds);
	if seconds then
		since = math.max(since or 0, self.env.now() - seconds);
	end
	return { maxchars = tonumber(attr.maxchars), maxstanzas = tonumber(attr.maxstanzas), since = since };
end

local function length_of(entry)
	entry.bytes = entry.bytes or #tostring(entry.stanza);
	return entry.bytes;
end

-- As much or more, without writing it.
local function estimate_of(entry)
	entry.estimate = entry.bytes or entry.estimate or size.estimate(entry.stanza);
	return entry.estimate;
end

-- The index of the first message to send: the longest end of the history that fits.
local function first_wanted(history, event)
	local chars, count, first = 0, 0, #history + 1;
	while first > 1 do
		local entry = history[first - 1];
		chars, count = chars + length_of(entry) + #event.to, count + 1;
		if event.maxchars and chars > event.maxchars or event.maxstanzas and count > event.maxstanzas
			or event.since and entry.timestamp < event.since then
			break;
		end
		first = first - 1;
	end
	return first;
end

-- Answers muc-get-history from memory; add-ons with an archive come first.
local function from_memory(event)
	local history = event.room._history;
	if not history then
		return nil;
	end
	local next_index = first_wanted(history, event);
	function event.next_stanza()
		local entry = history[next_index];
		if not entry then
			return nil;
		end
		next_index = next_index + 1;
		local stanza = event.room.env.st.clone(entry.stanza);
		stanza.attr.to = event.to;
		return stanza;
	end
	return true;
end

--- Sends what somebody has missed to a full JID, by default to the sender of `stanza`, as that presence wishes.
function methods:send_history(stanza, to)
	local wanted = wishes(self, stanza);
	local question = {
		room = self, stanza = stanza, to = to or stanza.attr.from, since = wanted.since,
		maxchars = wanted.maxchars, next_stanza = function () end,
		maxstanzas = math.min(wanted.maxstanzas or math.huge, self:get_historylength()),
	};
	self.env.emit("muc-get-history", question);
	for missed in question.next_stanza, question do
		self:route_stanza(missed);
	end
end

local function send(event)
	event.room:send_history(event.stanza, event.jid);
end

-- How many of the oldest messages there are too many, where a message has `measure(entry)` bytes.
local function excess(history, most, most_bytes, measure)
	local bytes, count = 0, #history;
	for i = count, 1, -1 do
		bytes = bytes + measure(history[i]);
		if bytes > most_bytes or count - i >= most then
			return i, bytes > most_bytes;
		end
	end
	return 0, false;
end

local function trim(self, history)
	local most, most_bytes = self:get_historylength(), self.env.limits.history_bytes;
	local number, is_large = excess(history, most, most_bytes, estimate_of);
	if is_large then
		number = excess(history, most, most_bytes, length_of);
	end
	for _ = 1, number do
		table.remove(history, 1);
	end
end

-- Section 7.9: an owner brings along what was said before the room was made, with the time of that.
local function is_replayed(room, stanza)
	local occupant = room._occupants[stanza.attr.from];
	return occupant and stanza:get_child("delay", ns.DELAY) and room:get_affiliation(occupant.bare_jid) == "owner";
end

--- Makes a list of { stanza, timestamp } the history, as much of its end as there is room for.
function methods:set_history(list)
	trim(self, list);
	self._history = list[1] and list or nil;
end

local function add(event)
	local room, env = event.room, event.room.env;
	if room:get_historylength() == 0 then
		room._history = nil;
		return nil;
	end
	local now = env.now();
	local stanza = env.st.clone(event.stanza);
	stanza.attr.to = nil;
	if not is_replayed(room, stanza) then
		stanza:tag("delay", { xmlns = ns.DELAY, from = room.jid, stamp = env.stamp(now) }):up();
	end
	room._history = room._history or {};
	table.insert(room._history, { stanza = stanza, timestamp = now });
	trim(room, room._history);
	return true;
end

local function consider(event)
	if event.room.env.emit("muc-message-is-historic", event) then
		event.room.env.emit("muc-add-history", event);
	end
end

-- Hints of the sender (XEP-0334), then what a person would want to read: text, encrypted or not, and marks on it.
local function is_historic(event)
	local stanza = event.stanza;
	if stanza.name ~= "message" then
		return false;
	elseif stanza:get_child("no-store", ns.HINTS) or stanza:get_child("no-permanent-store", ns.HINTS) then
		return false, "hint";
	elseif stanza:get_child("store", ns.HINTS) then
		return true, "hint";
	elseif stanza:get_child("body") then
		return true;
	elseif stanza:get_child("encryption", "urn:xmpp:eme:0") then
		return true, "encrypted";
	elseif stanza:get_child(nil, "urn:xmpp:chat-markers:0") then
		return true, "marker";
	elseif stanza:get_child("reactions", "urn:xmpp:reactions:0") then
		return true, "reaction";
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-session-new", send, 50 };
		{ "muc-get-history", from_memory, -1 };
		{ "muc-broadcast-message", consider, 0 };
		{ "muc-message-is-historic", is_historic, -1 };
		{ "muc-add-history", add, -1 };
	};
};
