#!/bin/sh
# SPDX-License-Identifier: MIT
# Real name servers on real SCION: rainsd in one AS, our client and the tools of others in a second one, between them
# scionproto's routers, over paths that its control services found. Prints TAP. Skips, with its reason, without Go, the
# modules, or leave to make a network.
# usage: rains_scion.sh [BUILD]    the build tree (build); what is built here goes to BUILD/interop/peers and .../scion014
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-$here/../../build}")
sxctl=$build/module/cli/sxctl
sandbox=$build/tests/sandbox/sandbox
peers=$build/interop/peers
scion=$build/interop/scion014
run=$build/interop/rains_scion
network=$build/interop/rains_network
host="1-ff00:0:112,[127.3.2.9]"
at_root=$host:31561
at_theirs=$host:31564
at_resolver=$host:31565
# shellcheck source=tests/interop/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/interop/scion.sh
. "$here/scion.sh"
# shellcheck source=tests/interop/rainsd.sh
. "$here/rainsd.sh"
# shellcheck source=tests/interop/lookups.sh
. "$here/lookups.sh"
servers_daemon=$(daemon_of 112)
clients_daemon=$(daemon_of 111)

trap 'stop; exit 1' INT TERM
trap stop EXIT

if [ -z "${INTEROP_INSIDE-}" ]; then
	why=$(build_scion && build_peers) || skip_all "rainsd on SCION" "$why"
	enter_network "$here/rains_scion.sh" "$build"
	skip_all "rainsd on SCION" "the kernel does not allow a network of its own"
fi

# pan HOST:PORT: what PAN makes of it. It looks for a name server in /etc, so it gets one of its own.
pan() {
	mkdir -p "$run/pan/etc/scion"
	echo "$at_resolver" >"$run/pan/etc/scion/rains.cfg"
	cp "$peers/panname" "$run/pan"
	SCION_DAEMON_ADDRESS=$clients_daemon timeout 10 chroot "$run/pan" /panname "$1"
}

client_is() { over="--scion-only --address $1 --paths $2"; } # ADDRESS PATHS

echo "TAP version 13"
if start_scion; then
	point ok "paths are found by beaconing"
else
	point "not ok" "paths are found by beaconing"
	tail -n 3 "$network"/*.log "$network"/*/*.log | comment
	sum_up
	exit
fi
start_servers || point "not ok" "they listen:$deaf"

client_is 1-ff00:0:111,127.3.1.9 "$network/111-112.json"
expect "sxctl publishes to an authority that learns of its delegation over SCION" "4 of 4 names seen" \
	"$sxctl" zone "$run/ours.zone" --key "$run/ours.key" --publish "$at_ours"
resolve_all "$at_resolver" ours 110,192.0.2.11 31467
resolve_all "$at_resolver" theirs 111,192.0.2.12 5270
resolve_all "$at_theirs $at_root" theirs 111,192.0.2.12 5270
delegated ours "$(our_key)"
delegated theirs "$(their_key theirs)"
expect_status 1 "a wrong root key believes nothing, and says why" "signed by no root key that is trusted" \
	resolve "$at_resolver" "ed25519 1 $(their_key theirs)" xmpp.theirs
expect "the authority above only refers: its referral is followed, over SCION" "1-ff00:0:111,192.0.2.12 5270 0" \
	resolve "$at_root" "$pem" xmpp.theirs

while read -r name type text; do
	expect "rdig finds over SCION $name $type" "$text" retry dig "$at_resolver" "$name" "$type"
done <<-END
	xmpp.ours. scion 1-ff00:0:110,[192.0.2.11]
	xmpp.ours. cert :tls: :endEntity: :sha256: $hash
	_xmpp-server._udpscion.xmpp.ours. srv xmpp.ours. 31467 0
	xmpp.theirs. scion 1-ff00:0:111,[192.0.2.12]
END
expect "PAN finds an address of ours, the last one" "1-ff00:0:110,[2001:db8::11]:31467" retry pan xmpp.ours.:31467
expect "PAN finds one of theirs" "1-ff00:0:111,192.0.2.12:5270" retry pan xmpp.theirs.:5270

client_is 1-ff00:0:111,127.3.1.9 "$network/1-ff00_0_111.paths.json"
expect "the same over a path that our sandbox computed" "1-ff00:0:110,192.0.2.11 31467 0" \
	resolve "$at_resolver" "$pem" xmpp.ours
client_is 1-ff00:0:112,127.3.2.8 "$network/112-111.json"
expect "and from within the servers' AS" "1-ff00:0:110,192.0.2.11 31467 0" resolve "$at_resolver" "$pem" xmpp.ours

cut_core
client_is 1-ff00:0:111,127.3.1.9 "$network/111-112.json"
expect_status 1 "without the router between there is no answer" "nothing found (rains: no answer from [1-ff00:0:112,127.3.2.9]:31565)" \
	resolve "$at_resolver" "$pem" xmpp.ours --deadline 1
sum_up
