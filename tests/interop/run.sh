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
started=
number=0
failed=0

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

skip() { # DESCRIPTION REASON
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# "1.26.8" >= "1.24.2"?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

go_version() { GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//'; }

# Builds the router of one module unless it is there.
build_router() { # MODULE
	[ -x "$build/$1-router" ] || (cd "$here/$1" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly \
		go build -trimpath -ldflags='-s -w' -o "$build/$1-router" github.com/scionproto/scion/router/cmd/router) \
		>"$build/$1-build.log" 2>&1
}

# What the real routers do: starts one for each AS, exchanges, stops them all.
ask_real() { # MODULE
	for config in "$build"/network/*/br.toml; do
		"$build/$1-router" --config "$config" >"${config%.toml}.log" 2>&1 &
		started="$started $!"
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
	"$sandbox" --topology "$topology" --run "$build/ours" >"$build/ours.log" 2>&1 &
	started=$!
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

run() { # MODULE
	have=$(go_version)
	if [ -z "$have" ]; then
		skip "$1" "there is no Go; it needs $(needed "$1")"
	elif ! at_least "$have" "$(needed "$1")"; then
		skip "$1" "Go is $have; it needs $(needed "$1")"
	elif [ ! -x "$build/$1-router" ]; then
		point "not ok" "$1: the router is built"
		tail -n 20 "$build/$1-build.log" | sed 's/^/# /'
	else
		ask_real "$1"
		compare "$1"
	fi
}

# Builds need the network, the exchange does not: it gets one of its own where the kernel allows that, so that nothing
# else on this machine can be in its way.
if [ -z "${INTEROP_INSIDE-}" ]; then
	for module in scion014 scion015; do
		have=$(go_version)
		[ -n "$have" ] && at_least "$have" "$(needed "$module")" && build_router "$module"
	done
	inside='ip link set lo up && exec sh "$0" "$@"'
	if unshare -rn sh -c 'ip link set lo up' 2>/dev/null; then
		INTEROP_INSIDE=1 exec unshare -rn sh -c "$inside" "$here/run.sh" "$sandbox" "$build"
	fi
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
run scion014
run scion015
echo "1..$number"
[ "$failed" -eq 0 ]
