-- SPDX-License-Identifier: MIT
-- The LuaJIT face of the core: the API of core.d.lua on libsx.so through the generated cdef.
-- `return load(library, cdef)`: `library` is the path of libsx.so, `cdef` what cdef.lua returned.

local ffi = require "ffi";
local load_fan = require "sx.ffi_fan";

local context_methods = {};
local context_mt = { __index = context_methods };

local event_kinds = { [0] = "none", "accept", "open", "readable", "writable", "finish", "close", "answer" };
local texts = { peer = 0, path = 1, alpn = 2, local_name = 3, remote_name = 4, cipher = 5, verify = 6, reason = 7 };
local receive_most = 65536;
local certificate_most = 65536;
local export_most = 255;
local answer_texts = { source = 0, reason = 1, trace = 2, seconds = 3 };
local ask_flags = { certificates = 1, scion_only = 2, fresh = 4 };
local MALFORMED, NOTFOUND = -4, -14;
local declared = false;
local C, fan;

local function declare(cdef)
	if declared then
		return;
	end
	ffi.cdef(cdef.source);
	declared = true;
	for name, size in pairs(cdef.sizes) do
		local found = ffi.sizeof("struct " .. name);
		assert(found == size, ("struct %s has %d bytes for LuaJIT and %d for C"):format(name, found, size));
	end
end

local function failure(status, text)
	if not text or text == "" then
		text = ffi.string(C.sx_strerror(status));
	end
	return nil, text, ffi.string(C.sx_strname(status));
end

local function result(status)
	if status < 0 then
		return failure(status);
	end
	return true;
end

local function check(value, expected, argument)
	if type(value) ~= expected then
		error(("bad argument #%d (%s expected, got %s)"):format(argument, expected, type(value)), 3);
	end
	return value;
end

local function field(options, name, expected, required)
	local value = options[name];
	if value == nil and not required then
		return nil;
	end
	if type(value) ~= expected then
		error(("field '%s' must be a %s, not %s"):format(name, expected, type(value)), 3);
	end
	if expected == "string" and value:find("%z") then
		error(("field '%s' contains a NUL"):format(name), 3);
	end
	return value;
end

local function whole(options, name, most)
	local value = field(options, name, "number", false) or 0;
	if value < 0 or value > most or value % 1 ~= 0 then
		error(("field '%s' must be an integer from 0 to %d"):format(name, most), 3);
	end
	return value;
end

local function raw(self)
	local context = rawget(self, "context");
	if context == nil then
		error("bad argument #1 (context is closed)", 3);
	end
	return context;
end

local function error_buffer()
	return ffi.new("char[512]"), 512;
end

local core = {};

function core.open(options)
	check(options, "table", 1);
	local c_options = ffi.new("struct sx_options");
	c_options.size = ffi.sizeof(c_options);
	c_options.address = field(options, "address", "string", true);
	c_options.paths = field(options, "paths", "string", true);
	c_options.alpn = field(options, "alpn", "string", false);
	c_options.secret = field(options, "secret", "string", false);
	c_options.port = whole(options, "port", 65535);
	c_options.idle_timeout = whole(options, "idle_timeout", 0xffffffff);
	c_options.dial_timeout = whole(options, "dial_timeout", 0xffffffff);
	local out, text, cap = ffi.new("struct sx_context *[1]"), error_buffer();
	local status = C.sx_open(c_options, out, text, cap);
	if status < 0 then
		return failure(status, ffi.string(text));
	end
	local context = ffi.gc(out[0], function (context)
		C.sx_close(context, 0);
	end);
	return setmetatable({ context = context, buffer = ffi.new("char[?]", receive_most) }, context_mt);
end

function core.address_normal(text)
	local out = ffi.new("char[128]");
	if check(text, "string", 1):find("%z") then
		return failure(MALFORMED); -- what follows a NUL would be hidden
	end
	local status = C.sx_address_normal(text, out, 128);
	if status < 0 then
		return failure(status);
	end
	return ffi.string(out);
end

function core.live_objects()
	return tonumber(C.sx_live_objects());
end

function context_methods:close(timeout_ms)
	local context = rawget(self, "context");
	self.context = nil;
	if context ~= nil then
		C.sx_close(ffi.gc(context, nil), timeout_ms or 0);
	end
end

function context_methods:fd()
	return C.sx_fd(raw(self));
end

function context_methods:process()
	return result(C.sx_process(raw(self)));
end

function context_methods:next_event()
	local event = ffi.new("struct sx_event");
	if C.sx_next_event(raw(self), event) < 0 then
		return nil;
	end
	local status = event.status < 0 and ffi.string(C.sx_strname(event.status)) or nil;
	return event_kinds[event.kind], tonumber(event.handle), status, tonumber(event.udata), tonumber(event.arg);
end

