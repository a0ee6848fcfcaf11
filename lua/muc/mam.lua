-- SPDX-License-Identifier: MIT
-- mam: asking for what is in the archive (XEP-0313, urn:xmpp:mam:2 and its #extended), page by page (XEP-0059).
--
-- The store's own field `with` holds the kind of stanza, so a query `with` somebody is a search through the archive: by
-- occupant JID for all, by real JID for those who may see real JIDs, and for oneself.
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local PAGE = 20; -- messages in an answer if the client says nothing
local ID_MOST = 1024; -- bytes of the id of a query
local SEARCH_STEP, SEARCH_MOST = 100, 5000; -- messages looked through for one answer

local methods = {};

-- Kind, condition and text where somebody who may not enter now asks (section 5.1.2), or who asks for nothing.
local function refusal(self, jid)
	local affiliation = self:get_affiliation(jid);
	if self:is_locked() and affiliation ~= "owner" then
		return "cancel", "item-not-found", "This room is locked until its owner has configured it";
	elseif affiliation == "outcast" then
		return "auth", "forbidden", "You are banned from this room";
	elseif self:get_members_only() and not ranks.is_affiliated(affiliation, "member") then
		return "auth", "forbidden", "The archive is for members of this room";
	elseif self:get_password() and not affiliation and not self:get_occupant_jid(jid) then
		return "auth", "forbidden", "The archive is for those who have entered the password";
	elseif not self:is_archived() then
		return "cancel", "service-unavailable", "This room has no archive";
	end
end

local function is_refused(self, origin, stanza)
	local kind, condition, text = refusal(self, stanza.attr.from);
	return kind and self:refuse(origin, stanza, kind, condition, text);
end

-- The store has no answer.
local function fail(self, origin, stanza, condition)
	if condition == "item-not-found" then
		return self:refuse(origin, stanza, "cancel", "item-not-found", "There is no such message in the archive");
	end
	self.env.archive.failed(self, condition);
	return self:refuse(origin, stanza, "wait", "internal-server-error", "The archive cannot be read");
end

local function is_extended(self)
	local caps = self.env.archive.store.caps;
	return caps and caps.full_id_range and caps.ids;
end

local function query_form(self)
	local fields = {
		{ name = "FORM_TYPE", type = "hidden", value = ns.MAM },
		{ name = "with", type = "jid-single" },
		{ name = "start", type = "text-single" },
		{ name = "end", type = "text-single" },
	};
	if is_extended(self) then
		table.insert(fields, { name = "before-id", type = "text-single" });
		table.insert(fields, { name = "after-id", type = "text-single" });
		table.insert(fields, { name = "ids", type = "list-multi" });
	end
	return self.env.dataforms.new(fields);
end

--- The fields that a query may have.
function methods:handle_mam_form(origin, stanza)
	if is_refused(self, origin, stanza) then
		return true;
	end
	self.env.plan:reply(origin, self.env.st.reply(stanza):query(ns.MAM):add_child(query_form(self):form()));
	return true;
end

local function is_known_form(layout, form)
	local known = {};
	for _, field in ipairs(layout) do
		known[field.name] = true;
	end
	for field in form:childtags("field") do
		if not known[field.attr.var or ""] then
			return nil, "feature-not-implemented", ("There is no field %q"):format(tostring(field.attr.var));
		end
	end
	return true;
end

-- The fields of a query, or nil, condition and text.
local function read_form(self, query)
	local form = query:get_child("x", ns.DATA);
	if not form then
		return {};
	elseif self.env.dataforms.get_type(form) ~= ns.MAM then
		return nil, "bad-request", "This is not a form for an archive";
	end
	local layout = query_form(self);
	local ok, condition, why = is_known_form(layout, form);
	if not ok then
		return nil, condition, why;
	end
	local fields, errors = layout:data(form);
	local name, text = next(errors or {});
	if name then
		return nil, "bad-request", ("%s: %s"):format(name, text);
	end
	return fields;
end

local function read_times(self, fields)
	local times = {};
	for _, name in ipairs({ "start", "end" }) do
		local text = fields[name];
		if text and text ~= "" then
			times[name] = self.env.parse_stamp(text);
			if not times[name] then
				return nil, "bad-request", ("%s: not a time as XEP-0082 wants it: %s"):format(name, text);
			end
		end
	end
	return times;
end

local function read_set(self, query)
	local set = self.env.rsm.get(query) or {};
	if set.index then
		return nil, "feature-not-implemented", "Pages are found by id, not by index";
	elseif set.max and (set.max < 0 or set.max ~= math.floor(set.max)) then
		return nil, "bad-request", "max: not a number of messages";
	end
	return set;
end

-- A function that says whether a message is from whoever the query is about.
local function read_with(self, jid, asker)
	local env = self.env;
	if not jid or jid == self.jid then
		return nil;
	elseif env.jid.bare(jid) == self.jid then
		return function (stanza) return stanza.attr.from == jid; end;
	end
	local bare = env.jid.bare(jid);
	if self:is_anonymous_for(asker) and bare ~= env.jid.bare(asker) then
		return nil, "forbidden", "Who is who in this room is not for you to know";
	end
	return self:written_by(bare);
end

-- The ids asked for, each once; nil, condition and text where they are too many.
local function read_ids(self, ids)
	local known, list, most = {}, {}, self.env.archive.query_most;
	for _, id in ipairs(ids or {}) do
		list[#list + 1] = not known[id] and id or nil;
		known[id] = true;
	end
	if #list > most then
		return nil, "policy-violation", ("ids: at most %d at once"):format(most);
	end
	return list[1] and list or nil;
end

local function add_set(asked, set, fields, most)
	asked.most = math.min(set.max or PAGE, most);
	asked.is_backward = set.before ~= nil;
	asked.before = type(set.before) == "string" and set.before or fields["before-id"];
	asked.after = set.after or fields["after-id"];
	return asked;
end

-- Results of readers, each of which gives a value, or nil, condition and text; the first that fails ends it.
local function read_all(self, stanza, fields)
	local times, set, accept, ids, condition, text;
	times, condition, text = read_times(self, fields);
	if times then
		set, condition, text = read_set(self, stanza.tags[1]);
	end
	if set then
		accept, condition, text = read_with(self, fields.with, stanza.attr.from);
	end
	if not condition then
		ids, condition, text = read_ids(self, fields.ids);
	end
	if condition then
		return nil, condition, text;
	end
	return add_set({ start = times.start, ["end"] = times["end"], accept = accept, ids = ids }, set, fields,
		self.env.archive.query_most);
end

-- What is asked of the archive, or nil, condition and text: the fields of an archive query; `most` messages, `accept`
-- where it is a search, is_backward, is_flipped and the id of the query.
local function question(self, stanza)
	local query = stanza.tags[1];
	local fields, condition, text = read_form(self, query);
	if not fields then
		return nil, condition, text;
	end
	local asked;
	if #(query.attr.queryid or "") > ID_MOST then
		return nil, "policy-violation", "queryid: too long"; -- it comes back with each message
	end
	asked, condition, text = read_all(self, stanza, fields);
	if asked then
		asked.id, asked.is_flipped = query.attr.queryid, query:get_child("flip-page") ~= nil;
	end
	return asked, condition, text;
end

-- Fills `page` with { id, stanza, when }. Returns whether there is no more, and how many there are in all.
local function search(self, asked, page)
	local seen = 0;
	return self:scan_archive({
		start = asked.start, ["end"] = asked["end"], before = asked.before, after = asked.after, reverse = asked.is_backward,
		total = not asked.accept and (self.env.archive.with_total or asked.most == 0) or nil,
	}, asked.accept and SEARCH_STEP or asked.most + 1, function (id, stanza, when)
		seen = seen + 1;
		if asked.accept and not asked.accept(stanza) then
			page.last_seen = id;
			return seen >= SEARCH_MOST;
		elseif #page == asked.most then
			page.last_seen = nil;
			return true;
		end
		page[#page + 1], page.last_seen = { id = id, stanza = stanza, when = when }, id;
		return asked.accept and seen >= SEARCH_MOST;
	end);
end

-- Messages by their ids: all of them or none.
local function collect(self, ids, page)
	local is_all, total = self:scan_archive({ ids = ids, total = true }, #ids + 1, function (id, stanza, when)
		page[#page + 1] = { id = id, stanza = stanza, when = when };
	end);
	if is_all and #page < #ids then
		return nil, "item-not-found";
	end
	return is_all, total;
end

-- Some stores know no error for an id that is not there: they begin nowhere, or end nowhere.
local function is_lost(self, asked, page)
	local from, to = asked.after, asked.before;
	if asked.is_backward then
		from, to = to, from;
	end
	return from and not page[1] and not self:is_in_archive(from) or to and not self:is_in_archive(to);
end

local function read_page(self, asked)
	local page = {};
	if asked.ids then
		return page, collect(self, asked.ids, page);
	end
	local is_all, more = search(self, asked, page);
	if is_all ~= nil and is_lost(self, asked, page) then
		page, is_all, more = {}, nil, "item-not-found";
	end
	local before = asked.after and is_all == nil and more == "item-not-found" and self:get_kept_before(asked.after);
	if before then
		asked.after = before ~= "" and before or nil;
		return read_page(self, asked);
	end
	return page, is_all, more;
end

local function result(self, stanza, asked, entry, sees_jids)
	local env = self.env;
	local copy = sees_jids and env.st.clone(entry.stanza) or self:without_user_x(entry.stanza);
	copy.attr.to, copy.attr.xmlns = nil, "jabber:client";
	return env.st.message({ from = self.jid, to = stanza.attr.from })
		:tag("result", { xmlns = ns.MAM, queryid = asked.id, id = entry.id })
			:tag("forwarded", { xmlns = ns.FORWARD })
				:tag("delay", { xmlns = ns.DELAY, stamp = env.stamp(entry.when) }):up()
				:add_child(copy):reset();
end

-- A search that has been cut short says how far it came, in place of the last message found.
local function ends_of(page, is_all, is_backward)
	local near, far = page[1] and page[1].id, page[#page] and page[#page].id;
	if not is_all and page.last_seen then
		near, far = near or page.last_seen, page.last_seen;
	end
	if is_backward then
		return far, near;
	end
	return near, far;
end

local function send_page(self, origin, stanza, asked, page)
	local sees_jids = not self:is_anonymous_for(stanza.attr.from);
	local from, to, step = 1, #page, 1;
	if asked.is_backward ~= asked.is_flipped then
		from, to, step = #page, 1, -1;
	end
	for i = from, to, step do
		self.env.plan:reply(origin, result(self, stanza, asked, page[i], sees_jids));
	end
end

local function answer(self, origin, stanza, asked)
	local env = self.env;
	local page, is_all, more = read_page(self, asked);
	if is_all == nil then
		return fail(self, origin, stanza, more);
	end
	send_page(self, origin, stanza, asked, page);
	local first, last = ends_of(page, is_all, asked.is_backward);
	env.plan:reply(origin, env.st.reply(stanza):tag("fin", { xmlns = ns.MAM, complete = is_all and "true" or nil })
		:add_child(env.rsm.generate({ first = first, last = last, count = more })));
	return true;
end

--- A query: messages, then the answer.
function methods:handle_mam_query(origin, stanza)
	if is_refused(self, origin, stanza) then
		return true;
	end
	local asked, condition, text = question(self, stanza);
	if not asked then
		return self:refuse(origin, stanza, condition == "forbidden" and "auth" or "modify", condition, text);
	end
	return answer(self, origin, stanza, asked);
end

local function add_end(self, metadata, name, is_backward)
	local is_read, err = self:scan_archive({ reverse = is_backward }, 1, function (id, _, when)
		metadata:tag(name, { id = id, timestamp = self.env.stamp(when) }):up();
		return true;
	end);
	return is_read ~= nil or err == "item-not-found", err; -- some stores say so of an empty archive
end

--- The first and the last message that are in the archive.
function methods:handle_mam_metadata(origin, stanza)
	if is_refused(self, origin, stanza) then
		return true;
	end
	local reply = self.env.st.reply(stanza):tag("metadata", { xmlns = ns.MAM });
	local ok, err = add_end(self, reply, "start", false);
	if ok then
		ok, err = add_end(self, reply, "end", true);
	end
	if not ok then
		return fail(self, origin, stanza, err);
	end
	self.env.plan:reply(origin, reply);
	return true;
end

local function tell(event)
	if not event.room:is_archived() then
		return;
	end
	event.reply:tag("feature", { var = ns.MAM }):up();
	if is_extended(event.room) then
		event.reply:tag("feature", { var = ns.MAM_EXTENDED }):up();
	end
end

return { methods = methods, hooks = { { "muc-disco#info", tell, 0 } } };
