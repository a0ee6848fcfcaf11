-- SPDX-License-Identifier: MIT
-- slow_mode: everybody waits a while between two messages (XEP-0500), admins and owners aside. It counts for an account
-- with all its sessions.
local ledger = require "sx.muc.ledger";
local ranks = require "sx.muc.ranks";

local methods = {};

--- The seconds to wait between two messages; 0: slow mode is off.
function methods:get_slow_mode_duration()
	return self._data.slow_mode_duration or 0;
end

function methods:set_slow_mode_duration(seconds)
	seconds = tonumber(seconds) or 0;
	if seconds == self:get_slow_mode_duration() then
		return false;
	end
	self._data.slow_mode_duration = seconds > 0 and seconds or nil;
	self._may_speak = nil;
	return true;
end

local function check(event)
	local room, now = event.room, event.room.env.now();
	local duration = room:get_slow_mode_duration();
	local jid = event.occupant and event.occupant.bare_jid;
	if duration == 0 or not jid or not event.stanza:get_child("body")
		or ranks.is_affiliated(room:get_affiliation(jid), "admin") then
		return nil;
	end
	room._may_speak = room._may_speak or ledger.new();
	local at = room._may_speak:get(jid) or 0;
	if now < at then
		local text = "Slow mode: %d seconds lie between two of your messages here; try again in %d seconds";
		return room:refuse(event.origin, event.stanza, "wait", "policy-violation",
			text:format(duration, math.ceil(at - now)));
	end
	room._may_speak:set(jid, now + duration, now);
end

local function tell(event)
	table.insert(event.form, {
		name = "muc#roominfo_slow_mode_duration", type = "text-single", label = "Seconds between two messages",
	});
	event.formdata["muc#roominfo_slow_mode_duration"] = ("%d"):format(event.room:get_slow_mode_duration());
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-groupchat", check, 40 };
		{ "muc-disco#info", tell, -1 };
	};
};
