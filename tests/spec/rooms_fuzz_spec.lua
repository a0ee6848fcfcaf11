-- SPDX-License-Identifier: MIT
-- Random stanzas, whole and spoilt, to the methods of rooms: whatever comes, a room stays a room. SX_SEED repeats a
-- run.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local archive_world = dofile "tests/spec/archive_world.lua";
local st = rooms_world.st;

local STEPS, EPISODES = 400, 30;
if debug.gethook() then
	STEPS, EPISODES = 200, 1; -- gcstress.lua makes LuaJIT a thousand times slower
end
local MUC = "http://jabber.org/protocol/muc";
local ROOM = "room@rooms.example.org";
local USERS = { "romeo", "juliet", "nurse", "tybalt", "_page", "admin" };
local NICKS = { "thane", "witch", "ghost", "porter" };
local TEXTS = { "", " ", "x", "<&'\">", "-1", "1e300", "nan", "0x10", "9223372036854775808", "_data", "@", "a@b",
	"romeo@example.org", "romeo@example.org/a", ROOM, ROOM .. "/thane", ("y"):rep(5000), "T5", "member", "none", "owner",
	"outcast", "visitor", "moderator", "true", "anyone", "participants" };
local FIELDS = { "muc#roomconfig_roomname", "muc#roomconfig_membersonly", "muc#roomconfig_moderatedroom",
	"muc#roomconfig_whois", "muc#roomconfig_maxusers", "muc#roomconfig_presencebroadcast", "muc#roomconfig_getmemberlist",
	"muc#roomconfig_allowpm", "muc#roomconfig_roomsecret", "muc#roomconfig_passwordprotectedroom",
	"muc#roomconfig_roomowners", "muc#roomconfig_roomadmins", "muc#maxhistoryfetch", "muc#roomconfig_persistentroom",
	"muc#roomconfig_slow_mode_duration", "muc#register_roomnick", "hats#uri", "hats#title", "hats#jid", "hats#hue",
	"muc#jid", "muc#request_allow", "muc#roomnick", "with", "start", "ids", "unknown" };

local random = math.random;

