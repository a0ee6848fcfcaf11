-- SPDX-License-Identifier: MIT
-- mod_muc_scion: XEP-0045 rooms as a component. Room logic is in lua/muc; this carries out its plans, keeps the rooms
-- in Prosody's stores, and shows them to other modules as mod_muc would.
--   Component "rooms.example.org" "muc_scion"

if module:get_host_type() ~= "component" then
	error("mod_muc_scion is a component: Component \"rooms.example.org\" \"muc_scion\"", 0);
end

module:require "sx";
local new_bounded = require "sx.muc.bounded".new;
local new_kit = require "sx.muc.kit".new;
local handle = require "sx.muc.kit".handle;
local new_registry = require "sx.muc.registry".new;
local listing = require "sx.muc.listing";
local ns = require "sx.muc.ns";

local dataforms = require "util.dataforms";
local datetime = require "util.datetime";
local hashes = require "util.hashes";
local base64 = require "util.encodings".base64.encode;
local resourceprep = require "util.encodings".stringprep.resourceprep;
local id = require "util.id";
local jid = require "util.jid";
local st = require "util.stanza";
local now = require "util.time".now;
local uuid = require "util.uuid".generate;

local options = module:require "muc_scion_options";

module:depends("disco");
module:add_identity("conference", "text", options.string("name", "Rooms"));
module:add_feature(ns.MUC);
module:add_feature(ns.STABLE_ID);
module:add_feature(ns.OCCUPANT_ID);
module:add_feature(ns.HATS);

local rights = module:require "muc_scion_rights";

local hooks = module:require "muc_scion_hooks";

local rooms; -- the registry

-- The shell calls the methods of a room on a wrapper, which has nothing of its own.
local function unwrapped(room)
	return rawget(room, "jid") and room or rooms.live[room.jid] or room;
end

local function emit(name, event)
	if event.room then
		event.room = unwrapped(event.room);
	end
	return module:fire_event(name, event);
end

local env = {
	st = st, jid = jid, dataforms = dataforms, prep = { resource = resourceprep },
	now = now, stamp = function (time) return datetime.datetime(math.floor(time)); end,
	parse_stamp = function (text) return text and datetime.parse(text); end,
	id = id.medium, salt = uuid,
	occupant_id = function (bare_jid, salt) return base64(hashes.hmac_sha256(bare_jid, salt)); end,
	digest = function (text) return hashes.sha1(text, true); end,
	is_admin = rights.is_admin, may = rights.may,
	emit = emit,
	hook = hooks.hook, knows_builders = hooks.is_known("muc-build-occupant-presence"),
	options = {
		locking = options.boolean("muc_scion_locking", options.boolean("muc_room_locking", true)),
		lock_timeout = options.seconds("muc_room_lock_timeout", 300),
		enforce_nick = options.boolean("enforce_registered_nickname", false),
		open_registration = options.boolean("allow_unaffiliated_register", false),
	},
	limits = {
		occupants = options.number("muc_scion_max_occupants", 1000),
		history_messages = options.number("max_history_messages", math.huge),
		history_bytes = options.number("muc_scion_history_bytes", 262144),
		iq_bytes = options.number("muc_scion_iq_bytes", 262144),
	},
	registration_fields = {},
};

-- What a server has said it takes (XEP-0478; Prosody 13.0 remembers it). Of a stream that the other side opened it
-- knows only the limit from before login.
function env.peer_bytes(domain)
	local session = prosody.hosts[module.host].s2sout[domain];
	local is_known = session and session.direction == "outgoing" and session.type == "s2sout";
	return is_known and session.outgoing_stanza_size_limit or nil;
end

local is_stopping = false;

-- One function for each kind of operation in a plan.
local fan = module:require "muc_scion_fan";
local carriers = fan.carriers(options.boolean("muc_scion_fastpath", true));
fan.outbox.most = options.number("muc_scion_queue_bytes", fan.outbox.most);

function carriers.save(operation)
	local room = unwrapped(operation.room);
	if rooms.live[room.jid] ~= room then
		return;
	end
	local ok, err = rooms:save(room, operation.forced, operation.state);
	if not ok then
		module:log("error", "Cannot store room %s: %s", room.jid, err or "unknown error");
	end
end

function carriers.destroy(operation)
	rooms:destroy(unwrapped(operation.room), operation.event);
end

