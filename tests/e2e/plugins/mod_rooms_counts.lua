-- SPDX-License-Identifier: MIT
-- rooms_counts: tells a session what XEP-0198 has counted for it: stanzas it has sent, this question among them, those
-- it has acknowledged, and those that were sent to it since.
local st = require "util.stanza";

local XMLNS = "urn:x-prosody-scion:counts";

module:hook("iq-get/self/" .. XMLNS .. ":counts", function (event)
	local session, queue = event.origin, event.origin.outgoing_stanza_queue;
	session.send(st.reply(event.stanza):tag("counts", {
		xmlns = XMLNS, handled = ("%d"):format(session.handled_stanza_count), acked = ("%d"):format(queue:count_acked()),
		unacked = ("%d"):format(queue:count_unacked()),
	}));
	return true;
end);
