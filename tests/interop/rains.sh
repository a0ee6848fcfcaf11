#!/bin/sh
# SPDX-License-Identifier: MIT
# Real name servers: what sxctl zone publishes is taken by rainsd and found by rdig; what they serve, from sxctl or signed
# by their own tools, is believed by our codec and found by sxctl resolve, from the root key down. Prints TAP. Skips, with
# its reason, without Go or the module.
# usage: rains.sh [BUILD]    the build tree (build); what is built here goes to BUILD/interop/peers
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-$here/../../build}")
sxctl=$build/module/cli/sxctl
check=$build/tests/interop/rains_check
peers=$build/interop/peers
run=$build/interop/rains
# shellcheck source=tests/interop/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/interop/rainsd.sh
. "$here/rainsd.sh"
# shellcheck source=tests/interop/lookups.sh
. "$here/lookups.sh"

trap 'stop; exit 1' INT TERM
trap stop EXIT

if [ -z "${INTEROP_INSIDE-}" ]; then
	why=$(build_peers) || skip_all rainsd "$why"
	enter_network "$here/rains.sh" "$build"
fi

believe() { # NAME TYPE-NUMBER TEXT
	expect "we believe, from the root key, of $1 type $2: $3" "$3" \
		retry "$check" "$at_resolver" "$run/keys/root/root_pub.pem" "$1" "$2"
}

echo "TAP version 13"
start_servers || point "not ok" "they listen:$deaf"

expect "sxctl publishes to rainsd and sees each name" "4 of 4 names seen" \
	"$sxctl" zone "$run/ours.zone" --key "$run/ours.key" --publish "$at_ours"
for server in "$at_ours" "$at_resolver"; do
	while read -r name type text; do
		expect "rdig finds at $server $name $type" "$text" retry dig "$server" "$name" "$type"
	done <<-END
		xmpp.ours. scion 1-ff00:0:110,[192.0.2.11]
		xmpp.ours. scion 1-ff00:0:110,[2001:db8::11]
		xmpp.ours. cert :tls: :endEntity: :sha256: $hash
		xmpp.ours. ip4 192.0.2.11
		xmpp.ours. ip6 2001:db8::11
		_xmpp-server._udpscion.xmpp.ours. srv xmpp.ours. 31467 0
		alias.ours. name xmpp.ours.
		who.ours. regr a registrar
		who.ours. regt a registrant
	END
done
expect "the library call of PAN finds an address of ours, the last one" "1-ff00:0:110,[2001:db8::11]" \
	retry "$peers/rainsquery" "$at_resolver" xmpp.ours. 14 1
expect "and our certificate" "$hash" retry "$peers/rainsquery" "$at_resolver" xmpp.ours. 7 1
believe xmpp.ours. 14 "data :ip6: :ip4: :cert: :scion: :scion:"
believe _xmpp-server._udpscion.xmpp.ours. 8 "data :srv:"
believe alias.ours. 14 "alias :name:"
believe xmpp.theirs. 14 "data :cert: :scion:"
believe xmpp.theirs. 7 "data :cert: :scion:"
believe nope.theirs. 14 "denied"
believe nope.ours. 14 "denied"

for servers in "$at_resolver" "$at_root $at_ours"; do
	resolve_all "$servers" ours 110,192.0.2.11 31467
done
for servers in "$at_resolver" "$at_theirs $at_root"; do
	resolve_all "$servers" theirs 111,192.0.2.12 5270
done
delegated ours "$(our_key)"
delegated theirs "$(their_key theirs)"
expect "JSON says the same" '"address": "1-ff00:0:111,192.0.2.12",' resolve "$at_resolver" "$pem" xmpp.theirs --json
expect "the root key as a line" "1-ff00:0:111,192.0.2.12 5270 0" \
	resolve "$at_resolver" "ed25519 1 $(their_key root)" xmpp.theirs
expect "an authority alone will do, whose own key is trusted" "1-ff00:0:111,192.0.2.12 5270 0" \
	resolve "$at_theirs" "theirs. $run/keys/theirs/theirs_pub.pem" xmpp.theirs
expect "the same with ours" "1-ff00:0:110,192.0.2.11 31467 0" \
	resolve "$at_ours" "ours. ed25519 1 $(our_key)" xmpp.ours
none="signed by no root key that is trusted (rains.roots, --root); it delegates zone"
expect_status 1 "a wrong root key believes nothing of theirs, and says why" "$none theirs." \
	resolve "$at_resolver" "ed25519 1 $(their_key theirs)" xmpp.theirs
expect_status 1 "nor of ours" "xmpp.ours: nothing found (rains: assertion in zone .: $none ours.)" \
	resolve "$at_resolver" "ed25519 1 $(their_key theirs)" xmpp.ours
expect_status 1 "nor that a name does not exist" "nope.theirs: nothing found (rains: assertion in zone .: $none theirs.)" \
	resolve "$at_resolver" "ed25519 1 $(their_key theirs)" nope.theirs --type certificates
expect_status 1 "an authority does not know who delegates to it" "no delegation of zone theirs. with key phase 1" \
	resolve "$at_theirs" "$pem" xmpp.theirs --type certificates
expect "the authority above only refers: its referral is followed" "1-ff00:0:111,192.0.2.12 5270 0" \
	resolve "$at_root" "$pem" xmpp.theirs
expect "to the servers of the zone" "127.0.0.1:55564: xmpp.theirs. scion: signed by zone theirs." \
	resolve "$at_root" "$pem" xmpp.theirs
expect "and to ours" "1-ff00:0:110,192.0.2.11 31467 0" resolve "$at_root" "$pem" xmpp.ours
for name in nope a.nope.theirs theirs; do
	expect_status 1 "silence about $name ends by our own timers, with the reason" \
		"$name: nothing found (rains: no answer from $at_resolver)" resolve "$at_resolver" "$pem" "$name" --deadline 1
done

sed -i 's/192\.0\.2\.11/192.0.2.99/' "$run/ours.zone"
expect "a changed zone is seen, and the older version beside it" "also served until" \
	"$sxctl" zone "$run/ours.zone" --key "$run/ours.key" --publish "$at_ours"
"$sxctl" zone "$run/ours.zone" --key "$run/stranger.key" --publish "$at_ours" >"$run/output" 2>&1
if [ $? -eq 3 ] && grep -qF "not seen: xmpp.ours." "$run/output"; then
	point ok "with a key that nobody delegates to, sxctl says which names are not seen"
else
	point "not ok" "with a key that nobody delegates to, sxctl says which names are not seen"
	comment <"$run/output"
fi
sum_up
