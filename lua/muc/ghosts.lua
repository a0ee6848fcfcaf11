-- SPDX-License-Identifier: MIT
-- ghosts: occupants whose server has gone without a word. A message that says nothing goes to each of them. A session
-- that is there ignores it; for one that is not, a server answers with an error, and handle_kickable takes it out
-- (status 333). An IQ would not do: clients that do not know its payload answer with the same error.
local ns = require "sx.muc.ns";

local methods = {};

--- The sessions in the room of users of a domain: a list of full real JIDs.
function methods:sessions_of(domain)
	local list = {};
	for real_jid in pairs(self._jid_nick) do
		list[#list + 1] = self.env.jid.host(real_jid) == domain and real_jid or nil;
	end
	return list;
end

--- Looks whether these sessions are still there.
function methods:probe_sessions(real_jids)
	local nothing = self.env.st.message({ type = "groupchat", from = self.jid, id = self.env.id() })
		:tag("x", { xmlns = ns.USER }):up():tag("no-store", { xmlns = ns.HINTS }):up();
	self.env.plan:fan(nothing, real_jids);
end

return { methods = methods };
