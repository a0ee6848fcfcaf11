-- SPDX-License-Identifier: MIT
-- occupant: somebody in a room under one nick, with one or more sessions. The fields are those of stock mod_muc:
-- nick (the occupant JID), bare_jid (the real one), role, jid (the primary session: the one that others see and
-- private IQs go to) and sessions (full real JID -> its last presence, already with the occupant JID as `from`;
-- `number` in it grows from one presence of the service to the next).
local ns = require "sx.muc.ns";

local occupant = {};
occupant.__index = occupant;

--- An occupant without sessions. `filtered`: the namespaces that clients may not bring in their presence.
function occupant.new(env, bare_jid, nick)
	return setmetatable({ bare_jid = bare_jid, nick = nick, sessions = {} }, env.occupant_mt);
end

--- A copy that can be changed without effect on the room until it is saved. Presences are shared, they never change.
function occupant.copy(original)
	local copy = {};
	for key, value in pairs(original) do
		copy[key] = value;
	end
	copy.sessions = {};
	for real_jid, presence in pairs(original.sessions) do
		copy.sessions[real_jid] = presence;
	end
	return setmetatable(copy, getmetatable(original));
end

local function is_here(presence)
	return presence.attr.type == nil;
end

-- How much speaks for a session as the primary: one in a call counts more than any other, the last to say so most.
local function weight_of(presence)
	if not is_here(presence) then
		return 0;
	end
	return presence:get_child("muji", ns.MUJI) and 1 + presence.number or 1;
end

--- Chooses the session that others see and that private IQs go to, see `weight_of`; where nothing speaks for another it
--- stays as it is. Returns its JID, or nil.
function occupant:choose_new_primary()
	local best = self.sessions[self.jid] and self.jid or next(self.sessions);
	for real_jid, presence in pairs(self.sessions) do
		if weight_of(presence) > weight_of(self.sessions[best]) then
			best = real_jid;
		end
	end
	self.jid = best;
	return best;
end

local function without_claims(self, presence)
	local filtered = self.env.filtered;
	return self.env.st.clone(presence):maptags(function (child)
		return not filtered[child.attr.xmlns] and child or nil;
	end);
end

--- Notes the presence of a session; what a client must not claim in it is left out (XEP-0045 section 17.3).
function occupant:set_session(real_jid, presence, replace_primary)
	presence = without_claims(self, presence);
	presence.attr.from, presence.attr.to = self.nick, real_jid;
	self.env.presences = self.env.presences + 1;
	presence.number = self.env.presences;
	self.sessions[real_jid] = presence;
	if replace_primary then
		self.jid = real_jid;
	else
		self:choose_new_primary();
	end
end

function occupant:remove_session(real_jid)
	self.sessions[real_jid] = nil;
	if self.jid == real_jid then
		self:choose_new_primary();
	end
end

--- Iterates over full JID and presence.
function occupant:each_session()
	return pairs(self.sessions);
end

--- The presence of a session, by default of the primary.
function occupant:get_presence(real_jid)
	return self.sessions[real_jid or self.jid];
end

--- Whether more than one session is available.
function occupant:is_shared()
	local count = 0;
	for _, presence in pairs(self.sessions) do
		count = count + (is_here(presence) and 1 or 0);
	end
	return count > 1;
end

--- The namespaces that are taken out of what clients send as presence; add-ons may add to them.
function occupant.filtered_namespaces()
	return { [ns.MUC] = true, [ns.USER] = true, [ns.HATS] = true, [ns.OCCUPANT_ID] = true };
end

return occupant;
