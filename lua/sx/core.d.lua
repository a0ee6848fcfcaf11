-- SPDX-License-Identifier: MIT
---@meta
-- What both faces of the core promise: `sx.core` (the C module for Lua 5.4, loaded from core.so) and `sx.ffi` (LuaJIT
-- on libsx.so). module/sx.h says what each call means. Expected failures return nil, text, name ("ETIMEDOUT"); misuse
-- (wrong argument types) raises. A handle is an integer (a number on LuaJIT); 0 is never valid.

---@class sx.core
---@field version string "0.1.0"
local core = {};

---@class sx.options
---@field address string our SCION address
---@field port integer UDP port; 0: any
---@field paths string "file:NAME"
---@field alpn? string comma-separated labels served
---@field idle_timeout? integer seconds
---@field dial_timeout? integer seconds
---@field secret? string 32 characters, the same after a crash

---@param options sx.options
---@return sx.context? context, string? text, string? name
function core.open(options) end

--- The canonical spelling of a SCION address.
---@param text string
---@return string? normal, string? text, string? name
function core.address_normal(text) end

--- Live objects of the library in this process; 0 when every context is closed.
---@return integer
function core.live_objects() end

--- A fan-out: stanzas written once, on their way to many sinks (a session, a stream to a server). Its handles are
--- integers of three kinds: forms (stanzas), addresses, and batches.
---@return sx.fan
function core.fan() end

---@class sx.fan
local fan = {};

--- A stanza: what stands before the recipient and what stands behind, and bits of the caller's. It lives until `reap`
--- names it.
---@param head string
---@param tail string
---@param marks? integer
---@return integer? form, string? text, string? name
function fan:form(head, tail, marks) end

--- A recipient as it stands in an attribute: escaped. It is a sink, or shares that of the address `beside`.
---@param to string
---@param beside? integer
---@return integer? address, string? text, string? name
function fan:address(to, beside) end

--- Fails with EAGAIN while entries are for it or others share its sink.
---@param address integer
---@return true? ok, string? text, string? name
function fan:forget(address) end

--- Appends a form for an address to the queue of its sink. Queues with `is_bulk` entries alone leave after the others.
---@param form integer
---@param address integer
---@param is_bulk? boolean
---@return true? ok, string? text, string? name
function fan:put(form, address, is_bulk) end

--- The same for a list of recipients, from number `first` on; `addresses` knows their addresses. Stops at the first
--- that it does not know, or for which there is no memory.
---@param form integer
---@param targets string[]
---@param addresses table<string, integer>
---@param first integer
---@param is_bulk? boolean
---@return integer next the number of the first that was not put, #targets + 1 at the end
function fan:put_all(form, targets, addresses, first, is_bulk) end

--- Takes the queue whose turn it is; `done` has to follow.
---@return integer? batch, integer sink, integer count, integer marks, integer bytes, integer largest, boolean is_bulk
function fan:next() end

--- Takes the queue of a sink out of turn.
---@param sink integer
---@return integer? batch, integer sink, integer count, integer marks, integer bytes, integer largest, boolean is_bulk
function fan:take(sink) end

--- What waits for a sink: entries and bytes; and how many addresses besides its own share it.
---@param sink integer
---@return integer count, integer bytes, integer sharers
function fan:look(sink) end

--- While a sink is held its queue grows and has no turn.
---@param sink integer
---@param is_held boolean
---@return true? ok, string? text, string? name
function fan:hold(sink, is_held) end

---@param batch integer
---@param index integer from 1
---@return integer? form, integer|string address, string? name
function fan:entry(batch, index) end

--- The entries of a batch from `first` on, as many as fit into `most` bytes, one at least; and the one after them.
---@param batch integer
---@param first integer
---@param most? integer
---@return string? bytes, integer|string next, string? name
function fan:bytes(batch, first, most) end

--- A batch has been delivered up to entry `first`, not included: the rest comes back to the front of the queue.
---@param batch integer
---@param first integer
---@return true? ok, string? text, string? name
function fan:give_back(batch, first) end

---@param batch integer
---@return true? ok, string? text, string? name
function fan:done(batch) end

--- Frees a form that no entry needs, while such forms have more than `keep` bytes, and says which; nil: none.
---@param keep? integer default 0
---@return integer? form
function fan:reap(keep) end

--- Batches that wait for their turn; bytes of all that waits, each stanza once; entries, addresses and forms.
---@return integer batches, integer bytes, integer entries, integer addresses, integer forms
function fan:state() end

--- Ends it with all that waits. Also done by the collector.
function fan:close() end

---@class sx.context
local context = {};

