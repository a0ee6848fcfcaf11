-- SPDX-License-Identifier: MIT
-- kit: puts the parts together to rooms that live in one environment. Nothing here does I/O: the host gives
--
--   st, jid, dataforms      util.stanza, util.jid and util.dataforms
--   prep                    { resource = resourceprep }
--   now()                   seconds since the epoch, with a fraction
--   stamp(t), parse_stamp   XEP-0082 text of a time and back; nil for what is none
--   id(), salt()            a random id, a salt for occupant ids
--   occupant_id(jid, salt)  the id of XEP-0421
--   digest(text)            a hash as text
--   is_admin(jid)           whether a bare JID owns every room of the service
--   may(jid, right)         whether a real JID has a right: "create-public-room", "create-persistent-room"
--   emit(name, event)       calls the handlers of an event, highest priority first, until one returns a value
--   hook(name, f, priority) adds one
--   knows_builders()        whether "muc-build-occupant-presence" has no handlers but ours; nil: it may have
--   carry(operations)       carries out a plan (plan.lua)
--   options                 locking, lock_timeout (seconds), enforce_nick, open_registration, retraction_tombstones
--   limits                  occupants, history_messages, history_bytes, iq_bytes (of an IQ to an occupant), and those
--                           of bounds.lua
--   rates                   how often somebody may do what (rates.lua), nil for as often as they like
--   vcards                  those of rooms (avatars.lua), nil for none
--   peer_bytes(domain)      bytes of a stanza that the server of a domain takes, nil where it has not said
--   registration_fields     more fields for the registration form
--   rsm                     util.rsm
--   archive, moderation     archive.lua, moderation.lua; nil: rooms have none
--
-- and the kit adds plan, room_mt, occupant_mt, presences (how many there were), filtered (namespaces that clients
-- cannot bring in), and what the parts declare: routes (the host's event -> the method that takes its stanza) and
-- commands (commands.lua).
local occupant = require "sx.muc.occupant";
local plan = require "sx.muc.plan";
local room = require "sx.muc.room";

local PARTS = {
	"settings", "history", "subject", "affiliations", "roles", "presence", "enter", "limits", "lock", "messages",
	"private", "iq", "jingle", "ghosts", "invites", "voice", "register", "config", "owner", "admin", "disco",
	"occupant_id", "rates", "bounds", "commands", "hats", "avatars", "slow_mode", "activity", "versions", "stanza_id",
	"archive", "mam", "erasure", "retraction", "moderation",
};

local kit = {};

local function install(env, part)
	for name, method in pairs(part.methods) do
		assert(not env.room_mt[name], name);
		env.room_mt[name] = method;
	end
	for _, hook in ipairs(part.hooks or {}) do
		env.hook(hook[1], hook[2], hook[3]);
	end
	for _, collection in ipairs({ "routes", "commands" }) do
		for key, value in pairs(part[collection] or {}) do
			env[collection][key] = value;
		end
	end
end

--- Rooms in `env`: completes it and returns { room_mt, new_room(jid, config), restore_room(frozen, state) }.
function kit.new(env)
	env.plan = plan.new(env.carry);
	env.presences = 0;
	env.filtered = occupant.filtered_namespaces();
	env.occupant_mt = { __index = setmetatable({ env = env }, { __index = occupant }) };
	env.room_mt = { env = env };
	env.routes, env.commands = {}, {};
	env.room_mt.__index = env.room_mt;
	function env.room_mt:__tostring()
		return ("room %s"):format(self.jid);
	end
	install(env, room);
	for _, name in ipairs(PARTS) do
		install(env, require("sx.muc." .. name));
	end
	return {
		room_mt = env.room_mt;
		new_room = function (jid, config) return room.new(env, jid, config); end;
		restore_room = function (frozen, state) return room.restore(env, frozen, state); end;
	};
end

-- A locked room is not there yet for others (XEP-0045 section 10.1.1).
local function refuse_locked(target, origin, stanza)
	local kind = stanza.attr.type;
	if kind == "error" or kind == "result" or kind == "unavailable" then
		return true;
	end
	return target:refuse(origin, stanza, "cancel", "item-not-found",
		"This room is locked until its owner has configured it");
end

--- Gives a stanza to a method of a room, with a plan open, at the pace that the rates allow.
function kit.handle(target, method, origin, stanza)
	if target:is_hidden_from(stanza.attr.from) then
		return target.env.plan:run(refuse_locked, target, origin, stanza);
	end
	return target.env.plan:run(target.admit, target, method, origin, stanza);
end

return kit;
