-- SPDX-License-Identifier: MIT
-- commands: ad-hoc commands of a room (XEP-0050), of one form at most. Parts declare theirs in `commands`, by node:
--
--   name                    for people
--   may(room, jid)          whether a real JID may run it
--   fields(room), or nil    the fields of its form, as util.dataforms has them, and a title
--   run(room, fields, stanza)  does it; returns true or a result form, or nil, error type, condition and text
local ns = require "sx.muc.ns";

local methods = {};

local ACTIONS = { execute = true, complete = true, next = true, cancel = true };

local function layout(self, node, command)
	local fields = command.fields(self);
	table.insert(fields, 1, { name = "FORM_TYPE", type = "hidden", value = node:match("^(.*):[^:]*$") });
	return self.env.dataforms.new(fields);
end

local function answer(self, stanza, status)
	local attr = stanza.tags[1].attr;
	return self.env.st.reply(stanza):tag("command", {
		xmlns = ns.COMMANDS, node = attr.node, sessionid = attr.sessionid or self.env.id(), status = status,
	});
end

local function ask(self, stanza, form)
	return answer(self, stanza, "executing"):tag("actions", { execute = "complete" }):tag("complete"):up():up()
		:add_child(form:form());
end

local function bad(self, stanza, kind, condition, text)
	return self.env.st.error_reply(stanza, kind, condition, text, self.jid);
end

-- The fields that were submitted, or nil and an answer.
local function read(self, stanza, form)
	local submitted = stanza.tags[1]:get_child("x", ns.DATA);
	if not submitted then
		return nil, ask(self, stanza, form);
	end
	local wanted, got = form[1].value, self.env.dataforms.get_type(submitted);
	if submitted.attr.type ~= "submit" or got ~= wanted and got ~= "" then
		return nil, bad(self, stanza, "modify", "bad-request", "This is not a submitted form of " .. wanted);
	end
	local fields, errors = form:data(submitted);
	local name, text = next(errors or {});
	if name then
		return nil, bad(self, stanza, "modify", "bad-request", ("%s: %s"):format(name, text));
	end
	return fields;
end

local function run(self, stanza, node, command)
	local fields, reply;
	if command.fields then
		fields, reply = read(self, stanza, layout(self, node, command));
		if not fields then
			return reply;
		end
	end
	local result, kind, condition, text = command.run(self, fields, stanza);
	if not result then
		return bad(self, stanza, kind, condition, text);
	end
	reply = answer(self, stanza, "completed");
	return result == true and reply or reply:add_child(result);
end

local function execute(self, stanza)
	local attr = stanza.tags[1].attr;
	local command, action = self.env.commands[attr.node], attr.action or "execute";
	if not command then
		return bad(self, stanza, "cancel", "item-not-found", "There is no such command");
	elseif not command.may(self, stanza.attr.from) then
		return bad(self, stanza, "auth", "forbidden", "You may not run this command in this room");
	elseif not ACTIONS[action] then
		local reply = bad(self, stanza, "modify", "bad-request", "This command has one step only");
		return reply:tag("bad-action", { xmlns = ns.COMMANDS }):up();
	elseif action == "cancel" then
		return answer(self, stanza, "canceled");
	end
	return run(self, stanza, attr.node, command);
end

--- An IQ that runs a command.
function methods:handle_command_iq(origin, stanza)
	self.env.plan:after_answer(origin, execute, self, stanza);
	return true;
end

-- The commands that somebody may run, by node, in order.
local function list(event)
	local room = event.room;
	if event.node ~= ns.COMMANDS then
		return;
	end
	local nodes = {};
	for node, command in pairs(room.env.commands) do
		nodes[#nodes + 1] = command.may(room, event.stanza.attr.from) and node or nil;
	end
	table.sort(nodes);
	for _, node in ipairs(nodes) do
		event.reply:tag("item", { jid = room.jid, node = node, name = room.env.commands[node].name }):up();
	end
end

local function describe(event)
	local node = event.stanza.tags[1].attr.node;
	local command = event.room.env.commands[node];
	event.reply:tag("identity", { category = "automation", type = "command-node", name = command.name }):up();
	event.reply:tag("feature", { var = ns.COMMANDS }):up():tag("feature", { var = ns.DATA }):up();
end

local function describe_list(event)
	event.reply:tag("identity", { category = "automation", type = "command-list" }):up();
end

local function tell(event)
	event.reply:tag("feature", { var = ns.COMMANDS }):up();
end

-- For the `hooks` of a part: disco of each of its commands.
local function hooks_of(commands, hooks)
	for node in pairs(commands) do
		hooks[#hooks + 1] = { "muc-disco#info/" .. node, describe, 0 };
	end
	return hooks;
end

return {
	methods = methods;
	hooks_of = hooks_of;
	routes = { ["iq-set/bare/" .. ns.COMMANDS .. ":command"] = "handle_command_iq" };
	hooks = {
		{ "muc-scion-disco#items", list, 0 };
		{ "muc-disco#info/" .. ns.COMMANDS, describe_list, 0 };
		{ "muc-disco#info", tell, 0 };
	};
};
