-- SPDX-License-Identifier: MIT
-- admin: IQs of moderators and admins: lists of roles and affiliations, and changes (XEP-0045 sections 8 to 10).
-- A request with several items is carried out as a whole or not at all.
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local REASON_BYTES = 512; -- that are kept with an affiliation

local methods = {};

local function no(kind, condition, text)
	return nil, { kind, condition, text };
end

-- Who an item is about: by nick for a role, by bare JID for an affiliation; the other is found out where it is missing.
local function complete(self, item)
	local jid = self.env.jid;
	if item.jid and item.role and not item.nick then
		item.nick = jid.resource(self:get_occupant_jid(item.jid) or self.jid);
	elseif item.nick and item.affiliation and not item.jid then
		local occupant = self._occupants[self.jid .. "/" .. item.nick];
		item.jid = occupant and occupant.bare_jid;
		item.is_nick_only = true;
	end
	item.jid = item.jid and jid.bare(item.jid);
end

local function read_item(self, element)
	local attr, env = element.attr, self.env;
	local item = { role = attr.role, affiliation = attr.affiliation, reason = element:get_child_text("reason") };
	if attr.role and attr.affiliation then
		return no("modify", "bad-request", "Either a role or an affiliation");
	elseif not attr.role and not attr.affiliation or not (attr.jid or attr.nick)
		or not ranks.role(attr.role) or not ranks.affiliation(attr.affiliation) then
		return no("modify", "bad-request", "An item needs a role and a nick, or an affiliation and a JID");
	elseif not self:is_text_allowed(item.reason) then
		return no("modify", "policy-violation", "The reason is too long");
	end
	item.jid = attr.jid and env.jid.prep(attr.jid);
	item.nick = attr.nick and attr.nick ~= "" and env.prep.resource(attr.nick) or nil;
	item.clears_nick = attr.nick == "";
	if attr.jid and not item.jid or attr.nick and attr.nick ~= "" and not item.nick then
		return no("modify", "jid-malformed", "Not an address: " .. (attr.jid or attr.nick));
	end
	complete(self, item);
	if item.role and not item.nick or item.affiliation and not item.jid then
		return no("cancel", "item-not-found", "There is nobody like this in the room");
	end
	return item;
end

