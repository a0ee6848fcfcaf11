-- SPDX-License-Identifier: MIT
-- hats: titles that people wear in a room (XEP-0317). What somebody wears is `hats` of the affiliation data, in stock
-- shape: URI -> { active, title } and a hue of ours. The hats that a room has are `_data.hats`: URI -> { title, hue }.
local commands = require "sx.muc.commands";
local ns = require "sx.muc.ns";
local presence = require "sx.muc.presence";
local ranks = require "sx.muc.ranks";

local MOST = 50; -- hats of a room
local WORN_MOST = 10; -- by one person
local TITLE_BYTES, URI_BYTES, HUE_BYTES = 128, 256, 16;
local PREFIX = "urn:xmpp:hats:commands:";

local methods = {};

local function sorted(hats)
	local uris = {};
	for uri in pairs(hats) do
		uris[#uris + 1] = uri;
	end
	table.sort(uris);
	return uris;
end

--- The hats of the room: URI -> { title, hue }.
function methods:get_hats()
	return self._data.hats or {};
end

-- Adds to a presence what its occupant wears.
local function dress(event)
	local jid = event.occupant and event.occupant.bare_jid or event.bare_jid;
	local worn = jid and event.room:get_affiliation_data(jid, "hats") or {};
	local element;
	for _, uri in ipairs(sorted(worn)) do
		local hat = worn[uri];
		if hat.active then
			element = element or event.room.env.st.stanza("hats", { xmlns = ns.HATS });
			element:tag("hat", { uri = uri, title = hat.title, hue = hat.hue }):up();
		end
	end
	if element then
		event.stanza:add_child(element);
	end
end

-- Whoever wears something else is shown again.
local function show(event)
	for _, occupant in ipairs(event.room:occupants_of(event.jid)) do
		event.room:publicise_occupant_status(occupant, presence.user_x(event.room.env));
	end
end

-- Puts a hat on somebody, or takes it off where `hat` is nil.
local function put(room, jid, uri, hat)
	local hats = {};
	for other, worn in pairs(room:get_affiliation_data(jid, "hats") or {}) do
		hats[other] = worn;
	end
	hats[uri] = hat and { active = true, title = hat.title, hue = hat.hue };
	room:set_affiliation_data(jid, "hats", next(hats) and hats or nil);
end

local function wearers(room, uri)
	local jids = {};
	for jid, data in pairs(room._affiliation_data) do
		jids[#jids + 1] = data.hats and data.hats[uri] and jid or nil;
	end
	table.sort(jids);
	return jids;
end

-- The list of hats has changed: everybody is told, and sees the new one on those who wear it.
local function define(room, uri, hat)
	local hats = {};
	for other, one in pairs(room:get_hats()) do
		hats[other] = one;
	end
	hats[uri] = hat;
	room._data.hats = next(hats) and hats or nil;
	room:save(true);
	room:broadcast_message(room.env.st.message({ type = "groupchat", from = room.jid })
		:add_child(presence.user_x(room.env, "104")));
	for _, jid in ipairs(wearers(room, uri)) do
		put(room, jid, uri, hat);
	end
end

local function count(hats)
	return #sorted(hats);
end

local function no_hat(uri)
	return nil, "cancel", "item-not-found", "There is no such hat: " .. tostring(uri);
end

local function read_hat(fields)
	local title, uri, hue = fields["hats#title"], fields["hats#uri"], fields["hats#hue"];
	hue = hue ~= "" and hue or nil;
	local angle = hue and hue:find("^%d+%.?%d*$") and tonumber(hue);
	if not title:find("%S") or #title > TITLE_BYTES then
		return nil, ("A title has from 1 to %d bytes"):format(TITLE_BYTES);
	elseif not uri:find("^%a[%w+.-]*:%S+$") or #uri > URI_BYTES then
		return nil, ("A URI of at most %d bytes is needed, as https://example.org/hats#host"):format(URI_BYTES);
	elseif hue and not (angle and #hue <= HUE_BYTES and angle <= 360) then
		return nil, "A hue is an angle from 0 to 360";
	end
	return { title = title, hue = hue };
end

local function create(room, fields)
	local hats, uri = room:get_hats(), fields["hats#uri"];
	local hat, text = read_hat(fields);
	if not hat then
		return nil, "modify", "bad-request", text;
	elseif not hats[uri] and count(hats) >= MOST then
		return nil, "wait", "resource-constraint", ("A room has at most %d hats"):format(MOST);
	end
	define(room, uri, hat);
	return true;
end

local function destroy(room, fields)
	local uri = fields["hats#uri"];
	if not room:get_hats()[uri] then
		return no_hat(uri);
	end
	define(room, uri, nil);
	return true;
end

local function assign(room, fields)
	local uri, jid = fields["hats#uri"], room.env.jid.bare(fields["hats#jid"]);
	local hat, worn = room:get_hats()[uri], room:get_affiliation_data(jid, "hats") or {};
	if not hat then
		return no_hat(uri);
	elseif not worn[uri] and count(worn) >= WORN_MOST then
		return nil, "wait", "resource-constraint", ("Nobody wears more than %d hats"):format(WORN_MOST);
	elseif not room:has_place_for({ jid }) then
		return nil, "wait", "resource-constraint", room.CROWDED;
	end
	put(room, jid, uri, hat);
	return true;
end

local function unassign(room, fields)
	local uri, jid = fields["hats#uri"], room.env.jid.bare(fields["hats#jid"]);
	if not (room:get_affiliation_data(jid, "hats") or {})[uri] then
		return nil, "cancel", "item-not-found", ("%s does not wear %s"):format(jid, tostring(uri));
	end
	put(room, jid, uri, nil);
	return true;
end

local REPORTED = { "hats#title", "hats#uri", "hats#hue" };

local function list(room)
	local hats = room:get_hats();
	local form = room.env.st.stanza("x", { xmlns = ns.DATA, type = "result" }):text_tag("title", "Hats");
	form:tag("reported");
	for _, name in ipairs(REPORTED) do
		form:tag("field", { var = name }):up();
	end
	form:up();
	for _, uri in ipairs(sorted(hats)) do
		local values = { ["hats#title"] = hats[uri].title, ["hats#uri"] = uri, ["hats#hue"] = hats[uri].hue };
		form:tag("item");
		for _, name in ipairs(REPORTED) do
			if values[name] then
				form:tag("field", { var = name }):text_tag("value", values[name]):up();
			end
		end
		form:up();
	end
	return form;
end

local TITLE = { name = "hats#title", type = "text-single", label = "Title", required = true };
local URI = { name = "hats#uri", type = "text-single", label = "URI", required = true };
local HUE = { name = "hats#hue", type = "text-single", label = "Hue, an angle from 0 to 360" };
local JID = { name = "hats#jid", type = "jid-single", label = "Address", required = true };

-- One of the hats of the room.
local function choice(room)
	local options = {};
	for i, uri in ipairs(sorted(room:get_hats())) do
		options[i] = { value = uri, label = room:get_hats()[uri].title };
	end
	return { name = "hats#uri", type = "list-single", label = "Hat", required = true, options = options };
end

local function is_admin(room, jid)
	return ranks.is_affiliated(room:get_affiliation(jid), "admin");
end

local function is_somebody(room, jid)
	return room:get_occupant_jid(jid) ~= nil or is_admin(room, jid);
end

local COMMANDS = {
	[PREFIX .. "list"] = { name = "List the hats of this room", may = is_somebody, run = list };
	[PREFIX .. "create"] = { name = "Make or change a hat", may = is_admin, run = create,
		fields = function () return { title = "Make or change a hat", TITLE, URI, HUE }; end };
	[PREFIX .. "destroy"] = { name = "Remove a hat", may = is_admin, run = destroy,
		fields = function (room) return { title = "Remove a hat", choice(room) }; end };
	[PREFIX .. "assign"] = { name = "Give somebody a hat", may = is_admin, run = assign,
		fields = function (room) return { title = "Give somebody a hat", JID, choice(room) }; end };
	[PREFIX .. "unassign"] = { name = "Take a hat from somebody", may = is_admin, run = unassign,
		fields = function () return { title = "Take a hat from somebody", JID, URI }; end };
};

-- A digest of the hats there are, by which clients notice that they have changed.
local function tell(event)
	event.reply:tag("feature", { var = ns.HATS }):up();
	local hats, lines = event.room:get_hats(), {};
	for i, uri in ipairs(sorted(hats)) do
		lines[i] = ("%s %s %s"):format(uri, hats[uri].hue or "", hats[uri].title);
	end
	if #lines > 0 then
		table.insert(event.form, { name = "hats#hash", type = "text-single", label = "Digest of the hats of this room" });
		event.formdata["hats#hash"] = event.room.env.digest(table.concat(lines, "\n"));
	end
end

-- Who reserves a nick keeps the hats.
local function keep(event)
	local jid = event.room.env.jid.bare(event.stanza.attr.from);
	event.affiliation_data.hats = event.affiliation_data.hats or event.room:get_affiliation_data(jid, "hats");
end

return {
	methods = methods;
	commands = COMMANDS;
	hooks = commands.hooks_of(COMMANDS, {
		{ "muc-build-occupant-presence", dress, 0 };
		{ "muc-set-affiliation-data/hats", show, 0 };
		{ "muc-registration-submitted", keep, 0 };
		{ "muc-disco#info", tell, -1 };
	});
};
