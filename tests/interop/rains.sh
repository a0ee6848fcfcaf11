#!/bin/sh
# SPDX-License-Identifier: MIT
# Real name servers: what sxctl zone publishes is taken by rainsd and found by rdig, and what their own tools sign and
# serve is believed by our codec, from the root key down. Prints TAP. Skips, with its reason, without Go or the module.
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

# expect DESCRIPTION TEXT COMMAND...: it succeeds and prints the text.
expect() {
	description=$1 text=$2
	shift 2
	if "$@" >"$run/output" 2>&1 && grep -qF -- "$text" "$run/output"; then
		point ok "$description"
	else
		point "not ok" "$description"
		tail -n 20 "$run/output" | comment
	fi
}

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
believe xmpp.ours. 14 "data :ip6: :ip4: :cert: :scion: :scion:"
believe _xmpp-server._udpscion.xmpp.ours. 8 "data :srv:"
believe alias.ours. 14 "alias :name:"
believe xmpp.theirs. 14 "data :cert: :scion:"
believe xmpp.theirs. 7 "data :cert: :scion:"
believe nope.theirs. 14 "denied"
believe nope.ours. 14 "denied"

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
