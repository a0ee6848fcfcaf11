-- SPDX-License-Identifier: MIT
-- The archive of mod_muc_scion: gives room logic Prosody's store and the stock options, hands it IQs, erases, expires.
-- What an add-on does (mod_muc_mam, mod_muc_moderation of prosody-modules) is left to it while it is loaded.
local new_expiry = require "sx.muc.expiry".new;
local ns = require "sx.muc.ns";

local async = require "util.async";
local datestamp = require "util.datetime".date;
local jid = require "util.jid";
local promise = require "util.promise";

local SECONDS = { d = 86400, w = 604800, m = 31 * 86400, y = 365.2425 * 86400, [""] = 1 };

-- How long messages are kept; math.huge is for ever, which is also what nobody understands.
local function expiry_period()
	if module.get_option_period then
		return module:get_option_period("muc_log_expires_after", "1w");
	end
	local text = module:get_option_string("muc_log_expires_after", "1w"):lower();
	local number, unit = text:match("^(%d+)%s*([dwmy]?)");
	if not number and text ~= "never" then
		module:log("error", "muc_log_expires_after: expected a time such as \"1w\", or \"never\", found %q; nothing expires",
			text);
	end
	return number and tonumber(number) * SECONDS[unit] or math.huge;
end

local function open_store()
	local name = module:get_option_string("muc_log_store", "muc_log");
	local store = module:open_store(name, "archive");
	if not store or not store.find or store.name == "null" then
		module:log("error", "The storage driver of %s has no archives: nothing is kept of what is said in rooms, see %s",
			name, "https://prosody.im/doc/archiving");
		return nil;
	end
	if not store.delete then
		module:log("warn", "The storage driver of %s does not delete: archives stay when rooms are gone", name);
	end
	return store;
end

local function new_job(store)
	local after = expiry_period();
	if after == math.huge then
		return nil;
	elseif not store.delete then
		module:log("error", "muc_log_expires_after: the storage driver does not delete, nothing expires");
		return nil;
	end
	return new_expiry({
		archive = store, after = after, now = os.time, date = datestamp,
		days = module:open_store("muc_log_cleanup"), marks = module:open_store("muc_log_cleanup", "map"),
	});
end

