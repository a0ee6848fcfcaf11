-- SPDX-License-Identifier: MIT
-- meeting: people of different servers meet for a group call in a room on another server, and what each of them sees.
local call = require "e2e.call";

local meeting = {};

local OPEN = { ["muc#roomconfig_whois"] = "anyone", ["muc#roomconfig_persistentroom"] = "0" };
local PATIENCE = 20; -- seconds for one to enter: the first contact of two servers included

local function enter(one, is_first)
	if not is_first then
		one:enter(PATIENCE);
		return;
	end
	one:create();
	one:unlock(OPEN);
end

local function show_transcript(people, say)
	for _, line in ipairs(call.transcript(people)) do
		say("  %8.1f ms  %s", line[1] * 1000, line[2]);
	end
end

local function show_views(people, say)
	for _, one in ipairs(people) do
		say("\n  What %s sees in %s:", one.user.jid, one.room);
		for line in one:view():gmatch("[^\n]+") do
			say("    %s", line);
		end
	end
end

--- Lets users (of e2e.client) meet in a room that is not there yet; the first of them makes it. `say(format, ...)` gets
--- the transcript, and what each sees in the end. Raises when somebody does not see what it should.
function meeting.hold(users, room, say)
	local people = {};
	for i, user in ipairs(users) do
		people[i] = call.person(user, user.username, room);
	end
	for i, one in ipairs(people) do
		enter(one, i == 1);
	end
	call.wait_until_met(people, PATIENCE);
	show_transcript(people, say);
	show_views(people, say);
	for _, one in ipairs(people) do
		one:stop();
	end
end

return meeting;
