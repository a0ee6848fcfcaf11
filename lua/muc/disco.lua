-- SPDX-License-Identifier: MIT
-- disco: what a room says about itself (XEP-0045 sections 6.4, 6.5, 7.12 and 18.1.1).
local fields = require "sx.muc.form";
local ns = require "sx.muc.ns";

local methods = {};

-- One of each pair.
local FEATURES = {
	{ "get_hidden", "muc_hidden", "muc_public" },
	{ "get_members_only", "muc_membersonly", "muc_open" },
	{ "get_moderated", "muc_moderated", "muc_unmoderated" },
	{ "get_password", "muc_passwordprotected", "muc_unsecured" },
	{ "get_persistent", "muc_persistent", "muc_temporary" },
};

local ALWAYS = { ns.MUC, ns.STABLE_ID, ns.SELF_PING, ns.REQUEST, ns.IQ_REGISTER, ns.REGISTER, ns.CONFIG, ns.INFO };

local function add_features(event)
	local room, reply = event.room, event.reply;
	reply:tag("identity", { category = "conference", type = "text", name = room:get_name() }):up();
	for _, feature in ipairs(ALWAYS) do
		reply:tag("feature", { var = feature }):up();
	end
	for _, pair in ipairs(FEATURES) do
		reply:tag("feature", { var = room[pair[1]](room) and pair[2] or pair[3] }):up();
	end
	reply:tag("feature", { var = room:get_whois() == "anyone" and "muc_nonanonymous" or "muc_semianonymous" }):up();
end

local function count_occupants(room)
	local count = 0;
	for _ in pairs(room._occupants) do
		count = count + 1;
	end
	return ("%d"):format(count);
end

local function contacts(room)
	local list = {};
	for jid in room:each_affiliation("owner") do
		list[#list + 1] = jid;
	end
	table.sort(list);
	return list;
end

-- The registered fields of muc#roominfo. `value(room)` nil: not shown.
local INFO = {
	{ name = "description", value = function (room) return room:get_description(); end };
	{ name = "subject", value = function (room) return select(2, room:get_subject()); end };
	{ name = "subjectmod", type = "boolean", value = function (room) return room:get_changesubject() == true; end };
	{ name = "lang", value = function (room) return room:get_language(); end };
	{ name = "occupants", value = count_occupants };
	{ name = "contactjid", type = "jid-multi", value = function (room)
		return room:get_whois() == "anyone" and contacts(room) or nil; -- else nobody may learn who owns it
	end };
};

local function add_field(event, name, kind, label, value)
	if value ~= nil then
		table.insert(event.form, { name = name, type = kind, label = label });
		event.formdata[name] = value;
	end
end

local function add_info(event)
	for _, field in ipairs(INFO) do
		add_field(event, "muc#roominfo_" .. field.name, field.type or "text-single", nil, field.value(event.room));
	end
	for _, field in ipairs(fields) do
		if field.info then
			add_field(event, field.name, field.type, field.label, field.get(event.room));
		end
	end
end

--- The answer to a disco#info request; add-ons add to it.
function methods:get_disco_info(stanza)
	local node = stanza.tags[1].attr.node;
	local reply = self.env.st.reply(stanza):tag("query", { xmlns = ns.DISCO_INFO, node = node });
	local event = { room = self, reply = reply, stanza = stanza };
	if node and node ~= "" then
		self.env.emit("muc-disco#info/" .. node, event);
		return reply, event.is_known or reply.tags[1].tags[1] ~= nil;
	end
	event.form = self.env.dataforms.new({ { name = "FORM_TYPE", type = "hidden", value = ns.INFO } });
	event.formdata = {};
	self.env.emit("muc-disco#info", event);
	reply:reset():get_child("query", ns.DISCO_INFO):add_direct_child(event.form:form(event.formdata, "result"));
	return reply, true;
end

function methods:handle_disco_info_get_query(origin, stanza)
	local reply, is_known = self:get_disco_info(stanza);
	if not is_known then
		return self:refuse_query(origin, stanza, "cancel", "item-not-found", "There is no such node");
	end
	self.env.plan:reply(origin, reply);
	return true;
end

--- Who is in a room is for those to know who are in it (section 6.5).
function methods:get_disco_items(stanza)
	local node = stanza.tags[1].attr.node;
	local reply = self.env.st.reply(stanza):tag("query", { xmlns = ns.DISCO_ITEMS, node = node });
	self.env.emit("muc-scion-disco#items", { room = self, stanza = stanza, reply = reply, node = node });
	return reply;
end

function methods:handle_disco_items_get_query(origin, stanza)
	self.env.plan:reply(origin, self:get_disco_items(stanza));
	return true;
end

-- Section 7.12: the nick that is reserved for who asks.
local function tell_reserved_nick(event)
	event.is_known = true;
	local jid = event.room.env.jid.bare(event.stanza.attr.from);
	local nick = event.room:get_registered_nick(jid);
	if nick then
		event.reply:tag("identity", { category = "conference", type = "text", name = nick }):up();
	end
end

-- Section 18.1.1: no extension is kept out, which is said with an error.
local function tell_traffic(event)
	local st, room = event.room.env.st, event.room;
	local refused = st.error_reply(event.stanza, "cancel", "service-unavailable",
		"All extensions are passed on", room.jid);
	event.is_known = true;
	for key in pairs(event.reply) do
		event.reply[key] = nil;
	end
	for key, value in pairs(refused) do
		event.reply[key] = value;
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-disco#info", add_features, 1 };
		{ "muc-disco#info", add_info, 0 };
		{ "muc-disco#info/x-roomuser-item", tell_reserved_nick, 0 };
		{ "muc-disco#info/" .. ns.TRAFFIC, tell_traffic, 0 };
	};
};