local function pick(list)
	return list[random(#list)];
end

local function text()
	return random(3) == 1 and pick(TEXTS) or pick({ "romeo@example.org", "juliet@example.org", "_page@example.org" });
end

local function jid()
	return ("%s@example.org/%s"):format(pick(USERS), pick({ "a", "b" }));
end

local function form(kind, fields)
	local x = st.stanza("x", { xmlns = "jabber:x:data", type = random(9) > 1 and "submit" or "cancel" })
		:tag("field", { var = "FORM_TYPE", type = "hidden" }):text_tag("value", kind):up();
	for _ = 1, random(fields or 3) do
		x:tag("field", { var = pick(FIELDS) });
		for _ = 1, random(0, 2) do
			x:text_tag("value", random(3) == 1 and text() or pick({ "0", "1", "moderators", "3", "thane", "urn:x:king" }));
		end
		x:up();
	end
	return x;
end

local function presence(kind, child)
	return function ()
		local stanza = st.presence({ to = ROOM .. "/" .. pick(NICKS), type = kind });
		return "handle_presence_to_occupant", child and stanza:tag("x", { xmlns = MUC }):up() or stanza;
	end;
end

local function iq(method, kind, xmlns, fill, name)
	return function ()
		local payload = st.stanza(name or "query", { xmlns = xmlns });
		return method, st.iq({ type = kind, id = "q", to = ROOM }):add_child(fill and fill(payload) or payload);
	end;
end

local function items(payload)
	for _ = 1, random(3) do
		local attr = random(2) == 1
			and { affiliation = pick({ "none", "member", "admin", "owner", "outcast" }), jid = text() }
			or { role = pick({ "none", "visitor", "participant", "moderator" }), nick = pick(NICKS) };
		payload:tag("item", attr):text_tag("reason", text()):up();
	end
	return payload:reset();
end

local function with_form(kind, fields)
	return function (payload)
		return payload:add_child(form(kind, fields)):reset();
	end;
end

local function message(kind, child)
	return function ()
		return "handle_message_to_room", st.message({ type = kind, to = ROOM, id = "m" }):add_child(child()):reset();
	end;
end

local function mediated(name)
	return message(nil, function ()
		return st.stanza("x", { xmlns = MUC .. "#user" }):tag(name, { to = text() }):text_tag("reason", text()):reset();
	end);
end

local function to_occupant(method, name, attr, child)
	return function ()
		local stanza = st.stanza(name, attr);
		stanza.attr.to, stanza.attr.id = ROOM .. "/" .. pick(NICKS), "p";
		return method, stanza:add_child(child());
	end;
end

local function body()
	return st.stanza(pick({ "body", "subject", "retract", "thread" })):text(text());
end

local function version()
	return st.stanza("query", { xmlns = pick({ "jabber:iq:version", "urn:xmpp:ping", "vcard-temp" }) });
end

local function hats(payload)
	payload.attr.node = "urn:xmpp:hats:commands:" .. pick({ "list", "create", "destroy", "assign", "unassign", "none" });
	return payload:add_child(form("urn:xmpp:hats:commands", 6)):reset();
end

local KINDS = {
	presence(nil, true), presence(nil, true), presence(nil, true), presence(), presence("unavailable"), presence("probe"),
	presence("error"),
	message("groupchat", body), message("groupchat", body), message("error", body), mediated("invite"),
	mediated("decline"),
	message(nil, function () return form(MUC .. "#request", 5); end),
	to_occupant("handle_message_to_occupant", "message", { type = "chat" }, body),
	to_occupant("handle_message_to_occupant", "message", { type = "error" }, body),
	to_occupant("handle_iq_to_occupant", "iq", { type = "get" }, version),
	iq("handle_admin_query_set_command", "set", MUC .. "#admin", items),
	iq("handle_admin_query_set_command", "set", MUC .. "#admin", items),
	iq("handle_admin_query_get_command", "get", MUC .. "#admin", items),
	iq("handle_owner_query_get_to_room", "get", MUC .. "#owner"),
	iq("handle_owner_query_set_to_room", "set", MUC .. "#owner", with_form(MUC .. "#roomconfig")),
	iq("handle_owner_query_set_to_room", "set", MUC .. "#owner", with_form(MUC .. "#roomconfig", 8)),
	iq("handle_register_iq", "set", "jabber:iq:register", with_form(MUC .. "#register")),
	iq("handle_register_iq", "set", "jabber:iq:register", function (query) return query:tag("remove"):reset(); end),
	iq("handle_disco_info_get_query", "get", "http://jabber.org/protocol/disco#info"),
	iq("handle_command_iq", "set", "http://jabber.org/protocol/commands", hats, "command"),
	iq("handle_mam_query", "set", "urn:xmpp:mam:2", with_form("urn:xmpp:mam:2")),
	iq("handle_moderation", "set", "urn:xmpp:message-moderate:1", function (payload)
		payload.attr.id = text();
		return payload:tag("retract", { xmlns = "urn:xmpp:message-retract:1" }):reset();
	end, "moderate"),
};

-- Changes something below the stanza itself.
local function spoil(stanza)
	local list = {};
	local function gather(parent)
		for i, child in ipairs(parent.tags) do
			list[#list + 1] = { parent = parent, child = child, index = i };
			gather(child);
		end
	end
	gather(stanza);
	local found = list[1] and pick(list);
	if not found then
		return;
	end
	local child, way = found.child, random(6);
	if way == 1 then
		child.attr[next(child.attr) or "x"] = random(2) == 1 and pick(TEXTS) or nil;
	elseif way == 2 then
		child.attr.xmlns = pick({ "urn:example:wrong", MUC, MUC .. "#user", "jabber:x:data" });
	elseif way == 3 then
		child.name = pick({ "item", "x", "invite", "destroy", "field", "value", "remove" });
	elseif way == 4 and found.parent ~= stanza then
		found.parent:add_direct_child(st.clone(child));
	elseif way == 5 then
		child:text(pick(TEXTS));
	else
		child:add_direct_child(st.stanza(child.name, { xmlns = child.attr.xmlns }));
	end
end

local function count(map)
	local number = 0;
	for _ in pairs(map or {}) do
		number = number + 1;
	end
	return number;
end

local function check_index(room)
	local sessions = 0;
	for nick, occupant in pairs(room._occupants) do
		assert.equal(nick, occupant.nick);
		assert.is_truthy(occupant.role);
		assert.is_truthy(occupant.sessions[occupant.jid]);
		for real_jid, shown in pairs(occupant.sessions) do
			assert.is_nil(shown.attr.type);
			assert.equal(nick, room._jid_nick[real_jid]);
			assert.equal(occupant.bare_jid, (real_jid:gsub("/.*$", "")));
			sessions = sessions + 1;
		end
	end
	assert.equal(sessions, count(room._jid_nick));
end

local function check_bounds(room)
	for _, affiliation in pairs(room._affiliations) do
		assert.is_truthy(({ member = true, admin = true, owner = true, outcast = true })[affiliation]);
	end
	for _, data in pairs(room._affiliation_data) do
		assert.is_truthy(next(data));
	end
	assert.is_true(count(room._affiliations) <= 100 and count(room._affiliation_data) <= 100);
	assert.is_true(count(room._data.granted_roles) <= 100 and count(room._data.hats) <= 50);
	assert.is_true(#(room._history or {}) <= 100);
	assert.is_true(not room._pending or room._pending.count <= 1000);
	assert.is_true(not room._data.affiliation_versions or #room._data.affiliation_versions.log <= 200);
end

-- Stored and restored, it says the same of itself.
local function check_restored(world, room)
	local frozen, state = room:freeze(true);
	local again = world.kit.restore_room(frozen, state);
	assert.same(room._affiliations, again._affiliations);
	assert.same(room._jid_nick, again._jid_nick);
	assert.same((room:freeze()), (again:freeze()));
	assert.equal(tostring(room:get_form_layout(USERS[1]):form()), tostring(again:get_form_layout(USERS[1]):form()));
end

-- A room with its owner and others, that does not end when they leave.
local function open(world)
	local room = world:create("romeo@example.org/a", "thane");
	room:set_persistent(true);
	world:join(room, "juliet@example.org/a", "witch");
	world:join(room, "_page@example.org/b", "ghost");
	return room;
end

local function play(world)
	local room = open(world);
	local history = {};
	for i = 1, STEPS do
		local method, stanza = pick(KINDS)();
		stanza.attr.from = random(3) == 1 and "romeo@example.org/a" or jid();
		if random(3) == 1 then
			spoil(stanza);
		end
		history[#history + 1] = tostring(stanza):sub(1, 400);
		local ok, why = xpcall(function ()
			world:give(room, method, stanza);
			assert.equal(0, world.env.plan.depth);
			check_index(room);
			check_bounds(room);
			if i % 20 == 0 then
				check_restored(world, room);
			end
		end, function (err) return type(err) == "table" and tostring(err.message or err) or debug.traceback(err); end);
		if not ok then
			error(("%s\nafter %s"):format(why, table.concat(history, "\n", math.max(1, #history - 3))), 0);
		elseif room.destroying then
			room = open(world);
		end
		world.time = world.time + random(3);
		world:take();
	end
end

describe("a room in a storm of random stanzas", function ()
	local seed = tonumber(os.getenv("SX_SEED") or 1);

	it(("stays whole (seed %d)"):format(seed), function ()
		math.randomseed(seed);
		for _ = 1, EPISODES do
			local world = (random(2) == 1 and archive_world or rooms_world).new();
			local options, limits = world.env.options, world.env.limits;
			options.locking, options.enforce_nick = random(4) == 1, random(3) == 1;
			options.open_registration = random(2) == 1;
			limits.affiliations, limits.sessions, limits.text_bytes, limits.stanza_bytes = 100, 10, 1000, 4000;
			play(world);
		end
	end);
end);
