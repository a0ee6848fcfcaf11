-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local hosts = require "sx.hosts";
local new_names = require "sx.names".new;
local core = require "fake_core".new();

local function normalise(text)
	return (core.address_normal(text));
end

local H1, H2 = "1-ff00:0:110,10.0.0.1", "2-ff00:0:210,10.0.0.2";

describe("a hosts file", function ()
	for _, case in ipairs {
		{ "bare address", H1.." b.example.org\n", { ["b.example.org"] = { H1 } } },
		{ "brackets", "1-ff00:0:110,[10.0.0.1] b.example.org", { ["b.example.org"] = { H1 } } },
		{ "IPv6", "1-ff00:0:110,[fd00::1] b", { b = { "1-ff00:0:110,fd00::1" } } },
		{ "several names", H1.." b c d", { b = { H1 }, c = { H1 }, d = { H1 } } },
		{ "a comment", H1.." b # c d", { b = { H1 } } },
		{ "the reversed dialect", "b.example.org "..H1.." "..H2, { ["b.example.org"] = { H1, H2 } } },
		{ "both dialects, one name", H1.." b\nb "..H2.."\n", { b = { H1, H2 } } },
		{ "the same twice", H1.." b\n"..H1.." b\n", { b = { H1 } } },
		{ "upper case and a last dot", H1.." B.Example.Org.", { ["b.example.org"] = { H1 } } },
		{ "tabs and CRLF", "\t"..H1.."\tb\r\n\r\n"..H2.." c\r\n", { b = { H1 }, c = { H2 } } },
		{ "lines of /etc/hosts", "127.0.0.1 localhost\n::1 ip6-localhost\nfe80::1%lo0 x\n"..H1.." b", { b = { H1 } } },
		{ "nothing", "", {} }, { "comments only", "# a\n\n   # b", {} },
	} do
		it("is read with "..case[1], function ()
			local map, warnings = hosts.parse(case[2], normalise);
			assert.same(case[3], map);
			assert.same({}, warnings);
		end);
	end

	for _, line in ipairs { "1-ff00:0:110,nonsense b", "b", H1, "b c "..H1, "b "..H1.." c", H1.." "..H2, "b,c "..H1,
		"\0\1\2", H1.." "..("x"):rep(256) } do
		it(("is used without a line such as %q"):format(line:sub(1, 40)), function ()
			local map, warnings = hosts.parse("# first\n"..line.."\n"..H2.." fine\n", normalise);
			assert.same({ H2 }, map.fine);
			assert.equal(1, #warnings);
			assert.equal(2, warnings[1].line);
		end);
	end

	it("is read up to a limit, and says so", function ()
		local map, warnings = hosts.parse(("b "..H1.."\n"):rep(20000)..H2.." late", normalise);
		assert.is_nil(map.late);
		assert.equal("too long; the rest is not read", warnings[#warnings].text);
	end);
end);

describe("names", function ()
	local files, stamps, logged, reads, config;

	before_each(function ()
		files, stamps, logged, reads = {}, {}, {}, 0;
		config = {
			port = 31467;
			names = { order = { "static", "hosts" }, hosts = { "/etc/scion/hosts", "/etc/hosts" } };
			peers = { ["s.example.org"] = { address = { H1 }, port = 4000 }, ["p.example.org"] = { port = 5000 } };
		};
	end);

	local function names()
		return new_names(config, {
			normalise = normalise;
			stat = function (name) return files[name] and (stamps[name] or 1); end;
			read = function (name)
				reads = reads + 1;
				if files[name] == false then
					return nil, "Permission denied";
				end
				return files[name];
			end;
			log = function (level, format, ...) logged[#logged + 1] = level..": "..format:format(...); end;
		});
	end

	local function ask(n, domain)
		local list, err;
		n:lookup(domain, function (...) list, err = ...; end);
		return list, err;
	end

	it("come from the static map, with the peer's port", function ()
		assert.same({ { address = H1, port = 4000, source = "static" } }, (ask(names(), "s.example.org")));
	end);

	it("come from all hosts files together, in their order, with the peer's port or ours", function ()
		files["/etc/hosts"] = "127.0.0.1 localhost\n"..H1.." b p.example.org\n";
		files["/etc/scion/hosts"] = "b "..H2.." "..H1.."\n";
		assert.same({ { address = H2, port = 31467, source = "hosts" }, { address = H1, port = 31467, source = "hosts" } },
			(ask(names(), "b")));
		assert.equal(5000, ask(names(), "p.example.org")[1].port);
	end);

	it("come from the first source that knows", function ()
		files["/etc/hosts"] = H2.." s.example.org";
		assert.equal(H1, ask(names(), "s.example.org")[1].address);
		config.names.order = { "hosts", "static" };
		assert.equal(H2, ask(names(), "s.example.org")[1].address);
		config.names.order = { "static" };
		files["/etc/hosts"] = H2.." b";
		assert.is_nil((ask(names(), "b")));
	end);

	it("follow changes of a file, and read it only then", function ()
		files["/etc/hosts"] = H1.." b";
		local n = names();
		ask(n, "b");
		ask(n, "b");
		assert.equal(1, reads);
		files["/etc/hosts"], stamps["/etc/hosts"] = H2.." b", 2;
		assert.equal(H2, ask(n, "b")[1].address);
		files["/etc/hosts"] = nil;
		assert.is_nil((ask(n, "b")));
	end);

	it("say who was asked when nobody knows", function ()
		local _, err = ask(names(), "x.example.org");
		assert.equal("no SCION address known for x.example.org (asked: the static map, hosts files)", err);
	end);

	it("warn once of a file that cannot be read and of bad lines", function ()
		files["/etc/scion/hosts"] = false;
		files["/etc/hosts"] = "127.0.0.1 localhost\ngarbage\n";
		stamps["/etc/scion/hosts"] = 1;
		local n = new_names(config, {
			normalise = normalise; stat = function () return 1; end;
			read = function (name)
				if not files[name] then
					return nil, "Permission denied";
				end
				return files[name];
			end;
			log = function (level, format, ...) logged[#logged + 1] = level..": "..format:format(...); end;
		});
		ask(n, "b");
		ask(n, "b");
		assert.same({ "warn: Hosts file /etc/scion/hosts cannot be read: Permission denied",
			"warn: Hosts file /etc/hosts, line 2: a name without an address" }, logged);
	end);
end);
