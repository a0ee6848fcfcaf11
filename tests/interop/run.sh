#!/bin/sh
# SPDX-License-Identifier: MIT
# Real border routers against our own: both get the same packets, paths computed by our sandbox, and must send the same
# bytes. Prints TAP. Skips, with its reason, each version of scionproto for which there is no Go.
# usage: run.sh [SANDBOX [BUILD]]
#   SANDBOX  the sandbox program (build/tests/sandbox/sandbox); BUILD  a folder for what is built (build/interop)
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
sandbox=$(realpath "${1:-$top/build/tests/sandbox/sandbox}")
build=${2:-$top/build/interop}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 1
topology=$top/tests/sandbox/topology.lua
export LUA_PATH="$top/tests/?.lua;;"
run=$build
# shellcheck source=tests/interop/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/interop/programs.sh
. "$here/programs.sh"
trap 'stop; exit 1' INT TERM
trap stop EXIT

# Builds the router of one module unless it is there.
build_router() { # MODULE
	[ -x "$build/$1-router" ] ||
		build "$1" "$build/$1-router" github.com/scionproto/scion/router/cmd/router
}

# What the real routers do: starts one for each AS, exchanges, stops them all.
ask_real() { # MODULE
	for config in "$build"/network/*/br.toml; do
		start "${config%.toml}.log" "$build/$1-router" --config "$config"
		case $config in */2-ff00_0_211/*) last=$! ;; esac
	done
	sleep 3 # BFD between them comes up in 2 s
	# Killing the far router takes the link down; BFD notices within 0.7 s. Its other link goes with it, so the
	# last packet, which is to show that one link's fault is not another's, is left out.
	lua5.4 "$here/exchange.lua" "$build/network" "kill -9 $last && sleep 2" |
		grep -v '^other link up' >"$build/$1.real"
	stop
}

ask_ours() {
	start "$build/ours.log" "$sandbox" --topology "$topology" --run "$build/ours"
	sleep 1
	lua5.4 "$here/exchange.lua" "$build/network" \
		"lua5.4 -e 'assert(require(\"sandbox.control\").connect(\"$build/ours/sandbox.sock\"):command(\"link 2-ff00:0:210#3 down\"))'" \
		>"$build/ours.answers"
	stop
}

# Where ours is meant to differ: each of these must still do so, or it has no place here any more.
is_known_difference() { # NAME
	case $1 in
	"other version") ;; # scionproto's routers forward a packet of any version
	"alert without a request in the first AS") ;; # and send one back to its host when nothing is to be answered
	*) return 1 ;;
	esac
}

compare() { # MODULE
	count=$(wc -l <"$build/$1.real")
	if [ "$count" -lt 40 ]; then
		point "not ok" "$1: all packets were exchanged"
		tail -q -n 1 "$build"/network/*/br.log | sed 's/^/# /'
		return
	fi
	while IFS= read -r line; do
		name=${line%%:*}
		ours=$(grep -F "$name: " "$build/ours.answers" | head -n 1)
		if is_known_difference "$name"; then
			[ "$ours" = "$line" ] && point "not ok" "$1: $name differs" || point ok "$1: $name differs"
		elif [ "$ours" = "$line" ]; then
			point ok "$1: $name"
		else
			point "not ok" "$1: $name"
			echo "# real: $line"
			echo "# ours: $ours"
		fi
	done <"$build/$1.real"
}

needed() { # MODULE
	case $1 in scion014) echo 1.24.2 ;; scion015) echo 1.26.4 ;; esac
}

run_module() { # MODULE
	if ! why=$(go_is "$(needed "$1")"); then
		skip "$1" "$why"
	elif [ ! -x "$build/$1-router" ]; then
		point "not ok" "$1: the router is built"
		tail -n 20 "$build/$1-router-build.log" | comment
	else
		ask_real "$1"
		compare "$1"
	fi
}

if [ -z "${INTEROP_INSIDE-}" ]; then
	for module in scion014 scion015; do
		go_is "$(needed "$module")" >"$build/$module.why" && build_router "$module"
	done
	enter_network "$here/run.sh" "$sandbox" "$build"
fi

echo "TAP version 13"
rm -rf "$build/network" "$build/ours"
"$sandbox" --topology "$topology" --write-scionproto "$build/network" || exit 1
ask_ours
if grep -q '^other link up: receiver' "$build/ours.answers"; then
	point ok "ours: a link down leaves the other one up"
else
	point "not ok" "ours: a link down leaves the other one up"
fi
run_module scion014
run_module scion015
sum_up
