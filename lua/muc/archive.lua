-- SPDX-License-Identifier: MIT
-- archive: what is said in a room is kept beyond its history (XEP-0313 section 5.1.2; mam.lua is about asking for it).
-- In the store a room is a node, a message is as stock mod_muc_mam leaves it: without `to` and the room's id, with the
-- sender's real JID in an <x/>, which is shown only to those who may see it.
--
-- env.archive is nil where nothing can be kept, else
--   store                   a Prosody archive store: append, find, get, set, delete, caps
--   is_ours                 false while another module keeps and serves the same store
--   by_default, all_rooms   whether rooms are archived that say nothing about it; whether they have no choice
--   query_most, with_total  messages in one answer; whether answers tell how many there are
--   make_place              functions of a node that remove something from a full store
--   kept(node)              is told that there is something new
--   failed(room, why)       is told that the store could not do something
local ns = require "sx.muc.ns";

local FIELD = "muc#roomconfig_enablearchiving";
local KEY = "message<groupchat"; -- what stock mod_muc_mam calls these in the store
local STEP = 100; -- messages read at once by who reads many

local methods = {};

local function node_of(room)
	return room.env.jid.node(room.jid);
end

-- The archive while it is ours.
local function ours(env)
	return env.archive and env.archive.is_ours and env.archive or nil;
end

--- Whether what is said from now on is kept.
function methods:is_archived()
	local archive, own = ours(self.env), self._data.archiving;
	if not archive then
		return false;
	elseif archive.all_rooms or own == nil then
		return archive.all_rooms or archive.by_default;
	end
	return own;
end

-- A store may change the query that it is asked.
local function copy_of(query)
	local copy = {};
	for key, value in pairs(query) do
		copy[key] = value;
	end
	return copy;
end

--- Reads the archive by an archive query without `with` and `limit`, `step` messages at once, until
--- `visit(id, stanza, when)` returns true or the end is reached. Returns whether that is so and, where the query has
--- `total`, how many there are; nil and a condition where it cannot be read.
function methods:scan_archive(query, step, visit)
	local asked, total = copy_of(query), nil;
	asked.with, asked.limit = KEY, step;
	repeat
		local items, more = self.env.archive.store:find(node_of(self), copy_of(asked));
		if not items then
			return nil, more;
		end
		total, asked.total = total or tonumber(more), nil;
		local count = 0;
		for id, stanza, when in items do
			count = count + 1;
			asked[query.reverse and "before" or "after"] = id;
			if visit(id, stanza, when) then
				return false, total;
			end
		end
	until count < step;
	return true, total;
end

--- Whether the archive has a message with this id.
function methods:is_in_archive(id)
	return self.env.archive.store:get(node_of(self), id) ~= nil;
end

local function is_subject(stanza)
	return stanza:get_child("subject") and not stanza:get_child("body") and not stanza:get_child("thread");
end

--- A copy of a message without any <x/> of ours.
function methods:without_user_x(stanza)
	return self.env.st.clone(stanza):maptags(function (child)
		return not (child.name == "x" and child.attr.xmlns == ns.USER) and child or nil;
	end);
end

local function stored_form(room, stanza)
	local copy = room:without_user_x(stanza);
	copy.attr.to = nil;
	local occupant = room._occupants[stanza.attr.from];
	if occupant then
		copy:add_direct_child(room.env.st.stanza("x", { xmlns = ns.USER }):tag("item", {
			affiliation = room:get_affiliation(occupant.bare_jid) or "none", role = occupant.role or "none",
			jid = occupant.bare_jid,
		}));
	end
	return copy;
end

local function append(room, stanza)
	local archive, node = room.env.archive, node_of(room);
	local when = math.floor(room.env.now());
	local id, err = archive.store:append(node, nil, stanza, when, KEY);
	for _, make_place in ipairs(archive.make_place) do
		if id or err ~= "quota-limit" then
			break;
		end
		make_place(node);
		id, err = archive.store:append(node, nil, stanza, when, KEY);
	end
	return id, err;
end

local function record(event)
	local room, stanza = event.room, event.stanza;
	if stanza.name ~= "message" or not room:is_archived() then
		return;
	end
	local archive = room.env.archive;
	local id, err = append(room, stored_form(room, stanza));
	if not id then
		archive.failed(room, err);
		return;
	end
	room:set_stanza_id(stanza, id);
	room._last_archive_id = id;
	archive.kept(node_of(room));
