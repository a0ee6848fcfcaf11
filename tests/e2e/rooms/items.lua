-- SPDX-License-Identifier: MIT
-- items: the checklist of XEP-0045 1.35.5 by numbers: the sections, and which items a service may leave out.
return {
	sections = {
		{ "1.A", "Discovery", 1, 16 },
		{ "1.B", "Joining", 17, 32 },
		{ "1.C", "Entry refusal", 33, 45 },
		{ "1.D", "History", 46, 61 },
		{ "1.E", "Messages", 62, 71 },
		{ "1.F", "Private messages", 72, 77 },
		{ "1.G", "Nickname, availability, exit", 78, 89 },
		{ "1.H", "Roles and affiliations", 90, 101 },
		{ "1.I", "Moderators", 102, 123 },
		{ "1.J", "Admins", 124, 144 },
		{ "1.K", "Room creation", 145, 158 },
		{ "1.L", "Configuration", 159, 171 },
		{ "1.M", "Owner and admin lists", 172, 178 },
		{ "1.N", "Destruction", 179, 182 },
		{ "1.O", "Invitations", 183, 190 },
		{ "1.P", "Registration", 191, 195 },
		{ "1.Q", "IQ between occupants", 196, 201 },
		{ "1.R", "Service behaviour", 202, 210 },
	},
	last = 210,
	-- What the text calls optional: these may be left out, with a reason.
	optional = { 8, 11, 48, 68, 104, 143, 154, 171, 175, 178, 204, 208 },
};
