-- SPDX-License-Identifier: MIT
-- The LuaJIT face of the fan-out: `fan` of core.d.lua. `return load(C, result, failure)`: the library and what pushes
-- statuses.

local ffi = require "ffi";

local fan_methods = {};
local fan_mt = { __index = fan_methods };
local most_ever = 2 ^ 52;
local C, result, failure;

local handle_out, second_out, batch_out, piece, state_out;

local function handle_or_failure(status)
	if status < 0 then
		return failure(status);
	end
	return tonumber(handle_out[0]);
end

local function check(value, expected, argument)
	if type(value) ~= expected then
		error(("bad argument #%d (%s expected, got %s)"):format(argument, expected, type(value)), 3);
	end
	return value;
end

local function raw(self)
	local fan = rawget(self, "fan");
	if fan == nil then
		error("bad argument #1 (fan-out is closed)", 3);
	end
	return fan;
end

local function new()
	local out = ffi.new("struct sx_fan *[1]");
	local status = C.sx_fan_new(out);
	if status < 0 then
		return failure(status);
	end
	return setmetatable({ fan = ffi.gc(out[0], C.sx_fan_free), room = 0 }, fan_mt);
end

function fan_methods:form(head, tail, marks)
	local form = ffi.new("struct sx_fan_form");
	form.size, form.marks = ffi.sizeof(form), marks or 0;
	form.head, form.head_len = check(head, "string", 2), #head;
	form.tail, form.tail_len = check(tail, "string", 3), #tail;
	return handle_or_failure(C.sx_fan_form_new(raw(self), form, handle_out));
end

function fan_methods:address(to, beside)
	return handle_or_failure(C.sx_fan_address_new(raw(self), check(to, "string", 2), #to, beside or 0, handle_out));
end

function fan_methods:forget(address)
	return result(C.sx_fan_address_free(raw(self), check(address, "number", 2)));
end

function fan_methods:put(form, address, is_bulk)
	return result(C.sx_fan_put(raw(self), check(form, "number", 2), check(address, "number", 3), is_bulk and 1 or 0));
end

function fan_methods:put_all(form, targets, addresses, first, is_bulk)
	check(form, "number", 2);
	local fan, bulk, at = raw(self), is_bulk and 1 or 0, first;
	while targets[at] and C.sx_fan_put(fan, form, addresses[targets[at]] or 0, bulk) == 0 do
		at = at + 1;
	end
	return at;
end

local function batch_or_nil(status)
	if status < 0 then
		return nil;
	end
	local batch = batch_out;
	return tonumber(batch.batch), tonumber(batch.sink), batch.count, batch.marks, tonumber(batch.bytes),
		tonumber(batch.largest), batch.bulk ~= 0;
end

function fan_methods:next()
	return batch_or_nil(C.sx_fan_next(raw(self), batch_out));
end

function fan_methods:take(sink)
	return batch_or_nil(C.sx_fan_take(raw(self), check(sink, "number", 2), batch_out));
end

function fan_methods:look(sink)
	if C.sx_fan_look(raw(self), check(sink, "number", 2), batch_out) < 0 then
		return 0, 0, 0;
	end
	return batch_out.count, tonumber(batch_out.bytes), batch_out.sharers;
end

function fan_methods:hold(sink, is_held)
	return result(C.sx_fan_hold(raw(self), check(sink, "number", 2), is_held and 1 or 0));
end

-- An index of Lua's as one of C's; out of range where it is none.
local function index_of(value)
	check(value, "number", 3);
	return value >= 1 and value <= 0xffffffff and value - 1 or 0xffffffff;
end

function fan_methods:entry(batch, index)
	local status = C.sx_fan_entry(raw(self), check(batch, "number", 2), index_of(index), handle_out, second_out);
	if status < 0 then
		return failure(status);
	end
	return tonumber(handle_out[0]), tonumber(second_out[0]);
end

-- Room for so many bytes, used again.
local function room_for(self, bytes)
	if self.room < bytes then
		self.buffer, self.room = ffi.new("char[?]", bytes), bytes;
	end
	return self.buffer;
end

function fan_methods:bytes(batch, first, most)
	piece.first = index_of(first);
	local status = C.sx_fan_measure(raw(self), check(batch, "number", 2), most or most_ever, piece);
	if status < 0 then
		return failure(status);
	end
	local bytes = tonumber(piece.bytes);
	local out = room_for(self, bytes);
	C.sx_fan_write(raw(self), batch, piece, out);
	return ffi.string(out, bytes), first + piece.count;
end

function fan_methods:give_back(batch, first)
	return result(C.sx_fan_give_back(raw(self), check(batch, "number", 2), index_of(first)));
end

function fan_methods:done(batch)
	return result(C.sx_fan_done(raw(self), check(batch, "number", 2)));
end

function fan_methods:reap(keep)
	if C.sx_fan_reap(raw(self), keep or 0, handle_out) < 0 then
		return nil;
	end
	return tonumber(handle_out[0]);
end

function fan_methods:state()
	local state = state_out;
	C.sx_fan_state(raw(self), state);
	return tonumber(state.batches), tonumber(state.bytes), tonumber(state.entries), tonumber(state.addresses),
		tonumber(state.forms);
end

function fan_methods:close()
	local fan = rawget(self, "fan");
	self.fan = nil;
	if fan ~= nil then
		C.sx_fan_free(ffi.gc(fan, nil));
	end
end

--- Puts a part of a batch on a stream: `context:send_batch` of core.d.lua.
local function send(context, handle, fan, batch, first, most)
	check(handle, "number", 2);
	if getmetatable(fan) ~= fan_mt then
		error("bad argument #3 (sx.fan expected)", 3);
	end
	piece.first = index_of(first);
	local status = C.sx_fan_measure(raw(fan), check(batch, "number", 4), check(most, "number", 6), piece);
	if status == 0 then
		status = C.sx_fan_send(raw(fan), batch, piece, context, handle);
	end
	if status < 0 then
		return failure(status);
	end
	return first + piece.count;
end

local function load(library, push_result, push_failure)
	C, result, failure = library, push_result, push_failure;
	handle_out, second_out = ffi.new("sx_handle[1]"), ffi.new("sx_handle[1]");
	batch_out, piece = ffi.new("struct sx_fan_batch"), ffi.new("struct sx_fan_piece");
	state_out = ffi.new("struct sx_fan_state");
	return { new = new, send = send };
end

return load;
