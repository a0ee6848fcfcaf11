-- SPDX-License-Identifier: MIT
-- Who may get bytes that did not pass Prosody's routing. A stanza takes the stock path, for a reason that is counted,
-- unless it is certain that the stock path would bring the same bytes to the same recipient and nothing else.
--
-- What is certain is known by the files that stock Prosody's functions are from; a function of any other file counts as
-- unknown.
local filters = require "util.filters";
local hosts = prosody.hosts;

local STOCK = debug.getinfo(require "core.modulemanager".load, "S").source:match("^@(.*)core/[^/]+$") or "/nowhere/";

local known_sources = {};

-- Function -> the stock file that it is from ("core/sessionmanager", "mod_smacks"), a name that `know` has given it, or
-- "unknown".
local names = setmetatable({}, { __mode = "k", __index = function (self, func)
	local source, name = debug.getinfo(func, "S").source, nil;
	if source:sub(2, #STOCK + 1) == STOCK then
		local rest = source:sub(#STOCK + 2);
		name = rest:match("^[a-z]+/mod_[%w_]+/(mod_[%w_]+)%.lua$") or rest:match("^[a-z]+/(mod_[%w_]+)%.lua$")
			or rest:match("^(.*)%.lua$");
	end
	self[func] = name or known_sources[source] or "unknown";
	return self[func];
end });

local gate = { looks = 0 }; -- `looks` changes whenever other code has run

--- Gives a name to a function, and to all from the same place, those of other components too.
function gate.know(func, name)
	known_sources[debug.getinfo(func, "S").source] = name;
end

--- Events

-- What stock handlers of a stanza to a full JID do: "call" them, they may drop it; "quiet": they do nothing for
-- groupchat, provided that the events named are theirs alone; "end": they deliver it.
local HANDLERS = {
	["message/full"] = { mod_blocklist = "call", mod_mam = "quiet", mod_carbons = "quiet", mod_message = "end" },
	["presence/full"] = { mod_blocklist = "call", mod_presence = "end" },
	["iq/full"] = { mod_blocklist = "call", mod_iq = "end" },
};
local ASKED = { mod_mam = "archive-should-store", mod_carbons = "carbons-should-copy" };

local function upvalues(func)
	local found = {};
	for i = 1, math.huge do
		local name = debug.getupvalue(func, i);
		if not name then
			return found;
		end
		found[name] = i;
	end
end

-- Whether the event bus of a host calls handlers and nothing else. Wrappers and the debug hook are not public.
local function new_watch(events)
	local fire = events.fire_event;
	if names[fire] ~= "util/events" then
		return function () return false; end;
	end
	local places = upvalues(fire);
	local _, inner = debug.getupvalue(fire, places._fire_event or 0);
	local _, wrappers = debug.getupvalue(fire, places.wrappers or 0);
	local hook_at = inner and upvalues(inner).active_debug_hook;
	if not wrappers or not hook_at or not places.global_wrappers then
		return function () return false; end;
	end
	return function (event_name)
		local _, global = debug.getupvalue(fire, places.global_wrappers);
		local _, hook = debug.getupvalue(inner, hook_at);
		return events.fire_event == fire and not global and not hook and not wrappers[event_name];
	end;
end

local watches = setmetatable({}, { __mode = "k" });

--- Whether an event of a bus goes to its handlers and nowhere else.
function gate.is_plain(events, event_name)
	watches[events] = watches[events] or new_watch(events);
	return watches[events](event_name);
end

local function is_alone(events, owner)
	local list = events._handlers[ASKED[owner]];
	return list and #list == 1 and names[list[1]] == owner;
end

-- What a list of handlers amounts to: { list, asked, calls, is_quiet, reason }.
local function judge_handlers(events, event_name, list)
	local verdict = { list = list, calls = {}, asked = {} };
	for _, handler in ipairs(list or {}) do
		local owner = names[handler];
		local what = HANDLERS[event_name][owner];
		if what == "end" then
			return verdict;
		elseif what == "call" then
			verdict.calls[#verdict.calls + 1] = handler;
		elseif what == "quiet" and is_alone(events, owner) then
			verdict.is_quiet = true;
			verdict.asked[ASKED[owner]] = events._handlers[ASKED[owner]];
		else
			break;
		end
	end
	verdict.reason = "handler";
	return verdict;
end

local function is_current(verdict, events, list)
	if not verdict or verdict.list ~= list then
		return false;
	end
	for event_name, asked in pairs(verdict.asked) do
		if events._handlers[event_name] ~= asked then
			return false;
		end
	end
	return true;
end

local verdicts = setmetatable({}, { __mode = "k" }); -- events -> event name -> verdict

-- What the host of a recipient does with an event now.
local function look(events, event_name, known)
	local list = events._handlers[event_name];
	local verdict = known[event_name];
	if not is_current(verdict, events, list) then
		verdict = judge_handlers(events, event_name, list);
		known[event_name] = verdict;
	end
	verdict.seen = gate.looks;
	verdict.now = gate.is_plain(events, event_name) and verdict or { reason = "wrapper" };
	return verdict.now;
end

local function verdict_on(events, event_name)
	local known = verdicts[events];
	if not known then
		known = {};
		verdicts[events] = known;
	end
	local verdict = known[event_name];
	return verdict and verdict.seen == gate.looks and verdict.now or look(events, event_name, known);
end

--- Other code has run: what was seen of hosts may not hold any more.
function gate.look_again()
	gate.looks = gate.looks + 1;
end

local XMLNS_SID, XMLNS_CARBONS = "urn:xmpp:sid:0", "urn:xmpp:carbons:2";

-- Whether archives and carbons do nothing with a message: groupchat without a stanza-id but the room's, without a mark
-- that carbons take out, and without a call, of which they make copies.
local function is_ignored(stanza, here)
	if stanza.attr.type ~= "groupchat" then
		return false;
	end
	for _, child in ipairs(stanza.tags) do
		local xmlns = child.attr.xmlns;
		if xmlns == XMLNS_SID and child.name == "stanza-id" then
			local host = (child.attr.by or ""):match("^[^/@]+@([^/@]+)$");
			if host ~= here then
				return false;
			end
		elseif xmlns == XMLNS_CARBONS or xmlns and xmlns:find("^urn:xmpp:jingle%-message:") then
			return false;
		end
	end
	return true;
end

local PRESENCES = { unavailable = true, error = true };

--- Why no stanza like this goes to local users past their host, or nil.
function gate.fault_of(stanza, here)
	local name, attr = stanza.name, stanza.attr;
	if attr.xmlns then
		return "namespace";
	elseif name == "presence" and attr.type and not PRESENCES[attr.type] then
		return "subscription";
	end
	return nil, name == "message" and not is_ignored(stanza, here);
end

--- What the host of local users does with an event ("message/full"): a table with `reason` where nothing is certain;
--- `calls`, handlers that are to be asked; `is_quiet` where archives listen. Good until anything of Prosody has run.
function gate.host(host, event_name)
	return verdict_on(hosts[host].events, event_name);
end

--- Sessions

-- Filters of what leaves: what they are to us.
local OUT = { mod_smacks = "smacks", mod_websocket = "framing", mod_csi_simple = "inactive" };
local BYTES_OUT = { mod_websocket = "framing" };

-- The list judged: an unknown filter is a reason.
local function judge_filters(list, known, found)
	for i = 1, list and #list or 0 do
		local name = names[list[i]];
		local what = known[name];
		if what then
			found[what] = true;
		elseif name ~= "own" then
			return "filter";
		end
	end
end

-- Reused: what judge_filters has found. `smacks`: stanzas are counted, and kept until they are acknowledged.
local found = {};

local function judge_out(session)
	found.smacks, found.framing, found.inactive = nil, nil, nil;
	local lists = session.filters;
	if not lists then
		return nil;
	end
	local reason = judge_filters(lists["stanzas/out"], OUT, found);
	local is_framed = found.framing;
	found.framing = nil;
	reason = reason or judge_filters(lists["bytes/out"], BYTES_OUT, found);
	if found.inactive then
		return "inactive";
	elseif found.framing ~= is_framed then
		return "filter";
	end
	return reason;
end

local SENDERS = { ["core/sessionmanager"] = true };

local function is_bosh(session)
	return session.send and names[session.send] == "mod_bosh";
end

-- Whether the functions that send to a session are Prosody's own.
local function is_stock(session)
	return session.send and SENDERS[names[session.send]] and SENDERS[names[session.rawsend]];
end

--- Whether a connection is one of Prosody's epoll loop, whose private fields we know in both releases.
function gate.is_epoll(conn)
	local write = conn.onwritable and conn.write;
	return write and names[write] == "net/server_epoll";
end

-- What a session is: { reason, has_smacks, framing, conn }, and what that was seen of. It is kept with the session. Few
-- have more filters than three: ours, that of another service, and that of XEP-0198.
local function judge(session)
	local framing = is_bosh(session) and "bosh" or nil;
	local fault = judge_out(session);
	local conn, lists = session.conn, session.filters or {};
	local out, bytes = lists["stanzas/out"] or {}, lists["bytes/out"] or {};
	local known = {
		reason = not framing and not is_stock(session) and "wrapper" or fault, has_smacks = found.smacks,
		framing = framing or found.framing and "websocket" or nil,
		send = session.send, rawsend = session.rawsend, of = conn, write = conn and conn.write,
		first = out[1], second = out[2], third = out[3],
		conn = conn and not bytes[1] and gate.is_epoll(conn) and conn or nil,
	};
	session.muc_scion_verdict = known;
	return known;
end

-- Whether a session is still what was judged.
local function is_the_same(session, known)
	local conn, lists = session.conn, session.filters;
	if session.send ~= known.send or session.rawsend ~= known.rawsend or conn ~= known.of or not lists
		or conn and conn.write ~= known.write then
		return false;
	end
	local out, bytes = lists["stanzas/out"], lists["bytes/out"];
	return out and out[1] == known.first and out[2] == known.second and out[3] == known.third and not out[4]
		and not (bytes and bytes[1]);
end

--- Why a session of a local user gets nothing but by its `send`, or nil; the queue in which XEP-0198 counts; how
--- stanzas are framed: "websocket", "bosh" or nil; and its connection where that is one of Prosody's epoll loop and the
--- session has no filters of bytes, so that it may be written to itself.
function gate.session(session)
	if not session then
		return "offline";
	elseif session.type ~= "c2s" or session.destroyed then
		return "closing";
	elseif session.state == "inactive" then
		return "inactive";
	end
	local known = session.muc_scion_verdict;
	if not known or not is_the_same(session, known) then
		known = judge(session);
	end
	if known.framing ~= "bosh" and (session.hibernating or session.resending_unacked or not session.conn) then
		return "hibernating";
	end
	return known.reason, known.has_smacks and session.smacks and session.outgoing_stanza_queue, known.framing, known.conn;
end

--- Servers

local function judge_route(events)
	local first = (events._handlers["route/remote"] or {})[1];
	return not (first and names[first] == "mod_s2s") and "handler" or nil;
end

local LIVE = { s2sout = true, s2sin = true };

--- The stream from `here` to a domain, or nil; why it gets nothing but by the stock path, or nil; and whether XEP-0198
--- counts.
function gate.server(here, domain)
	local host = hosts[here];
	local session = host.s2sout[domain];
	if not session then
		return nil, "no stream";
	elseif not gate.is_plain(host.events, "route/remote") then
		return session, "wrapper";
	elseif not LIVE[session.type] or session.destroyed or not session.conn then
		return session, "no stream";
	elseif names[session.sends2s] ~= "mod_s2s" then
		return session, "wrapper";
	end
	local reason = judge_route(host.events) or judge_out(session);
	return session, reason or found.framing and "filter" or nil,
		found.smacks and session.smacks and session.outgoing_stanza_queue;
end

--- Puts a filter on a session once, before all others.
function gate.watch(session, filter)
	local list = session.filters and session.filters["stanzas/out"];
	if not list or not list[filter] then
		filters.add_filter(session, "stanzas/out", filter, 1000000);
	end
end

function gate.unwatch(session, filter)
	filters.remove_filter(session, "stanzas/out", filter);
end

return gate;
