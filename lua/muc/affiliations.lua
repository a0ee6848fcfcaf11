-- SPDX-License-Identifier: MIT
-- affiliations: who somebody is to a room for good (XEP-0045 sections 5.2, 9 and 10).
local presence = require "sx.muc.presence";
local ranks = require "sx.muc.ranks";

local methods = {};

--- The affiliation of a JID, bare or full; nil for "none". A banned domain bans users without an entry of their own.
function methods:get_affiliation(jid)
	local node, host = self.env.jid.split(jid);
	local bare = node and node .. "@" .. host or host;
	if self.env.is_admin(bare) then
		return "owner";
	end
	return self._affiliations[bare] or self._affiliations[host] == "outcast" and "outcast" or nil;
end

--- Iterates over bare JID, affiliation and data (or nil) of everybody, or of those with one affiliation.
function methods:each_affiliation(wanted)
	local affiliations, data = self._affiliations, self._affiliation_data;
	local function step(_, jid)
		local affiliation;
		repeat
			jid, affiliation = next(affiliations, jid);
		until not jid or not wanted or affiliation == wanted;
		return jid, affiliation, data[jid];
	end
	return step, nil, nil;
end

function methods:get_affiliation_data(jid, key)
	local data = self._affiliation_data[jid];
	if data and key then
		return data[key];
	end
	return data;
end

--- Sets one value that belongs to an affiliation. True, or nil and why not.
function methods:set_affiliation_data(jid, key, value)
	if key == nil then
		return nil, "invalid key";
	end
	local data = self._affiliation_data[jid];
	if not data then
		if value == nil then
			return true;
		end
		data = {};
	end
	local before = data[key];
	data[key] = value;
	self._affiliation_data[jid] = next(data) and data or nil;
	self:forget_listed();
	if before ~= value then
		self.env.emit("muc-set-affiliation-data/" .. key,
			{ room = self, jid = jid, key = key, value = value, old_value = before });
	end
	self:save(true);
	return true;
end

-- Whether somebody owns the room after these changes (section 10: there is always one).
local function leaves_owner(self, changes)
	local after = {};
	for jid in self:each_affiliation("owner") do
		after[jid] = true;
	end
	for _, change in ipairs(changes) do
		after[change.jid] = change.affiliation == "owner" or nil;
	end
	return next(after) ~= nil;
end

local function takes_owner(changes)
	for _, change in ipairs(changes) do
		if change.before == "owner" and change.affiliation ~= "owner" then
			return true;
		end
	end
	return false;
end

-- Nil, error type and condition when `change.actor` may not make it.
local function judge(self, change)
	if self.env.is_admin(change.jid) and change.affiliation ~= "owner" then
		return nil, "cancel", "not-allowed";
	end
	if change.actor and not ranks.may_affiliate(self:get_affiliation(change.actor), change.before, change.affiliation) then
		return nil, "cancel", "not-allowed";
	end
	return true;
end

-- Add-ons may refuse, and may add data.
local function ask_others(self, change)
	local event = {
		room = self, actor = change.actor, jid = change.jid, reason = change.reason, data = change.data or nil,
		affiliation = change.affiliation or "none", previous_affiliation = change.before or "none",
		previous_data = self._affiliation_data[change.jid],
	};
	self.env.emit("muc-pre-set-affiliation", event);
	if event.allowed == false then
		local err = event.error or {};
		return nil, err.type or "cancel", err.condition or "not-allowed";
	end
	if change.affiliation and not change.data and event.data then
		change.data = event.data;
	end
	change.event = event;
	return true;
end

local function prepare(self, actor, jid, affiliation, reason, data)
	local node, host = self.env.jid.split(jid);
	if not actor or not host or not ranks.affiliation(affiliation or "none") then
		return nil, "modify", "not-acceptable";
	elseif host:sub(1, 1) == "_" then
		-- So stored rooms name fields of theirs.
		return nil, "modify", "jid-malformed", "No domain begins with an underscore";
	end
	jid = node and node .. "@" .. host or host;
	local change = {
		actor = actor ~= true and actor or nil, jid = jid, is_domain = not node, reason = reason, data = data,
		affiliation = affiliation ~= "none" and affiliation or nil, before = self._affiliations[jid],
	};
	local ok, kind, condition = judge(self, change);
	if ok then
		ok, kind, condition = ask_others(self, change);
	end
	return ok and change or nil, kind, condition;
end

