#!/bin/sh
# SPDX-License-Identifier: MIT
# scion: real ASes with all that scionproto has for them, to be sourced. Those of scion.lua, 1-ff00:0:110 to 112, each with
# a router, a control service, which finds paths by beaconing, and a daemon for its hosts. The addresses of 11N are
# 127.3.N.1 (daemon), 127.3.N.2 (control service), 127.3.N.3 (router) and, for hosts, the others.
# Wants $here (tests/interop), $sandbox (that program), $scion (where theirs are built) and $network (a folder).
# shellcheck disable=SC2154 # whoever sources this sets them
: "$here" "$sandbox" "$scion" "$network"
# shellcheck source=tests/interop/programs.sh
. "$here/programs.sh"
ases="110 111 112"
core=110

# Builds their programs. False: prints why not.
build_scion() {
	go_is 1.24.2 || return
	mkdir -p "$scion"
	[ -x "$scion/paths" ] || build scion014 "$scion/" ./paths github.com/scionproto/scion/router/cmd/router \
		github.com/scionproto/scion/control/cmd/control github.com/scionproto/scion/daemon/cmd/daemon \
		github.com/scionproto/scion/scion-pki/cmd/scion-pki ||
		{ echo "its module cannot be had or built: $(tail -n 1 "$scion-build.log")"; return 1; }
}

folder_of() { echo "$network/1-ff00_0_$1"; }
address_of() { echo "127.3.$(($1 - 110)).$2"; } # AS HOST
daemon_of() { echo "$(address_of "$1" 1):30255"; }

# The root of trust of the ISD, and certificates of its ASes.
make_keys() {
	echo "ASes:" >"$network/ases"
	for as in $ases; do
		[ "$as" = $core ] && role="core: true, voting: true, authoritative: true, issuing: true" ||
			role="cert_issuer: 1-ff00:0:$core"
		echo "  1-ff00:0:$as: {$role}" >>"$network/ases"
	done
	"$scion/scion-pki" testcrypto --topo "$network/ases" --out "$network/pki" >"$network/pki.log" 2>&1
}

# What an AS needs beside that which routers alone do.
configure() { # AS
	folder=$(folder_of "$1")
	cp -r "$network/pki/ASff00_0_$1/crypto" "$folder" && cp -r "$network/pki/trcs" "$folder/certs"
	service="{\"cs\": {\"addr\": \"$(address_of "$1" 2):31000\"}}"
	sed -i "1s/.*/{ \"control_service\": $service, \"discovery_service\": $service,/" "$folder/topology.json"
	for id in cs sd; do
		cat >"$folder/$id.toml" <<-END
			[general]
			id = "$id"
			config_dir = "$folder"
			[path_db]
			connection = "$folder/$id.path.db"
			[trust_db]
			connection = "$folder/$id.trust.db"
		END
	done
	cat >>"$folder/cs.toml" <<-END
		[beacon_db]
		connection = "$folder/beacon.db"
		[beaconing]
		origination_interval = "1s"
		propagation_interval = "1s"
		registration_interval = "1s"
	END
	printf '[sd]\naddress = "%s"\n' "$(daemon_of "$1")" >>"$folder/sd.toml"
}

# learn FROM TO: the path file $network/FROM-TO.json, as soon as the daemon of one AS knows a path to the other.
learn() { "$scion/paths" "$(daemon_of "$1")" "1-ff00:0:$2" 30 >"$network/$1-$2.json" 2>"$network/$1-$2.log"; }

# False: what went wrong is in the logs in $network.
start_scion() {
	rm -rf "$network"
	"$sandbox" --topology "$here/scion.lua" --write-scionproto "$network" && make_keys || return
	for as in $ases; do
		configure "$as" || return
		folder=$(folder_of "$as")
		start "$folder/br.log" "$scion/router" --config "$folder/br.toml"
		[ "$as" != $core ] || between=$!
		start "$folder/cs.log" "$scion/control" --config "$folder/cs.toml"
		start "$folder/sd.log" "$scion/daemon" --config "$folder/sd.toml"
	done
	learn 111 112 && learn 112 111
}

# Ends the router between the two.
cut_core() { kill -9 "$between"; }
