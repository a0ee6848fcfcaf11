-- SPDX-License-Identifier: MIT
-- activity: how much is said in a room, in messages an hour (XEP-0502), over the last day. `_data.activity`: since, and
-- hours, a list of { hour = since the epoch, count }, the oldest first. It is stored whenever the room is.
local methods = {};

local HOUR, WINDOW = 3600, 24;

-- What a person would see as a message of its own: not a correction of one, and with text.
local function counts(room, stanza)
	return stanza.name == "message" and stanza.attr.type == "groupchat" and stanza:get_child("body") ~= nil
		and room.env.jid.resource(stanza.attr.from) ~= nil and not stanza:get_child("replace", "urn:xmpp:message-correct:0");
end

local function forget_old(hours, hour)
	while hours[1] and hours[1].hour <= hour - WINDOW do
		table.remove(hours, 1);
	end
end

local function note(event)
	local room, now = event.room, event.room.env.now();
	if not counts(room, event.stanza) then
		return;
	end
	local activity = room._data.activity or { since = math.floor(now), hours = {} };
	room._data.activity = activity;
	local hour = math.floor(now / HOUR);
	local last = activity.hours[#activity.hours];
	if last and last.hour == hour then
		last.count = last.count + 1;
	else
		table.insert(activity.hours, { hour = hour, count = 1 });
		forget_old(activity.hours, hour);
	end
end

--- Messages an hour, or nil where nothing is known yet.
function methods:get_message_activity()
	local activity, now = self._data.activity, self.env.now();
	if not activity then
		return nil;
	end
	local hour, sum = math.floor(now / HOUR), 0;
	forget_old(activity.hours, hour);
	for _, entry in ipairs(activity.hours) do
		sum = sum + entry.count;
	end
	local from = math.max(activity.since, (hour - WINDOW + 1) * HOUR);
	return sum / math.max(1, (now - from) / HOUR);
end

local function is_told(room)
	return room:get_persistent() and room:get_public() and not room:get_password() and not room:get_members_only();
end

local function tell(event)
	local rate = is_told(event.room) and event.room:get_message_activity();
	if rate then
		local name = "{urn:xmpp:muc-activity}message-activity";
		table.insert(event.form, { name = name, type = "text-single", label = "Messages per hour" });
		event.formdata[name] = ("%.2f"):format(rate);
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-broadcast-message", note, 0 };
		{ "muc-disco#info", tell, -1 };
	};
};
