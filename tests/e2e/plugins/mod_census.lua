-- SPDX-License-Identifier: MIT
-- mod_census: answers an IQ <census xmlns='urn:example:census'/> with what Prosody's Lua needs after a full collection,
-- in bytes, and how many rooms the component holds in memory, without those that only say that they are gone.
local st = require "util.stanza";

module:hook("iq-get/host/urn:example:census:census", function (event)
	collectgarbage();
	collectgarbage();
	local rooms = 0;
	for room in prosody.hosts[module.host].modules.muc.live_rooms() do
		rooms = rooms + (room._data.destroyed and 0 or 1);
	end
	event.origin.send(st.reply(event.stanza):tag("census", {
		xmlns = "urn:example:census", bytes = ("%d"):format(collectgarbage("count") * 1024), rooms = ("%d"):format(rooms),
	}));
	return true;
end);
