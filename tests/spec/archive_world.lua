-- SPDX-License-Identifier: MIT
-- archive_world: rooms_world with an archive in a table: the calls of a Prosody archive store that lua/muc makes.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;

local store = {};
store.__index = store;

local function index_of(items, id)
	for i, item in ipairs(items) do
		if item.id == id then
			return i;
		end
	end
end

local function fits(item, query)
	local is_wanted = not query.ids;
	for _, id in ipairs(query.ids or {}) do
		is_wanted = is_wanted or id == item.id;
	end
	return is_wanted and (not query.with or item.with == query.with) and (not query.start or item.when >= query.start)
		and (not query["end"] or item.when <= query["end"]);
end

function store:append(node, key, stanza, when, with)
	if self.most and #(self.nodes[node] or {}) >= self.most then
		return nil, "quota-limit";
	end
	self.last_id = self.last_id + 1;
	self.nodes[node] = self.nodes[node] or {};
	local id = key or "a" .. self.last_id;
	table.insert(self.nodes[node], { id = id, stanza = st.preserialize(stanza), when = when, with = with });
	return id;
end

-- The items between two ids, or nil where one of them is not there.
local function range(items, query)
	local from, to = 1, #items;
	if query.after then
		from = index_of(items, query.after);
		from = from and from + 1;
	end
	if query.before then
		to = index_of(items, query.before);
		to = to and to - 1;
	end
	return from, from and to;
end

-- As the internal storage of Prosody 13.0: what begins at an unknown id is empty, what ends there goes on to the end.
local function vague_range(items, query)
	local after, before = index_of(items, query.after), index_of(items, query.before);
	if query.reverse then
		return after and after + 1 or 1, query.before and (before or 0) - 1 or #items;
	end
	return query.after and (after or #items) + 1 or 1, before and before - 1 or #items;
end

function store:find(node, query)
	if self.broken then
		return nil, "broken";
	end
	self.finds = self.finds + 1;
	local items, found = self.nodes[node] or {}, {};
	local from, to = range(items, query);
	if not to and self.is_vague then
		from, to = vague_range(items, query);
	elseif not to then
		return nil, "item-not-found";
	end
	query.before, query.after = query.after, query.before;
	for i = from, to do
		if fits(items[i], query) then
			table.insert(found, query.reverse and 1 or #found + 1, items[i]);
		end
	end
	local i = 0;
	return function ()
		i = i + 1;
		local item = i <= (query.limit or #found) and found[i];
		if item then
			return item.id, st.deserialize(item.stanza), item.when, item.with;
		end
	end, query.total and #found or nil;
end

function store:get(node, id)
	local items = self.nodes[node] or {};
	local item = items[index_of(items, id)];
	if not item then
		return nil, "item-not-found";
	end
	return st.deserialize(item.stanza), item.when, item.with;
end

function store:set(node, id, stanza)
	local items = self.nodes[node] or {};
	items[index_of(items, id)].stanza = st.preserialize(stanza);
	return true;
end

function store:delete(node, query)
	local items, kept = self.nodes[node] or {}, {};
	for i, item in ipairs(items) do
		local is_cut = query and query.truncate and i <= #items - query.truncate;
		local is_hit = not (query and query.truncate) and fits(item, query or {});
		kept[#kept + 1] = not (is_cut or is_hit) and item or nil;
	end
	self.nodes[node] = kept;
	return #items - #kept;
end

local archive_world = { st = st, join = rooms_world.join };

--- A world whose rooms are open at once and have an archive; world.store is it, world.failures what it was blamed for.
function archive_world.new()
	local world = rooms_world.new({ locking = false, retraction_tombstones = true });
	world.store = setmetatable({
		nodes = {}, last_id = 0, finds = 0, caps = { full_id_range = true, ids = true, truncate = true },
	}, store);
	world.failures, world.noted = {}, {};
	world.env.rsm = require "util.rsm";
	world.env.moderation = { is_ours = true };
	world.env.archive = {
		store = world.store, is_ours = true, by_default = true, all_rooms = false, query_most = 50, with_total = true,
		make_place = {}, kept = function (node) table.insert(world.noted, node); end,
		failed = function (_, why) table.insert(world.failures, why); end,
	};
	return world;
end

--- What is in the archive of a room, as stanzas.
function archive_world.kept(world, room)
	local list = {};
	for _, item in ipairs(world.store.nodes[room.env.jid.node(room.jid)] or {}) do
		table.insert(list, st.deserialize(item.stanza));
	end
	return list;
end

return archive_world;
