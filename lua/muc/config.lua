-- SPDX-License-Identifier: MIT
-- config: the owner's form (XEP-0045 sections 10.1 and 10.2). A submitted form is judged as a whole before any of it is
-- applied.
local fields = require "sx.muc.form";
local ns = require "sx.muc.ns";
local presence = require "sx.muc.presence";

local methods = {};

--- The form with the values of now, for `actor`. Add-ons insert fields of theirs.
function methods:get_form_layout(actor)
	local form = self.env.dataforms.new({
		title = "Configuration of " .. self.jid, instructions = "Submit this form to configure the room.",
		{ name = "FORM_TYPE", type = "hidden", value = ns.CONFIG },
	});
	return self.env.emit("muc-config-form", { room = self, actor = actor, form = form }) or form;
end

function methods:send_form(origin, stanza)
	local query = self.env.st.reply(stanza):query(ns.OWNER);
	self.env.plan:reply(origin, query:add_child(self:get_form_layout(stanza.attr.from):form()));
	return true;
end

local function choices_of(field, value)
	local options = {};
	for i, choice in ipairs(field.options) do
		local text = choice.value or choice;
		options[i] = { value = text, label = choice.label or choice, default = text == value };
	end
	return options;
end

local function insert_field(event, field)
	local value, options = field.get(event.room), field.options;
	if field.type == "list-single" then
		value, options = nil, choices_of(field, value);
	elseif field.type == "boolean" then
		value = value and true or false; -- clients send back what they got
	end
	table.insert(event.form, {
		name = field.name, type = field.type, label = field.label, value = value, options = options,
		datatype = field.datatype, range_min = field.range_min, range_max = field.range_max,
	});
end

-- A module that asks for the form is no actor, and may see all of it.
local function insert_fields(event)
	local may, actor = event.room.env.may, event.actor;
	for _, field in ipairs(fields) do
		if not field.right or not actor or may(actor, field.right) then
			insert_field(event, field);
		end
	end
end

