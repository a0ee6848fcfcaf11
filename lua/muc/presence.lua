-- SPDX-License-Identifier: MIT
-- presence: what occupants see of each other (XEP-0045 sections 5 and 7.2).
--
-- One change is at most three stanzas: with real JIDs, without, and for the one concerned.
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";
local envelope = require "sx.muc.envelope";

local methods = {};

--- An <x/> for presence, with the status codes given.
local function user_x(env, ...)
	local x = env.st.stanza("x", { xmlns = ns.USER });
	for _, code in ipairs({ ... }) do
		x:tag("status", { code = code }):up();
	end
	return x;
end

local function add_item(x, attr, actor_nick, actor_jid, reason)
	x:tag("item", attr);
	if actor_nick or actor_jid then
		x:tag("actor", { nick = actor_nick, jid = actor_jid }):up();
	end
	if reason then
		x:text_tag("reason", reason);
	end
	return x:up();
end

--- Adds to `x` an <item/> for each session of an occupant, or one without JID. `nick` is a new nick; the actor is told
--- by nick, by real JID, or both.
function methods:build_item_list(occupant, x, is_anonymous, nick, actor_nick, actor_jid, reason)
	local affiliation = self:get_affiliation(occupant.bare_jid) or "none";
	local role = occupant.role or "none";
	if is_anonymous or not next(occupant.sessions) then
		return add_item(x, { affiliation = affiliation, role = role, nick = nick }, actor_nick, actor_jid, reason);
	end
	for real_jid in occupant:each_session() do
		add_item(x, { affiliation = affiliation, role = role, nick = nick, jid = real_jid }, actor_nick, actor_jid, reason);
	end
	return x;
end

local function sees_jids(room, occupant)
	return room:get_whois() == "anyone" or ranks.has_role(occupant.role, "moderator");
end

--- Whether somebody, in the room or not, may not see real JIDs.
function methods:is_anonymous_for(jid)
	if self:get_whois() == "anyone" or ranks.is_affiliated(self:get_affiliation(jid), "admin") then
		return false;
	end
	local occupant = self._occupants[self:get_occupant_jid(jid)];
	return not (occupant and sees_jids(self, occupant));
end

-- The presence that is shown: the last one of the primary session, or an unavailable one of ours.
local function shown_presence(self, occupant, force_unavailable)
	local st = self.env.st;
	local last = occupant:get_presence();
	if last and not force_unavailable and (occupant.role or last.attr.type == "unavailable") then
		return st.clone(last);
	end
	return st.presence({ from = occupant.nick, type = "unavailable" });
end

-- The three stanzas of a change, each built when first asked for.
local function new_variants(self, occupant, base, x, event)
	local st, made = self.env.st, {};
	local actor_jid = event.actor;
	local actor_nick = actor_jid and self.env.jid.resource(self:get_occupant_jid(actor_jid));
	local actors = { full = actor_jid };
	return function (name)
		if not made[name] then
			local own_x = st.clone(x[name] or x.base or x);
			self:build_item_list(occupant, own_x, name == "anon", event.nick, actor_nick, actors[name], event.reason);
			made[name] = { stanza = st.clone(base):add_child(own_x), x = own_x };
		end
		return made[name];
	end;
end

local function variant_for(self, occupant, recipient)
	if sees_jids(self, recipient) then
		return "full";
	end
	return occupant.bare_jid == recipient.bare_jid and "self" or "anon";
end

