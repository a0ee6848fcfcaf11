#!/bin/sh
# SPDX-License-Identifier: MIT
# keep: runs commands as children that do not outlive whoever holds our standard input open, however that one ends.
#
# Reads lines "BASE COMMAND..." in shell quoting. Of each it writes the output to BASE.out, the process id to BASE.pid
# and, when it has ended, the exit status to BASE.exit. Started before its user opens sockets, so children inherit none.
exec >/dev/null 2>&1

# ^C is for the program that started us; it then stops its children in its own order.
trap '' INT

put() {
	echo "$1" >"$2.new" && mv "$2.new" "$2"
}

run() {
	base=$1
	shift
	setpriv --pdeathsig TERM "$@" </dev/null >>"$base.out" 2>&1 &
	pid=$!
	put "$pid" "$base.pid"
	wait "$pid"
	put "$?" "$base.exit"
}

runners=
while read -r line; do
	eval "run $line" &
	runners="$runners $!"
done

for runner in $runners; do
	kill -TERM "$runner"
done
