#!/bin/sh
# SPDX-License-Identifier: MIT
# rainsd: the real name servers of tests/interop, until this is told to end. Says "ready" when they serve.
#
# usage: rainsd.sh BUILD FOLDER
build=$1
run=$2
here=$(cd "$(dirname "$0")/../interop" && pwd)
sxctl=$build/module/cli/sxctl
peers=$build/interop/peers
# shellcheck source=tests/interop/rainsd.sh
. "$here/rainsd.sh"
trap 'stop; exit 0' INT TERM
trap stop EXIT

if start_servers; then
	echo ready
	wait
fi
echo "do not listen:$deaf"
exit 1
