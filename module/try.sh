#!/bin/sh
# SPDX-License-Identifier: MIT
# try: four stock Prosody servers talk over QUIC on SCION paths, on this machine, while you watch.
#
# usage: try.sh [--once] [--routers scionproto]
# Installs Debian packages where they are missing, builds, starts a small SCION network and servers in four ASes, and
# shows a conversation of two and a group call of three. Then it runs until ^C, so that you can log in yourself; --once
# ends after the call.
# --routers scionproto runs over scionproto's own border routers (needs Go 1.24 or newer to build them).
# TRY_PORT is the client port of the first server (15222); the others have the next ones.
usage() {
	sed -n '3,10s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

once=
routers=
while [ $# -gt 0 ]; do
	case $1 in
	--once) once=--once ;;
	--routers)
		[ "${2-}" = scionproto ] || usage
		routers=$2
		shift
		;;
	*) usage ;;
	esac
	shift
done

cd "$(dirname "$0")/.." || exit 1
root=$PWD
log=$root/build/try/build.log

sh tests/install.sh run build demo || exit 1

mkdir -p build/try || exit 1
echo "Building (the first time takes about a minute) ..."
if ! { [ -f build/build.ninja ] || meson setup build; } >"$log" 2>&1 ||
	! ninja -C build module/core.so module/cli/sxctl tests/sandbox/sandbox tests/sandbox/sandbox-rains >>"$log" 2>&1; then
	tail -n 30 "$log" >&2
	echo "The build failed; all of its output is in $log. If it is an old build folder: rm -r $root/build" >&2
	exit 1
fi

if [ -n "$routers" ]; then
	SX_ROUTER=$root/build/interop/scion014-router
	export SX_ROUTER
	if ! [ -x "$SX_ROUTER" ]; then
		command -v go >/dev/null || {
			echo "scionproto's router is written in Go, which is not here: install golang-go 1.24 or newer (Debian 13)" >&2
			exit 1
		}
		echo "Building scionproto's border router ..."
		mkdir -p build/interop
		if ! (cd tests/interop/scion014 && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath \
			-o "$SX_ROUTER" github.com/scionproto/scion/router/cmd/router) >"$log" 2>&1; then
			tail -n 20 "$log" >&2
			echo "scionproto's router cannot be built with $(go version); it needs Go 1.24.2 or newer" >&2
			exit 1
		fi
	fi
fi

export LUA_PATH="$root/tests/?.lua;$root/module/?.lua;;" SX_ROOT="$root" SX_BUILD="$root/build" SX_CORE="$root/build/module/core.so"
exec lua5.4 module/try/demo.lua $once
