-- SPDX-License-Identifier: MIT
-- rooms_filters: what u2 is sent does things to others while a room still sends: "toggle" puts a filter on u3, which
-- marks what it is sent, or takes it off; "close" ends the session of u4.
local add_filter, remove_filter = require "util.filters".add_filter, require "util.filters".remove_filter;

local st = require "util.stanza";

local host_sessions = prosody.hosts[module.host].sessions;

local function session_of(name)
	local user = host_sessions[name];
	return user and select(2, next(user.sessions));
end

local function mark(stanza)
	return stanza.name == "message" and st.clone(stanza):tag("seen", { xmlns = "urn:example:seen" }):up() or stanza;
end

local function act(stanza)
	local what = stanza.name == "message" and stanza:get_child_text("body") or "";
	local marked, closed = session_of("u3"), session_of("u4");
	if what:find("^toggle") and marked and not remove_filter(marked, "stanzas/out", mark) then
		add_filter(marked, "stanzas/out", mark);
	elseif what:find("^close") and closed then
		closed:close();
	end
	return stanza;
end

module:hook("resource-bind", function (event)
	if event.session.username == "u2" then
		add_filter(event.session, "stanzas/out", act);
	end
end);
