#!/bin/sh
# SPDX-License-Identifier: MIT
# try: two stock Prosody servers talk over QUIC on SCION paths, on this machine, while you watch.
#
# usage: try.sh [--once]
# Installs Debian packages where they are missing, builds, starts a small SCION network and two servers in two ISDs, and
# shows a conversation. Then it runs until ^C, so that you can log in yourself; --once ends after the conversation.
# TRY_PORT is the client port of the first server (15222); the second has the next one.
usage() {
	sed -n '3,8s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

once=
for argument; do
	case $argument in
	--once) once=--once ;;
	*) usage ;;
	esac
done

cd "$(dirname "$0")/.." || exit 1
root=$PWD
log=$root/build/try/build.log

sh tests/install.sh run build demo || exit 1

mkdir -p build/try || exit 1
echo "Building (the first time takes about a minute) ..."
if ! { [ -f build/build.ninja ] || meson setup build; } >"$log" 2>&1 ||
	! ninja -C build module/core.so tests/sandbox/sandbox >>"$log" 2>&1; then
	tail -n 30 "$log" >&2
	echo "The build failed; all of its output is in $log. If it is an old build folder: rm -r $root/build" >&2
	exit 1
fi

export LUA_PATH="$root/tests/?.lua;;" SX_ROOT="$root" SX_BUILD="$root/build" SX_CORE="$root/build/module/core.so"
exec lua5.4 module/try/demo.lua $once
