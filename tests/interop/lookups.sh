#!/bin/sh
# SPDX-License-Identifier: MIT
# lookups: what our client finds at the servers of rainsd.sh, to be sourced after it and tap.sh. $over has further options
# for the client.
# shellcheck disable=SC2154 # whoever sources this sets them
: "$run" "$sxctl" "$peers" "$hash"
pem=$run/keys/root/root_pub.pem

# retry COMMAND...: a caching rainsd that has nothing is silent; what was just pushed comes at a later try.
retry() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		"$@" && return
	done
	return 1
}

dig() { # SERVER NAME TYPE
	SCION_DAEMON_ADDRESS=${clients_daemon-} timeout 10 "$peers/rdig" -p "${1##*:}" -e "$(($(date +%s) + 60))" "@${1%:*}" "$2" "$3"
}

# resolve SERVERS ROOT NAME OPTIONS...: what our client finds, asking these servers; blanks are squeezed.
resolve() {
	servers=$1 root=$2
	shift 2
	for server in $servers; do
		set -- "$@" --server "$server"
	done
	# shellcheck disable=SC2086 # words are meant
	found=$(timeout 10 "$sxctl" resolve --order rains --trace --root "$root" ${over-} "$@" 2>&1)
	status=$?
	echo "$found" | tr -s " "
	return "$status"
}

# What a caching server knows, and what the authorities of a zone and of the one above it know.
resolve_all() { # SERVERS ZONE ADDRESS SERVICE-PORT
	from="our client finds by $1" zone=$2
	expect "$from $zone: address, port of the service" "1-ff00:0:$3 $4 0" resolve "$1" "$pem" "xmpp.$zone"
	expect "$from $zone: signed by its key" "xmpp.$zone. scion: signed by zone $zone." resolve "$1" "$pem" "xmpp.$zone"
	expect "$from $zone: certificate" "end entity sha256 $hash" resolve "$1" "$pem" "xmpp.$zone" --type certificates
	expect "$from $zone: an alias is followed" "alias.$zone. is an alias of xmpp.$zone." resolve "$1" "$pem" "alias.$zone"
	expect "$from $zone: to its address" "1-ff00:0:$3 -" resolve "$1" "$pem" "alias.$zone"
	expect_status 1 "$from $zone: no such name, proven" "nope.$zone: nothing found (rains: proven that there is none)" \
		resolve "$1" "$pem" "nope.$zone"
}

our_key() { "$sxctl" zone "$run/ours.zone" --key "$run/ours.key" | sed -n "s/^\ted25519 1 //p"; }

# delegated ZONE KEY: the trace names the key that the root's key signed.
delegated() {
	expect "our client names the key of $1" "key of $1., phase 1: ed25519 $2, delegated by zone ." \
		resolve "$at_resolver" "$pem" "xmpp.$1"
}