function context_methods:next_log()
	local line, level = ffi.new("char[512]"), ffi.new("uint32_t[1]");
	if C.sx_next_log(raw(self), level, line, 512) < 0 then
		return nil;
	end
	return level[0], ffi.string(line);
end

function context_methods:domain_set(domain)
	local context = raw(self);
	check(domain, "table", 2);
	local c_domain = ffi.new("struct sx_domain");
	c_domain.size = ffi.sizeof(c_domain);
	for _, name in ipairs({ "name", "certificate", "key" }) do
		c_domain[name] = field(domain, name, "string", true);
	end
	for _, name in ipairs({ "password", "cafile", "capath" }) do
		c_domain[name] = field(domain, name, "string", false);
	end
	local text, cap = error_buffer();
	local status = C.sx_domain_set(context, c_domain, text, cap);
	if status < 0 then
		return failure(status, ffi.string(text));
	end
	return true;
end

function context_methods:domain_remove(name)
	return result(C.sx_domain_remove(raw(self), check(name, "string", 2)));
end

function context_methods:names_set(names)
	local context = raw(self);
	check(names, "table", 2);
	local c_names = ffi.new("struct sx_names");
	c_names.size = ffi.sizeof(c_names);
	c_names.order = field(names, "order", "string", true);
	for _, name in ipairs({ "statics", "hosts", "roots", "servers", "dns" }) do
		c_names[name] = field(names, name, "string", false);
	end
	c_names.deadline_ms = whole(names, "deadline_ms", 0xffffffff);
	c_names.cache_bytes = whole(names, "cache_bytes", 0xffffffff);
	c_names.scion_port = whole(names, "scion_port", 65535);
	c_names.flags = names.unsigned and 1 or 0;
	local text, cap = error_buffer();
	local status = C.sx_names_set(context, c_names, text, cap);
	if status < 0 then
		return failure(status, ffi.string(text));
	end
	return true;
end

function context_methods:names_flush()
	return result(C.sx_names_flush(raw(self)));
end

function context_methods:resolve(name, how, udata)
	local context = raw(self);
	local question = ffi.new("struct sx_question");
	question.size = ffi.sizeof(question);
	question.name = check(name, "string", 2);
	for option, value in pairs(how and ask_flags or {}) do
		question.flags = question.flags + (check(how, "table", 3)[option] and value or 0);
	end
	question.udata = udata or 0;
	local handle = ffi.new("sx_handle[1]");
	local status = C.sx_resolve(context, question, handle);
	if status < 0 then
		return failure(status);
	end
	return tonumber(handle[0]);
end