end

-- Subjects belong into the archive, not into the history.
local function archive_subject(event)
	if is_subject(event.stanza) and event.room:is_archived() then
		return true;
	end
end

local function keep_subject_out(event)
	if is_subject(event.stanza) then
		return true;
	end
end

local function history_form(room, id, stanza, when)
	local copy = room:without_user_x(stanza);
	copy.attr.to = nil;
	if not copy:get_child("delay", ns.DELAY) then -- XEP-0045 section 7.9: what was said elsewhere keeps its time
		copy:add_direct_child(room.env.st.stanza("delay",
			{ xmlns = ns.DELAY, from = room.jid, stamp = room.env.stamp(when) }));
	end
	room:set_stanza_id(copy, id);
	return { stanza = copy, timestamp = when };
end

local function ids_in(room, history)
	local ids = {};
	for _, entry in ipairs(history) do
		ids[room:get_stanza_id(entry.stanza) or ""] = true;
	end
	return ids;
end

-- The messages in the archive that belong before those in `history`.
local function read_history(room, history)
	local length, list, known = room:get_historylength(), {}, ids_in(room, history);
	local limit = history[1] and history[1].timestamp or math.huge;
	local step = math.max(1, math.min(length, STEP));
	local is_read, err = room:scan_archive({ reverse = true }, step, function (id, stanza, when)
		room._last_archive_id = room._last_archive_id or id;
		if not known[id] and when <= limit and not is_subject(stanza) and #list < length then
			table.insert(list, 1, history_form(room, id, stanza, when));
		end
		return #list >= length;
	end);
	if is_read == nil and err ~= "item-not-found" then
		room.env.archive.failed(room, err);
	end
	return list;
end

-- The history of a room that has been read from the store ended with the server; the archive still has it.
local function refill_history(event)
	local room = event.room;
	if room._history_filled or not room:is_archived() then
		return;
	end
	room._history_filled = true;
	local history = room._history or {};
	local list = read_history(room, history);
	room:set_history(table.move(history, 1, #history, #list + 1, list));
end

local function find_entry(room, id)
	for _, entry in ipairs(room._history or {}) do
		if room:get_stanza_id(entry.stanza) == id then
			return entry;
		end
	end
end

--- Replaces the message with an id by what `build(original)` makes of it, where that is something, in archive and
--- history. Returns the original, or nil where there is none, or `build` made nothing of it.
function methods:replace_message(id, build)
	local archive, entry = self.env.archive, find_entry(self, id);
	local kept = archive and archive.store.get and archive.store:get(node_of(self), id) or nil;
	local original = kept or entry and entry.stanza;
	local replacement = original and original.name == "message" and build(original);
	if not replacement then
		return nil;
	end
	if kept then
		local ok, err = archive.store:set(node_of(self), id, replacement);
		if not ok then
			archive.failed(self, err);
		end
	end
	if entry then
		entry.stanza, entry.bytes, entry.estimate = build(entry.stanza), nil, nil;
	end
	return original;
end

local function form_field(event)
	local archive = ours(event.room.env);
	if archive and not archive.all_rooms then
		table.insert(event.form, {
			name = FIELD, type = "boolean", label = "Keep what is said in an archive", value = event.room:is_archived(),
		});
	end
end

local function submitted(event)
	local archive, room, value = ours(event.room.env), event.room, event.value;
	if archive and not archive.all_rooms and value ~= nil and value ~= room:is_archived() then
		room._data.archiving = value;
		event.status_codes[value and "170" or "171"] = true;
	end
end

local function remove(event)
	local archive, room = ours(event.room.env), event.room;
	if archive and archive.store.delete then
		local ok, err = archive.store:delete(node_of(room));
		if not ok and err then
			archive.failed(room, err);
		end
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-message-is-historic", archive_subject, -2 };
		{ "muc-add-history", record, 0 };
		{ "muc-add-history", keep_subject_out, -0.7 };
		{ "muc-get-history", refill_history, 1 };
		{ "muc-config-form", form_field, 0 };
		{ "muc-config-submitted/" .. FIELD, submitted, 0 };
		{ "muc-room-destroyed", remove, 0 };
	};
};