-- Those who get an affiliation.
local function added(changes)
	local jids = {};
	for _, change in ipairs(changes) do
		jids[#jids + 1] = change.affiliation and change.jid;
	end
	return jids;
end

--- The first half of a change of affiliations: whether all of `wanted`, each { jid, affiliation, reason, data }, may be
--- made. Returns what `commit_affiliation` takes one by one, or nil, error type, condition and, for some, a text.
function methods:prepare_affiliations(actor, wanted)
	local changes = {};
	for i, one in ipairs(wanted) do
		local change, kind, condition, text = prepare(self, actor, one.jid, one.affiliation, one.reason, one.data);
		if not change then
			return nil, kind, condition, text;
		end
		changes[i] = change;
	end
	if actor ~= true and takes_owner(changes) and not leaves_owner(self, changes) then
		return nil, "cancel", "conflict";
	elseif not self:has_place_for(added(changes)) then
		return nil, "wait", "resource-constraint", self.CROWDED;
	end
	return changes;
end

local function store(self, change)
	local jid, data = change.jid, change.data;
	self:forget_listed();
	self._affiliations[jid] = change.affiliation;
	if not change.affiliation or data == false or data and not next(data) then
		self._affiliation_data[jid] = nil;
	elseif data then
		self._affiliation_data[jid] = data;
	end
	if change.affiliation == "outcast" and self._affiliation_data[jid] then
		self._affiliation_data[jid].reserved_nickname = nil; -- section 9.1: a ban frees the nick
	end
end

local function is_concerned(self, change, occupant)
	if occupant.bare_jid == change.jid then
		return true;
	end
	return change.is_domain and change.affiliation == "outcast" and self:get_affiliation(occupant.bare_jid) == "outcast"
		and select(2, self.env.jid.split(occupant.bare_jid)) == change.jid;
end

-- Gives those concerned the role that follows. Returns them and their roles until now.
local function update_roles(self, change)
	local role = self:get_default_role(change.affiliation);
	local is_downgrade = ranks.affiliation(change.before) > ranks.affiliation(change.affiliation);
	local concerned = {};
	for nick, there in pairs(self._occupants) do
		if is_concerned(self, change, there) then
			concerned[#concerned + 1] = { occupant = self:get_occupant_by_nick(nick), before = there.role };
		end
	end
	for _, entry in ipairs(concerned) do
		if is_downgrade or ranks.role(entry.before) < ranks.role(role) then
			entry.occupant.role = role;
			self:save_occupant(entry.occupant);
		end
	end
	return concerned, role;
end

-- Who has become or ceased to be a moderator sees the others anew, with or without their JIDs.
local function show_again(self, occupant, before)
	local was, is = ranks.has_role(before, "moderator"), ranks.has_role(occupant.role, "moderator");
	if was == is or self:get_whois() == "anyone" then
		return;
	end
	for real_jid in occupant:each_session() do
		self:send_occupant_list(real_jid, function (_, other)
			return other ~= nil and other.bare_jid ~= occupant.bare_jid;
		end);
	end
end

local function show_occupants(self, change, concerned, x)
	for _, entry in ipairs(concerned) do
		local occupant = entry.occupant;
		self:publicise_occupant_status(occupant, x, nil, change.actor, change.reason, entry.before);
		if occupant.role then
			show_again(self, occupant, entry.before);
		else
			self.env.emit("muc-occupant-left", { room = self, nick = occupant.nick, occupant = occupant });
		end
	end
end

-- Section 10.3: a change for somebody who is not there is told by a message to those who may see the JID.
local function announce_absent(self, change, x)
	local item = presence.add_item(x,
		{ affiliation = change.affiliation or "none", jid = change.jid }, nil, nil, change.reason);
	local least = self:get_whois() == "anyone" and "none" or "moderator";
	self:broadcast(self.env.st.message({ from = self.jid }):add_child(item), function (_, occupant)
		return ranks.has_role(occupant.role, least);
	end);
end

--- The second half: makes the change, shows it, and says so to add-ons.
function methods:commit_affiliation(change)
	store(self, change);
	local concerned, role = update_roles(self, change);
	local code = not role and (change.affiliation == "outcast" and "301" or "321") or nil;
	local x = presence.user_x(self.env, code);
	self.env.emit("muc-scion-affiliation-stored", { room = self, change = change, x = x });
	if #concerned > 0 then
		show_occupants(self, change, concerned, x);
	else
		announce_absent(self, change, x);
	end
	self:save(true);
	change.event.in_room = #concerned > 0;
	self.env.emit("muc-set-affiliation", change.event);
end

--- Gives a JID another affiliation. `actor`: the real JID of who does it, or true for the service. `data`: what is kept
--- with it, false for nothing. Returns true, or nil, error type, condition and, for some, a text.
function methods:set_affiliation(actor, jid, affiliation, reason, data)
	local changes, kind, condition, text = self:prepare_affiliations(actor,
		{ { jid = jid, affiliation = affiliation, reason = reason, data = data } });
	if not changes then
		return nil, kind, condition, text;
	end
	self:commit_affiliation(changes[1]);
	return true;
end

return { methods = methods };
