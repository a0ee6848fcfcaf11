-- SPDX-License-Identifier: MIT
-- rooms_world: rooms without a server: events, a clock and a list of what has been sent, for specs of lua/muc. Stanzas
-- and forms are those of the installed Prosody; its compiled helpers, which LuaJIT cannot load, are stood in for.

package.path = "./lua/?.lua;./tests/spec/?.lua;" .. package.path .. ";/usr/lib/prosody/?.lua";

local function search(name)
	local rest = name:match("^sx%.(muc%.[%w_]+)$");
	return rest and loadfile("lua/" .. rest:gsub("%.", "/") .. ".lua") or nil;
end

-- Prosody 13.0 asks for "prosody.util.stanza", 0.12 for "util.stanza".
local function search_unprefixed(name)
	local rest = name:match("^prosody%.(.+)$");
	return rest and function () return require(rest); end or nil;
end
local searchers = package.searchers or package.loaders; -- luacheck: ignore 143
table.insert(searchers, 2, search);
table.insert(searchers, 3, search_unprefixed);

local function prep(text)
	return text ~= "" and not text:find("[%z\1-\31]") and text or nil;
end

local function lower(text)
	local prepared = prep(text);
	return prepared and prepared:lower();
end

package.preload["util.encodings"] = function ()
	return {
		stringprep = { nodeprep = lower, nameprep = lower, resourceprep = prep, saslprep = prep },
		utf8 = { valid = function () return true; end, length = string.len },
		base64 = { encode = function (text) return text; end, decode = function (text) return text; end },
		idna = { to_ascii = lower, to_unicode = lower },
	};
end
package.preload["util.table"] = function ()
	return { create = function () return {}; end };
end
for _, name in ipairs({ "util.hashes", "util.net", "util.pposix", "util.time" }) do
	package.preload[name] = package.preload[name] or function () return { now = os.time }; end;
end

local st = require "util.stanza";
local jid = require "util.jid";
local dataforms = require "util.dataforms";
local kit = require "sx.muc.kit";

local rooms_world = {};
rooms_world.__index = rooms_world;

-- Events as in Prosody: the highest priority first, until one returns a value.
local function new_bus()
	local handlers = {};
	local function hook(name, handler, priority)
		handlers[name] = handlers[name] or {};
		local list = handlers[name];
		list[#list + 1] = { f = handler, priority = priority or 0, order = #list };
		table.sort(list, function (x, y)
			if x.priority ~= y.priority then
				return x.priority > y.priority;
			end
			return x.order < y.order;
		end);
	end
	local function emit(name, event)
		for _, entry in ipairs(handlers[name] or {}) do
			local value = entry.f(event);
			if value ~= nil then
				return value;
			end
		end
	end
	return hook, emit;
end

--- Sends a stanza (XML is not read here: a stanza object) to a room's method; what came of it is in `sent`.
function rooms_world:give(room, method, stanza)
	return kit.handle(room, method, self.origin, stanza);
end

--- The stanzas sent since the last call, one for each recipient, in order.
function rooms_world:take()
	local sent = self.sent;
	self.sent = {};
	return sent;
end

--- Those of them that went to one full JID.
function rooms_world:take_for(to)
	local found, rest = {}, {};
	for _, stanza in ipairs(self.sent) do
		local list = stanza.attr.to == to and found or rest;
		list[#list + 1] = stanza;
	end
	self.sent = rest;
	return found;
end

--- A presence to `to` from `from`; with a true third value one that joins.
function rooms_world.presence(from, to, is_join, kind)
	local stanza = st.presence({ from = from, to = to, type = kind });
	return is_join and stanza:tag("x", { xmlns = "http://jabber.org/protocol/muc" }):up() or stanza;
end

--- Lets somebody join under an occupant JID.
function rooms_world:join(room, from, nick)
	self:give(room, "handle_presence_to_occupant", rooms_world.presence(from, room.jid .. "/" .. nick, true));
end

--- A new room that `from` made and owns, still locked unless the options say otherwise.
function rooms_world:create(from, nick)
	local room = self.kit.new_room("room@rooms.example.org");
	self:give(room, "handle_first_presence", rooms_world.presence(from, room.jid .. "/" .. nick, true));
	return room;
end

local function carry(self, operation)
	if operation.kind == "fan" then
		for _, target in ipairs(operation.targets) do
			local copy = st.clone(operation.stanza);
			copy.attr.to = target;
			table.insert(self.sent, copy);
		end
	elseif operation.kind == "list" then
		for _, stanza in ipairs(operation.stanzas) do
			local copy = st.clone(stanza);
			copy.attr.to = operation.to;
			table.insert(self.sent, copy);
		end
	elseif operation.kind == "send" or operation.kind == "reply" then
		table.insert(self.sent, st.clone(operation.stanza));
	else
		table.insert(self.operations, operation);
	end
end

local function new(options)
	local self = setmetatable({ time = 1000, sent = {}, operations = {}, ids = 0, origin = {} }, rooms_world);
	local hook, emit = new_bus();
	local function next_id()
		self.ids = self.ids + 1;
		return "id" .. self.ids;
	end
	self.env = {
		st = st, jid = jid, dataforms = dataforms, prep = { resource = prep }, hook = hook, emit = emit,
		now = function () return self.time; end,
		stamp = function (time) return ("T%d"):format(time); end,
		parse_stamp = function (text) return text and tonumber(text:match("^T(%d+)$")); end,
		digest = function (text) return ("%d bytes"):format(#text); end,
		id = next_id, salt = next_id, occupant_id = function (bare, salt) return salt .. "." .. bare; end,
		is_admin = function (bare) return bare == "admin@example.org"; end,
		may = function () return true; end,
		options = { locking = true, lock_timeout = 300, enforce_nick = false, open_registration = false },
		limits = { occupants = 1000, history_messages = 100, history_bytes = 262144, iq_bytes = 262144 },
		peer_bytes = function () end, knows_builders = function () return not self.has_unknown_builders; end,
		registration_fields = {},
		carry = function (operations)
			for _, operation in ipairs(operations) do
				carry(self, operation);
			end
		end,
	};
	for key, value in pairs(options or {}) do
		self.env.options[key] = value;
	end
	self.kit = kit.new(self.env);
	hook("muc-room-pre-create", function (event)
		event.room:set_affiliation(true, jid.bare(event.stanza.attr.from), "owner");
	end, -1);
	return self;
end

return { new = new, st = st };
