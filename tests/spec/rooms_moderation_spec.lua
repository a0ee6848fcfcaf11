-- SPDX-License-Identifier: MIT
local archive_world = dofile "tests/spec/archive_world.lua";
local st = archive_world.st;

local RETRACT, RETRACT_OLD = "urn:xmpp:message-retract:1", "urn:xmpp:message-retract:0";
local MODERATE, MODERATE_OLD = "urn:xmpp:message-moderate:1", "urn:xmpp:message-moderate:0";
local FASTEN, OCCUPANT_ID, SID = "urn:xmpp:fasten:0", "urn:xmpp:occupant-id:0", "urn:xmpp:sid:0";
local ROMEO, JULIET = "romeo@example.org/orchard", "juliet@example.org/balcony";

describe("a room", function ()
	local world, room;

	before_each(function ()
		world = archive_world.new();
		room = world:create(ROMEO, "romeo");
		world:join(room, JULIET, "juliet");
		world:take();
	end);

	local function message(from, text)
		local stanza = st.message({ type = "groupchat", from = from, to = room.jid, id = "m" });
		return text and stanza:text_tag("body", text) or stanza;
	end

	-- The id that the room gave to a message of somebody.
	local function say(from, what)
		world:take();
		world:give(room, "handle_message_to_room", type(what) == "string" and message(from, what) or what);
		return world:take_for(JULIET)[1]:get_child("stanza-id", SID).attr.id;
	end

	local function iq(from)
		return st.iq({ type = "set", id = "q", from = from, to = room.jid });
	end

	local function request(from, id, reason)
		local stanza = iq(from):tag("moderate", { xmlns = MODERATE, id = id }):tag("retract", { xmlns = RETRACT }):up();
		return reason and stanza:text_tag("reason", reason) or stanza;
	end

	local function old_request(from, id)
		return iq(from):tag("apply-to", { xmlns = FASTEN, id = id }):tag("moderate", { xmlns = MODERATE_OLD })
			:tag("retract", { xmlns = RETRACT_OLD }):up():text_tag("reason", "rude");
	end

	local function moderate(stanza)
		world:take();
		local handled = world:give(room, "handle_moderation", stanza);
		local sent = world:take();
		return sent[1], sent, handled;
	end

	local function condition(answer)
		return (select(2, answer:get_error()));
	end

	local function check_announcement(stanza, id)
		assert.equal(room.jid, stanza.attr.from);
		assert.is_truthy(stanza:get_child("stanza-id", SID));
		local retract = stanza:get_child("retract", RETRACT);
		assert.equal(id, retract.attr.id);
		assert.equal("rude", retract:get_child_text("reason"));
		local moderated = retract:get_child("moderated", MODERATE);
		assert.equal(room.jid .. "/romeo", moderated.attr.by);
		assert.equal(room:get_occupant_id(room._occupants[room.jid .. "/romeo"]),
			moderated:get_child("occupant-id", OCCUPANT_ID).attr.id);
		local apply = stanza:get_child("apply-to", FASTEN);
		assert.equal(id, apply.attr.id);
		local old = apply:get_child("moderated", MODERATE_OLD);
		assert.equal(room.jid .. "/romeo", old.attr.by);
		assert.is_truthy(old:get_child("retract", RETRACT_OLD));
		assert.equal("rude", old:get_child_text("reason"));
	end

	local function check_tombstone(stanza)
		assert.is_nil(stanza:get_child("body"));
		assert.equal(room.jid .. "/juliet", stanza.attr.from);
		assert.equal("m", stanza.attr.id);
		assert.is_truthy(stanza:get_child("occupant-id", OCCUPANT_ID));
		local retracted = stanza:get_child("retracted", RETRACT);
		assert.is_truthy(retracted.attr.stamp);
		assert.is_truthy(retracted:get_child("moderated", MODERATE));
		assert.equal("rude", retracted:get_child_text("reason"));
		assert.is_truthy(stanza:get_child("moderated", MODERATE_OLD):get_child("retracted", RETRACT_OLD));
	end

	it("lets moderators retract, asked in either version", function ()
		for _, ask in ipairs({ request, old_request }) do
			local id = say(JULIET, "wherefore");
			local answer, sent = moderate(ask(ROMEO, id, "rude"));
			assert.equal("result", answer.attr.type);
			assert.equal(3, #sent);
			check_announcement(sent[2], id);
			local kept = archive_world.kept(world, room);
			check_tombstone(kept[#kept - 1]);
			check_announcement(kept[#kept]:tag("stanza-id", { xmlns = SID }):up(), id);
			local entry = room._history[#room._history - 1].stanza;
			check_tombstone(entry);
			assert.equal(id, room:get_stanza_id(entry));
			assert.is_truthy(entry:get_child("delay", "urn:xmpp:delay"));
		end
	end);

	it("retracts without a reason", function ()
		local id = say(JULIET, "wherefore");
		local _, sent = moderate(request(ROMEO, id));
		assert.is_nil(sent[2]:get_child("retract", RETRACT):get_child("reason"));
		assert.is_truthy(sent[2]:get_child("apply-to", FASTEN));
	end);

	it("refuses everybody else, and what cannot be done", function ()
		local id = say(JULIET, "wherefore");
		local _, sent = moderate(request(ROMEO, say(ROMEO, "mine")));
		local announced = sent[2]:get_child("stanza-id", SID).attr.id;
		local rows = {
			{ request(JULIET, id), "forbidden" },
			{ request("nurse@example.org/hall", id), "forbidden" },
			{ request(ROMEO, "zz"), "item-not-found" },
			{ request(ROMEO, announced), "item-not-found" },
			{ request(ROMEO, nil), "bad-request" },
			{ iq(ROMEO):tag("moderate", { xmlns = MODERATE, id = id }), "feature-not-implemented" },
		};
		for number, row in ipairs(rows) do
			local answer, all = moderate(row[1]);
			assert.equal(row[2], condition(answer), "row " .. number);
			assert.equal(1, #all, "row " .. number);
		end
		local _, all, handled = moderate(iq(ROMEO):tag("apply-to", { xmlns = FASTEN, id = id }));
		assert.is_nil(handled);
		assert.equal(0, #all);
		assert.equal("wherefore", archive_world.kept(world, room)[1]:get_child_text("body"));
	end);

	it("moderates what is only in its history", function ()
		room._data.archiving = false;
		local id = say(JULIET, "wherefore");
		assert.equal("result", moderate(request(ROMEO, id, "rude")).attr.type);
		check_tombstone(room._history[1].stanza);
		world.env.archive = nil;
		id = say(JULIET, "again");
		assert.equal("result", moderate(request(ROMEO, id, "rude")).attr.type);
	end);

	it("passes a retraction on, and makes a tombstone if it is by who wrote the message", function ()
		local id = say(JULIET, "wherefore");
		local function retract(from)
			return message(from):tag("retract", { xmlns = RETRACT, id = id }):up();
		end
		say(ROMEO, retract(ROMEO));
		assert.equal("wherefore", archive_world.kept(world, room)[1]:get_child_text("body"));
		world.env.options.retraction_tombstones = false;
		say(JULIET, retract(JULIET));
		assert.equal("wherefore", archive_world.kept(world, room)[1]:get_child_text("body"));
		world.env.options.retraction_tombstones = true;
		say(JULIET, retract(JULIET));
		for _, stone in ipairs({ archive_world.kept(world, room)[1], room._history[1].stanza }) do
			assert.is_nil(stone:get_child("body"));
			assert.equal("m", stone:get_child("retracted", RETRACT).attr.id);
		end
		assert.equal(4, #archive_world.kept(world, room));
	end);

	it("leaves the tombstone of a moderator as it is", function ()
		local id = say(JULIET, "wherefore");
		moderate(request(ROMEO, id, "rude"));
		say(JULIET, message(JULIET):tag("retract", { xmlns = RETRACT, id = id }):up());
		check_tombstone(archive_world.kept(world, room)[1]);
	end);

	it("says what it can, unless another module does it", function ()
		local function has(name)
			local reply = room:get_disco_info(st.iq({ type = "get", id = "d", from = JULIET, to = room.jid })
				:query("http://jabber.org/protocol/disco#info"));
			for feature in reply.tags[1]:childtags("feature") do
				if feature.attr.var == name then
					return true;
				end
			end
			return false;
		end
		assert.is_true(has(MODERATE) and has(MODERATE_OLD) and has(RETRACT));
		world.env.moderation.is_ours = false;
		assert.is_false(has(MODERATE) or has(MODERATE_OLD));
		assert.is_true(has(RETRACT));
	end);
end);
