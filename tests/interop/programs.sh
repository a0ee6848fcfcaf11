#!/bin/sh
# SPDX-License-Identifier: MIT
# programs: what a test builds with Go, starts, and ends again, to be sourced. Wants $here (tests/interop).
# shellcheck disable=SC2154 # whoever sources this sets it
: "$here"
started=

start() { # LOG COMMAND...
	log=$1
	shift
	"$@" >"$log" 2>&1 &
	started="$started $!"
}

stop() { # ends what was started here, by pid
	for pid in $started; do
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	started=
}

# "1.26.8" >= "1.24.2"?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# go_is VERSION: at least. False: prints why not.
go_is() {
	have=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//')
	[ -n "$have" ] || { echo "there is no Go; it needs $1"; return 1; }
	at_least "$have" "$1" || { echo "Go is $have; it needs $1"; return 1; }
}

# build MODULE OUTPUT PACKAGE...: builds programs of a module here, which needs the network once. OUTPUT is a file, or a
# folder with a slash at its end; what went wrong is in OUTPUT-build.log beside it.
build() {
	module=$1 output=$2
	shift 2
	(cd "$here/$module" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly \
		go build -trimpath -ldflags='-s -w' -o "$output" "$@") >"${output%/}-build.log" 2>&1
}

# Builds need the network, what runs does not: it gets one of its own where the kernel allows that, so that nothing else
# on this machine can be in its way. enter_network SCRIPT ARGUMENTS...: runs the script again there, or returns.
enter_network() {
	for way in -n -rn; do
		if unshare $way ip link set lo up 2>/dev/null; then
			INTEROP_INSIDE=1 exec unshare $way sh "$here/../alone.sh" sh "$@"
		fi
	done
}
