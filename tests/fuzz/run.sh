#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes every target, or those named, for some seconds each with clang's libFuzzer, ASan and UBSan:
#	sh tests/fuzz/run.sh [SECONDS [TARGET ...]]		default: 60, all
# What is found stays in build/fuzz: a crash becomes a file of tests/fuzz/corpus, with its fix.
set -eu
seconds=${1:-60}
[ $# -eq 0 ] || shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/fuzz
if ! command -v clang >/dev/null; then
	echo "run.sh: clang is needed for fuzzing (package clang)" >&2
	exit 1
fi
mkdir -p "$out/objects"
sanitizers=address,undefined
# shellcheck disable=SC2046 # words are meant
set -- "$@" -- $(cd "$root" && ls transport/*/*.c transport/*.c resolver/*.c module/*.c tests/unit/sim*.c tests/unit/tls_fixture.c)
targets=
while [ "$1" != -- ]; do
	targets="$targets $1"
	shift
done
shift
flags="-std=c11 -D_GNU_SOURCE -DSX_VERSION=\"fuzz\" -g -O1 -fno-sanitize-recover=all \
	-I$root/transport -I$root/resolver -I$root/module -I$root/tests/unit"
rm -f "$out/libsx.a"
for source; do
	case $source in module/lua54*|module/cdef_sizes.c) continue ;; esac
	object=$out/objects/$(echo "$source" | tr / _).o
	# shellcheck disable=SC2086 # words are meant
	clang $flags -fsanitize=fuzzer-no-link,$sanitizers -c "$root/$source" -o "$object"
	ar rc "$out/libsx.a" "$object"
done
for source in "$here"/*.c; do
	target=$(basename "$source" .c)
	[ "$target" != replay ] || continue
	case " ${targets:- $target} " in *" $target "*) ;; *) continue ;; esac
	# shellcheck disable=SC2086 # words are meant
	clang $flags -fsanitize=fuzzer,$sanitizers "$source" "$out/libsx.a" -lngtcp2 -lngtcp2_crypto_gnutls -lgnutls \
		-lnettle -ljansson -lcheck -lsubunit -lrt -lm -pthread -o "$out/$target"
	mkdir -p "$out/corpus/$target"
	echo "== $target, $seconds s"
	(cd "$out" && "./$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -verbosity=0 "corpus/$target" "$here/corpus/$target")
done
