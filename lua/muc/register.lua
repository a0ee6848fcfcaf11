-- SPDX-License-Identifier: MIT
-- register: users reserve a nick, and become members by it (XEP-0045 sections 7.10 to 7.12). A nick that is reserved is
-- `reserved_nickname` of the affiliation data.
local ns = require "sx.muc.ns";

local methods = {};

--- The nick (not the occupant JID) that is reserved for a bare JID, or nil.
function methods:get_registered_nick(jid)
	local data = self._affiliation_data[jid];
	return data and data.reserved_nickname;
end

--- The bare JID that a nick is reserved for, or nil.
function methods:get_registered_jid(nick)
	if not self._reserved_nicks then
		self._reserved_nicks = {};
		for jid, data in pairs(self._affiliation_data) do
			if data.reserved_nickname then
				self._reserved_nicks[data.reserved_nickname] = jid;
			end
		end
	end
	return self._reserved_nicks[nick];
end

local function forget_nicks(event)
	event.room._reserved_nicks = nil;
end

-- A nick that is reserved for somebody else, and one's own where the service insists on it.
local function check_nick(event)
	local room, env = event.room, event.room.env;
	local occupant = event.occupant or event.dest_occupant;
	local jid, nick = env.jid.bare(event.stanza.attr.from), env.jid.resource(occupant.nick);
	local own = env.options.enforce_nick and room:get_registered_nick(jid);
	if own and own ~= nick then
		if event.occupant then
			occupant.nick = room.jid .. "/" .. own;
			return nil;
		end
		return room:refuse(event.origin, event.stanza, "cancel", "not-acceptable", "Your nick here is " .. own);
	end
	local owner = room:get_registered_jid(nick);
	if owner and owner ~= jid then
		return room:refuse(event.origin, event.stanza, "cancel", "conflict", "This nick is reserved for somebody else");
	end
end

local function layout(self)
	local form = {
		title = "Registration with " .. self.jid,
		{ name = "FORM_TYPE", type = "hidden", value = ns.REGISTER },
		{ name = "muc#register_roomnick", type = "text-single", required = true, label = "Nick" },
	};
	for _, field in ipairs(self.env.registration_fields) do
		form[#form + 1] = field;
	end
	return self.env.dataforms.new(form);
end

local function show(self, stanza, nick)
	local query = self.env.st.reply(stanza):query(ns.IQ_REGISTER);
	if nick then
		return query:tag("registered"):up():text_tag("username", nick);
	end
	return query:add_child(layout(self):form());
end

local function error_of(self, stanza, ...)
	return self.env.st.error_reply(stanza, ...);
end

-- The nick that a form asks for, and its other fields; or nil and an answer that says what is wrong.
local function read(self, stanza, jid)
	local env, form = self.env, stanza.tags[1]:get_child("x", ns.DATA);
	if not form or env.dataforms.get_type(form) ~= ns.REGISTER then
		return nil, error_of(self, stanza, "modify", "bad-request", "A form for registration is needed", self.jid);
	end
	local submitted = layout(self):data(form);
	local wanted = submitted and submitted["muc#register_roomnick"];
	local nick = wanted and env.prep.resource(wanted, true);
	if not nick or not nick:find("%S") or not self:is_nick_allowed(nick) then
		return nil, error_of(self, stanza, "modify", "bad-request", "This cannot be a nick", self.jid);
	end
	local there, owner = self._occupants[self.jid .. "/" .. nick], self:get_registered_jid(nick);
	if there and there.bare_jid ~= jid or owner and owner ~= jid then
		return nil, error_of(self, stanza, "cancel", "conflict", "This nick is taken", self.jid);
	end
	return nick, submitted;
end

-- Where users have to use the nick they have reserved, they get it at once.
local function enforce(self, jid, nick)
	local wanted, others = self.jid .. "/" .. nick, {};
	for current, occupant in self:each_occupant() do
		others[#others + 1] = occupant.bare_jid == jid and current ~= wanted and occupant or nil;
	end
	for _, occupant in ipairs(self.env.options.enforce_nick and others or {}) do
		self:rename_occupant(occupant, wanted);
	end
end

local function register(self, stanza, jid, origin)
	local nick, submitted = read(self, stanza, jid);
	if not nick then
		return submitted;
	end
	if nick ~= self:get_registered_nick(jid) then
		local data = { reserved_nickname = nick };
		self.env.emit("muc-registration-submitted", {
			room = self, origin = origin, stanza = stanza, submitted_data = submitted, affiliation_data = data,
		});
		local ok, kind, condition, text = self:set_affiliation(true, jid, self:get_affiliation(jid) or "member", nil, data);
		if not ok then
			return error_of(self, stanza, kind, condition, text, self.jid);
		end
		enforce(self, jid, nick);
	end
	return self.env.st.reply(stanza);
end

local function unregister(self, stanza, jid)
	local affiliation = self:get_affiliation(jid);
	if affiliation ~= "member" and not self:get_registered_nick(jid) then
		return error_of(self, stanza, "auth", "registration-required", "You are not registered", self.jid); -- XEP-0077
	end
	affiliation = affiliation ~= "member" and affiliation or nil;
	local ok, kind, condition = self:set_affiliation(true, jid, affiliation, nil, false);
	if not ok then
		return error_of(self, stanza, kind, condition, nil, self.jid);
	end
	return self.env.st.reply(stanza);
end

local function answer(self, stanza, origin)
	local jid = self.env.jid.bare(stanza.attr.from);
	local affiliation = self:get_affiliation(jid);
	local may = affiliation or self.env.options.open_registration;
	if affiliation == "outcast" or not may then
		return error_of(self, stanza, "cancel", "not-allowed", "You cannot register with this room", self.jid);
	elseif stanza.attr.type == "get" then
		return show(self, stanza, self:get_registered_nick(jid));
	elseif stanza.tags[1]:get_child("remove") then
		return unregister(self, stanza, jid);
	end
	return register(self, stanza, jid, origin);
end

function methods:handle_register_iq(origin, stanza)
	self.env.plan:after_answer(origin, answer, self, stanza, origin);
	return true;
end

return {
	methods = methods;
	hooks = {
		{ "muc-set-affiliation", forget_nicks, 0 };
		{ "muc-set-affiliation-data/reserved_nickname", forget_nicks, 0 };
		{ "muc-occupant-pre-join", check_nick, -40 };
		{ "muc-occupant-pre-change", check_nick, 0 };
	};
};
