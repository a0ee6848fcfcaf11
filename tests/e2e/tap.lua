-- SPDX-License-Identifier: MIT
-- tap: runs the tests of a file one after the other and reports them in the Test Anything Protocol.
local tap = {};

local SKIP = {};

-- Ends the running test as skipped; a skip always has a reason.
function tap.skip(reason)
	error(setmetatable({ reason = reason }, SKIP), 0);
end

-- A message handler for xpcall: says once where it went wrong, in our own lines.
function tap.explain(err)
	if getmetatable(err) == SKIP or tostring(err):find("\nstack traceback:", 1, true) then
		return err;
	end
	local trace = debug.traceback("", 2):gsub("\n[^\n]*%[C%][^\n]*", ""):gsub("\n[^\n]*e2e/tap%.lua[^\n]*", "");
	return tostring(err) .. trace;
end

local function print_comment(text)
	for line in (text .. "\n"):gmatch("(.-)\n") do
		print("# " .. line);
	end
end

local function report(number, name, ok, err)
	if ok then
		print(("ok %d - %s"):format(number, name));
	elseif getmetatable(err) == SKIP then
		print(("ok %d - %s # SKIP %s"):format(number, name, err.reason));
	else
		print(("not ok %d - %s"):format(number, name));
		print_comment(err);
	end
	io.stdout:flush();
	return ok or getmetatable(err) == SKIP;
end

-- Runs { { "name", function }, ... } and exits: 0 when all passed or were skipped.
function tap.run(tests)
	print(("1..%d"):format(#tests));
	local all_ok = true;
	for number, test in ipairs(tests) do
		local ok, err = xpcall(test[2], tap.explain);
		all_ok = report(number, test[1], ok, err) and all_ok;
	end
	os.exit(all_ok, true);
end

return tap;
