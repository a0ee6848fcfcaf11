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
started=
number=0
failed=0
needed=1.24.0

stop() { # ends what was started here, by pid
	for pid in $started; do
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	started=
}
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

# "1.26.8" >= "1.24.2"?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

go_version() { GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//'; }

build_peers() {
	mkdir -p "$peers"
	[ -x "$peers/zonepub" ] || (cd "$here/peers" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly \
		go build -trimpath -ldflags='-s -w' -o "$peers/" tool) >"$peers/build.log" 2>&1
}

# Builds need the network, the servers do not: they get one of their own where the kernel allows that.
if [ -z "${INTEROP_INSIDE-}" ]; then
	have=$(go_version)
	[ -n "$have" ] || skip_all "there is no Go; it needs $needed"
	at_least "$have" "$needed" || skip_all "Go is $have; it needs $needed"
	build_peers || skip_all "its module cannot be had or built: $(tail -n 1 "$peers/build.log")"
	if unshare -rn sh -c 'ip link set lo up' 2>/dev/null; then
		INTEROP_INSIDE=1 exec unshare -rn sh -c 'ip link set lo up && exec sh "$0" "$@"' "$here/rains.sh" "$build"
	fi
fi

# wait_for PORT: until somebody listens there, at most 10 s
wait_for() {
	lua5.4 -e 'local socket = require "socket"; local deadline = socket.gettime() + 10;
		repeat local open = socket.connect("127.0.0.1", arg[1]); if open then os.exit(true); end
		socket.sleep(0.05); until socket.gettime() > deadline; os.exit(false);' /dev/null "$1"
}

# serve NAME PORT ARGUMENTS...: a rainsd. At the end of its input it would spin, so that stays open.
serve() {
	name=$1 port=$2
	shift 2
	mkdir -p "$run/checkpoint/$name"
	"$peers/rainsd" --id "$name" --serverAddress "127.0.0.1:$port" --rootZonePublicKeyPath "$run/root.gob" \
		--tlsCertificateFile "$run/server.crt" --tlsPrivateKeyFile "$run/server.key" \
		--checkPointPath "$run/checkpoint/$name/" "$@" <"$run/input" >"$run/$name.log" 2>&1 &
	started="$started $!"
	wait_for "$port" || point "not ok" "rainsd $name listens"
}

keys_of() { # NAME
	mkdir -p "$run/keys/$1"
	"$peers/keyManager" gen "$run/keys/$1" -n "$1" -a ed25519 -p 1 -d test >"$run/$1-key.log" 2>&1
}

their_key() { # NAME: their public key in hex
	sed -n 's/^hexEncoding: //p' "$run/keys/$1/$1_pub.pem"
}

# Says "not able to publish" always: it waits for an answer that never comes.
their_publish() { # NAME PORT
	timeout 30 "$peers/zonepub" --zonefilePath "$run/$1.zone" --authServers "127.0.0.1:$2" \
		--privateKeyPath "$run/keys/$1" --keyPhase 1 --sortShards --sortZone >"$run/$1-publish.log" 2>&1
}

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

hash=$(printf 'ab%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)

write_zones() {
	cat >"$run/ours.zone" <<-END
		:Z: ours. . [
			:A: xmpp [ :cert: :tls: :endEntity: :sha256: $hash :scion: 1-ff00:0:110,[192.0.2.11]
				:scion: 1-ff00:0:110,[2001:db8::11] :ip4: 192.0.2.11 :ip6: 2001:db8::11 ]
			:A: _xmpp-server._udpscion.xmpp [ :srv: xmpp.ours. 31467 0 ]
			:A: alias [ :name: xmpp.ours. [ :scion: :ip4: ] ]
			:A: who [ :regr: a registrar :regt: a registrant ]
		]
	END
	cat >"$run/theirs.zone" <<-END
		:Z: theirs. . [
			:A: xmpp [ :scion: 1-ff00:0:111,[192.0.2.12] :cert: :tls: :endEntity: :sha256: $hash ]
			:A: alias [ :name: xmpp.theirs. [ :scion: ] ]
		]
	END
	cat >"$run/root.zone" <<-END
		:Z: . . [
			:A: ours [ :redir: ns.ours. ]
			$("$sxctl" zone "$run/ours.zone" --key "$run/ours.key" | sed -n 's/^\t\(:A: .*\)/\1/p')
			:A: ns.ours [ :ip4: 127.0.0.1 ]
			:A: theirs [ :redir: _rains._tcp.ns.theirs. ]
			:A: theirs [ :deleg: :ed25519: 1 $(their_key theirs) ]
			:A: _rains._tcp.ns.theirs [ :srv: ns1.theirs. 55564 0 ]
			:A: ns1.theirs [ :ip4: 127.0.0.1 ]
		]
	END
}

start_servers() {
	keys_of root
	keys_of theirs
	"$peers/keyManager" selfsign "$run/keys/root/root" -s "$run/root.gob" -z . -c . -v 8760h >"$run/selfsign.log" 2>&1
	printf 'cn = ns.example.org\n' >"$run/template"
	certtool --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$run/server.key" >"$run/certtool.log" 2>&1
	certtool --generate-self-signed --load-privkey "$run/server.key" --template "$run/template" \
		--outfile "$run/server.crt" >>"$run/certtool.log" 2>&1
	write_zones
	mkfifo "$run/input"
	exec 9<>"$run/input"
	serve root 55561 --authorities .,.
	their_publish root 55561
	serve ours 55553 --authorities ours.,. --rootServerAddress 127.0.0.1:55561
	serve theirs 55564 --authorities theirs.,. --rootServerAddress 127.0.0.1:55561
	serve resolver 55565 --rootServerAddress 127.0.0.1:55561
	their_publish theirs 55564
}

believe() { # NAME TYPE-NUMBER TEXT
	expect "we believe, from the root key, of $1 type $2: $3" "$3" \
		retry "$check" 127.0.0.1:55565 "$run/keys/root/root_pub.pem" "$1" "$2"
}

rm -rf "$run"
mkdir -p "$run"
echo "TAP version 13"
start_servers

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