-- A timer does not keep in memory a room that is gone.
function carriers.timer(operation)
	local call, held = operation.call, setmetatable({ unwrapped(operation.room) }, { __mode = "v" });
	module:add_timer(math.max(0, operation.at - now()), function ()
		local room = held[1];
		if room and rooms.live[room.jid] == room then
			env.plan:run(call, room);
		end
	end);
end

function env.carry(operations)
	for _, operation in ipairs(operations) do
		carriers[operation.kind](operation);
	end
	fan.settle(is_stopping);
end

module:require "muc_scion_limits"(env);
module:require "muc_scion_avatars"(env);
local metrics = module:require "muc_scion_metrics";
metrics.count(env);
local kit = new_kit(env);

local function new_store()
	local config, state = module:open_store("config"), module:open_store("state");
	local list, map = module:open_store("persistent"), module:open_store("persistent", "map");
	local function plain(store)
		return {
			get = function (node) return store:get(node); end;
			set = function (node, data) return store:set(node, data); end;
		};
	end
	return {
		config = plain(config), state = plain(state), persistent = {
			get = function () return list:get(nil); end;
			set = function (room_jid, value) return map:set(nil, room_jid, value); end;
		},
	};
end

rooms = new_registry(env, kit, new_store(), {
	rooms_most = options.number("muc_max_rooms", 1000),
	live_most = options.number("muc_room_cache_size", 100),
	tombstone_seconds = options.boolean("muc_tombstones", true)
		and options.seconds("muc_tombstone_expiry", 86400 * 31) or 0,
});

metrics.watch(rooms);
metrics.watch_fan(fan);

function fan.room_of(room_jid)
	return rooms.live[room_jid];
end

-- The functions of stock mod_muc, for other modules.
local api = { room_mt = kit.room_mt, new_room = kit.new_room };

function api.get_room_from_jid(room_jid)
	local room = rooms:get(room_jid);
	return room or nil;
end

function api.track_room(room)
	return rooms:track(room);
end

function api.forget_room(room)
	rooms:forget(room);
end

function api.delete_room(room)
	rooms:delete(room);
end

function api.all_rooms()
	return rooms:all();
end

function api.live_rooms()
	return rooms:live_rooms();
end

function api.each_room(live_only)
	return live_only and rooms:live_rooms() or rooms:all();
end

-- Defaults of a new room, by the stock options: setter, option and what else there is.
local DEFAULTS = {
	{ "set_allow_modpm", "muc_room_default_always_allow_moderator_pms", false };
	{ "set_public", "muc_room_default_public", false };
	{ "set_persistent", "muc_room_default_persistent", false };
	{ "set_members_only", "muc_room_default_members_only", false };
	{ "set_allow_member_invites", "muc_room_default_allow_member_invites", false };
	{ "set_moderated", "muc_room_default_moderated", false };
	{ "set_changesubject", "muc_room_default_change_subject", false };
};

local function set_defaults(room, language)
	for _, default in ipairs(DEFAULTS) do
		room[default[1]](room, options.boolean(default[2], default[3]));
	end
	room:set_whois(options.boolean("muc_room_default_public_jids", false) and "anyone" or "moderators");
	room:set_historylength(options.number("muc_room_default_history_length", 20));
	room:set_language(language or options.string("muc_room_default_language"));
	room:set_allow_pm(options.one_of("muc_room_default_allow_pm", "visitor", { "participant", "moderator", "none" }));
	local shown = options.table("muc_room_default_presence_broadcast");
	if shown then
		room:set_presence_broadcast(shown);
	end
end

--- Makes a room for a module; it is never locked. The room, or nil and why not.
function api.create_room(room_jid, config)
	if jid.bare(room_jid) ~= room_jid or not jid.prep(room_jid, true) or not rooms:can_hold(room_jid) then
		return nil, "invalid-jid";
	elseif rooms:get(room_jid) then
		return nil, "room-exists";
	end
	local room = kit.new_room(room_jid, config);
	if not config then
		set_defaults(room);
	end
	env.plan:run(env.emit, "muc-room-created", { room = room });
	return rooms:track(room);
end

module:hook("muc-room-pre-create", function (event)
	set_defaults(event.room, event.stanza.attr["xml:lang"]);
end, 1);

module:hook("muc-room-pre-create", function (event)
	event.room:set_affiliation(true, jid.bare(event.stanza.attr.from), "owner");
end, -1);

