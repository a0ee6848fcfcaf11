-- SPDX-License-Identifier: MIT
-- Storms in Prosody's loop: what comes to rooms is dispatched at the pace of lua/muc/pace.lua.
local jid = require "util.jid";
local new_pace, weigh = require "sx.muc.pace".new, require "sx.muc.pace".weigh;

local OUTBOX_MOST = 262144; -- bytes that were sent and have not left: no more is sent meanwhile

-- Unless the operator has said something (`gc`), the heap may grow to so many percent of what lives before it is
-- collected again; with Prosody's default, 105, a collection goes through all sessions for every few messages. And for
-- each word that is allocated the collector goes through so many: with Prosody's 500, or Lua's own 100, whoever makes a
-- string of 64 KiB for a session pays for a whole collection at once, which others wait for. One is the least that Lua
-- knows: the heap grows by about as much as lives while it is collected.
local PAUSE, STEP = 200, 1;
if module:get_option("gc") == nil then
	collectgarbage("setpause", PAUSE);
	if _VERSION == "Lua 5.4" then -- the unit was another one before
		collectgarbage("setstepmul", STEP);
	end
end

--- Returns a function that takes what `dispatch_now(method, event, room_jid)` takes but for the last, and the pacer.
--- `refuse(event)` answers what cannot wait any more.
return function (fan, rooms, dispatch_now, refuse)
	local outbox = fan.outbox;
	local pacer = new_pace {
		clock = os.clock;
		soon = fan.soon;
		is_full = function () return outbox:bytes() > OUTBOX_MOST; end;
		fail = function (err)
			outbox.is_bulk = false;
			module:log("error", "A stanza to a room failed: %s", err);
		end;
		refuse = function (entry) return refuse(entry.event); end;
		work = function (entry)
			if entry.is_end then
				entry.room:note_leaving(entry.event.stanza.attr.from, false);
			end
			outbox.is_bulk = entry.is_heavy; -- all else leaves before
			local answer = dispatch_now(entry.method, entry.event, entry.room_jid);
			outbox.is_bulk = false;
			return answer;
		end;
	};
	local function dispatch(method, event)
		local from, room_jid = event.stanza.attr.from, jid.bare(event.stanza.attr.to);
		local room, is_heavy, is_end = rooms.live[room_jid], false, false;
		if room then
			is_heavy, is_end = weigh(room, event.stanza);
		end
		if not is_heavy and pacer:count() == 0 then
			return dispatch_now(method, event, room_jid);
		elseif is_end then
			room:note_leaving(from, true);
		end
		return pacer:give({
			key = from .. " " .. room_jid, method = method, event = event, room = room, room_jid = room_jid,
			is_heavy = is_heavy, is_end = is_end,
		});
	end
	return dispatch, pacer;
end;