-- What to remove from a full archive, in order, until there is place. Storage in files writes all of it again, which
-- stops the server for half a second at 10,000 messages: a tenth goes at once.
local function place_makers(store, job)
	local caps, makers = store.caps or {}, {};
	local most = module:get_option_number("storage_archive_item_limit", caps.quota or 1000);
	if job then
		makers[1] = function (node) job:clean(node); end;
	end
	if caps.truncate and store.delete then
		makers[#makers + 1] = function (node) store:delete(node, { truncate = math.floor(most * 0.9) }); end;
	end
	return makers;
end

local function new_archive(store, job)
	return {
		store = store, is_ours = true,
		by_default = module:get_option_boolean("muc_log_by_default", true),
		all_rooms = module:get_option_boolean("muc_log_all_rooms", false),
		query_most = module:get_option_number("max_archive_query_results", 50),
		with_total = module:get_option_boolean("muc_log_include_total", job ~= nil),
		make_place = place_makers(store, job),
		kept = function (node)
			if job then
				job:note(node);
			end
		end,
		failed = function (room, why)
			module:log("error", "The archive of %s: %s", room.jid, why or "unknown error");
		end,
	};
end

-- While `addon` is loaded, `part.is_ours` is false, the handlers are unhooked and the features not shown.
local function leave_to(addon, part, handlers, features)
	local function switch(is_ours)
		if part.is_ours == is_ours then
			return;
		end
		part.is_ours = is_ours;
		for event_name, handler in pairs(handlers) do
			module[is_ours and "hook" or "unhook"](module, event_name, handler, -2);
		end
		for _, feature in ipairs(features) do
			module[is_ours and "add_item" or "remove_item"](module, "feature", feature);
		end
	end
	module:hook("module-loaded", function (event)
		if event.module == addon then
			module:log("info", "mod_%s is loaded and does in rooms what is its own", addon);
			switch(false);
		end
	end);
	module:hook("module-unloaded", function (event)
		if event.module == addon then
			switch(true);
		end
	end);
	part.is_ours = false;
	switch(rawget(prosody.hosts[module.host].modules, addon) == nil);
end

local MAM = {
	["iq-get/bare/"..ns.MAM..":query"] = "handle_mam_form";
	["iq-set/bare/"..ns.MAM..":query"] = "handle_mam_query";
	["iq-get/bare/"..ns.MAM..":metadata"] = "handle_mam_metadata";
};

local MODERATION = {
	["iq-set/bare/"..ns.MODERATE..":moderate"] = "handle_moderation";
	["iq-set/bare/"..ns.FASTEN..":apply-to"] = "handle_moderation";
};

local function pause()
	local wait, done = async.waiter();
	module:add_timer(0.01, done);
	wait();
end

-- Also from the histories, which would outlive a room's archive.
local function expire(rooms, job)
	for room in rooms:live_rooms() do
		room:forget_history_before(job:limit());
	end
	local count, faults = job:run(pause);
	for _, fault in ipairs(faults) do
		module:log("error", "Cannot remove what is too old from the archive of %s", fault);
	end
	module:log("info", "Removed %d messages that were too old", count);
	return count;
end

-- One message in each turn of the loop: some drivers write the whole archive of a room each time.
local function erase_in(room, bare_jid, resolve, reject)
	local ids, err = room:forget_messages_of(bare_jid);
	if not ids then
		reject(("the archive of %s cannot be read: %s"):format(room.jid, tostring(err)));
		return;
	end
	local i = 0;
	module:add_timer(0, function ()
		i = i + 1;
		if not ids[i] then
			module:log("info", "Erased %d messages of %s in %s", #ids, bare_jid, room.jid);
			resolve(#ids);
			return nil;
		end
		room:erase_message(ids[i]);
		return 0;
	end);
end

local function add_api(api, rooms, job)
	--- Erases all messages of a bare JID in a room. A promise of how many there were in the archive.
	function api.erase_messages(room_jid, bare_jid)
		return promise.new(function (resolve, reject)
			local room = rooms:get(room_jid);
			bare_jid = jid.prep(bare_jid);
			if not room then
				return reject("there is no room "..tostring(room_jid));
			elseif not bare_jid then
				return reject("this is not the address of a user");
			end
			erase_in(room, jid.bare(bare_jid), resolve, reject);
		end);
	end

	--- Removes what is too old, as once a day. A promise of how many messages that were.
	function api.expire_archives()
		return promise.new(function (resolve, reject)
			if not job then
				return reject("nothing expires here: muc_log_expires_after");
			end
			async.runner(function () resolve(expire(rooms, job)); end):run(true);
		end);
	end
end

local function complain(why)
	module:log("error", "Cannot erase messages of a deleted user: %s", why);
end

-- One room after the other: each archive is read as a whole.
local function follow_deletion(api, rooms)
	local eraser = async.runner(function (user)
		for room in rooms:all() do
			api.erase_messages(room.jid, user):catch(complain);
			pause();
		end
	end);
	module:hook_global("user-deleted", function (event)
		eraser:run(jid.join(event.username, event.host));
	end);
end

local function handlers_of(methods, dispatch)
	local handlers = {};
	for event_name, method in pairs(methods) do
		handlers[event_name] = function (event) return dispatch(method, event); end;
	end
	return handlers;
end

--- Adds the archive to `env` and `api`. `dispatch(method, event)` gives an IQ to its room.
return function (env, rooms, api, dispatch)
	env.rsm = require "util.rsm";
	env.options.retraction_tombstones = module:get_option_boolean("muc_scion_retraction_tombstones", true);
	env.moderation = {};
	leave_to("muc_moderation", env.moderation, handlers_of(MODERATION, dispatch), {});
	local store = open_store();
	local job = store and new_job(store);
	add_api(api, rooms, job);
	if module:get_option_boolean("muc_scion_erase_deleted_users", false) then
		follow_deletion(api, rooms);
	end
	if not store then
		return;
	end
	env.archive = new_archive(store, job);
	leave_to("muc_mam", env.archive, handlers_of(MAM, dispatch), { ns.MAM });
	if job then
		module:daily("Remove what is too old from room archives", function ()
			if env.archive.is_ours then
				expire(rooms, job);
			end
		end);
	end
end;
