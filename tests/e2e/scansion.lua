-- SPDX-License-Identifier: MIT
-- scansion: plays .scs scripts, the format of Prosody's own integration tests.
local client = require "e2e.client";
local loop = require "e2e.loop";
local xml = require "e2e.xml";

local scansion = {};

local SETTLE = 0.03; -- seconds after a send: scripts assume that lines take effect in order across connections
local QUIET = 0.5; -- seconds that "receives: nothing" listens
local PATIENCE = 5;

local function fault(number, text)
	error({ scansion = ("line %d: %s"):format(number, text) }, 0);
end

local function is_comment(line)
	return line:match("^%s*#") or line:match("^%s*%-%-[^-]") or line:match("^%s*%-%-$") or line:match("^%s*//");
end

local function lines_of(text)
	local list = {};
	for line in (text .. "\n"):gmatch("(.-)\r?\n") do
		list[#list + 1] = line;
	end
	return list;
end

-- Reads "[Client] Name" blocks up to the line of dashes.
local function read_clients(lines)
	local clients, current = {}, nil;
	for number, line in ipairs(lines) do
		local key, value = line:match("^%s+([%w_]+):%s*(.-)%s*$");
		local name = line:match("^%[Client%]%s*(.-)%s*$");
		if line:match("^%-%-%-+%s*$") then
			return clients, number;
		elseif name then
			current = {};
			clients[name] = current;
		elseif key and current then
			current[key] = value;
		elseif line:match("%S") and not is_comment(line) then
			fault(number, "expected \"[Client] Name\", an option or a line of dashes: " .. line);
		end
	end
	fault(#lines, "no line of dashes between the clients and the actions");
end

local VERBS = { "connects", "disconnects", "sends", "receives" };

-- Names may be of several words. Client, verb and what follows it.
local function split(line)
	for _, verb in ipairs(VERBS) do
		local name, rest = line:match("^(%S.-)%s+" .. verb .. ":?%s*(.-)%s*$");
		if name then
			return name, verb, rest;
		end
	end
end

local function read_action(line, number, clients)
	local name, verb, rest = split(line);
	if not name or rest ~= "" and not (verb == "receives" and rest == "nothing") then
		fault(number, "expected \"Name connects|disconnects|sends:|receives:\": " .. line);
	elseif not clients[name] then
		fault(number, ("no client is named %q"):format(name));
	end
	return { client = name, verb = verb, line = number, nothing = rest == "nothing" or nil, text = {} };
end

local function read_line(actions, line, number, clients)
	if is_comment(line) or not line:match("%S") then
		return;
	elseif line:match("^%s") and #actions > 0 then
		table.insert(actions[#actions].text, line);
	else
		actions[#actions + 1] = read_action(line, number, clients);
	end
end

-- Returns { clients = { Name = options }, actions = { { client, verb, text, line, nothing } } }, or nil and the fault.
function scansion.parse(text)
	local lines = lines_of(text);
	local function read()
		local clients, start = read_clients(lines);
		local actions = {};
		for number = start + 1, #lines do
			read_line(actions, lines[number], number, clients);
		end
		for _, action in ipairs(actions) do
			action.text = table.concat(action.text, "\n");
		end
		return { clients = clients, actions = actions };
	end
	local ok, result = pcall(read);
	if ok then
		return result;
	elseif type(result) == "table" and result.scansion then
		return nil, result.scansion;
	end
	error(result, 0);
end

-- ${Name's JID} also works before Name connects; ${Name's full JID} and ${captured} once they are known.
local function value_of(state, expression)
	local name, what = expression:match("^(.+)'s (.*JID)$");
	local user, options = state.users[name], state.clients[name];
	if what == "full JID" then
		return user and user.full_jid;
	elseif what == "JID" then
		return options and options.jid:match("^[^/]+");
	end
	return state.captures[expression];
end

local function fill_in(text, state)
	return (text:gsub("%${(.-)}", function (expression)
		local value = value_of(state, expression);
		return value and xml.escape(value) or nil;
	end));
end

local perform = {};

function perform.connects(state, action, options)
	local err;
	state.users[action.client], err = client.connect({
		jid = options.jid, password = options.password,
		host = options.connect_host or state.defaults.host,
		port = tonumber(options.connect_port) or state.defaults.port,
	});
	return state.users[action.client], err;
end

function perform.disconnects(state, action)
	state.users[action.client]:close();
	return true;
end

function perform.sends(state, action)
	state.users[action.client]:send(fill_in(action.text, state));
	loop.sleep(SETTLE);
	return true;
end

function perform.receives(state, action)
	local user = state.users[action.client];
	if action.nothing then
		return user:expect_nothing(QUIET);
	end
	local patterns, err = xml.parse_all(fill_in(action.text, state));
	if not patterns then
		return nil, err;
	end
	for _, pattern in ipairs(patterns) do
		local ok, why = user:expect(pattern, PATIENCE, state.captures);
		if not ok then
			return nil, why;
		end
	end
	return true;
end

-- Plays a parsed script against the server at `defaults` { host, port }. True, or nil and what went wrong, where.
function scansion.play(script, defaults)
	local state = { clients = script.clients, users = {}, captures = {}, defaults = defaults };
	local ok, err;
	for _, action in ipairs(script.actions) do
		if action.verb ~= "connects" and not state.users[action.client] then
			ok, err = nil, action.client .. " is not connected";
		else
			ok, err = perform[action.verb](state, action, script.clients[action.client]);
		end
		if not ok then
			err = ("line %d: %s"):format(action.line, err);
			break;
		end
	end
	for _, user in pairs(state.users) do
		user:close(1);
	end
	return ok, err;
end

return scansion;