local function read_items(self, query)
	local items = {};
	for element in query:childtags("item") do
		local item, err = read_item(self, element);
		if not item then
			return nil, err;
		end
		items[#items + 1] = item;
	end
	if not items[1] then
		return no("modify", "bad-request", "Nothing to change");
	elseif #items > (self.env.limits.form_values or math.huge) then
		return no("modify", "policy-violation", "These are too many items for one request");
	end
	return items;
end

local function is_self(self, actor, item)
	if item.role then
		return item.role == "none" and self:get_occupant_jid(actor) == self.jid .. "/" .. item.nick;
	end
	return item.affiliation == "outcast" and self.env.jid.bare(actor) == item.jid;
end

-- Rights that lack as such, before it is asked whose role or affiliation it is about.
local function judge_rights(self, actor, item)
	local mine = self:get_affiliation(actor);
	if item.role then
		local me = self._occupants[self:get_occupant_jid(actor)];
		if not me or not ranks.has_role(me.role, "moderator") then
			return no("auth", "forbidden", "Only moderators may do that");
		end
	elseif not ranks.is_affiliated(mine, "admin") then
		return no("auth", "forbidden", "Only admins of the room may do that");
	elseif mine ~= "owner" and ranks.is_affiliated(item.affiliation, "admin") then
		return no("auth", "forbidden", "Only owners of the room may do that");
	end
	if is_self(self, actor, item) then
		return no("cancel", "conflict", "You cannot do that to yourself");
	end
	return true;
end

-- What is kept with an affiliation: the reason, and a nick that is reserved.
local function data_of(self, item)
	local data = {};
	for key, value in pairs(self:get_affiliation_data(item.jid) or {}) do
		data[key] = value;
	end
	data.reason = #(item.reason or "") <= REASON_BYTES and item.reason or data.reason;
	if item.clears_nick then
		data.reserved_nickname = nil;
	elseif item.nick and not item.is_nick_only then
		local owner = self:get_registered_jid(item.nick);
		if owner and owner ~= item.jid then
			return no("cancel", "conflict", "This nick is reserved for somebody else");
		end
		data.reserved_nickname = item.nick;
	end
	return data;
end

local function prepare(self, actor, items)
	local roles, wanted = {}, {};
	for _, item in ipairs(items) do
		local ok, err = judge_rights(self, actor, item);
		local kind, condition;
		if ok and item.role then
			roles[#roles + 1], kind, condition = self:prepare_role(actor, self.jid .. "/" .. item.nick, item.role, item.reason);
			err = kind and { kind, condition };
		elseif ok then
			item.data, err = data_of(self, item);
			wanted[#wanted + 1] = item;
		end
		if err then
			return nil, nil, err;
		end
	end
	local changes, kind, condition, text = self:prepare_affiliations(actor, wanted);
	return roles, changes, not changes and { kind, condition, text };
end

-- Somebody else sits under a nick that is reserved now.
local function free_nick(self, item)
	local nick = item.affiliation and item.nick and self.jid .. "/" .. item.nick;
	local occupant = self._occupants[nick];
	if occupant and occupant.bare_jid ~= item.jid then
		self:set_role(true, nick, nil, "This nick is reserved");
	end
end

local function change(self, stanza)
	local st, actor = self.env.st, stanza.attr.from;
	local items, err = read_items(self, stanza.tags[1]);
	local roles, changes;
	if items then
		roles, changes, err = prepare(self, actor, items);
	end
	if err then
		return st.error_reply(stanza, err[1], err[2], err[3], self.jid);
	end
	for _, one in ipairs(changes) do
		self:commit_affiliation(one);
	end
	for _, one in ipairs(roles) do
		self:commit_role(one);
	end
	for _, item in ipairs(items) do
		free_nick(self, item);
	end
	return st.reply(stanza);
end

function methods:handle_admin_query_set_command(origin, stanza)
	self.env.plan:after_answer(origin, change, self, stanza);
	return true;
end

--- Whether a real JID may see who has an affiliation (section 9.5 and form field getmemberlist): members see who is one
--- where everybody sees JIDs anyway.
function methods:may_list_affiliation(actor, affiliation)
	local mine = self:get_affiliation(actor);
	local me = self._occupants[self:get_occupant_jid(actor)];
	if ranks.is_affiliated(affiliation, "admin") then
		return mine == "owner" or self:get_whois() == "anyone" and me ~= nil;
	end
	if ranks.is_affiliated(mine, "admin") then
		return true;
	elseif affiliation ~= "member" then
		return false;
	end
	local roles = self:get_member_list_roles();
	if roles then
		return me ~= nil and roles[me.role] == true;
	end
	return self:get_members_only() and self:get_whois() == "anyone" and (me ~= nil or ranks.is_affiliated(mine, "member"));
end

local function nicks_of_present(self)
	local nicks = {};
	for nick, occupant in pairs(self._occupants) do
		nicks[occupant.bare_jid] = self.env.jid.resource(nick);
	end
	return nicks;
end

local function list_affiliation(self, query, affiliation)
	local nicks = affiliation == "outcast" and {} or nicks_of_present(self);
	for jid, _, data in self:each_affiliation(affiliation) do
		local nick = data and data.reserved_nickname or nicks[jid];
		query:tag("item", { affiliation = affiliation, jid = jid, nick = nick });
		if data and data.reason then
			query:text_tag("reason", data.reason);
		end
		query:up();
	end
end

local function list_role(self, query, role)
	for nick, occupant in pairs(self._occupants) do
		if occupant.role == role then
			self:build_item_list(occupant, query, false, self.env.jid.resource(nick));
		end
	end
end

--- A list of those with a role or an affiliation.
function methods:handle_admin_query_get_command(origin, stanza)
	local actor, st = stanza.attr.from, self.env.st;
	local item = stanza.tags[1]:get_child("item");
	local role, affiliation = item and item.attr.role, item and item.attr.affiliation;
	if not (role or affiliation) or role and affiliation or not ranks.role(role) or not ranks.affiliation(affiliation) then
		return self:refuse_query(origin, stanza, "modify", "bad-request", "A list is of one role or affiliation");
	end
	local me = self._occupants[self:get_occupant_jid(actor)];
	local may_see_roles = me and ranks.has_role(me.role, "moderator")
		or ranks.is_affiliated(self:get_affiliation(actor), "admin");
	if affiliation and not self:may_list_affiliation(actor, affiliation) or role and not may_see_roles then
		return self:refuse_query(origin, stanza, "auth", "forbidden", "You may not see this list");
	end
	local reply = st.reply(stanza):query(ns.ADMIN);
	if affiliation then
		list_affiliation(self, reply, affiliation);
	else
		list_role(self, reply, role);
	end
	self.env.plan:reply(origin, reply);
	return true;
end

return { methods = methods };
