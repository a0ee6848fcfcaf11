#!/bin/sh
# SPDX-License-Identifier: MIT
# trixie: runs the suites that depend on the system in a fresh Debian 13, made by debootstrap from apt's own mirror.
#
# usage: trixie.sh COUNTS [WORD...]
# Writes "PASSED FAILED SKIPPED" to the file COUNTS. What it mounts it unmounts again, however it ends. Then the server of
# this release and that of Debian 13 federate, in a network that the WORDs before the command make.
counts=$1
shift
alone=$*
root=$PWD
chroot=$root/build/trixie/root
inner=/src
suites="unit spec fuzz e2e interop"
passed_on="http_proxy https_proxy no_proxy GOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOFLAGS"

skip() {
	echo "    SKIPPED, nothing was tried on Debian 13: $1"
	echo "0 0 1" >"$counts"
	exit 0
}

[ "$(id -u)" -eq 0 ] || skip "making a Debian 13 needs root"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v -- -security | head -n 1)
[ -n "$mirror" ] || skip "apt knows no mirror"

mounted() {
	awk -v at="$chroot/" 'index($2, at) == 1 { print $2 }' /proc/mounts | sort -r
}

clean_up() {
	mounted | while read -r point; do
		umount "$point"
	done
	# Never walk into what is still mounted.
	[ -n "$(mounted)" ] || rm -rf --one-file-system "$chroot"
}

fail() {
	echo "    FAILED $1"
	exit 1
}

trap clean_up EXIT
trap 'exit 1' INT TERM HUP

clean_up
mkdir -p "$root/build/trixie"
echo "  debootstrap from $mirror"
debootstrap --variant=minbase --include=ca-certificates trixie "$chroot" "$mirror" >build/trixie/debootstrap.log 2>&1 ||
	fail "debootstrap; see build/trixie/debootstrap.log"

# The chroot reaches the network as we do: same resolver, authorities and apt settings.
cp /etc/resolv.conf /etc/hosts "$chroot/etc/" 2>/dev/null
cp /etc/ssl/certs/ca-certificates.crt "$chroot/etc/ssl/certs/"
for part in /etc/apt/apt.conf.d/*proxy* /etc/apt/auth.conf.d/*; do
	[ ! -f "$part" ] || cp --parents "$part" "$chroot/"
done
if [ -d /usr/local/share/ca-certificates ]; then
	cp -r /usr/local/share/ca-certificates "$chroot/usr/local/share/"
	chroot "$chroot" update-ca-certificates >/dev/null 2>&1
fi
security=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -- -security | head -n 1)
if [ -n "$security" ]; then
	echo "deb $security trixie-security main" >>"$chroot/etc/apt/sources.list"
fi

mount -t proc proc "$chroot/proc" && mkdir -p "$chroot/dev/pts" &&
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$chroot/dev/pts" || fail "mounting in $chroot"

mkdir "$chroot$inner"
git ls-files --cached --others --exclude-standard -z | tar --null --ignore-failed-read -T - -cf - |
	tar -xf - -C "$chroot$inner" || fail "copying the tree"

set -- PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
for name in $passed_on; do
	eval "value=\${$name-}"
	[ -z "$value" ] || set -- "$@" "$name=$value"
done
echo "  packages, build and tests in $chroot"
env -i "$@" chroot "$chroot" sh -c "cd $inner && apt-get update -q >/dev/null && sh tests/install.sh trixie && sh tests/run.sh $suites" \
	>build/trixie/run.log 2>&1
sed -n '/^== unit/,$p' build/trixie/run.log | grep -v '^$' | sed 's/^/  | /'
inside=$(tail -n 1 build/trixie/run.log |
	sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p')
if [ -z "$inside" ]; then
	tail -n 20 build/trixie/run.log
	fail "the run in Debian 13 ended early; see build/trixie/run.log"
fi

# Both see the tree under the same path; each has its own build.
mkdir -p "$chroot$root" && mount --bind "$root" "$chroot$root" || fail "mounting $root in $chroot"
# shellcheck disable=SC2086 # words are meant
env LUA_PATH="$root/tests/?.lua;;" SX_ROOT="$root" SX_BUILD="$root/build" SX_CORE="$root/build/module/core.so" \
	SX_OTHER="$chroot" SX_OTHER_CORE="$inner/build/module/core.so" $alone lua5.4 tests/interop/releases.lua >build/trixie/releases.tap 2>build/trixie/releases.err
awk -v name=releases -v status=$? -v counts="$counts" -f tests/tap.awk build/trixie/releases.tap
read -r passed failed skipped <"$counts"
echo "  both releases: $passed passed, $failed failed"
# shellcheck disable=SC2086 # three numbers
set -- $inside
echo "$(($1 + passed)) $(($2 + failed)) $(($3 + skipped))" >"$counts"
