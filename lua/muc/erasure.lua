-- SPDX-License-Identifier: MIT
-- erasure: what somebody has said goes from a room, or what is too old. Of an erased message the id remains, so that
-- clients still find their place in the archive, and the time: not who wrote it, nor what.
local ns = require "sx.muc.ns";

local STEP = 100;

local methods = {};

--- A function that says of a message in archive or history whether it is from a bare JID: its occupant id tells, or the
--- real JID that is kept with it.
function methods:written_by(bare_jid)
	local env, salt = self.env, self._data.occupant_id_salt;
	local id = salt and env.occupant_id(bare_jid, salt);
	return function (stanza)
		local mark = stanza:get_child("occupant-id", ns.OCCUPANT_ID);
		local x = stanza:get_child("x", ns.USER);
		local item = x and x:get_child("item");
		return id and mark and mark.attr.id == id or item and env.jid.bare(item.attr.jid) == bare_jid or false;
	end;
end

--- Takes what a bare JID has said out of the history. Returns the ids of its messages in the archive, for
--- `erase_message`; nil and why not where the archive cannot be read.
function methods:forget_messages_of(bare_jid)
	local is_theirs, ids, kept = self:written_by(bare_jid), {}, {};
	for _, entry in ipairs(self._history or {}) do
		kept[#kept + 1] = not is_theirs(entry.stanza) and entry or nil;
	end
	self:set_history(kept);
	if not self.env.archive then
		return ids;
	end
	local is_read, err = self:scan_archive({}, STEP, function (id, stanza)
		ids[#ids + 1] = is_theirs(stanza) and id or nil;
	end);
	if is_read == nil then
		return nil, err;
	end
	return ids;
end

--- Erases one message. Whether there was one.
function methods:erase_message(id)
	local env = self.env;
	return self:replace_message(id, function ()
		return env.st.message({ type = "groupchat", from = self.jid })
			:tag("retracted", { xmlns = ns.RETRACT, stamp = env.stamp(env.now()) }):up();
	end) ~= nil;
end

--- Takes what was said before a time out of the history.
function methods:forget_history_before(time)
	local kept = {};
	for _, entry in ipairs(self._history or {}) do
		kept[#kept + 1] = entry.timestamp >= time and entry or nil;
	end
	self:set_history(kept);
end

return { methods = methods };
