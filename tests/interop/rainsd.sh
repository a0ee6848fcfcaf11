#!/bin/sh
# SPDX-License-Identifier: MIT
# rainsd: real name servers on loopback, to be sourced: a root, the zone "ours.", empty until sxctl zone publishes to it,
# the zone "theirs.", made and published by their own tools, and a caching resolver.
# Wants $here (tests/interop), $sxctl, $peers (where their programs are built) and $run (a folder for all else). Servers
# are at "IP:PORT", over TLS, or, where whoever sources this says so, at "ISD-AS,[IP]:PORT", over SCION: then
# $servers_daemon and $clients_daemon are the SCION daemons that they and their tools ask.
# shellcheck disable=SC2154 # whoever sources this sets them
: "$here" "$sxctl" "$peers" "$run"
# shellcheck source=tests/interop/programs.sh
. "$here/programs.sh"
at_root=${at_root:-127.0.0.1:55561}
at_ours=${at_ours:-127.0.0.1:55553}
at_theirs=${at_theirs:-127.0.0.1:55564}
at_resolver=${at_resolver:-127.0.0.1:55565}
deaf= # servers that do not listen

# Builds their programs. False: prints why not.
build_peers() {
	go_is 1.24.0 || return
	mkdir -p "$peers"
	[ -x "$peers/panname" ] || build peers "$peers/" tool ./rainsquery ./panname ||
		{ echo "its module cannot be had or built: $(tail -n 1 "$peers-build.log")"; return 1; }
}

# wait_for NAME ADDRESS: until it listens, at most 10 s
wait_for() {
	for _ in $(seq 100); do
		case $2 in
		*,*) grep -q "Started SCION listener" "$run/$1.log" ;;
		*) is_open "${2%:*}" "${2##*:}" ;;
		esac && return
		sleep 0.1
	done
	return 1
}

is_open() { # IP PORT
	lua5.4 -e 'os.exit(require "socket".connect(arg[1], arg[2]) ~= nil);' /dev/null "$1" "$2"
}

# serve NAME ADDRESS ARGUMENTS...: a rainsd. At the end of its input it would spin, so that stays open.
serve() {
	name=$1 address=$2
	shift 2
	mkdir -p "$run/checkpoint/$name"
	SCION_DAEMON_ADDRESS=${servers_daemon-} "$peers/rainsd" --id "$name" --serverAddress "$address" \
		--rootZonePublicKeyPath "$run/root.gob" \
		--tlsCertificateFile "$run/server.crt" --tlsPrivateKeyFile "$run/server.key" \
		--checkPointPath "$run/checkpoint/$name/" "$@" <"$run/input" >"$run/$name.log" 2>&1 &
	started="$started $!"
	wait_for "$name" "$address" || deaf="$deaf $name"
}

keys_of() { # NAME
	mkdir -p "$run/keys/$1"
	"$peers/keyManager" gen "$run/keys/$1" -n "$1" -a ed25519 -p 1 -d test >"$run/$1-key.log" 2>&1
}

their_key() { # NAME: their public key in hex
	sed -n 's/^hexEncoding: //p' "$run/keys/$1/$1_pub.pem"
}

# Says "not able to publish" always: it waits for an answer that never comes.
their_publish() { # NAME ADDRESS
	SCION_DAEMON_ADDRESS=${clients_daemon-} timeout 30 "$peers/zonepub" --zonefilePath "$run/$1.zone" --authServers "$2" \
		--privateKeyPath "$run/keys/$1" --keyPhase 1 --sortShards --sortZone >"$run/$1-publish.log" 2>&1
}

hash=$(printf 'ab%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)

host_of() { # ADDRESS: as an object of a zone
	case $1 in
	*,*) echo ":scion: ${1%:*}" ;;
	*) echo ":ip4: ${1%:*}" ;;
	esac
}

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
			:A: _xmpp-server._udpscion.xmpp [ :srv: xmpp.theirs. 5270 0 ]
			:A: alias [ :name: xmpp.theirs. [ :scion: ] ]
		]
	END
	cat >"$run/root.zone" <<-END
		:Z: . . [
			:A: ours [ :redir: ns.ours. ]
			$("$sxctl" zone "$run/ours.zone" --key "$run/ours.key" | sed -n 's/^\t\(:A: .*\)/\1/p')
			:A: ns.ours [ $(host_of "$at_ours") ]
			:A: theirs [ :redir: _rains._tcp.ns.theirs. ]
			:A: theirs [ :deleg: :ed25519: 1 $(their_key theirs) ]
			:A: _rains._tcp.ns.theirs [ :srv: ns1.theirs. ${at_theirs##*:} 0 ]
			:A: ns1.theirs [ $(host_of "$at_theirs") ]
		]
	END
}

# False: $deaf says which do not listen.
start_servers() {
	rm -rf "$run"
	mkdir -p "$run"
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
	serve root "$at_root" --authorities .,.
	their_publish root "$at_root"
	serve ours "$at_ours" --authorities ours.,. --rootServerAddress "$at_root"
	serve theirs "$at_theirs" --authorities theirs.,. --rootServerAddress "$at_root"
	serve resolver "$at_resolver" --rootServerAddress "$at_root"
	their_publish theirs "$at_theirs"
	[ -z "$deaf" ]
}
