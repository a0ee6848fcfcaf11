-- SPDX-License-Identifier: MIT
-- Avatars of rooms (XEP-0486, item C12): who may get and set them, and who is told.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local st = rooms_world.st;

local USER = "http://jabber.org/protocol/muc#user";
local ROMEO, JULIET, NURSE = "romeo@example.org/orchard", "juliet@example.org/balcony", "nurse@example.org/kitchen";

describe("the avatar of a room", function ()
	local world, room, stored, is_broken, is_ours;

	before_each(function ()
		world = rooms_world.new({ locking = false });
		stored, is_broken, is_ours = {}, false, true;
		world.env.vcards = {
			bytes = 200, is_ours = function () return is_ours; end,
			digest = function (text) return not text:find("!", 1, true) and "digest-" .. text or nil; end,
			get = function (node) return stored[node] and st.clone(stored[node]), is_broken and "broken" or nil; end,
			set = function (node, vcard)
				stored[node] = vcard and st.clone(vcard);
				return not is_broken or nil;
			end,
		};
		room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
	end);

	local function vcard_of(...)
		local vcard = st.stanza("vCard", { xmlns = "vcard-temp" });
		for _, data in ipairs({ ... }) do
			vcard:tag("PHOTO"):text_tag("TYPE", "image/png"):text_tag("BINVAL", data):up();
		end
		return vcard;
	end

	-- Sends one and returns the answer, or its error condition.
	local function ask(from, kind, vcard)
		world:take();
		world:give(room, "handle_vcard_iq", st.iq({ type = kind, id = "1", from = from, to = room.jid })
			:add_child(vcard or vcard_of()));
		local answer = world.sent[1];
		if answer.attr.type == "error" then
			local _, condition, text = answer:get_error();
			return condition, text;
		end
		return answer;
	end

	local function told(to)
		local list = {};
		for _, stanza in ipairs(world:take_for(to)) do
			local update = stanza:get_child("x", "vcard-temp:x:update");
			if update then
				list[#list + 1] = ("%s photo=%s"):format(stanza.attr.from, update:get_child_text("photo"));
			elseif stanza.name == "message" and stanza:get_child("x", USER) then
				list[#list + 1] = stanza:get_child("x", USER):get_child("status").attr.code;
			end
		end
		return table.concat(list, ", ");
	end

	local function hash_told()
		world:take();
		world:give(room, "handle_disco_info_get_query", st.iq({ type = "get", id = "1", from = NURSE, to = room.jid })
			:query("http://jabber.org/protocol/disco#info"));
		local query = world:take_for(NURSE)[1].tags[1];
		local has_feature;
		for feature in query:childtags("feature") do
			has_feature = has_feature or feature.attr.var == "vcard-temp" or nil;
		end
		for field in query:get_child("x", "jabber:x:data"):childtags("field") do
			if field.attr.var == "muc#roominfo_avatarhash" then
				local values = {};
				for value in field:childtags("value") do
					values[#values + 1] = value:get_text();
				end
				return has_feature, table.concat(values, " ");
			end
		end
		return has_feature;
	end

	it("is set by owners, got by anybody, and told to all", function ()
		assert.equal("item-not-found", (ask(NURSE, "get")));
		assert.equal("forbidden", (ask(JULIET, "set", vcard_of("QUJD"))));
		assert.equal("result", ask(ROMEO, "set", vcard_of("QU\nJD", "REVG")).attr.type);
		assert.equal(room.jid .. " photo=digest-QUJD, 104", told(JULIET));
		assert.equal("QU\nJD", ask(NURSE, "get").tags[1].tags[1]:get_child_text("BINVAL"));
		assert.same({ true, "digest-QUJD digest-REVG" }, { hash_told() });
	end);

	it("comes after the subject to those who enter", function ()
		ask(ROMEO, "set", vcard_of("QUJD"));
		world:take();
		world:join(room, NURSE, "nurse");
		local got = world:take_for(NURSE);
		assert.is_truthy(got[#got - 1]:get_child("subject"));
		assert.equal("digest-QUJD", got[#got]:get_child("x", "vcard-temp:x:update"):get_child_text("photo"));
	end);

	it("is removed by an empty vCard", function ()
		ask(ROMEO, "set", vcard_of("QUJD"));
		assert.equal("result", ask(ROMEO, "set").attr.type);
		assert.equal(room.jid .. " photo=, 104", told(JULIET));
		assert.is_nil(next(stored));
		assert.same({ true }, { hash_told() });
		world:join(room, NURSE, "nurse");
		assert.equal("", told(NURSE));
	end);

	it("is refused when it is too big, no Base64, or cannot be stored", function ()
		assert.same({ "policy-violation", "A vCard has at most 200 bytes here" },
			{ ask(ROMEO, "set", vcard_of(("A"):rep(200))) });
		assert.same({ "bad-request", "The picture is not Base64" }, { ask(ROMEO, "set", vcard_of("!")) });
		is_broken = true;
		assert.equal("internal-server-error", (ask(ROMEO, "set", vcard_of("QUJD"))));
		stored = {};
		assert.equal("internal-server-error", (ask(ROMEO, "get")));
	end);

	it("is told as the options say", function ()
		for how, expected in pairs({ presence = room.jid .. " photo=digest-QUJD", message = "104", none = "" }) do
			world.env.vcards.advertise = how;
			ask(ROMEO, "set", vcard_of("QUJD"));
			assert.equal(expected, told(JULIET));
		end
		world.env.vcards.advertise = "none";
		world:join(room, NURSE, "nurse");
		assert.equal("", told(NURSE));
	end);

	it("goes with the room", function ()
		ask(ROMEO, "set", vcard_of("QUJD"));
		room:destroy();
		assert.is_nil(next(stored));
	end);

	it("is left to the module that serves it, or does not exist", function ()
		is_ours = false;
		assert.same({}, { hash_told() });
		world.env.vcards = nil;
		assert.equal("service-unavailable", (ask(ROMEO, "get")));
		assert.same({}, { hash_told() });
	end);

	it("of a locked room is its owner's to see", function ()
		room:lock();
		assert.equal("item-not-found", (ask(NURSE, "get")));
		assert.equal("result", ask(ROMEO, "set", vcard_of("QUJD")).attr.type);
	end);
end);
