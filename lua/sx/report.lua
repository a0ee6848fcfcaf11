-- SPDX-License-Identifier: MIT
-- report: what the admin shell shows of the transport, as rows and lines.

local peer_columns = {
	{ title = "Host", width = 20 };
	{ title = "Dir", width = 3 };
	{ title = "Remote", width = 20 };
	{ title = "Address", width = 28 };
	{ title = "RTT ms", width = 7, align = "right" };
	{ title = "Handshake ms", width = 12, align = "right" };
	{ title = "Unacked", width = 8, align = "right" };
	{ title = "Path", width = "100%" };
};

local function milliseconds(ns)
	return ("%.1f"):format((ns or 0) / 1e6);
end

local function direction(session)
	if session.incoming and session.outgoing then
		return "<->";
	end
	return session.direction == "outgoing" and "-->" or "<--";
end

local function peer_row(runtime, conn, session)
	local state = runtime.driver.context:state(conn.handle) or {};
	local outgoing = session.direction == "outgoing";
	return {
		outgoing and session.from_host or session.to_host or "?";
		direction(session);
		outgoing and session.to_host or session.from_host or "?";
		conn.scion_addr or "?";
		milliseconds(state.rtt_ns);
		milliseconds(state.handshake_ns);
		tostring((state.unsent or 0) + (state.unacked or 0));
		conn:scion_path() or "?";
	};
end

--- One row for each server stream over SCION, sorted by remote domain.
local function peers(runtime, sessions)
	local rows = {};
	for conn, session in pairs(sessions) do
		if conn.scion and runtime.driver then
			rows[#rows + 1] = peer_row(runtime, conn, session);
		end
	end
	table.sort(rows, function (a, b)
		return a[3]..a[1] < b[3]..b[1];
	end);
	return rows;
end

local function paths(runtime, isd_as)
	if not runtime.driver then
		return nil, runtime.down or "the SCION transport does not run";
	end
	local list, err, name = runtime.driver.context:paths(isd_as);
	if name == "EMALFORMED" then
		err = ("%q is no AS; name one such as \"2-ff00:0:211\""):format(isd_as);
	end
	return list, err;
end

local function counter_lines(lines, counters)
	local names = {};
	for name in pairs(counters) do
		names[#names + 1] = name;
	end
	table.sort(names);
	for _, name in ipairs(names) do
		lines[#lines + 1] = ("  %-18s %d"):format(name, counters[name]);
	end
end

--- Lines about the transport: where it runs or why not, counters, and peers it leaves alone for a while.
local function status(runtime)
	local lines = {};
	if runtime.driver then
		lines[1] = ("Running at %s, UDP port %d"):format(runtime.opened.address, runtime.opened.port);
		counter_lines(lines, runtime.driver.context:counters());
	end
	if runtime.down or not runtime.driver then
		lines[#lines + 1] = runtime.down or "Not running";
	end
	for domain in pairs(runtime.backoff and runtime.backoff.entries or {}) do
		local left, reason = runtime.backoff:left(domain);
		if left then
			lines[#lines + 1] = ("No dial to %s for %d s: %s"):format(domain, left, reason);
		end
	end
	return lines;
end

return { peer_columns = peer_columns, peers = peers, paths = paths, status = status };
