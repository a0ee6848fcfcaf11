-- SPDX-License-Identifier: MIT
-- lock: a new room is closed until its owner has configured it (XEP-0045 section 10.1). A lock that is never opened
-- destroys the room. `_data.locked` is the time until which it holds.
local methods = {};

function methods:is_locked()
	return self._data.locked ~= nil and not self._data.destroyed;
end

--- Whether the room does not exist yet as far as a real JID is concerned.
function methods:is_hidden_from(jid)
	return self:is_locked() and self:get_affiliation(jid) ~= "owner" and not self:get_occupant_jid(jid);
end

function methods:lock()
	self.env.emit("muc-room-locked", { room = self });
	self._data.locked = self.env.now() + self.env.options.lock_timeout;
	self:watch_lock();
end

--- Lets the lock expire at its time.
function methods:watch_lock()
	self.env.plan:add({ kind = "timer", room = self, at = self._data.locked, call = self.lock_expired });
end

function methods:unlock()
	self.env.emit("muc-room-unlocked", { room = self });
	self._data.locked = nil;
end

--- The time for the owner is over.
function methods:lock_expired()
	if self:is_locked() and self._data.locked <= self.env.now() then
		self:destroy(nil, "The room was not configured in time");
	end
end

local function lock_new(event)
	if event.room.env.options.locking then
		event.room:lock();
	end
end

-- One message to the owner, who may use a client that does not know that rooms have to be opened.
local function notify_owner(event)
	local room, env = event.room, event.room.env;
	if room:is_locked() then
		env.plan:send(env.st.message({ type = "groupchat", from = room.jid, to = event.stanza.attr.from, id = env.id() })
			:text_tag("body", ("This room is locked: nobody else can enter until you have configured it. "
				.. "It is removed if that has not happened in %d seconds."):format(env.options.lock_timeout)));
	end
end

local function unlock_configured(event)
	if event.room:is_locked() then
		event.room:unlock();
	end
end

local function destroy_cancelled(event)
	if event.room:is_locked() then
		event.room:destroy(nil, "The configuration of the room was cancelled");
	end
end

-- Section 10.1.1: who leaves without having configured the room takes it along.
local function destroy_abandoned(event)
	local room = event.room;
	if event.is_last_session and room:is_locked() then
		for nick in room:each_occupant() do
			if nick ~= event.occupant.nick then
				return nil;
			end
		end
		room:destroy(nil, "The room was left before it was configured");
		return true;
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-room-pre-create", lock_new, 10 };
		{ "muc-occupant-pre-leave", destroy_abandoned, -50 };
		{ "muc-room-created", notify_owner, -10 };
		{ "muc-config-submitted", unlock_configured, -1 };
		{ "muc-scion-config-cancelled", destroy_cancelled, 0 };
	};
};
