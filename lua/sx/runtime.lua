-- SPDX-License-Identifier: MIT
-- runtime: the one table that outlives reloads of our modules (it stays in package.loaded): what runs, for all of them.

---@class sx.runtime
---@field driver table? the running transport
---@field core table? the core's module
---@field config sx.config? as last read
---@field down string? why there is no transport
---@field services table<string, fun(): table?> ALPN label -> finds the listener that serves it now
---@field names table? asks for addresses and proofs
---@field names_settings sx.names? what the core was told of them
---@field backoff table failed dials
---@field opened table? what the transport was opened with
return {
	services = {};
};