function context_methods:answer_targets(handle)
	local context, place, list = raw(self), ffi.new("struct sx_place"), {};
	check(handle, "number", 2);
	local status = C.sx_answer_target(context, handle, 0, place);
	while status == 0 do
		list[#list + 1] = {
			address = ffi.string(place.address);
			plain = place.plain ~= 0;
			priority = place.priority;
			port = place.port ~= 0 and place.port or nil;
		};
		status = C.sx_answer_target(context, handle, #list, place);
	end
	if status ~= NOTFOUND then
		return failure(status);
	end
	return list;
end

function context_methods:answer_text(handle, which)
	local index = answer_texts[which];
	if not index then
		error(("bad argument #3 (invalid option '%s')"):format(tostring(which)), 2);
	end
	local status = C.sx_answer_text(raw(self), check(handle, "number", 2), index, self.buffer, receive_most);
	if status < 0 then
		return failure(status);
	end
	return ffi.string(self.buffer);
end

function context_methods:answer_judge(handle, pem)
	local text, cap = error_buffer();
	local status = C.sx_answer_judge(raw(self), check(handle, "number", 2), check(pem, "string", 3), text, cap);
	if status < 0 then
		return failure(status, ffi.string(text));
	end
	return true;
end

function context_methods:answer_release(handle)
	return result(C.sx_answer_release(raw(self), check(handle, "number", 2)));
end

function context_methods:dial(target, udata)
	local context = raw(self);
	check(target, "table", 2);
	local c_target = ffi.new("struct sx_target");
	c_target.size = ffi.sizeof(c_target);
	for _, name in ipairs({ "local_name", "remote_name", "address", "alpn" }) do
		c_target[name] = field(target, name, "string", true);
	end
	c_target.port = whole(target, "port", 65535);
	c_target.udata = udata or 0;
	local handle, text, cap = ffi.new("sx_handle[1]"), error_buffer();
	local status = C.sx_dial(context, c_target, handle, text, cap);
	if status < 0 then
		return failure(status, ffi.string(text));
	end
	return tonumber(handle[0]);
end

function context_methods:set_udata(handle, udata)
	return result(C.sx_channel_set_udata(raw(self), check(handle, "number", 2), check(udata, "number", 3)));
end

function context_methods:send(handle, data)
	return result(C.sx_channel_send(raw(self), check(handle, "number", 2), check(data, "string", 3), #data));
end

function context_methods:send_batch(handle, from, batch, first, most)
	return fan.send(raw(self), handle, from, batch, first, most);
end

function context_methods:receive(handle, most)
	most = most or receive_most;
	if most < 1 or most > receive_most then
		error("bad argument #3 (must be from 1 to 65536)", 2);
	end
	local len = ffi.new("size_t[1]");
	local status = C.sx_channel_receive(raw(self), check(handle, "number", 2), self.buffer, most, len);
	if status < 0 then
		return failure(status);
	end
	return ffi.string(self.buffer, len[0]);
end

function context_methods:finish(handle)
	return result(C.sx_channel_finish(raw(self), check(handle, "number", 2)));
end

function context_methods:reset(handle)
	return result(C.sx_channel_reset(raw(self), check(handle, "number", 2)));
end

function context_methods:release(handle)
	return result(C.sx_channel_close(raw(self), check(handle, "number", 2)));
end

function context_methods:pause(handle, paused)
	return result(C.sx_channel_pause(raw(self), check(handle, "number", 2), paused and 1 or 0));
end

function context_methods:hold(handle, held)
	return result(C.sx_channel_hold(raw(self), check(handle, "number", 2), held and 1 or 0));
end

function context_methods:state(handle)
	local state = ffi.new("struct sx_channel_state");
	local status = C.sx_channel_state(raw(self), check(handle, "number", 2), state);
	if status < 0 then
		return failure(status);
	end
	return {
		dialled = state.dialled ~= 0;
		verified = state.verify_status == 0;
		peer_port = state.peer_port;
		connection = tonumber(state.connection);
		handshake_ns = tonumber(state.handshake_ns);
		rtt_ns = tonumber(state.rtt_ns);
		readable = tonumber(state.readable);
		unsent = tonumber(state.unsent);
		unacked = tonumber(state.unacked);
	};
end

function context_methods:text(handle, which)
	local context, out = raw(self), ffi.new("char[2048]");
	local number = texts[which];
	if not number then
		error(("bad argument #3 (invalid option '%s')"):format(tostring(which)), 2);
	end
	local status = C.sx_channel_text(context, check(handle, "number", 2), number, out, 2048);
	if status < 0 then
		return failure(status);
	end
	return ffi.string(out);
end

function context_methods:certificate(handle, depth)
	local out, len = ffi.new("char[?]", certificate_most), ffi.new("size_t[1]", certificate_most);
	local status = C.sx_channel_certificate(raw(self), check(handle, "number", 2), depth or 0, out, len);
	if status < 0 then
		return failure(status);
	end
	return ffi.string(out, len[0]);
end

function context_methods:export(handle, label, len)
	local context = raw(self);
	check(label, "string", 3);
	check(len, "number", 4);
	if len < 1 or len > export_most then
		error("bad argument #4 (must be from 1 to 255)", 2);
	end
	local out = ffi.new("char[?]", len);
	local status = C.sx_channel_export(context, check(handle, "number", 2), label, out, len);
	if status < 0 then
		return failure(status);
	end
	return ffi.string(out, len);
end

local function next_stream(self, previous)
	local handle = ffi.new("sx_handle[1]");
	C.sx_channel_next(raw(self), previous, handle);
	return handle[0] ~= 0 and tonumber(handle[0]) or nil;
end

function context_methods:streams()
	raw(self);
	return next_stream, self, 0;
end

function context_methods:counters()
	local counters = ffi.new("struct sx_counters");
	C.sx_counters(raw(self), counters);
	local list = {};
	for _, name in ipairs(self.counter_names) do
		list[name] = tonumber(counters[name]);
	end
	return list;
end

function context_methods:paths(isd_as)
	local context, out, list = raw(self), ffi.new("char[2048]"), {};
	check(isd_as, "string", 2);
	for index = 0, math.huge do
		local status = C.sx_path_text(context, isd_as, index, out, 2048);
		if status < 0 then
			local _, text, name = failure(status);
			if name ~= "ENOTFOUND" then
				return nil, text, name;
			end
			return list;
		end
		list[index + 1] = ffi.string(out);
	end
end

local function load(library, cdef)
	declare(cdef);
	C = ffi.load(library);
	local abi = C.sx_abi_version();
	assert(abi == cdef.abi_version, ("%s has ABI version %d, this is for %d"):format(library, abi, cdef.abi_version));
	local names = {};
	for name in cdef.source:match("struct sx_counters {(.-)}"):gmatch("uint64_t ([%w_]+);") do
		names[#names + 1] = name;
	end
	context_methods.counter_names = names;
	fan = load_fan(C, result, failure);
	core.fan = fan.new;
	core.version = ffi.string(C.sx_version());
	return core;
end

return load;
