-- SPDX-License-Identifier: MIT
-- load: messages from one logged-in user to another as fast as a script can: stanzas are sent in batches,
-- and found in what arrives by their id alone, without an XML parser.
local socket = require "socket";
local loop = require "e2e.loop";

local load = {};

local PATIENCE = 20; -- seconds without anything arriving
local BODY = ("x"):rep(200);
local BATCH = 32;

-- The two sockets, taken out of the hands of the test client.
local function sockets_of(from, to)
	loop.unwatch(from.stream.conn);
	loop.unwatch(to.stream.conn);
	return from.stream.conn, to.stream.conn;
end

local function stanza(to, number)
	return ("<message to='%s' type='chat' id='n%d'><body>%s</body></message>"):format(to.full_jid, number, BODY);
end

local function send_all(conn, data)
	local at = 0;
	while at < #data do
		local last, err, partial = conn:send(data, at + 1);
		at = last or partial;
		assert(last or err == "timeout", err);
		if not last then
			socket.select(nil, { conn }, PATIENCE);
		end
	end
end

-- Calls `each(number)` for every message in what has arrived; what is cut off waits for its rest.
local function receive(conn, rest, each)
	local data, err, partial = conn:receive(65536);
	assert(data or err == "timeout", err);
	data = rest .. (data or partial);
	local cut = 1;
	for number, next_at in data:gmatch("id=['\"]n(%d+)['\"].-</message>()") do
		each(tonumber(number));
		cut = next_at;
	end
	return data:sub(cut);
end

-- Sends `count` messages, never more than `window` on the way. Returns seconds.
function load.flood(from, to, count, window)
	local out, inn = sockets_of(from, to);
	local sent, got, rest, begin = 0, 0, "", socket.gettime();
	local function arrived(number)
		got = got + 1;
		assert(number == got, "a message is missing or out of order");
	end
	while got < count do
		while sent < count and sent + BATCH <= got + window do
			local batch = {};
			for i = 1, math.min(BATCH, count - sent) do
				batch[i] = stanza(to, sent + i);
			end
			sent = sent + #batch;
			send_all(out, table.concat(batch));
		end
		assert(#socket.select({ inn }, nil, PATIENCE) > 0, "messages got lost");
		rest = receive(inn, rest, arrived);
	end
	return socket.gettime() - begin;
end

-- Sends `count` messages, `rate` a second, whatever becomes of them. Returns how long each took, in seconds.
function load.steady(from, to, count, rate)
	local out, inn = sockets_of(from, to);
	local sent_at, took, rest, begin = {}, {}, "", socket.gettime();
	while #took < count do
		local due = begin + #sent_at / rate;
		local now = socket.gettime();
		if #sent_at < count and now >= due then
			sent_at[#sent_at + 1] = now;
			send_all(out, stanza(to, #sent_at));
		end
		local wait = #sent_at < count and math.max(0, begin + #sent_at / rate - socket.gettime()) or PATIENCE;
		if #socket.select({ inn }, nil, wait) > 0 then
			rest = receive(inn, rest, function (number) took[#took + 1] = socket.gettime() - sent_at[number]; end);
		else
			assert(#sent_at < count or wait < PATIENCE, "messages got lost");
		end
	end
	return took;
end

return load;