-- What the lists of owners and admins want: JIDs that are not in one any more lose what it gave.
local function want_lists(self, submitted)
	local wanted, changes = {}, {};
	for _, field in ipairs(fields) do
		for _, jid in ipairs(field.affiliation and submitted[field.name] or {}) do
			wanted[self.env.jid.bare(jid)] = field.affiliation; -- owners come last: who is in both lists is one
		end
	end
	for _, field in ipairs(fields) do
		if field.affiliation and submitted[field.name] then
			for jid in self:each_affiliation(field.affiliation) do
				wanted[jid] = wanted[jid] or "none";
			end
		end
	end
	for jid, affiliation in pairs(wanted) do
		if self._affiliations[jid] ~= affiliation then
			changes[#changes + 1] = { jid = jid, affiliation = affiliation };
		end
	end
	return changes;
end

local function judge(self, submitted)
	local refusal = self.env.emit("muc-scion-form-submitted", { room = self, fields = submitted });
	if refusal then
		return refusal[1], refusal[2];
	end
	for _, field in ipairs(fields) do
		local value = submitted[field.name];
		if value ~= nil and field.check then
			local condition, text = field.check(self, value, submitted);
			if condition then
				return condition, ("%s: %s"):format(field.label, text);
			end
		end
	end
end

-- Our fields in their order, then those of add-ons.
local function apply(self, event, present)
	local names, is_ours = {}, {};
	for _, field in ipairs(fields) do
		is_ours[field.name] = true;
		names[#names + 1] = event.fields[field.name] ~= nil and field.name or nil;
	end
	for name in pairs(present) do
		names[#names + 1] = not is_ours[name] and name or nil;
	end
	for _, name in ipairs(names) do
		event.field, event.value = name, event.fields[name];
		self.env.emit("muc-config-submitted/" .. name, event);
	end
end

-- What one field does. Add-ons can come first, and stop it.
local function setter(field)
	return function (event)
		if event.value ~= nil and field.set(event.room, event.value, event.fields) then
			event.status_codes[field.code and field.code(event.value) or "104"] = true;
		end
	end;
end

local hooks = { { "muc-config-form", insert_fields, 95 } };
for _, field in ipairs(fields) do
	hooks[#hooks + 1] = field.set and { "muc-config-submitted/" .. field.name, setter(field), 0 } or nil;
end

-- Section 10.2.1: a message that says what has changed. After 172 everybody is shown again, now with the real JID.
local function announce(self, codes)
	if not next(codes) then
		return;
	end
	local sorted = {};
	for code in pairs(codes) do
		sorted[#sorted + 1] = code;
	end
	table.sort(sorted);
	local x = presence.user_x(self.env, (table.unpack or unpack)(sorted)); -- luacheck: ignore 143
	self:broadcast_message(self.env.st.message({ type = "groupchat", from = self.jid }):add_child(x));
	if codes["172"] then
		for _, occupant in self:each_occupant() do
			self:publicise_occupant_status(occupant, presence.user_x(self.env));
		end
	end
end

-- Add-ons change what they like through this, as in stock mod_muc.
local function updater(event)
	return function (name, field, allowed)
		local value = event.fields[field];
		if value == nil or allowed and not allowed[value] or value == event.room["get_" .. name](event.room) then
			return;
		end
		event.room["set_" .. name](event.room, value);
		event.status_codes["104"] = true;
	end;
end

local EMPTY = { ["list-multi"] = {}, ["jid-multi"] = {}, ["text-single"] = "", ["text-private"] = "" };

-- The form reader has nil for a field that is there without a value.
local function fill(submitted, present)
	for _, field in ipairs(fields) do
		if present[field.name] and submitted[field.name] == nil then
			submitted[field.name] = EMPTY[field.type];
		end
	end
end

local function bad(self, stanza, kind, condition, text)
	return self.env.st.error_reply(stanza, kind, condition, text, self.jid);
end

-- What stock mod_muc calls some fields: clients and scripts that know it use these names.
local STOCK_NAMES = {
	["muc#roomconfig_historylength"] = "muc#maxhistoryfetch",
	["{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites"] = "muc#roomconfig_allowinvites",
};

local function rename_fields(form)
	for field in form:childtags("field") do
		field.attr.var = STOCK_NAMES[field.attr.var] or field.attr.var;
	end
end

-- The fields of a form, those that are present, or an answer that says what is wrong.
local function read(self, stanza, form)
	if not form.tags[1] then
		return {}, {};
	end
	if self.env.dataforms.get_type(form) ~= ns.CONFIG then
		return nil, nil, bad(self, stanza, "modify", "bad-request", "This is not a form for the configuration of a room");
	end
	rename_fields(form);
	local submitted, errors, present = self:get_form_layout(stanza.attr.from):data(form);
	local name, text = next(errors or {});
	if name then
		return nil, nil, bad(self, stanza, "modify", "bad-request", ("%s: %s"):format(name, text));
	end
	fill(submitted, present);
	return submitted, present;
end

local function submit(self, origin, stanza, form)
	local submitted, present, refusal = read(self, stanza, form);
	if not submitted then
		return refusal;
	end
	local condition, text = judge(self, submitted);
	if condition then
		return bad(self, stanza, "modify", condition, text);
	end
	local changes, kind, why, because = self:prepare_affiliations(stanza.attr.from, want_lists(self, submitted));
	if not changes then
		return bad(self, stanza, kind, why, because or "The lists of owners and admins cannot become like this");
	end
	local event = {
		room = self, origin = origin, stanza = stanza, fields = submitted, status_codes = {}, actor = stanza.attr.from,
	};
	event.update_option = updater(event);
	self.env.emit("muc-config-submitted", event);
	apply(self, event, present);
	for _, change in ipairs(changes) do
		self:commit_affiliation(change);
		event.status_codes["104"] = true;
	end
	self:save(true);
	announce(self, event.status_codes);
	return self.env.st.reply(stanza);
end

--- A form that an owner has submitted or cancelled.
function methods:process_form(origin, stanza)
	local form = stanza.tags[1]:get_child("x", ns.DATA);
	if form.attr.type == "submit" then
		self.env.plan:after_answer(origin, submit, self, origin, stanza, form);
	elseif form.attr.type == "cancel" then
		self.env.plan:after_answer(origin, function ()
			self.env.emit("muc-scion-config-cancelled", { room = self });
			return self.env.st.reply(stanza);
		end);
	else
		self.env.plan:reply(origin, bad(self, stanza, "modify", "bad-request", "A form is submitted or cancelled"));
	end
	return true;
end

return { methods = methods, hooks = hooks };
