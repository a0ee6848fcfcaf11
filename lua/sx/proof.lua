-- SPDX-License-Identifier: MIT
-- proof: what proves a peer's name: a certificate that verifies (PKIX), or one that RAINS names. Decisions only.

local proof = {};

---@class sx.proof_facts
---@field trust "any"|"pkix"|"rains" what the options ask for
---@field pkix boolean the certificate verifies, for this name
---@field outgoing boolean we dialled
---@field rains boolean there is a RAINS to ask, and a certificate to ask about

--- Whether RAINS is to be asked before the stream goes on ("now"), beside it ("later"), or not at all ("no").
---@param facts sx.proof_facts
function proof.when(facts)
	if facts.trust == "pkix" then
		return "no";
	elseif not facts.rains then
		return "no";
	elseif facts.trust == "any" and facts.pkix then
		return facts.outgoing and "later" or "no"; -- only to show that the two disagree
	end
	return "now";
end

--- What follows from RAINS' word: the proof there is, and why the stream must not live.
---@param facts sx.proof_facts
---@param word "match"|"mismatch"|"none"
---@param reason string? why it is no match
---@return "pkix"|"rains"|nil proof, string? refusal to complete "the certificate ..."
function proof.judge(facts, word, reason)
	if word == "match" and facts.trust ~= "pkix" then
		return "rains";
	elseif facts.trust == "rains" then
		local said = word == "mismatch" and "is not the one that RAINS names" or "is not proven by RAINS";
		return nil, reason and ("%s (%s)"):format(said, reason) or said;
	end
	return facts.pkix and "pkix" or nil;
end

return proof;