module:hook("muc-room-pre-create", function (event)
	if not rooms:track(event.room) then
		return event.room:refuse(event.origin, event.stanza, "wait", "resource-constraint", "There are too many rooms here");
	end
end, -1000);

module:hook("muc-room-pre-create", function (event)
	if not rights.may(event.stanza.attr.from, "create-room") then
		return event.room:refuse(event.origin, event.stanza, "cancel", "not-allowed", "You may not create rooms here");
	end
end, 5);

local function fail(origin, stanza, kind, condition, text)
	if stanza.attr.type ~= "error" and stanza.attr.type ~= "result" then
		env.plan:reply(origin, st.error_reply(stanza, kind, condition, text, module.host));
	end
	return true;
end

local function is_join(stanza)
	return stanza.name == "presence" and not stanza.attr.type and stanza:get_child("x", ns.MUC);
end

-- A room that was destroyed says so for a while, and where people have gone.
local function answer_destroyed(room, origin, stanza)
	if stanza.attr.type == "error" or stanza.attr.type == "result" then
		return true;
	end
	local reply = st.error_reply(stanza, "cancel", "gone", room._data.reason, module.host);
	if room._data.newjid then
		local uri = ("xmpp:%s?join"):format(room._data.newjid);
		reply:get_child("error"):get_child("gone", "urn:ietf:params:xml:ns:xmpp-stanzas"):text(uri);
	end
	env.plan:reply(origin, reply);
	return true;
end

local function may_recreate(room, stanza)
	return room._data.locked < now() or is_join(stanza) and rights.may(stanza.attr.from, "recreate-destroyed-room");
end

local function create(origin, stanza, room_jid)
	if not jid.prep(room_jid, true) or not rooms:can_hold(room_jid) then
		return fail(origin, stanza, "modify", "jid-malformed", "This cannot be the address of a room");
	elseif not is_join(stanza) then
		if stanza.name == "presence" and stanza.attr.type == "unavailable" then
			return true;
		end
		return fail(origin, stanza, "cancel", "item-not-found", "There is no such room");
	elseif not jid.resource(stanza.attr.to) then
		return fail(origin, stanza, "modify", "jid-malformed", "A nick is needed to join: "..room_jid.."/nick");
	end
	return handle(kit.new_room(room_jid), "handle_first_presence", origin, stanza);
end

local function dispatch_now(method, event, room_jid)
	local origin, stanza = event.origin, event.stanza;
	local room = rooms:get(room_jid);
	if room == false then
		return fail(origin, stanza, "wait", "internal-server-error", "The room cannot be read from the store");
	end
	if room and room._data.destroyed then
		if not may_recreate(room, stanza) then
			return answer_destroyed(room, origin, stanza);
		end
		rooms:forget(room);
		rooms:delete(room);
		room = nil;
	end
	if not room then
		return create(origin, stanza, room_jid);
	end
	return handle(room, method, origin, stanza);
end

-- At a pace at which storms leave time for other things.
local dispatch, pacer = module:require "muc_scion_pace"(fan, rooms, dispatch_now, function (event)
	return fail(event.origin, event.stanza, "wait", "resource-constraint", "Too much is waiting here; try again later");
end);
metrics.watch_pace(pacer);

local METHODS = {
	["iq-get/bare/"..ns.DISCO_INFO..":query"] = "handle_disco_info_get_query";
	["iq-get/bare/"..ns.DISCO_ITEMS..":query"] = "handle_disco_items_get_query";
	["iq-set/bare/"..ns.ADMIN..":query"] = "handle_admin_query_set_command";
	["iq-get/bare/"..ns.ADMIN..":query"] = "handle_admin_query_get_command";
	["iq-set/bare/"..ns.OWNER..":query"] = "handle_owner_query_set_to_room";
	["iq-get/bare/"..ns.OWNER..":query"] = "handle_owner_query_get_to_room";
	["iq/bare/"..ns.IQ_REGISTER..":query"] = "handle_register_iq";
	["message/bare"] = "handle_message_to_room";
	["presence/bare"] = "handle_presence_to_room";
	["presence/full"] = "handle_presence_to_occupant";
	["message/full"] = "handle_message_to_occupant";
	["iq/full"] = "handle_iq_to_occupant";
};

for event_name, method in pairs(env.routes) do
	METHODS[event_name] = method;
end

for event_name, method in pairs(METHODS) do
	module:hook(event_name, function (event)
		return dispatch(method, event);
	end, -2);
end

