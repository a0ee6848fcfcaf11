-- SPDX-License-Identifier: MIT
-- owner: IQs of owners, and the end of a room (XEP-0045 sections 10.1, 10.2 and 10.9).
local ns = require "sx.muc.ns";
local presence = require "sx.muc.presence";

local methods = {};

-- Section 10.9: each occupant hears of its own end alone, and is nobody to the room any more.
local function dismiss(self, occupant, x)
	local env = self.env;
	local own_x = presence.add_item(env.st.clone(x), { affiliation = "none", role = "none" });
	local stanza = env.st.presence({ from = occupant.nick, type = "unavailable" });
	env.emit("muc-build-occupant-presence", { room = self, stanza = stanza, x = own_x, occupant = occupant });
	self:route_to_occupant(occupant, stanza:add_child(own_x:tag("status", { code = "110" }):up()));
end

--- Takes everybody out of the room with the <x/> given.
function methods:clear(x)
	x = x or presence.user_x(self.env);
	for _, occupant in self:each_occupant() do
		dismiss(self, occupant, x);
		occupant.role = nil;
		self:save_occupant(occupant);
		self.env.emit("muc-occupant-left", { room = self, nick = occupant.nick, occupant = occupant });
	end
end

--- The service stops: everybody is told, without anybody leaving for others to see.
function methods:shut_down()
	local x = presence.user_x(self.env, "332");
	for _, occupant in self:each_occupant() do
		occupant.role = nil;
		self:save_occupant(occupant);
		self:publicise_to_self(occupant, x);
	end
end

--- Ends the room: everybody is told why and where the talk goes on, then it is gone. True, or false and an error type.
function methods:destroy(new_jid, reason, password)
	local x = presence.user_x(self.env);
	local event = { room = self, newjid = new_jid, reason = reason, password = password, x = x, allowed = true };
	self.env.emit("muc-pre-room-destroy", event);
	if not event.allowed then
		return false, event.error;
	end
	x:tag("destroy", { jid = event.newjid });
	for _, name in ipairs({ "reason", "password" }) do
		if event[name] then
			x:text_tag(name, event[name]);
		end
	end
	event.room.destroying = event.reason or true;
	self:clear(x:up());
	self.env.emit("muc-room-destroyed",
		{ room = self, reason = event.reason, newjid = event.newjid, password = event.password });
	return true;
end

local function destroy(self, stanza, child)
	local new_jid, reason = child.attr.jid, child:get_child_text("reason");
	local password = child:get_child_text("password");
	if new_jid and not self.env.jid.prep(new_jid) then
		return self.env.st.error_reply(stanza, "modify", "jid-malformed", "This is no address to go to", self.jid);
	elseif not self:is_text_allowed(reason) or not self:is_text_allowed(password) then
		return self.env.st.error_reply(stanza, "modify", "policy-violation", "This is too long", self.jid);
	end
	local ok, kind = self:destroy(new_jid, reason, password);
	if not ok then
		return self.env.st.error_reply(stanza, kind or "cancel", "not-allowed", nil, self.jid);
	end
	return self.env.st.reply(stanza);
end

local function is_owner(self, origin, stanza)
	if self:get_affiliation(stanza.attr.from) == "owner" then
		return true;
	end
	self:refuse_query(origin, stanza, "auth", "forbidden", "Only owners of the room may do that");
	return false;
end

--- As `refuse`, for an IQ: what was asked comes back with it.
function methods:refuse_query(origin, stanza, kind, condition, text)
	local answer = self.env.st.error_reply(stanza, kind, condition, text, self.jid):reset();
	if stanza.tags[1] then
		table.insert(answer, 1, self.env.st.clone(stanza.tags[1]));
		table.insert(answer.tags, 1, answer[1]);
	end
	self.env.plan:reply(origin, answer);
	return true;
end

function methods:handle_owner_query_get_to_room(origin, stanza)
	return not is_owner(self, origin, stanza) or self:send_form(origin, stanza);
end

function methods:handle_owner_query_set_to_room(origin, stanza)
	if not is_owner(self, origin, stanza) then
		return true;
	end
	local child = stanza.tags[1].tags[1];
	if child and child == stanza.tags[1]:get_child("destroy") then
		-- Section 10.9: first everybody is told, then the owner.
		self.env.plan:reply(origin, destroy(self, stanza, child));
		return true;
	elseif child and child.name == "x" and child.attr.xmlns == ns.DATA then
		return self:process_form(origin, stanza);
	end
	return self:refuse_query(origin, stanza, "modify", "bad-request", "Neither a form nor <destroy/>");
end

-- An empty room that does not stay is gone.
local function destroy_empty(event)
	local room = event.room;
	if not room.destroying and not room:has_occupant() and not room:get_persistent() then
		room.destroying = true;
		room.env.emit("muc-room-destroyed", { room = room });
	end
end

local function note_end(event)
	event.room.env.plan:add({ kind = "destroy", room = event.room, event = event }, true);
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-left", destroy_empty, -1 };
		{ "muc-room-destroyed", note_end, 0 };
	};
};
