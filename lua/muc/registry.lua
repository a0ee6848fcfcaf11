-- SPDX-License-Identifier: MIT
-- registry: the rooms of a service: those in memory, those in the stores, and what is left of destroyed ones.
--
-- `stores` has config and state (get(node), set(node, table or nil)) and persistent (get() for a set of JIDs,
-- set(jid, true or nil)), in the formats of stock mod_muc.
local NODE_MOST = 240; -- bytes of a file name, without its ending

local registry = {};
registry.__index = registry;

--- An empty registry. `options`: rooms_most, live_most (in memory, occupied ones aside), tombstone_seconds (0: none).
function registry.new(env, kit, stores, options)
	local stored, count = stores.persistent.get() or {}, 0;
	for _ in pairs(stored) do
		count = count + 1;
	end
	return setmetatable({
		env = env, kit = kit, stores = stores, options = options,
		live = {}, live_count = 0, names = nil, stored = stored, asleep_count = count,
	}, registry);
end

-- `asleep_count`: rooms that are stored and not in memory.
local function set_stored(self, jid, is_stored)
	if not self.live[jid] and is_stored ~= self.stored[jid] then
		self.asleep_count = self.asleep_count + (is_stored and 1 or -1);
	end
	self.stored[jid] = is_stored;
end

local function set_live(self, jid, room)
	local change = (room and 1 or 0) - (self.live[jid] and 1 or 0);
	self.live[jid], self.live_count = room, self.live_count + change;
	if self.stored[jid] then
		self.asleep_count = self.asleep_count - change;
	end
end

local function node_of(self, room)
	return self.env.jid.node(room.jid);
end

--- Whether a room of this address can be stored: stores make file names of localparts, three bytes of most characters
--- that are neither letters nor digits.
function registry:can_hold(jid)
	local node = self.env.jid.node(jid) or "";
	local _, others = node:gsub("%W", "");
	return #node + 2 * others <= NODE_MOST;
end

local function note_name(self, room)
	if self.names then
		self.names[room.jid] = not room:get_hidden() and not room:is_locked() and room:get_name() or nil;
	end
end

--- Stores a room that stays, or one that is `forced` or put aside with its occupants (`state`).
function registry:save(room, forced, state)
	note_name(self, room);
	local node, stays = node_of(self, room), room:get_persistent() or state;
	if not stays and not forced then
		return true;
	end
	local frozen, live;
	if stays then
		frozen, live = room:freeze(state);
	end
	set_stored(self, room.jid, stays and true or nil);
	self.stores.persistent.set(room.jid, stays and true or nil);
	self.stores.state.set(node, live);
	return self.stores.config.set(node, frozen);
end

local LOOKED_AT = 50; -- rooms, for one that can be put aside

-- Empty rooms that stay make place for others. Some are looked at each time, in turn.
local function make_place(self)
	if self.live_count < self.options.live_most then
		return;
	end
	local jid = self.live[self.looked_at] and self.looked_at or nil;
	for _ = 1, math.min(LOOKED_AT, self.live_count) do
		local room;
		jid, room = next(self.live, jid);
		if not jid then
			jid, room = next(self.live);
		end
		local is_idle = not room:has_occupant() and not room:is_awaited() and not room:is_locked();
		if is_idle and room:get_persistent() and self:save(room, true) then
			self:forget(room);
			return;
		end
	end
	self.looked_at = jid;
end

function registry:count()
	return self.live_count + self.asleep_count;
end

--- Takes a room in. The room, or false when there are too many.
function registry:track(room)
	if self.live[room.jid] then
		self:forget(self.live[room.jid]);
	elseif not self.stored[room.jid] and self:count() >= self.options.rooms_most then
		return false;
	end
	make_place(self);
	set_live(self, room.jid, room);
	return room;
end

--- Takes a room out of memory without saving it.
function registry:forget(room)
	if self.live[room.jid] == room then
		set_live(self, room.jid, nil);
	end
end

--- Takes a room out of the stores; it may stay in memory.
function registry:delete(room)
	local node = node_of(self, room);
	set_stored(self, room.jid, nil);
	self.stores.persistent.set(room.jid, nil);
	self.stores.config.set(node, nil);
	self.stores.state.set(node, nil);
	if self.names then
		self.names[room.jid] = nil;
	end
end

-- Nil: there is none. False: there is one, and it cannot be read or may not be restored.
local function restore(self, jid)
	local frozen, err = self.stores.config.get(self.env.jid.node(jid));
	if not frozen then
		return err and false or nil, err;
	end
	if self.env.emit("muc-room-pre-restore", { jid = jid, data = frozen }) == false then
		return false;
	end
	local node = self.env.jid.node(jid);
	local room = self.kit.restore_room(frozen, self.stores.state.get(node));
	self:track(room);
	self.stores.state.set(node, nil);
	self.env.emit("muc-room-restored", { jid = jid, room = room });
	return room;
end

--- The room with this JID; nil where there is none; false and an error text where it cannot be read.
function registry:get(jid)
	local room = self.live[jid];
	if room or not self:can_hold(jid) then
		return room;
	end
	return restore(self, jid);
end

--- Iterates over all rooms, also those that are not in memory.
function registry:all()
	local jids = {};
	for jid in pairs(self.live) do
		jids[#jids + 1] = jid;
	end
	for jid in pairs(self.stored) do
		jids[#jids + 1] = not self.live[jid] and jid or nil;
	end
	local i = 0;
	return function ()
		while i < #jids do
			i = i + 1;
			local room = self:get(jids[i]);
			if room then
				return room;
			end
		end
	end;
end

--- Iterates over the rooms in memory.
function registry:live_rooms()
	local jid, room;
	return function ()
		jid, room = next(self.live, jid);
		return room;
	end;
end

--- JID -> name of the rooms that are listed in public.
function registry:public_names()
	if not self.names then
		self.names = {};
		for room in self:all() do
			note_name(self, room);
		end
	end
	return self.names;
end

--- A room is gone; of one that stayed remains for a while that it is gone, and where to.
function registry:destroy(room, event)
	local was_persistent, was_tombstone = room:get_persistent(), room._data.destroyed;
	self:forget(room);
	self:delete(room);
	if not was_persistent or was_tombstone or self.options.tombstone_seconds == 0 then
		return;
	end
	local tombstone = self.kit.new_room(room.jid, {
		destroyed = true, locked = self.env.now() + self.options.tombstone_seconds, reason = event.reason,
		newjid = event.newjid, persistent = true, hidden = true,
	});
	self:save(tombstone, true);
	self:track(tombstone);
end

--- Everybody is told that the service stops (332), then rooms that stay are stored, without occupants.
function registry:shut_down()
	for room in self:live_rooms() do
		room.destroying = true;
		room:shut_down();
		if room:get_persistent() then
			self:save(room, true, true);
		end
	end
end

return registry;
