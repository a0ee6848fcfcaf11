-- The default network: the recorded laboratory and two links more, so that the leaf ASes 1-ff00:0:113 and 2-ff00:0:211,
-- where the demo servers are, each have two links upwards besides the peer link between them.
local topology = include("lab8as.lua");

table.insert(topology.links, { kind = "child", from = "1-ff00:0:110#4", to = "1-ff00:0:113#4", mtu = 1440, delay = 1 });
table.insert(topology.links, { kind = "child", from = "2-ff00:0:210#4", to = "2-ff00:0:211#3", mtu = 1440, delay = 1 });

return topology;
