-- SPDX-License-Identifier: MIT
-- Versions of affiliations (XEP-0463, item C17).
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;

local MAV, USER, MUC = "urn:xmpp:muc:affiliations:1", "http://jabber.org/protocol/muc#user",
	"http://jabber.org/protocol/muc";
local ROMEO, JULIET, PHONE = "romeo@example.org/orchard", "juliet@example.org/balcony", "romeo@example.org/phone";

describe("versions of affiliations", function ()
	local world, room;

	before_each(function ()
		world = rooms_world.new({ locking = false });
		room = world:create(ROMEO, "romeo");
		world:take();
	end);

	-- Joins with <mav/>, or not, and returns what came.
	local function join(from, nick, since)
		local stanza = st.presence({ from = from, to = room.jid .. "/" .. nick, id = "j" }):tag("x", { xmlns = MUC });
		if since then
			stanza:tag("mav", { xmlns = MAV, since = since ~= true and since or nil }):up();
		end
		world:take();
		world:give(room, "handle_presence_to_occupant", stanza:reset());
		return world:take_for(from);
	end

	local function mav_of(stanza)
		local x = stanza:get_child("x", USER);
		local mav = x and x:get_child("mav", MAV);
		return mav and mav.attr or {};
	end

	local function items(stanza)
		local list = {};
		for item in stanza:get_child("x", USER):childtags("item") do
			list[#list + 1] = ("%s=%s"):format(item.attr.jid, item.attr.affiliation);
		end
		return table.concat(list, " ");
	end

	local function self_presence(stanzas)
		for _, stanza in ipairs(stanzas) do
			for status in (stanza:get_child("x", USER) or st.stanza("x")):childtags("status") do
				if status.attr.code == "110" then
					return stanza;
				end
			end
		end
	end

	it("are told with one's own presence, and a full list before it to who has none", function ()
		room:set_affiliation(true, "nurse@example.org", "member");
		local got = join(PHONE, "romeo", true);
		assert.equal("message", got[1].name);
		assert.equal("nurse@example.org=member romeo@example.org=owner", items(got[1]));
		assert.is_nil(mav_of(got[1]).since);
		local version = mav_of(got[1])["until"];
		assert.is_truthy(version);
		assert.equal(version, mav_of(self_presence(got))["until"]);
		got = join(PHONE, "romeo");
		assert.equal("presence", got[1].name);
		assert.equal(version, mav_of(self_presence(got))["until"]);
	end);

	it("bring a difference to who knows an older one, nothing to who knows the last", function ()
		room:set_affiliation(true, "nurse@example.org", "member");
		local version = mav_of(self_presence(join(PHONE, "romeo", true)))["until"];
		room:set_affiliation(true, "nurse@example.org", "admin");
		room:set_affiliation(true, "paris@example.org", "outcast");
		room:set_affiliation(true, "nurse@example.org", nil);
		local got = join(PHONE, "romeo", version);
		assert.equal(version, mav_of(got[1]).since);
		assert.equal("nurse@example.org=none paris@example.org=outcast", items(got[1]));
		assert.equal(mav_of(got[1])["until"], mav_of(self_presence(got))["until"]);
		got = join(PHONE, "romeo", mav_of(got[1])["until"]);
		assert.equal("presence", got[1].name);
	end);

	it("that are not known bring the full list", function ()
		local got = join(PHONE, "romeo", "yesterday");
		assert.equal("romeo@example.org=owner", items(got[1]));
		assert.is_nil(mav_of(got[1]).since);
	end);

	it("are joined in what is told of each change", function ()
		world:join(room, JULIET, "juliet");
		local before = mav_of(self_presence(join(PHONE, "romeo", true)))["until"];
		room:set_affiliation(true, "juliet@example.org", "member");
		local first = mav_of(world:take_for(PHONE)[1]);
		assert.equal(before, first.since);
		room:set_affiliation(true, "nurse@example.org", "member");
		local second = world:take_for(PHONE)[1];
		assert.equal("message", second.name);
		assert.equal(first["until"], mav_of(second).since);
		room:set_affiliation(true, "nurse@example.org", "member", nil, { reserved_nickname = "nurse" });
		assert.is_nil(mav_of(world:take_for(PHONE)[1]).since);
		assert.equal(mav_of(second)["until"], mav_of(self_presence(join(PHONE, "romeo")))["until"]);
	end);

	it("are not for those who may not see the lists", function ()
		local got = join(JULIET, "juliet", true);
		local kind, condition = got[1]:get_error();
		assert.same({ "message", "auth", "forbidden", "j" }, { got[1].name, kind, condition, got[1].attr.id });
		assert.is_nil(mav_of(self_presence(got))["until"]);
		assert.equal(1, #world:take_for(ROMEO));
	end);

	it("are for members where everybody knows everybody, but bans are not", function ()
		room:set_whois("anyone");
		room:set_members_only(true);
		room:set_affiliation(true, "juliet@example.org", "member");
		room:set_affiliation(true, "paris@example.org", "outcast");
		local got = join(JULIET, "juliet", true);
		assert.equal("juliet@example.org=member romeo@example.org=owner", items(got[1]));
		local version = mav_of(got[1])["until"];
		room:set_affiliation(true, "nurse@example.org", "member");
		room:set_affiliation(true, "nurse@example.org", "outcast");
		got = join(JULIET, "juliet", version);
		assert.equal("nurse@example.org=none", items(got[1]));
	end);

	it("do not show in the presence of those who ask", function ()
		world:join(room, JULIET, "juliet");
		join(PHONE, "romeo", true);
		for _, stanza in ipairs(world:take_for(JULIET)) do
			assert.is_nil(stanza:get_child("x", MUC));
			assert.is_nil(mav_of(stanza)["until"]);
		end
	end);

	it("are kept with the room, a bounded number of them", function ()
		local version = mav_of(self_presence(join(PHONE, "romeo", true)))["until"];
		for i = 1, 200 do
			room:set_affiliation(true, ("user%d@example.org"):format(i), "member");
		end
		room = world.kit.restore_room(room:freeze());
		assert.equal(version, mav_of(join(PHONE, "romeo", version)[1]).since);
		room:set_affiliation(true, "nurse@example.org", "member");
		assert.is_nil(mav_of(join(PHONE, "romeo", version)[1]).since);
		assert.equal(200, #room._data.affiliation_versions.log);
	end);

	it("of long lists come in parts that are joined", function ()
		for i = 1, 600 do
			room._affiliations[("user%d@example.org"):format(i)] = "member";
		end
		local got = join(PHONE, "romeo", true);
		assert.equal(mav_of(got[1])["until"], mav_of(got[2]).since);
		assert.equal(mav_of(got[2])["until"], mav_of(self_presence(got))["until"]);
		assert.equal(501, #got[1]:get_child("x", USER).tags);
		assert.equal(102, #got[2]:get_child("x", USER).tags);
	end);
end);
