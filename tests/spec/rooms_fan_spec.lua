-- SPDX-License-Identifier: MIT
-- What is serialised once for many, and in which order it leaves.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local core = dofile "tests/spec/face.lua".load();
local new_outbox = require "sx.muc.outbox".new;
local splice = require "sx.muc.splice";
local st = rooms_world.st;

local ODD = "'\"<&>";

-- Names and values of the attributes of the first tag, sorted; and what follows it.
local function parts(text)
	local name, top, rest = text:match("^<(%w+)%s*(.-)(/?>.*)$");
	local list = {};
	for key, value in top:gmatch("([%w:]+)='([^']*)'") do
		list[#list + 1] = key .. "=" .. value;
	end
	table.sort(list);
	return name .. " " .. table.concat(list, " ") .. rest;
end

local function spliced(stanza, to)
	local form = splice.new(st, stanza);
	return form.head .. splice.escape(st, to) .. form.tail;
end

describe("a spliced stanza", function ()
	local stanzas = {
		["without anything"] = st.presence(),
		["with attributes"] = st.presence({ from = "r@x/" .. ODD, id = ODD, ["xml:lang"] = "en" }),
		["with text alone"] = st.message():text(ODD .. "%d%%"),
		["with children"] = st.message({ type = "groupchat" }):text_tag("body", ODD):tag("x", { xmlns = "urn:x:" .. ODD })
			:tag("y"):text("%1"):up():tag("z", { a = ODD }):reset(),
		["with a recipient of its own"] = st.iq({ type = "get", to = "somebody@else", id = "1" }):tag("query"):reset(),
	};
	for what, stanza in pairs(stanzas) do
		it(what .. " is what util.stanza makes of it", function ()
			local to = "u@x/" .. ODD;
			local copy = st.clone(stanza);
			copy.attr.to = to;
			assert.equal(parts(tostring(copy)), parts(spliced(stanza, to)));
		end);
	end

	it("has the recipient first", function ()
		assert.matches("^<presence to='u@x/r' ", spliced(st.presence({ from = "r@x/n" }), "u@x/r"));
	end);

	it("keeps attributes with a namespace", function ()
		local text = spliced(st.message({ ["urn:x\1a"] = "1" }), "u@x");
		assert.matches("xmlns:ns1='urn:x'", text, 1, true);
		assert.matches("ns1:a='1'", text, 1, true);
	end);

	it("names its namespace on a WebSocket", function ()
		local form = splice.new(st, st.message({ id = "1" }):text_tag("body", "x"));
		assert.equal("' xmlns='jabber:client' id='1'><body>x</body></message>", splice.framed_tail(form));
	end);

	it("has copies with one element more, however many there are", function ()
		for _, count in ipairs({ 0, 1, 49, 50, 51, 9000 }) do
			local stanza = st.message({ id = "1", ["xml:lang"] = "en" });
			for i = 1, count do
				stanza:tag("c", { n = tostring(i) }):up();
			end
			local form = splice.new(st, stanza);
			local last = splice.element(form, "delay", { xmlns = "urn:xmpp:delay", stamp = "now" });
			for _, more in ipairs({ false, last }) do
				local copy, size = splice.copy(form, "u@x/r", more or nil), more and count + 1 or count;
				assert.same({ id = "1", to = "u@x/r", ["xml:lang"] = "en" }, copy.attr);
				assert.same({ "message", size, size }, { copy.name, #copy, #copy.tags });
				local others = 0;
				for i = 1, size do
					local is_it = rawequal(copy[i], stanza[i] or last) and rawequal(copy[i], copy.tags[i]);
					others = others + (is_it and 0 or 1);
				end
				assert.equal(0, others);
			end
			assert.same({ count, count }, { #stanza, #stanza.tags });
		end
	end);

	it("has copies that share what is inside, and nothing else", function ()
		local stanza = st.message({ id = "1" }):text_tag("body", "x");
		local copy = splice.copy(splice.new(st, stanza), "u@x/r");
		copy:tag("delay"):up();
		copy.attr.id = "2";
		assert.equal("u@x/r", copy.attr.to);
		assert.is_true(rawequal(copy.tags[1], stanza.tags[1]));
		assert.equal(1, #stanza.tags);
		assert.equal("1", stanza.attr.id);
		assert.is_true(st.is_stanza(copy));
	end);
end);

if not core then
	pending("the outbox needs the core");
	return;
end

describe("the outbox", function ()
	local time, sent, later, box, on_deliver, full, most_taken, pieces;

	before_each(function ()
		time, sent, later, on_deliver, full, most_taken, pieces = 0, {}, {}, nil, {}, {}, {};
		box = new_outbox {
			core = core.fan(), now = function () return time; end, soon = function (f) later[#later + 1] = f; end,
			begin = function () end, fail = function (err) sent[#sent + 1] = "failed"; sent.why = err; end,
			find = function (to)
				if not to:find("^stranger") then
					return to:match("@(.*)$") or to, to;
				end
			end,
			direct = function (form, to) sent[#sent + 1] = ("%s!%s"):format(to, form.id); end,
			at_rest = function () sent[#sent + 1] = "at rest"; end,
			lose = function (number) sent[#sent + 1] = ("%d lost"):format(number); end,
			overflow = function (key) sent[#sent + 1] = ("%d over %s"):format(box:drop(key), key); end,
			deliver = function (key, batch, count, _, _, is_last, piece)
				local list = {};
				pieces[#pieces + 1] = piece or "all";
				local takes = is_last and count or math.min(count, most_taken[key] or count);
				for i = 1, takes do
					local form, to = box:entry(batch, i);
					list[i] = (to ~= key and to .. "=" or "") .. form.id;
				end
				sent[#sent + 1] = key .. ":" .. table.concat(list, ",");
				if on_deliver then
					on_deliver(key);
				end
				if full[key] or takes < count then
					box:hold(key);
				end
				return takes + 1;
			end,
		};
	end);

	after_each(function ()
		box, later = nil, nil;
		collectgarbage();
		assert.equal(0, core.live_objects());
	end);

	local function form_of(id, size)
		return { id = id, head = "<", tail = (">"):rep(size or 1), marks = 0 };
	end

	local function put(to, id, size)
		box:put(form_of(id, size), to);
	end

	local function run_later()
		local due = later;
		later = {};
		for _, f in ipairs(due) do
			f();
		end
	end

	local function log()
		local text = table.concat(sent, " ");
		sent = {};
		return text;
	end

	it("delivers what waits for one together, in the order of first mention", function ()
		put("a", 1);
		box:fan(form_of(2), { "b", "a" });
		box:settle();
		assert.equal("", log());
		run_later();
		assert.equal("a:1,2 b:2", log());
		assert.equal(0, box:bytes());
	end);

	it("delivers what is for one server together", function ()
		box:fan(form_of(1), { "u@x", "v@y", "v@x", "x" });
		put("u@x", 2);
		box:flush();
		assert.equal("x:u@x=1,v@x=1,1,u@x=2 y:v@y=1", log());
	end);

	it("sends at once what is for nobody it knows", function ()
		box:fan(form_of(1), { "a", "stranger", "b" });
		put("stranger", 2);
		box:flush();
		assert.equal("stranger!1 stranger!2 a:1 b:1", log());
	end);

	it("finds a recipient again that has been forgotten", function ()
		put("a", 1);
		box:forget("a");
		put("a", 2);
		box:flush();
		assert.equal("a:1 a:2", log());
	end);

	it("delivers one queue before the others, once", function ()
		put("a", 1);
		put("b", 2);
		box:flush_key("b");
		box:flush_key("c");
		box:flush(true);
		assert.equal("b:2 a:1", log());
	end);

	it("forgets what is dropped, and says how much that was", function ()
		put("a", 1);
		put("a", 2);
		assert.equal(2, box:drop("a"));
		assert.equal(0, box:drop("a"));
		assert.equal(0, box:drop("b"));
		box:flush(true);
		assert.equal("", log());
	end);

	it("delivers what is put while it delivers, after it", function ()
		put("a", 1);
		on_deliver = function (key)
			on_deliver = nil;
			put(key, 2);
			box:settle();
			box:flush_key(key);
			box:flush(true);
		end;
		box:flush();
		assert.equal("a:1 a:2", log());
	end);

	it("goes on with the others where one fails", function ()
		put("a", 1);
		put("b", 2);
		on_deliver = function ()
			on_deliver = nil;
			error("broken");
		end;
		box:flush();
		assert.equal("a:1 failed b:2", log());
	end);

	it("flushes at once what is old, or much", function ()
		put("a", 1);
		time = 0.006;
		box:settle();
		assert.equal("a:1", log());
		put("b", 2, 2000000);
		box:settle();
		assert.equal("b:2", log());
	end);

	it("goes on in the next turn with what takes too long, in order", function ()
		for i = 1, 30 do
			put("k" .. i, i);
		end
		on_deliver = function () time = time + 0.003; end;
		box:flush();
		local first = #sent;
		assert.is_true(first < 30);
		put("k30", 31);
		put("k1", 32);
		while later[1] do
			run_later();
		end
		assert.equal("k30:30,31", sent[30]);
		assert.equal("k1:32", sent[31]);
		assert.is_true(box.slow_turns > 0);
		assert.equal(0, box:bytes());
	end);

	it("goes on in the next turn after a large one that took too long", function ()
		for i = 1, 3 do
			put("k" .. i, i, 65536);
		end
		on_deliver = function () time = time + 0.016; end;
		box:flush();
		assert.equal("k1:1", log());
		run_later();
		assert.equal("k2:2", log());
		run_later();
		assert.equal("k3:3", log());
	end);

	it("delivers in pieces, but all of it where something comes after", function ()
		put("a", 1);
		box:flush();
		put("a", 2);
		box:flush_key("a");
		put("a", 3);
		box:flush_all();
		put("a", 4, 1048577); -- one that joins is not one that does not read
		box:flush();
		assert.same({ 65536, "all", "all", "all" }, pieces);
	end);

	it("flushes everything where that is wanted", function ()
		for i = 1, 30 do
			put("k" .. i, i);
		end
		on_deliver = function () time = time + 1; end;
		box:flush(true);
		assert.equal(30, #sent);
	end);

	it("lets storms wait for the rest", function ()
		box.is_bulk = true;
		put("a", 1);
		box.is_bulk = false;
		put("b", 2);
		box:flush();
		assert.equal("b:2 a:1", log());
	end);

	it("keeps what is for one that does not read, until it does", function ()
		full.a = true;
		box:fan(form_of(1), { "a", "b" });
		box:flush();
		box:fan(form_of(2), { "a", "b" });
		box:flush();
		assert.equal("a:1 b:1 b:2", log());
		assert.equal(0, box:bytes());
		full.a = nil;
		box:release("a");
		run_later();
		assert.equal("at rest a:2", log());
		box:release("a");
		assert.equal("", log());
	end);

	it("gives what is held to a recipient that is asked for, and at the end", function ()
		full.a = true;
		put("a", 1);
		box:flush();
		put("a", 2);
		box:flush_key("a");
		put("a", 3);
		box:flush_all();
		assert.equal("a:1 a:2 at rest a:3", log());
	end);

	it("delivers everything before it is closed, and nothing afterwards", function ()
		full.a = true;
		put("a", 1);
		box:flush();
		put("a", 2);
		box:close();
		assert.equal("a:1 at rest a:2", log());
		box:flush_key("a");
		box:flush_all();
		box:settle();
		box:release("a");
		box:forget("a");
		assert.equal(0, box:drop("a") + box:bytes());
		assert.equal("", log());
	end);

	it("gives up one for whom too much waits", function ()
		full.a, box.most = true, 10000;
		put("a", 1);
		box:flush();
		for i = 2, 5 do
			put("b", i, 4000);
			put("a", i, 4000);
			box:settle();
		end
		box:flush();
		assert.equal("a:1 3 over a b:2,3,4,5", log());
	end);

	it("keeps as much for each user of a server", function ()
		full.x, box.most = true, 10000;
		put("u@x", 1);
		box:flush();
		for i = 2, 6 do
			box:fan(form_of(i, 4000), { "u@x", "v@x" });
			box:settle();
		end
		assert.equal("x:u@x=1 8 over x", log());
	end);

	it("says how much it could not keep for want of memory", function ()
		local real = box.core;
		box.core = setmetatable({ give_back = function () end }, { __index = function (_, name)
			return function (_, ...) return real[name](real, ...); end;
		end });
		most_taken.a = 2;
		for i = 1, 5 do
			put("a", i);
		end
		box:flush();
		assert.equal("a:1,2 3 lost", log());
		assert.equal(0, box:bytes());
	end);

	it("keeps what a recipient does not take, before what comes later", function ()
		most_taken.a = 2;
		for i = 1, 5 do
			put("a", i);
		end
		put("b", 1);
		box:flush();
		put("a", 6);
		box:release("a");
		box:flush();
		assert.equal("a:1,2 b:1 at rest a:3,4", log());
		put("a", 7);
		box:flush_key("a");
		box:close();
		assert.equal("a:5,6 at rest a:7", log());
	end);

	it("keeps no form and no address for ever", function ()
		local kept = {};
		for i = 1, 10000 do
			kept[i] = form_of(i, 100);
			box:put(kept[i], "u" .. i);
			if i % 10 == 0 then
				box:flush();
			end
		end
		local _, bytes, entries, addresses, forms = box.core:state();
		assert.same({ 0, 0 }, { bytes, entries });
		assert.is_true(addresses < 4200 and forms < 2700);
		box:put(kept[1], "u1"); -- and yet both can be used again
		sent = {};
		box:flush();
		assert.equal("u1:1", log());
	end);
end);