--- Ends all; waits up to `timeout_ms` for acknowledgements. Also done by the collector, without waiting.
---@param timeout_ms? integer default 0
function context:close(timeout_ms) end

---@return integer fd poll it for reading
function context:fd() end

--- One bounded turn. Call when the fd is readable; writes and dials make it readable by themselves.
---@return true? ok, string? text, string? name
function context:process() end

--- Takes the next event; nil when there is none.
---@return string? kind, integer? handle, string? status a name ("close": "ECLOSED" when it ended in order); nil with the other kinds, integer udata, integer arg
function context:next_event() end

---@return integer? level 0 debug 1 info 2 warn 3 error, string? line
function context:next_log() end

---@class sx.domain
---@field name string
---@field certificate string PEM file
---@field key string PEM file
---@field password? string
---@field cafile? string
---@field capath? string

---@param domain sx.domain
---@return true? ok, string? text, string? name
function context:domain_set(domain) end

---@param name string
function context:domain_remove(name) end

---@class sx.names lists are texts with one entry a line
---@field order string "static,hosts,rains,dns": who is asked, the preferred first
---@field deadline_ms? integer
---@field cache_bytes? integer
---@field statics? string lines "DOMAIN ADDRESS..."
---@field hosts? string names of hosts files
---@field roots? string RAINS root keys, or names of files with them
---@field servers? string RAINS servers
---@field scion_port? integer UDP port for RAINS servers on SCION
---@field unsigned? boolean believe RAINS data that nobody signed
---@field dns? string DNS servers, separated by commas; nil: the system's

--- Where names come from; what was known before is forgotten.
---@param names sx.names
---@return true? ok, string? text, string? name
function context:names_set(names) end

function context:names_flush() end

--- Asks for a domain; an event "answer" with this handle follows.
---@param name string
---@param how? { certificates?: boolean, scion_only?: boolean, fresh?: boolean }
---@param udata? integer
---@return integer? handle, string? text, string? name
function context:resolve(name, how, udata) end

---@return { address: string, port: integer?, priority: integer, plain: boolean }[]? targets, string? text, string? name
function context:answer_targets(handle) end

---@param which "source"|"reason"|"trace"|"seconds" seconds: how long it still holds
---@return string? text, string? error, string? name
function context:answer_text(handle, which) end

--- Whether the certificates that an answer names prove a chain, given as PEM, leaf first.
---@return true? ok, string? text, string? name -- "ENOTFOUND": RAINS says nothing; "EREFUSED": it names others
function context:answer_judge(handle, pem) end

--- Lets go of a question or its answer.
function context:answer_release(handle) end

---@class sx.target
---@field local_name string
---@field remote_name string
---@field address string
---@field port integer
---@field alpn string

---@param target sx.target
---@param udata? integer
---@return integer? handle, string? text, string? name
function context:dial(target, udata) end

---@return true? ok, string? text, string? name
function context:set_udata(handle, udata) end

---@param data string taken whole or not at all
---@return true? ok, string? text, string? name
function context:send(handle, data) end

--- Queues entries of a batch of a fan-out on a stream, from `first` on, as many as fit into `most` bytes, one at least.
---@param handle integer
---@param from sx.fan
---@param batch integer
---@param first integer
---@param most integer
---@return integer? next, string? text, string? name "ELIMIT": nothing taken
function context:send_batch(handle, from, batch, first, most) end

---@param most? integer bytes, default and maximum 65536
---@return string? data, string? text, string? name -- nil with name "EAGAIN" when there is nothing
function context:receive(handle, most) end

---@return true? ok, string? text, string? name
function context:finish(handle) end
function context:reset(handle) end

--- Lets go of the handle.
function context:release(handle) end

---@param paused boolean
function context:pause(handle, paused) end

---@param held boolean
function context:hold(handle, held) end

---@return { dialled: boolean, peer_port: integer, verified: boolean, connection: integer, handshake_ns: integer, rtt_ns: integer, readable: integer, unsent: integer, unacked: integer }? state
function context:state(handle) end

---@param which "peer"|"path"|"alpn"|"local_name"|"remote_name"|"cipher"|"verify"|"reason"
---@return string? text, string? error, string? name
function context:text(handle, which) end

---@param depth? integer default 0
---@return string? der, string? text, string? name
function context:certificate(handle, depth) end

---@return string? bytes, string? text, string? name
function context:export(handle, label, len) end

--- Iterates over handles of all streams: for handle in context:streams() do ... end
function context:streams() end

---@return table<string, integer> counters by the names of struct sx_counters
function context:counters() end

--- Paths known to a destination, as texts.
---@return string[] paths
function context:paths(isd_as) end

return core;
