#!/bin/sh
# SPDX-License-Identifier: MIT
# install: makes sure that the Debian packages for some purposes are there; tests/packages says which.
#
# usage: install.sh PURPOSE...     (run, build, demo, test, trixie, bench)
here=$(dirname "$0")

wanted=$(awk -v purposes="$*" '
	BEGIN { n = split(purposes, list, " "); for (i = 1; i <= n; i++) want[list[i]] = 1 }
	!/^#/ && NF == 2 && $2 in want { print $1 }
' "$here/packages")

missing() {
	for package in $wanted; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

if ! command -v dpkg-query >/dev/null; then
	echo "This is not Debian: install what corresponds to these packages yourself:" $wanted >&2
	exit 1
fi
list=$(missing)
if [ -z "$list" ]; then
	exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
else
	echo "These Debian packages are missing, and without root or sudo they cannot be installed from here." >&2
	echo "Run as root:  apt-get install --no-install-recommends $list" >&2
	exit 1
fi

echo "Installing Debian packages: $list"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # words are meant
if ! { $as_root apt-get install -y --no-install-recommends $list ||
	{ $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $list; }; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "apt-get could not install: $list" >&2
	exit 1
fi