local function sessions_of(occupant, targets)
	for real_jid in occupant:each_session() do
		targets[#targets + 1] = real_jid;
	end
end

-- Full JIDs of all sessions but those of the occupant, by what they see. Who is known to be on the way out sees nothing
-- more.
local function targets_for(self, occupant)
	local targets, leaving = { full = {}, self = {}, anon = {} }, self._leaving or {};
	local is_open = self:get_whois() == "anyone";
	for nick, recipient in pairs(self._occupants) do
		if nick ~= occupant.nick then
			local list = targets[is_open and "full" or variant_for(self, occupant, recipient)];
			for real_jid in pairs(recipient.sessions) do
				list[#list + 1] = not leaving[real_jid] and real_jid or nil;
			end
		end
	end
	return targets;
end

-- Everybody else: nothing where the role is not broadcast, unless it was until now.
local function show_others(self, occupant, variants, prev_role, force_unavailable)
	local shown = self:get_presence_broadcast();
	local is_shown = shown[occupant.role or "none"] or force_unavailable or not occupant.role and not prev_role;
	if not is_shown and not (prev_role and shown[prev_role]) then
		return;
	end
	for name, list in pairs(targets_for(self, occupant)) do
		if #list > 0 then
			local stanza = self.env.st.clone(variants(name).stanza);
			stanza.attr.type = not is_shown and "unavailable" or stanza.attr.type;
			self.env.plan:fan(stanza, list);
		end
	end
end

local function is_kick(x)
	local status = x:get_child("status");
	return status ~= nil and status.attr.code == "307";
end

-- The one concerned: each session is shown its own presence, with 110. Who is kicked is told before the moderator has
-- the answer (section 8.2).
local function show_self(self, occupant, variants)
	local own = variants("self");
	local x = self.env.st.clone(own.x):tag("status", { code = "110" }):up();
	self.env.emit("muc-scion-self-presence", { room = self, occupant = occupant, x = x });
	if not occupant.role then
		local targets = {};
		sessions_of(occupant, targets);
		local stanza = self.env.st.clone(own.stanza);
		stanza:maptags(function (child) return not (child.name == "x" and child.attr.xmlns == ns.USER) and child or nil; end);
		self.env.plan:fan(stanza:add_child(x), targets, is_kick(x));
		return;
	end
	for real_jid, presence in occupant:each_session() do
		local stanza = self.env.st.clone(presence);
		self.env.emit("muc-build-occupant-presence", { room = self, occupant = occupant, stanza = stanza });
		self.env.plan:fan(stanza:add_child(x), { real_jid });
	end
end

--- Shows a change of an occupant to the room and to itself, as in stock mod_muc. `x`: an <x/> with status codes, or a
--- table with one for each of base, full, anon and self. `actor`: the real JID of who did it. `prev_role`: the role
--- until now. `force_unavailable`: others see it go. `recipient`: only this occupant is shown it.
function methods:publicise_occupant_status(occupant, x, nick, actor, reason, prev_role, force_unavailable, recipient)
	local base = shown_presence(self, occupant, force_unavailable);
	local event = {
		room = self, stanza = base, x = x.base or x, occupant = occupant, nick = nick, actor = actor, reason = reason,
	};
	self.env.emit("muc-build-occupant-presence", event);
	if not recipient then
		self.env.emit("muc-broadcast-presence", event);
	end
	local variants = new_variants(self, occupant, base, x, event);
	if recipient then
		self:route_to_occupant(recipient, variants(variant_for(self, occupant, recipient)).stanza);
		return;
	end
	if not occupant.role then
		show_self(self, occupant, variants);
	end
	show_others(self, occupant, variants, prev_role, force_unavailable);
	if occupant.role then
		show_self(self, occupant, variants);
	end
end

--- Shows an occupant, who need not be in the room any more, only to itself, with the <x/> given.
function methods:publicise_to_self(occupant, x)
	local base = shown_presence(self, occupant, not occupant.role);
	local event = { room = self, stanza = base, x = x, occupant = occupant };
	self.env.emit("muc-build-occupant-presence", event);
	show_self(self, occupant, new_variants(self, occupant, base, x, event));
end

-- What somebody sees of an affiliated user who is not in the room, where the room shows these.
local function absent_presence(self, to, jid, affiliation, nick, is_anonymous)
	return self.env.st.presence({ to = to, from = nick and self.jid .. "/" .. nick or self.jid, type = "unavailable" })
		:add_child(add_item(user_x(self.env),
			{ affiliation = affiliation, role = "none", nick = nick, jid = not is_anonymous and jid or nil }));
end

local function send_absent(self, to, is_anonymous, here, filter)
	for jid, affiliation, data in self:each_affiliation() do
		local nick = data and data.reserved_nickname;
		if not here[jid] and affiliation ~= "outcast" and (nick or not is_anonymous) and (not filter or filter(jid, nil)) then
			self:route_stanza(absent_presence(self, to, jid, affiliation, nick, is_anonymous));
		end
	end
end

local RECHECK = 10; -- seconds after which an affiliation that nobody has told us of is noticed

-- What is kept of the presence of an occupant for newcomers. It goes with the occupant object, of which there is a new
-- one for each change, and when an affiliation or its data change.
local function kept_of(self, occupant)
	self._listed = self._listed or setmetatable({}, { __mode = "k" });
	local kept, now = self._listed[occupant], self.env.now();
	if kept and now - kept.at > RECHECK then
		kept.at = now;
		kept = kept.affiliation == self:get_affiliation(occupant.bare_jid) and kept or nil;
	end
	if not kept then
		kept = { at = now, affiliation = self:get_affiliation(occupant.bare_jid) };
		self._listed[occupant] = kept;
	end
	return kept;
end

-- The presence of an occupant for newcomers, made anew each time unless it `may_stay`. What lies inside the last one of
-- its session is shared with it; the mark says that the room will not change this stanza, `to` aside.
local function listed_presence(self, occupant, is_anonymous, may_stay)
	local env, name = self.env, is_anonymous and "anon" or "full";
	local kept = may_stay and kept_of(self, occupant);
	if kept and kept[name] then
		return kept[name];
	end
	local stanza = (kept and envelope or env.st.clone)(occupant:get_presence());
	stanza:add_child(self:build_item_list(occupant, user_x(env), is_anonymous));
	env.emit("muc-build-occupant-presence", { room = self, occupant = occupant, stanza = stanza });
	if kept then
		stanza.is_lasting, kept[name] = true, stanza;
	end
	return stanza;
end

--- Forgets what was kept of presences: an affiliation has changed.
function methods:forget_listed()
	self._listed = nil;
end

--- Sends the presence of all occupants to a full real JID, of those for which `filter(nick, occupant)` holds; where the
--- room shows absent members, theirs too (`filter(bare_jid, nil)`).
function methods:send_occupant_list(to, filter)
	local env = self.env;
	local own, stanzas = env.jid.bare(to), {};
	local shown, is_anonymous, here = self:get_presence_broadcast(), self:is_anonymous_for(to), {};
	local may_stay = env.knows_builders and env.knows_builders();
	for nick, occupant in pairs(self._occupants) do
		local is_own = occupant.bare_jid == own;
		if shown.none then
			here[occupant.bare_jid] = true;
		end
		if (is_own or shown[occupant.role or "none"]) and (not filter or filter(nick, occupant)) then
			stanzas[#stanzas + 1] = listed_presence(self, occupant, is_anonymous and not is_own, may_stay);
		end
	end
	env.plan:list(stanzas, to);
	if shown.none then
		send_absent(self, to, is_anonymous, here, filter);
	end
end

--- What a probe for a nick that is not in the room is answered with: its owner's unavailable presence, or nil where the
--- nick is nobody's.
function methods:build_unavailable_presence(occupant_jid, to)
	local nick = self.env.jid.resource(occupant_jid);
	local jid = self:get_registered_jid(nick);
	if not jid then
		return nil;
	end
	local stanza = absent_presence(self, to, jid, self:get_affiliation(jid) or "none", nick, self:is_anonymous_for(to));
	local event = { room = self, stanza = stanza, x = stanza:get_child("x", ns.USER), bare_jid = jid, nick = nick };
	self.env.emit("muc-build-occupant-presence", event);
	return event.stanza;
end

--- Answers a presence probe of an occupant for another.
function methods:respond_to_probe(origin, stanza, prober)
	if not prober then
		self:refuse(origin, stanza, "cancel", "not-acceptable", "You are not in this room");
		return;
	end
	local occupant = self:get_occupant_by_nick(stanza.attr.to);
	if occupant then
		self:publicise_occupant_status(occupant, user_x(self.env), nil, nil, nil, nil, false, prober);
		return;
	end
	local presence = self:build_unavailable_presence(stanza.attr.to, stanza.attr.from);
	if presence then
		self:route_stanza(presence);
	end
end

--- Answers a stanza with an error that comes from the room. The <x/> of a join comes back with it.
function methods:refuse(origin, stanza, kind, condition, text)
	local answer = self.env.st.error_reply(stanza, kind, condition, text, self.jid);
	if stanza.name == "presence" then
		answer:reset():tag("x", { xmlns = ns.MUC }):up();
	end
	self.env.plan:reply(origin, answer);
	return true;
end

return { methods = methods, user_x = user_x, add_item = add_item };
