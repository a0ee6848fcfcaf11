#!/bin/sh
# SPDX-License-Identifier: MIT
# run: takes the figures of this project beside those of its peers. Prints a table for each; nothing fails on a time.
#
# usage: run.sh [NAME...]
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
build=$root/build
figures="stanzas first connections goodput codec names flood fanout vanish"

chosen=${*:-$figures}
for name in $chosen; do
	case " $figures " in
	*" $name "*) ;;
	*)
		echo "There is no figure \"$name\"; there are: $figures" >&2
		exit 2
		;;
	esac
done

# Measuring happens in a network of its own, so that nothing else on this machine is in the way, or has ours in its.
alone=
for way in "unshare -n" "unshare -rn"; do
	if command -v ip >/dev/null && [ -z "$alone" ] && $way ip link set lo up 2>/dev/null; then
		alone="$way sh tests/alone.sh"
	fi
done

go_version() { GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//'; }

# "1.26.8" >= "1.24.2"?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# A peer in Go: built here, outside of the network of our own. Who needs it and does not find it says so.
build_peer() { # MODULE
	have=$(go_version)
	if [ -z "$have" ] || ! at_least "$have" 1.24.2; then
		echo "Go is ${have:-missing}; $1 needs 1.24.2" >"$build/bench/$1.why"
	elif ! (cd "tests/bench/$1" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly \
		go build -trimpath -o "$build/bench/$1" .) >"$build/bench/$1-build.log" 2>&1; then
		echo "$1 does not build: $(tail -n 1 "$build/bench/$1-build.log")" >"$build/bench/$1.why"
	fi
}

# Real name servers, as tests/interop has them.
build_rainsd() {
	why=$(here=$root/tests/interop sxctl='' peers=$build/interop/peers run=''; . tests/interop/rainsd.sh; build_peers) ||
		echo "$why" >"$build/bench/rainsd.why"
}

prepare() {
	if [ ! -f "$build/build.ninja" ]; then
		meson setup "$build" >/dev/null || return 1
	fi
	rm -rf "$build/bench"
	mkdir -p "$build/bench" && ninja -C "$build" all bench >"$build/bench/build.log" || return 1
	case " $chosen " in *" goodput "*) build_peer quicgo ;; esac
	case " $chosen " in *" codec "*) build_peer slayers ;; esac
	case " $chosen " in *" names "*) build_rainsd ;; esac
}

machine() {
	echo "$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
}

if ! prepare; then
	tail -n 20 "$build/bench/build.log"
	exit 1
fi
machine
taken=0
failed=
for name in $chosen; do
	# shellcheck disable=SC2086 # words are meant
	if env LUA_PATH="$root/tests/?.lua;;" SX_ROOT="$root" SX_BUILD="$build" SX_CORE="$build/module/core.so" \
		$alone timeout "${SX_SECONDS:-600}" lua5.4 "tests/bench/$name.lua"; then
		taken=$((taken + 1))
	else
		failed="$failed $name"
	fi
done
printf '\n%s\n' "bench: $taken taken${failed:+; failed:$failed}"
[ -z "$failed" ]
