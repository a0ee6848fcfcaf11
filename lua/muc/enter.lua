-- SPDX-License-Identifier: MIT
-- enter: presence of clients: they join, update, change their nick, leave (XEP-0045 sections 7.1, 7.2, 7.6, 7.7, 7.14).
--
-- A move is what one presence wants: real_jid, stanza, origin; from, the occupant it comes out of (a copy), nil when
-- joining; to, the occupant it goes into, nil when leaving; is_new: nobody has that nick; is_last: it is the only
-- session of `from`; is_again: an occupant joins anew; is_new_room: this makes the room.
local ns = require "sx.muc.ns";
local presence = require "sx.muc.presence";
local same = require "sx.muc.same";
local user_x = presence.user_x;

local unpack = table.unpack or unpack; -- luacheck: ignore 143

local methods = {};

local function event_of(self, move, details)
	details.room, details.origin, details.stanza = self, move.origin, move.stanza;
	return details;
end

-- Asks those who may refuse or alter the move. True: it has been answered.
local function is_refused(self, move)
	local emit = self.env.emit;
	if not move.from then
		return emit("muc-occupant-pre-join", event_of(self, move,
			{ is_first_session = move.is_new, is_new_room = move.is_new_room, occupant = move.to }));
	elseif not move.to then
		return emit("muc-occupant-pre-leave", event_of(self, move,
			{ is_last_session = move.is_last, occupant = move.from }));
	end
	return emit("muc-occupant-pre-change", event_of(self, move, {
		is_first_session = move.is_new, is_last_session = move.is_last,
		orig_occupant = move.from, dest_occupant = move.to,
	}));
end

-- The last session has gone: everybody sees the occupant go.
local function go(self, move, x, new_nick)
	local from = move.from;
	local before = from.role;
	from.role = new_nick and before or nil; -- section 7.6: a role goes along
	self:save_occupant(from);
	self:publicise_occupant_status(from, x, new_nick, nil, nil, before);
	self.env.emit("muc-occupant-left", event_of(self, move, { nick = from.nick, occupant = from, new_nick = new_nick }));
end

-- A session goes that others need not see go: it alone is told. Who is left shows itself where it has become primary.
local function slip_away(self, move, new_nick, code)
	local env, from, real_jid = self.env, move.from, move.real_jid;
	local was_primary = from.jid == real_jid;
	from:remove_session(real_jid);
	local x = presence.add_item(user_x(env, "110", code), {
		affiliation = self:get_affiliation(from.bare_jid) or "none", role = new_nick and from.role or "none",
		jid = real_jid, nick = new_nick,
	});
	env.plan:send(env.st.presence({ from = from.nick, to = real_jid, type = "unavailable" }):add_child(x));
	if move.is_last then
		go(self, move, user_x(env));
		return;
	end
	self:save_occupant(from);
	env.emit("muc-scion-session-left", { room = self, occupant = from, jid = real_jid, new_nick = new_nick });
	if was_primary then
		self:publicise_occupant_status(from, user_x(env));
	end
end

local function leave(self, move)
	if not move.is_last then
		return slip_away(self, move);
	end
	local is_shown = self:is_stanza_allowed(move.stanza); -- nobody is kept in by what it says
	move.from:set_session(move.real_jid, is_shown and move.stanza or self.env.st.presence({ type = "unavailable" }));
	return go(self, move, user_x(self.env));
end

-- Out of the old nick, on the way to a new one.
local function move_out(self, move)
	local nick = self.env.jid.resource(move.to.nick);
	if move.is_last and move.is_new then
		move.from:set_session(move.real_jid, self.env.st.presence({ type = "unavailable" }));
		return go(self, move, user_x(self.env, "303"), nick);
	end
	return slip_away(self, move, nick, "303");
end

