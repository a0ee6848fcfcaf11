-- SPDX-License-Identifier: MIT
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;

local USER = "http://jabber.org/protocol/muc#user";
local ROMEO, JULIET = "romeo@example.org/orchard", "juliet@example.org/balcony";

local function codes(stanza)
	local found = {};
	local x = stanza:get_child("x", USER);
	for child in (x or st.stanza("x")):childtags("status") do
		found[#found + 1] = child.attr.code;
	end
	table.sort(found);
	return table.concat(found, " ");
end

local function item(stanza)
	return stanza:get_child("x", USER):get_child("item").attr;
end

describe("a room", function ()
	local world;

	before_each(function ()
		world = rooms_world.new();
	end);

	it("is locked until its owner accepts the configuration", function ()
		local room = world:create(ROMEO, "romeo");
		assert.equal("110 201", codes(world:take_for(ROMEO)[1]));
		world:join(room, JULIET, "juliet");
		local _, condition = world:take_for(JULIET)[1]:get_error();
		assert.equal("item-not-found", condition);
		world:give(room, "handle_owner_query_set_to_room", st.iq({ type = "set", id = "1", from = ROMEO, to = room.jid })
			:query("http://jabber.org/protocol/muc#owner"):tag("x", { xmlns = "jabber:x:data", type = "submit" }));
		world:take();
		world:join(room, JULIET, "juliet");
		local got = world:take_for(JULIET);
		assert.equal("room@rooms.example.org/romeo", got[1].attr.from);
		assert.equal("110", codes(got[2]));
		assert.is_truthy(got[3]:get_child("subject"));
	end);

	it("reads who may write in private in the words of mod_muc_restrict_pm, too", function ()
		local room = world:create(ROMEO, "romeo");
		for stored, who in pairs({ members = "affiliated", everyone = "visitor", moderator = "moderator" }) do
			room._data.allow_pm = stored;
			assert.equal(who, room:get_allow_pm());
		end
	end);

	it("that stays locked is destroyed in time", function ()
		local room = world:create(ROMEO, "romeo");
		local timer = world.operations[1];
		assert.equal("timer", timer.kind);
		assert.equal(1300, timer.at);
		world:take();
		world.time = 1300;
		world.env.plan:run(timer.call, room);
		local gone = world:take_for(ROMEO)[1];
		assert.equal("unavailable", gone.attr.type);
		assert.is_truthy(gone:get_child("x", USER):get_child("destroy"));
		assert.equal("destroy", world.operations[#world.operations].kind);
	end);

	it("tells moderators alone who is who", function ()
		world.env.options.locking = false;
		local room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:join(room, "mercutio@example.org/square", "mercutio");
		for _, stanza in ipairs(world:take_for(JULIET)) do
			local x = stanza:get_child("x", USER);
			if x and not stanza.attr.from:find("/juliet$") then
				assert.is_nil(x:get_child("item").attr.jid);
			end
		end
		local seen = world:take_for(ROMEO);
		assert.equal("mercutio@example.org/square", item(seen[#seen]).jid);
	end);

	it("sends to those who are there now, also where a wrapper of it was told who comes and goes", function ()
		world.env.options.locking = false;
		local room = world:create(ROMEO, "romeo");
		local wrapper = setmetatable({}, { __index = room });
		local function heard_by()
			world:take();
			room:broadcast(st.message({ from = room.jid, type = "groupchat" }));
			local list = {};
			for i, stanza in ipairs(world:take()) do
				list[i] = stanza.attr.to;
			end
			table.sort(list);
			return list;
		end
		assert.same({ ROMEO }, heard_by());
		world:join(room, JULIET, "juliet");
		assert.same({ JULIET, ROMEO }, heard_by());
		local occupant = wrapper:get_occupant_by_real_jid(JULIET);
		occupant:remove_session(JULIET);
		wrapper:save_occupant(occupant);
		assert.same({ ROMEO }, heard_by());
	end);

	it("survives being stored, with who is in it", function ()
		world.env.options.locking = false;
		local room = world:create(ROMEO, "romeo");
		room:set_affiliation(true, "juliet@example.org", "member");
		local again = world.kit.restore_room(room:freeze(true));
		assert.equal("member", again:get_affiliation(JULIET));
		assert.equal("room@rooms.example.org/romeo", again:get_occupant_jid(ROMEO));
		assert.equal("moderator", again:get_role("room@rooms.example.org/romeo"));
	end);
end);

describe("a plan", function ()
	it("lets an answer pass what it has caused, and lets a kick pass the answer", function ()
		local world = rooms_world.new({ locking = false });
		local room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
		world:give(room, "handle_admin_query_set_command", st.iq({ type = "set", id = "1", from = ROMEO, to = room.jid })
			:query("http://jabber.org/protocol/muc#admin"):tag("item", { nick = "juliet", role = "none" }));
		local names = {};
		for i, stanza in ipairs(world:take()) do
			names[i] = stanza.name .. " " .. stanza.attr.to;
		end
		assert.same({ "presence " .. JULIET, "iq " .. ROMEO, "presence " .. ROMEO }, names);
	end);

	it("is carried out up to an error, held operations included", function ()
		local carried;
		local plan = require "sx.muc.plan".new(function (operations) carried = operations; end);
		local ok, err = pcall(plan.run, plan, function ()
			plan:send("first");
			plan:after_answer({}, function ()
				plan:send("second");
				plan:after_answer({}, function ()
					plan:send("third");
					error("a mishap");
				end);
			end);
		end);
		assert.is_false(ok);
		assert.is_truthy(err:find("a mishap"));
		assert.same({ "first", "second", "third" }, { carried[1].stanza, carried[2].stanza, carried[3].stanza });
		assert.is_nil(plan.held);
		assert.equal(0, plan.depth);
	end);

	it("saves a room once", function ()
		local carried;
		local plan = require "sx.muc.plan".new(function (operations) carried = operations; end);
		plan:run(function ()
			plan:save("room");
			plan:save("other");
			plan:save("room", true);
		end);
		assert.equal(2, #carried);
		assert.is_true(carried[1].forced);
	end);
end);
