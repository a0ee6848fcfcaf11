-- SPDX-License-Identifier: MIT
-- ranks: the order of affiliations and roles, and who may change whose (XEP-0045 section 5).
local ranks = {};

local AFFILIATIONS = { outcast = -1, none = 0, member = 1, admin = 2, owner = 3 };
local ROLES = { none = 0, visitor = 1, participant = 2, moderator = 3 };

-- Names by rank, which is also the order in which people are shown a choice of them.
ranks.role_names = { "none", "visitor", "participant", "moderator" };

--- The rank of an affiliation; nil is "none". Nil where there is no such affiliation.
---@param name string?
---@return integer?
function ranks.affiliation(name)
	return AFFILIATIONS[name or "none"];
end

--- The rank of a role; nil is "none". Nil where there is no such role.
---@param name string?
---@return integer?
function ranks.role(name)
	return ROLES[name or "none"];
end

--- Whether an affiliation is at least `least`.
function ranks.is_affiliated(name, least)
	return AFFILIATIONS[name or "none"] >= AFFILIATIONS[least];
end

--- Whether a role is at least `least`.
function ranks.has_role(name, least)
	return ROLES[name or "none"] >= ROLES[least];
end

--- Whether somebody of affiliation `actor` may move another from one affiliation to another (section 5.2.1): an owner
--- everybody, an admin those that are and stay below admin.
function ranks.may_affiliate(actor, from, to)
	if actor == "owner" then
		return true;
	end
	return actor == "admin" and not ranks.is_affiliated(from, "admin") and not ranks.is_affiliated(to, "admin");
end

return ranks;
