-- SPDX-License-Identifier: MIT
-- A network for measuring: two leaf ASes under one core AS, so that a packet from leaf to leaf passes three routers.
-- The links have no delay: what is measured is the work of the programs.
return {
	ases = {
		["1-ff00:0:1"] = { core = true, mtu = 1472, router = "127.4.1.3:31002" };
		["1-ff00:0:2"] = { mtu = 1472, router = "127.4.2.3:31002" };
		["1-ff00:0:3"] = { mtu = 1472, router = "127.4.3.3:31002" };
	};
	links = {
		{ kind = "child", from = "1-ff00:0:1#1", to = "1-ff00:0:2#1", mtu = 1472 };
		{ kind = "child", from = "1-ff00:0:1#2", to = "1-ff00:0:3#1", mtu = 1472 };
	};
}
