-- SPDX-License-Identifier: MIT
-- vCards of rooms, in the store of the stock add-ons: mod_vcard of Prosody 13.0 on a MUC component, the community's
-- mod_vcard_muc before that. Where one of them is loaded, it serves them.
local base64 = require "util.encodings".base64;
local hashes = require "util.hashes";
local st = require "util.stanza";
local options = module:require "muc_scion_options";

local BYTES = 131072; -- well below what client streams accept in one stanza
local ADVERTISE = { presence = true, message = true, none = true };

local function advertise_how()
	local how = module:get_option("muc_avatar_advertise_hashes");
	if how ~= nil and not ADVERTISE[how] then
		module:log("error", "muc_avatar_advertise_hashes is \"presence\", \"message\", \"none\", or left out for both");
		return nil;
	end
	return how;
end

local function is_ours()
	local loaded = prosody.hosts[module.host].modules;
	return not loaded.vcard and not loaded.vcard_muc;
end

--- Gives `env` the vCards, unless the option says that there are none.
return function (env)
	if not options.boolean("muc_vcard", true) then
		return;
	end
	local store = module:open_store(options.string("vcard_store_name", "vcard_muc"));
	env.vcards = {
		advertise = advertise_how(), is_ours = is_ours,
		bytes = options.number("muc_scion_max_vcard_bytes", BYTES),
		digest = function (text)
			local picture = base64.decode(text);
			return picture and hashes.sha1(picture, true);
		end,
		get = function (node)
			local data, err = store:get(node);
			return data and st.deserialize(data), err;
		end,
		set = function (node, vcard)
			return store:set(node, vcard and st.preserialize(vcard));
		end,
	};
end
