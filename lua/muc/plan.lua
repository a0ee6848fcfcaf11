-- SPDX-License-Identifier: MIT
-- plan: what a room wants done, in order. Room logic adds to the open plan; whoever opened it carries it out.
--
-- An operation is one of
--   { kind = "send", stanza = S }                      S goes where its `to` says
--   { kind = "fan", stanza = S, targets = { JID... } } S goes to each target, `to` is set for each
--   { kind = "list", stanzas = { S... }, to = JID }    all of them go to one; a stanza with the mark `is_lasting` will
--                                                      be sent again as it is
--   { kind = "reply", origin = O, stanza = S }         S answers the session that asked
--   { kind = "save", room = R, forced = B, state = B } R changed; once for each room and plan
--   { kind = "timer", room = R, at = T, call = F }     F(R) at time T, if R still exists
--   { kind = "destroy", room = R }                     R is gone
local plan = {};
plan.__index = plan;

--- A plan that is opened by `run` and given to `carry(operations)` when the outermost `run` ends. What is added while
--- none is open is carried out at once.
---@param carry fun(operations: table[])
function plan.new(carry)
	return setmetatable({ carry = carry, depth = 0, operations = {} }, plan);
end

local function append(operations, held)
	if held then
		append(operations, held.outer);
		table.move(held, 1, #held, #operations + 1, operations);
	end
end

local function finish(self, ok, ...)
	self.depth = self.depth - 1;
	if self.depth == 0 then
		local operations = self.operations;
		append(operations, self.held); -- after an error alone
		self.operations, self.held = {}, nil;
		self.carry(operations);
	end
	if not ok then
		error((...), 0);
	end
	return ...;
end

--- Calls `work(...)` with the plan open and returns what it returns. What was planned before an error is carried out.
function plan:run(work, ...)
	self.depth = self.depth + 1;
	return finish(self, xpcall(work, debug.traceback, ...));
end

--- Adds an operation. An urgent one passes those that are held back.
function plan:add(operation, is_urgent)
	if self.depth == 0 then
		self.carry({ operation });
		return;
	end
	local list = not is_urgent and self.held or self.operations;
	list[#list + 1] = operation;
end

--- Calls `work(...)`; what it adds waits, urgent operations aside, until the answer that `work` returns as its first
--- value has been added: an answer to an IQ comes before what it has caused.
function plan:after_answer(origin, work, ...)
	local held = { outer = self.held };
	self.held = held;
	local answer = work(...);
	self.held = held.outer;
	self:reply(origin, answer);
	for _, operation in ipairs(held) do
		self:add(operation);
	end
end

function plan:send(stanza)
	self:add({ kind = "send", stanza = stanza });
end

function plan:fan(stanza, targets, is_urgent)
	if #targets > 0 then
		self:add({ kind = "fan", stanza = stanza, targets = targets }, is_urgent);
	end
end

--- Sends presences of occupants to one recipient.
function plan:list(stanzas, to)
	if #stanzas > 0 then
		self:add({ kind = "list", stanzas = stanzas, to = to });
	end
end

function plan:reply(origin, stanza)
	self:add({ kind = "reply", origin = origin, stanza = stanza });
end

--- Notes that a room has to be saved; several notes in one plan become one.
function plan:save(room, forced, state)
	for _, operation in ipairs(self.operations) do
		if operation.kind == "save" and operation.room == room then
			operation.forced = operation.forced or forced;
			operation.state = operation.state or state;
			return;
		end
	end
	self:add({ kind = "save", room = room, forced = forced, state = state }, true);
end

return plan;