module:require "muc_scion_archive"(env, rooms, api, dispatch);
module:require "muc_scion_shell"(rooms, fan, api);

module:hook("host-disco-items", function (event)
	local names = rooms:public_names();
	local page = listing.page(st, event.stanza, names);
	if page then
		event.origin.send(page);
		return true;
	end
	listing.add_all(event.reply, names);
end);

-- Rooms that were locked when the service was reloaded still have their deadline.
module:hook("muc-room-restored", function (event)
	if event.room:is_locked() then
		event.room:watch_lock();
	end
end);

local count_refused = module:measure("iqs_refused", "counter");
module:hook("muc-scion-iq-refused", function (event)
	count_refused(1);
	module:log("debug", "An IQ in room %s was refused: %s", event.room.jid, event.reason);
end);

-- Who does not read what rooms send is taken out of them (status 333): a session, or all of a server's users.
local function take_out(room, real_jid)
	local why = st.presence({ type = "error", from = real_jid, to = room.jid }):tag("error", { type = "wait" })
		:tag("resource-constraint", { xmlns = ns.STANZAS }):reset();
	handle(room, "handle_kickable", nil, why);
end

function fan.overflow(key)
	local is_session = key:find("@", 1, true);
	for room in rooms:live_rooms() do
		if is_session and room:get_occupant_by_real_jid(key) then
			take_out(room, key);
		end
		for _, real_jid in ipairs(not is_session and room:sessions_of(key) or {}) do
			take_out(room, real_jid);
		end
	end
end

-- Where a stream to a server has ended, or a new one has begun, users of it that were here before may be gone.
local PROBE_DELAY, PROBE_PAUSE = 1, 60; -- seconds: until streams are made anew, between probes of one server
local probes = new_bounded(1000); -- domain -> when it was or will be probed last

local function occupied_from(domain)
	local list = {};
	for room in rooms:live_rooms() do
		local sessions = room:sessions_of(domain);
		list[#list + 1] = sessions[1] and { room = room, sessions = sessions };
	end
	return list;
end

local function peer_of(session)
	local ours, theirs = session.from_host, session.to_host;
	if session.direction == "incoming" then
		ours, theirs = theirs, ours;
	end
	return ours == module.host and theirs or nil;
end

local function plan_probe(event)
	local domain, time = peer_of(event.session), now();
	local last = domain and probes:get(domain) or 0;
	if not domain or is_stopping or last > time or not occupied_from(domain)[1] then
		return;
	end
	local at = math.max(time + PROBE_DELAY, last + PROBE_PAUSE);
	probes:put(domain, at);
	module:add_timer(at - time, function ()
		for _, found in ipairs(occupied_from(domain)) do
			env.plan:run(found.room.probe_sessions, found.room, found.sessions);
		end
	end);
end

module:hook_global("s2s-destroyed", plan_probe);
module:hook("s2sin-established", plan_probe);
module:hook("s2sout-established", plan_probe);

function api.shutdown_component()
	is_stopping = true;
	pacer:finish();
	env.plan:run(rooms.shut_down, rooms);
end
module:hook_global("server-stopping", api.shutdown_component, -10); -- while clients are still connected

-- Other modules find us where they look for mod_muc. What is registered for us is not counted for it again.
local hosted = prosody.hosts[module.host].modules;
local alias_module = setmetatable({ name = "muc", items = {} }, { __index = module });
local refusal = setmetatable({}, { __tostring = function ()
	return "these rooms are those of mod_muc_scion, which can be reloaded";
end });
function alias_module.save() -- Prosody would load its own mod_muc in our place
	error(refusal);
end
local alias = setmetatable({ module = alias_module }, { __index = module.environment });
for name, value in pairs(api) do
	module.environment[name], alias[name] = value, value;
end
rawset(hosted, "muc", alias);

-- Those that depend on "muc" are reloaded and unloaded with us.
module:hook("module-reloaded", function (event)
	if event.module == module.name then
		module:fire_event("module-reloaded", { module = "muc", host = module.host });
	end
end);

function module.unload()
	rawset(hosted, "muc", nil);
	pacer:finish();
	fan.stop();
	if is_stopping then
		return;
	end
	for room in rooms:live_rooms() do
		if not room._data.destroyed then
			rooms:save(room, true, true);
		end
	end
	if not module.reloading then
		module:fire_event("module-unloaded", { module = "muc", host = module.host });
	end
end
