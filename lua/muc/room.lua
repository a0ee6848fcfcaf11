-- SPDX-License-Identifier: MIT
-- room: the state of a room, in the shape of stock mod_muc, so that add-ons read it and stores can be exchanged.
--
-- jid; _occupants (occupant JID -> occupant); _jid_nick (full real JID -> occupant JID); _data (configuration, by the
-- stock names); _affiliations (bare JID -> affiliation); _affiliation_data (bare JID -> table).
local envelope = require "sx.muc.envelope";
local occupant_lib = require "sx.muc.occupant";

local room = {};
local methods = {};

-- `_occupants` -> the full real JIDs of all sessions, until one of them comes or goes; the list itself never changes.
-- Not in the room, which others may see through a wrapper.
local everybody = setmetatable({}, { __mode = "k" });

--- An empty room. `config` becomes its `_data`.
function room.new(env, jid, config)
	return setmetatable({
		jid = jid, _jid_nick = {}, _occupants = {}, _data = config or {}, _affiliations = {}, _affiliation_data = {},
	}, env.room_mt);
end

function methods:get_occupant_jid(real_jid)
	return self._jid_nick[real_jid];
end

--- A new occupant with the role that its affiliation gives it, not yet in the room.
function methods:new_occupant(bare_jid, nick)
	local occupant = occupant_lib.new(self.env, bare_jid, nick);
	occupant.role = self:get_default_role(self:get_affiliation(bare_jid));
	occupant.role = occupant.role and self:get_granted_role(bare_jid) or occupant.role;
	return occupant;
end

--- A copy of the occupant with this occupant JID, or nil.
function methods:get_occupant_by_nick(nick)
	local occupant = self._occupants[nick];
	return occupant and occupant_lib.copy(occupant);
end

function methods:get_occupant_by_real_jid(real_jid)
	local nick = self:get_occupant_jid(real_jid);
	return nick and self:get_occupant_by_nick(nick);
end

--- Copies of the occupants whose bare real JID this is: a list.
function methods:occupants_of(bare_jid)
	local list = {};
	for _, occupant in pairs(self._occupants) do
		list[#list + 1] = occupant.bare_jid == bare_jid and occupant_lib.copy(occupant) or nil;
	end
	return list;
end

local function next_copy(occupants, nick)
	local found, occupant = next(occupants, nick);
	return found, occupant and occupant_lib.copy(occupant);
end

--- Iterates over occupant JIDs and copies of the occupants.
function methods:each_occupant()
	return next_copy, self._occupants, nil;
end

function methods:has_occupant()
	return next(self._occupants) ~= nil;
end

local function index(self, occupant)
	local is_here = false;
	for real_jid, presence in occupant:each_session() do
		if presence.attr.type == nil then
			self._jid_nick[real_jid] = occupant.nick;
			is_here = true;
		end
	end
	return is_here;
end

--- Takes a copy of the occupant into the room; without a role or a session it is out. Returns the copy, nil when out.
function methods:save_occupant(occupant)
	local nick = occupant.nick;
	local before = self._occupants[nick];
	occupant = occupant_lib.copy(occupant);
	if before then
		for real_jid in before:each_session() do
			self._jid_nick[real_jid] = nil;
		end
	end
	if not occupant.role or not index(self, occupant) then
		occupant = nil;
	end
	self._occupants[nick], everybody[self._occupants] = occupant, nil;
	return occupant;
end

--- Sends a stanza to where its `to` says.
function methods:route_stanza(stanza)
	self.env.plan:send(envelope(stanza));
end

local function add_targets(targets, occupant)
	for real_jid in occupant:each_session() do
		targets[#targets + 1] = real_jid;
	end
	return targets;
end

--- Sends a stanza to every session of an occupant.
function methods:route_to_occupant(occupant, stanza)
	self.env.plan:fan(envelope(stanza), add_targets({}, occupant));
end

local function targets_of(self, is_meant)
	local targets = {};
	for nick, occupant in pairs(self._occupants) do
		if not is_meant or is_meant(nick, occupant) then
			add_targets(targets, occupant);
		end
	end
	return targets;
end

local function all_targets(self)
	local targets = everybody[self._occupants];
	if not targets then
		targets = targets_of(self);
		everybody[self._occupants] = targets;
	end
	return targets;
end

--- Sends a stanza to every session of the occupants for which `is_meant(nick, occupant)` holds, without it to all.
function methods:broadcast(stanza, is_meant)
	self.env.plan:fan(envelope(stanza), is_meant and targets_of(self, is_meant) or all_targets(self));
end

--- Notes that the room has to be stored; `forced` stores the fact that it is not persistent any more, too.
function methods:save(forced, state)
	self.env.plan:save(self, forced, state);
end

local function freeze_occupants(self)
	local st, state = self.env.st, {};
	for nick, occupant in pairs(self._occupants) do
		state[nick] = { bare_jid = occupant.bare_jid, role = occupant.role, jid = occupant.jid };
		for real_jid, presence in occupant:each_session() do
			state[real_jid] = st.preserialize(presence);
		end
	end
	return state;
end

--- The room as two plain tables, as stock mod_muc stores it: the first is what lasts, the second (only with `live`) is
--- who is there and the last message.
function methods:freeze(live)
	local frozen = { _jid = self.jid, _data = self._data, _affiliation_data = self._affiliation_data };
	for jid, affiliation in pairs(self._affiliations) do
		frozen[jid] = affiliation;
	end
	if not live then
		return frozen;
	end
	local state = freeze_occupants(self);
	local last = self._history and self._history[#self._history];
	if last then
		state._last_message, state._last_message_at = self.env.st.preserialize(last.stanza), last.timestamp;
	end
	return frozen, state;
end

-- Keys that are JIDs; others begin where a JID has its domain with an underscore.
local function is_jid(self, key)
	local host = self.env.jid.host(key);
	return host ~= nil and host:sub(1, 1) ~= "_";
end

local function restore_affiliations(self, frozen)
	if frozen.jid and frozen._affiliations then
		self._affiliations = frozen._affiliations; -- the format before Prosody 0.11
		return;
	end
	for jid, affiliation in pairs(frozen) do
		if type(affiliation) == "string" and is_jid(self, jid) then
			self._affiliations[jid] = affiliation;
		end
	end
end

local function restore_occupants(self, state)
	local env, occupants = self.env, {};
	local function get(nick)
		occupants[nick] = occupants[nick] or occupant_lib.new(env, nil, nick);
		return occupants[nick];
	end
	for key, value in pairs(state) do
		if type(value) == "table" and is_jid(self, key) then
			if value.bare_jid and env.jid.bare(key) == self.jid then
				local occupant = get(key);
				occupant.bare_jid, occupant.role, occupant.jid = value.bare_jid, value.role, value.jid;
			elseif value.name == "presence" then
				get(value.attr.from):set_session(key, env.st.deserialize(value));
			end
		end
	end
	for _, occupant in pairs(occupants) do
		self:save_occupant(occupant);
	end
end

--- A room from what `freeze` has made, here or in stock mod_muc.
function room.restore(env, frozen, state)
	local self = room.new(env, frozen._jid or frozen.jid, frozen._data);
	self._affiliation_data = frozen._affiliation_data or {};
	restore_affiliations(self, frozen);
	if state then
		if state._last_message and state._last_message_at then
			self._history = { {
				stanza = env.st.deserialize(state._last_message), timestamp = state._last_message_at,
			} };
		end
		restore_occupants(self, state);
	end
	return self;
end

room.methods = methods;
return room;