-- What a session that joins has to know (sections 7.2.4, 7.2.12, 7.2.16, 10.1.1).
local function arrival_codes(self, move)
	local codes, is_joining = {}, not move.from or move.is_again;
	codes[1] = move.is_new_room and "201" or nil;
	codes[#codes + 1] = is_joining and self:get_whois() == "anyone" and "100" or nil;
	codes[#codes + 1] = is_joining and self:is_logged() and "170" or nil;
	codes[#codes + 1] = move.is_renamed and "210" or nil;
	return user_x(self.env, unpack(codes));
end

local function announce_arrival(self, move)
	local emit, to = self.env.emit, move.to;
	if move.is_new then
		emit("muc-occupant-joined", event_of(self, move, { nick = to.nick, occupant = to }));
	end
	emit("muc-occupant-session-new", event_of(self, move, { nick = to.nick, occupant = to, jid = move.real_jid }));
	if move.is_new_room then
		emit("muc-room-created", event_of(self, move, { creator = to }));
	end
end

local IGNORED = { id = true };

-- Takes the presence of the session. True where others would see nothing new in it.
local function take_presence(self, to, real_jid, stanza)
	local last, primary = to:get_presence(real_jid), to.jid;
	to:set_session(real_jid, stanza);
	self:save_occupant(to);
	return last ~= nil and primary == to.jid and same(last, to:get_presence(real_jid), IGNORED);
end

local function come(self, move)
	local to, real_jid = move.to, move.real_jid;
	local is_joining = not move.from or move.is_again;
	local before = move.from and move.from.role;
	local is_old = take_presence(self, to, real_jid, move.stanza);
	if is_joining then
		self.env.emit("muc-scion-arrival", event_of(self, move, { occupant = to, jid = real_jid }));
		self:send_occupant_list(real_jid, function (_, occupant)
			return not occupant or not occupant:get_presence(real_jid);
		end);
	elseif is_old then
		self:publicise_to_self(to, arrival_codes(self, move));
		return;
	end
	local x = { base = user_x(self.env), self = arrival_codes(self, move) };
	self:publicise_occupant_status(to, x, nil, nil, nil, before);
	if is_joining then
		announce_arrival(self, move);
	end
end

-- A handler has given the arrival another nick: somebody may be there already.
local function note_rename(self, move, wanted)
	local nick = move.to and move.to.nick;
	if nick == wanted then
		return;
	end
	move.is_renamed = true;
	local there = self:get_occupant_by_nick(nick);
	if there then
		move.to, move.is_new = there, false;
	end
end

local function perform(self, move)
	local wanted = move.to and move.to.nick;
	if is_refused(self, move) then
		if move.is_new_room then
			self.destroying = true;
			self.env.emit("muc-room-destroyed", { room = self });
		end
		return true;
	end
	note_rename(self, move, wanted);
	if move.to and not move.is_new and move.to.bare_jid ~= self.env.jid.bare(move.real_jid) then
		return self:refuse(move.origin, move.stanza, "cancel", "conflict", "This nick is taken");
	end
	if not move.to then
		leave(self, move);
		return true;
	end
	if move.from and move.from.nick ~= move.to.nick then
		move_out(self, move);
	end
	come(self, move);
	return true;
end

--- Gives an occupant another nick, whatever its client wanted; it is told with 210.
function methods:rename_occupant(occupant, nick)
	local env = self.env;
	for real_jid, last in pairs(occupant.sessions) do
		local from = self:get_occupant_by_real_jid(real_jid);
		local stanza = env.st.clone(last);
		stanza.attr.from, stanza.attr.to = real_jid, nick;
		local move = {
			origin = { send = function () end }, stanza = stanza, real_jid = real_jid, from = from, is_renamed = true,
			is_last = not from:is_shared(), to = self:get_occupant_by_nick(nick),
		};
		if not move.to then
			move.is_new, move.to = true, self:new_occupant(from.bare_jid, nick);
			move.to.role = from.role;
		end
		move_out(self, move);
		come(self, move);
	end
end

local function find_place(self, move)
	local stanza = move.stanza;
	if stanza.attr.type == "unavailable" then
		return;
	end
	if move.from and move.from.nick == stanza.attr.to then
		move.to = move.from;
		return;
	end
	move.to = self:get_occupant_by_nick(stanza.attr.to);
	move.is_new = move.to == nil;
	if move.is_new then
		move.to = self:new_occupant(self.env.jid.bare(move.real_jid), stanza.attr.to);
		move.to.role = move.from and move.from.role or move.to.role;
	end
end

-- Who was in the room until it was restarted does not know that it is out (section 7.2.18).
local function tell_stranger(self, stanza)
	local env = self.env;
	local x = presence.add_item(user_x(env, "110", "333"), { affiliation = "none", role = "none" });
	env.plan:send(env.st.presence({ from = stanza.attr.to, to = stanza.attr.from, type = "unavailable" }):add_child(x));
	return true;
end

--- Presence to an occupant JID, available or unavailable.
function methods:handle_normal_presence(origin, stanza)
	local real_jid = stanza.attr.from;
	local from = self:get_occupant_by_real_jid(real_jid);
	local is_join = stanza:get_child("x", ns.MUC) ~= nil;
	if not from and stanza.attr.type == "unavailable" then
		return true;
	elseif not from and not is_join then
		return tell_stranger(self, stanza);
	end
	local move = {
		origin = origin, stanza = stanza, real_jid = real_jid, from = from,
		is_last = from ~= nil and not from:is_shared(), is_again = from ~= nil and is_join,
	};
	find_place(self, move);
	return perform(self, move);
end

--- The presence that makes a room (section 10.1).
function methods:handle_first_presence(origin, stanza)
	if self.env.emit("muc-room-pre-create", { room = self, origin = origin, stanza = stanza }) then
		return true;
	end
	local real_jid = stanza.attr.from;
	return perform(self, {
		origin = origin, stanza = stanza, real_jid = real_jid, is_new = true, is_new_room = true,
		to = self:new_occupant(self.env.jid.bare(real_jid), stanza.attr.to),
	});
end

--- A stanza that could not be delivered: its recipient is out, without its own doing (section 18.2 and status 333).
function methods:handle_kickable(origin, stanza)
	local st, real_jid = self.env.st, stanza.attr.from;
	local from = self:get_occupant_by_real_jid(real_jid);
	if not from then
		return true;
	end
	local move = { origin = origin, stanza = stanza, real_jid = real_jid, from = from, is_last = not from:is_shared() };
	if not move.is_last then
		slip_away(self, move, nil, "333");
		return true;
	end
	local _, condition, text = stanza:get_error();
	local why = ("Not reachable: %s"):format((condition or "presence error"):gsub("%-", " "));
	if text and self:get_whois() == "anyone" and self:is_text_allowed(text) then
		why = why .. ": " .. text;
	end
	from:set_session(real_jid, st.presence({ type = "unavailable" }):text_tag("status", why));
	go(self, move, user_x(self.env, "333"));
	return true;
end

--- Notes that what takes a session out of the room waits for its turn, or does not any more: until then it is not shown
--- who else comes and goes.
function methods:note_leaving(real_jid, is_leaving)
	local leaving = self._leaving or {};
	leaving[real_jid] = is_leaving or nil;
	self._leaving = next(leaving) and leaving;
end

--- Presence to an occupant JID of any type.
function methods:handle_presence_to_occupant(origin, stanza)
	local kind = stanza.attr.type;
	if kind == "error" then
		return self:handle_kickable(origin, stanza);
	elseif kind == "probe" then
		self:respond_to_probe(origin, stanza, self:get_occupant_by_real_jid(stanza.attr.from));
	elseif kind == nil or kind == "unavailable" then
		return self:handle_normal_presence(origin, stanza);
	end
	return true; -- whatever else there is neither joins nor leaves (section 17.3)
end

--- Presence to the room itself: from an occupant it is meant for its nick; nobody can join without one.
function methods:handle_presence_to_room(origin, stanza)
	local nick = self:get_occupant_jid(stanza.attr.from);
	if nick then
		local copy = self.env.st.clone(stanza);
		copy.attr.to = nick;
		return self:handle_presence_to_occupant(origin, copy);
	end
	if stanza.attr.type == nil then
		return self:refuse(origin, stanza, "modify", "jid-malformed", "A nick is needed to join: " .. self.jid .. "/nick");
	end
	return true;
end

local function nick_of(event)
	return event.room.env.jid.resource((event.occupant or event.dest_occupant).nick);
end

local function refuse_bad_nick(event)
	local room = event.room;
	if not room.env.prep.resource(nick_of(event), true) then
		return room:refuse(event.origin, event.stanza, "modify", "jid-malformed", "This nick has forbidden characters");
	end
end

local function refuse_blank_nick(event)
	if not nick_of(event):find("%S") then
		return event.room:refuse(event.origin, event.stanza, "modify", "not-allowed", "A nick must not be blank");
	end
end

local function refuse_outcast(event)
	if event.room:get_affiliation(event.stanza.attr.from) == "outcast" then
		return event.room:refuse(event.origin, event.stanza, "auth", "forbidden", "You are banned from this room");
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-pre-join", refuse_bad_nick, 2 };
		{ "muc-occupant-pre-change", refuse_bad_nick, 2 };
		{ "muc-occupant-pre-join", refuse_blank_nick, 1 };
		{ "muc-occupant-pre-change", refuse_blank_nick, 1 };
		{ "muc-occupant-pre-join", refuse_outcast, -10 };
	};
};
