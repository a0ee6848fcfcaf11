-- The laboratory in which the vectors of tests/data/scion were recorded: 2 ISDs, 8 ASes, with its keys, MTUs and router
-- addresses. Interface numbers, MTUs and keys stay as they are, or the vectors no longer fit.
return {
	ases = {
		["1-ff00:0:110"] = { core = true, mtu = 1472, router = "127.3.0.3:31002", key = "28YdYZhpjeqPQIffs0H+BA==" };
		["1-ff00:0:120"] = { core = true, mtu = 1471, router = "127.3.1.3:31002", key = "yt2JxxPlKgloRjU58Ndzuw==" };
		["1-ff00:0:111"] = { mtu = 1470, router = "127.3.2.3:31002", key = "xuXs/Me5k7uuLgofod4G+g==" };
		["1-ff00:0:112"] = { mtu = 1469, router = "127.3.3.3:31002", key = "xmUEWhA1KkvHLBO6v9Z9ng==" };
		["1-ff00:0:113"] = { mtu = 1468, router = "127.3.4.3:31002", key = "2R2pWBDcavymab3YbWcttA==" };
		["1-ff00:0:114"] = { mtu = 1467, router = "127.3.5.3:31002", key = "m2PBrp6MFinhdg4iZL5dmA==" };
		["2-ff00:0:210"] = { core = true, mtu = 1466, router = "127.3.6.3:31002", key = "WygAhkwb9bDLUAqklK15Ow==" };
		["2-ff00:0:211"] = { mtu = 1465, router = "127.3.7.3:31002", key = "c4TN0uC8hzeCjQatrKiTdg==" };
	};
	links = {
		{ kind = "core", from = "1-ff00:0:110#1", to = "1-ff00:0:120#1", mtu = 1472, delay = 1 };
		{ kind = "core", from = "1-ff00:0:120#2", to = "2-ff00:0:210#1", mtu = 1460, delay = 1 };
		{ kind = "core", from = "1-ff00:0:110#2", to = "2-ff00:0:210#2", mtu = 1450, delay = 2 };
		{ kind = "child", from = "1-ff00:0:110#3", to = "1-ff00:0:111#1", mtu = 1440, delay = 0.5 };
		{ kind = "child", from = "1-ff00:0:120#3", to = "1-ff00:0:111#2", mtu = 1430, delay = 0.5 };
		{ kind = "child", from = "1-ff00:0:111#3", to = "1-ff00:0:112#1", mtu = 1420, delay = 0.5 };
		{ kind = "child", from = "1-ff00:0:111#4", to = "1-ff00:0:114#1", mtu = 1410, delay = 0.5 };
		{ kind = "child", from = "1-ff00:0:120#4", to = "1-ff00:0:113#1", mtu = 1400, delay = 0.5 };
		{ kind = "child", from = "2-ff00:0:210#3", to = "2-ff00:0:211#1", mtu = 1390, delay = 0.5 };
		{ kind = "peer", from = "1-ff00:0:111#5", to = "1-ff00:0:113#2", mtu = 1380, delay = 0.5 };
		{ kind = "peer", from = "1-ff00:0:113#3", to = "2-ff00:0:211#2", mtu = 1370, delay = 1.5 };
	};
}
