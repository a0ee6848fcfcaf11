-- SPDX-License-Identifier: MIT
-- scene: what a test of rooms gets: users by name (scene.guest), a fresh room address, and steps that most tests share.
local loop = require "e2e.loop";
local actor = require "e2e.rooms.actor";
local forms = require "e2e.rooms.forms";
local world_of = require "e2e.rooms.world";
local xml = require "e2e.xml";

local scene = {};

local FAILURE = {};
local rooms_made = 0;

-- Ends the test as failed (a Lua error of any other kind is a broken test).
function scene.fail(text, level)
	error(setmetatable({ text = debug.traceback(text, level or 2) }, FAILURE), 0);
end

-- The text of a failure; nil for an error that is none.
function scene.failure(err)
	return getmetatable(err) == FAILURE and err.text or nil;
end

local function lookup(self, name)
	if scene[name] then
		return scene[name];
	elseif world_of.users[name] then
		local connection = self.world:connection(name);
		local who = actor.new(self, name, connection);
		rawset(self, name, who);
		self.actors[#self.actors + 1] = who;
		return who;
	end
	return nil;
end

function scene.new(world, kind, set)
	local service = world.service(kind, set or "main");
	local self = setmetatable({
		world = world, kind = kind, service = service, domain = world.domain, actors = {}, last = false,
		grace = kind.name == "stock" and 0 or 1,
	}, { __index = lookup });
	self:moves();
	return self;
end

-- From now on another fresh room is meant.
function scene:moves()
	rooms_made = rooms_made + 1;
	self.room = ("room%d@%s"):format(rooms_made, self.service);
end

-- The server does what was asked of it and ends in good order.
function scene:stop_server()
	for _, who in ipairs(self.actors) do
		who:sync();
	end
	self.world:stop();
end

-- The same, and it starts again; everyone is online again, outside of all rooms.
function scene:restart()
	self:stop_server();
	self.world:start();
	for _, who in ipairs(self.actors) do
		who.user = self.world:connection(who.name);
	end
end

local function value_of(self, expression)
	local name, part = expression:match("^(%w+)%.?(%w*)$");
	if name == "any" then
		return "{scansion:any}";
	elseif world_of.users[name] then
		return part == "bare" and self[name].jid or self[name].full_jid;
	end
	local value = rawget(self, name);
	return type(value) == "string" and value or nil;
end

-- Fills in {room}, {service}, {guest}, {guest.bare}.
function scene:fill(text)
	return (text:gsub("{([%w.]+)}", function (expression) return value_of(self, expression); end));
end

function scene:fill_xml(text)
	return (text:gsub("{([%w.]+)}", function (expression)
		local value = value_of(self, expression);
		return value and xml.escape(value);
	end));
end

-- nil or "": the room; a nickname; or any text with an @ or a placeholder.
function scene:address(to)
	if not to or to == "" then
		return self.room;
	elseif to:find("[@{]") then
		return self:fill(to);
	end
	return ("%s/%s"):format(self.room, to);
end

-- Users act one after the other, although on connections of their own.
function scene:takes_turn(who)
	if self.last and self.last ~= who then
		self.last:sync();
	end
	self.last = who;
end

-- These users send at the same time; when it returns, the server has taken it all.
function scene.at_once(_, users, text_of)
	for _, who in ipairs(users) do
		who.user:send(text_of(who));
	end
	for _, who in ipairs(users) do
		who:sync();
	end
end

-- `who` now has everything that came of what was done so far.
function scene:settles(who)
	if self.last and self.last ~= who then
		self.last:sync();
		self.last = false;
	end
	who:sync();
end

-- Everyone throws away what has arrived.
function scene:forget()
	for _, who in ipairs(self.actors) do
		who:forgets();
	end
end

-- The owner makes the room, with these fields of the configuration ("muc#roomconfig_" goes without saying) and with the
-- named users affiliated as their names say.
function scene:create(config, ...)
	self.owner:join();
	self.owner:set(forms.configuration(config or {}));
	for _, name in ipairs({ ... }) do
		self:affiliate(name, name);
	end
	self:forget();
end

function scene:affiliate(name, affiliation)
	self.owner:set(("<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='%s' jid='{%s.bare}'/></query>")
		:format(affiliation, name));
end

-- The owner gives a role.
function scene:give_role(nick, role)
	self.owner:set(("<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='%s' role='%s'/></query>")
		:format(nick, role));
end

-- The named users join under their names, and nobody keeps what came of it.
function scene:enter(...)
	for _, name in ipairs({ ... }) do
		self[name]:join();
	end
	self:forget();
end

function scene:configure(config)
	self.owner:set(forms.configuration(config));
end

-- Fails unless two values (tables compared deeply) are the same.
function scene:same(actual, expected, what)
	local left, right = forms.shown(actual), self:fill(forms.shown(expected));
	if left ~= right then
		scene.fail(("%s is\n  %s\nand should be\n  %s"):format(what or "it", left, right), 3);
	end
end

function scene.check(condition, text)
	return condition or scene.fail(text, 3);
end

-- Waits for something that comes by itself, as after a lost connection.
function scene.eventually(condition, text)
	return loop.wait(condition, 2) or scene.fail(text, 3);
end

-- Lets some seconds pass: for timers of the server, which no answer shows to be over.
function scene:pass(seconds)
	loop.sleep(seconds);
	self:settles(self.owner);
end

-- Everyone leaves every room; connections that ended are replaced later.
function scene:finish()
	for _, who in ipairs(self.actors) do
		if who:is_online() then
			who.user:send("<presence type='unavailable'/>");
			who:sync();
		end
	end
	for _, who in ipairs(self.actors) do
		who:sync();
		who.user:forget();
	end
end

return scene;
