-- SPDX-License-Identifier: MIT
-- mam: what is in the archive of a room (XEP-0313).
local xml = require "e2e.xml";

local MAM, FORWARD = "urn:xmpp:mam:2", "urn:xmpp:forward:0";

-- The messages that this user gets of the archive: a list of { id, message }.
return function (t, who)
	who:forgets();
	local answer = who:set(("<query xmlns='%s' queryid='q'/>"):format(MAM));
	t.check(xml.child(answer, "fin", MAM), "no <fin/>");
	local list = {};
	for _, one in ipairs(who:hears()) do
		local result = xml.child(one, "result", MAM);
		if result then
			list[#list + 1] = { result.attr.id, xml.child(xml.child(result, "forwarded", FORWARD), "message") };
		end
	end
	return list;
end
