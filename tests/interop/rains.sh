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
number=0
failed=0
# shellcheck source=tests/interop/rainsd.sh
. "$here/rainsd.sh"

trap 'stop; exit 1' INT TERM
trap stop EXIT

point() { # RESULT DESCRIPTION
	number=$((number + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $number - $2"
}

comment() { sed 's/^/# /' | cut -c1-300; }

# expect_status STATUS DESCRIPTION TEXT COMMAND...: it ends with the status and prints the text.
expect_status() {
	wanted=$1 description=$2 text=$3
	shift 3
	"$@" >"$run/output" 2>&1
	status=$?
	if [ "$status" -eq "$wanted" ] && grep -qF -- "$text" "$run/output"; then
		point ok "$description"
	else
		point "not ok" "$description"
		echo "# status $status, expected $wanted and: $text"
		tail -n 20 "$run/output" | comment
	fi
}

# expect DESCRIPTION TEXT COMMAND...: it succeeds and prints the text.
expect() { expect_status 0 "$@"; }

skip_all() { # REASON
	echo "TAP version 13"
	echo "ok 1 - rainsd # SKIP $1"
	echo "1..1"
	exit 0
}

# Builds need the network, the servers do not: they get one of their own where the kernel allows that.
if [ -z "${INTEROP_INSIDE-}" ]; then
	why=$(build_peers) || skip_all "$why"
	if unshare -rn sh -c 'ip link set lo up' 2>/dev/null; then
		INTEROP_INSIDE=1 exec unshare -rn sh -c 'ip link set lo up && exec sh "$0" "$@"' "$here/rains.sh" "$build"
	fi
fi

dig() { # PORT NAME TYPE
	timeout 10 "$peers/rdig" -p "$1" -e "$(($(date +%s) + 60))" @127.0.0.1 "$2" "$3"
}

# retry COMMAND...: a caching rainsd that has nothing is silent; what was just pushed comes at a later try.
retry() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		"$@" && return
	done
	return 1
}

believe() { # NAME TYPE-NUMBER TEXT
	expect "we believe, from the root key, of $1 type $2: $3" "$3" \
		retry "$check" 127.0.0.1:55565 "$run/keys/root/root_pub.pem" "$1" "$2"
}

# resolve PORTS ROOT NAME OPTIONS...: what our client finds, asking the servers of these ports; blanks are squeezed.
resolve() {
	ports=$1 root=$2
	shift 2
	for port in $(echo "$ports" | tr , " "); do
		set -- "$@" --server "127.0.0.1:$port"
	done
	found=$(timeout 10 "$sxctl" resolve --order rains --trace --root "$root" "$@" 2>&1)
	status=$?
	echo "$found" | tr -s " "
	return "$status"
}

# What a caching server knows, and what the authorities of a zone and of the one above it know.
resolve_all() { # PORTS ZONE ADDRESS SERVICE-PORT
	from="our client finds by $1" zone=$2
	expect "$from $zone: address, port of the service" "1-ff00:0:$3 $4 0" resolve "$1" "$pem" "xmpp.$zone"
	expect "$from $zone: signed by its key" "xmpp.$zone. scion: signed by zone $zone." resolve "$1" "$pem" "xmpp.$zone"
	expect "$from $zone: certificate" "end entity sha256 $hash" resolve "$1" "$pem" "xmpp.$zone" --type certificates
	expect "$from $zone: an alias is followed" "alias.$zone. is an alias of xmpp.$zone." resolve "$1" "$pem" "alias.$zone"
	expect "$from $zone: to its address" "1-ff00:0:$3 -" resolve "$1" "$pem" "alias.$zone"
	expect_status 1 "$from $zone: no such name, proven" "nope.$zone: nothing found (rains: proven that there is none)" \
		resolve "$1" "$pem" "nope.$zone"
}

our_key() { sed -n "s/^ed25519 1 //p" "$run/ours.public"; }

# delegated ZONE KEY: the trace names the key that the root's key signed.
delegated() {
	expect "our client names the key of $1" "key of $1., phase 1: ed25519 $2, delegated by zone ." \
		resolve 55565 "$pem" "xmpp.$1"
}

echo "TAP version 13"
start_servers || point "not ok" "they listen:$deaf"

expect "sxctl publishes to rainsd and sees each name" "4 of 4 names seen" \
	"$sxctl" zone "$run/ours.zone" --key "$run/ours.key" --publish 127.0.0.1:55553
for port in 55553 55565; do
	while read -r name type text; do
		expect "rdig finds at port $port $name $type" "$text" retry dig "$port" "$name" "$type"
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
	retry "$peers/rainsquery" 127.0.0.1:55565 xmpp.ours. 14 1
expect "and our certificate" "$hash" retry "$peers/rainsquery" 127.0.0.1:55565 xmpp.ours. 7 1
believe xmpp.ours. 14 "data :ip6: :ip4: :cert: :scion: :scion:"
believe _xmpp-server._udpscion.xmpp.ours. 8 "data :srv:"
believe alias.ours. 14 "alias :name:"
believe xmpp.theirs. 14 "data :cert: :scion:"
believe xmpp.theirs. 7 "data :cert: :scion:"
believe nope.theirs. 14 "denied"
believe nope.ours. 14 "denied"

pem=$run/keys/root/root_pub.pem
"$sxctl" zone "$run/ours.zone" --key "$run/ours.key" | tr -d "\t" >"$run/ours.public"
for ports in 55565 55561,55553; do
	resolve_all "$ports" ours 110,192.0.2.11 31467
done
for ports in 55565 55564,55561; do
	resolve_all "$ports" theirs 111,192.0.2.12 5270
done
delegated ours "$(our_key)"
delegated theirs "$(their_key theirs)"
expect "JSON says the same" '"address": "1-ff00:0:111,192.0.2.12",' resolve 55565 "$pem" xmpp.theirs --json
expect "the root key as a line" "1-ff00:0:111,192.0.2.12 5270 0" \
	resolve 55565 "ed25519 1 $(their_key root)" xmpp.theirs
expect "an authority alone will do, whose own key is trusted" "1-ff00:0:111,192.0.2.12 5270 0" \
	resolve 55564 "theirs. $run/keys/theirs/theirs_pub.pem" xmpp.theirs
expect "the same with ours" "1-ff00:0:110,192.0.2.11 31467 0" \
	resolve 55553 "ours. ed25519 1 $(our_key)" xmpp.ours
none="signed by no root key that is trusted (rains.roots, --root); it delegates zone"
expect_status 1 "a wrong root key believes nothing of theirs, and says why" "$none theirs." \
	resolve 55565 "ed25519 1 $(their_key theirs)" xmpp.theirs
expect_status 1 "nor of ours" "xmpp.ours: nothing found (rains: assertion in zone .: $none ours.)" \
	resolve 55565 "ed25519 1 $(their_key theirs)" xmpp.ours
expect_status 1 "nor that a name does not exist" "nope.theirs: nothing found (rains: assertion in zone .: $none theirs.)" \
	resolve 55565 "ed25519 1 $(their_key theirs)" nope.theirs --type certificates
expect_status 1 "an authority does not know who delegates to it" "no delegation of zone theirs. with key phase 1" \
	resolve 55564 "$pem" xmpp.theirs --type certificates
expect "the authority above only refers: its referral is followed" "1-ff00:0:111,192.0.2.12 5270 0" \
	resolve 55561 "$pem" xmpp.theirs
expect "to the servers of the zone" "127.0.0.1:55564: xmpp.theirs. scion: signed by zone theirs." \
	resolve 55561 "$pem" xmpp.theirs
expect "and to ours" "1-ff00:0:110,192.0.2.11 31467 0" resolve 55561 "$pem" xmpp.ours
for name in nope a.nope.theirs theirs; do
	expect_status 1 "silence about $name ends by our own timers, with the reason" \
		"$name: nothing found (rains: no answer from 127.0.0.1:55565)" resolve 55565 "$pem" "$name" --deadline 1
done

sed -i 's/192\.0\.2\.11/192.0.2.99/' "$run/ours.zone"
expect "a changed zone is seen, and the older version beside it" "also served until" \
	"$sxctl" zone "$run/ours.zone" --key "$run/ours.key" --publish 127.0.0.1:55553
"$sxctl" zone "$run/ours.zone" --key "$run/stranger.key" --publish 127.0.0.1:55553 >"$run/output" 2>&1
if [ $? -eq 3 ] && grep -qF "not seen: xmpp.ours." "$run/output"; then
	point ok "with a key that nobody delegates to, sxctl says which names are not seen"
else
	point "not ok" "with a key that nobody delegates to, sxctl says which names are not seen"
	comment <"$run/output"
fi
echo "1..$number"
[ "$failed" -eq 0 ]
