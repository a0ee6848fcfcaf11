-- SPDX-License-Identifier: MIT
-- The network of scion.sh: one AS above two others, whose hosts reach each other over three routers.
return {
	ases = {
		["1-ff00:0:110"] = { core = true, mtu = 1472, router = "127.3.0.3:31002" };
		["1-ff00:0:111"] = { mtu = 1472, router = "127.3.1.3:31002" };
		["1-ff00:0:112"] = { mtu = 1472, router = "127.3.2.3:31002" };
	};
	links = {
		{ kind = "child", from = "1-ff00:0:110#1", to = "1-ff00:0:111#1", mtu = 1472 };
		{ kind = "child", from = "1-ff00:0:110#2", to = "1-ff00:0:112#1", mtu = 1472 };
	};
}
