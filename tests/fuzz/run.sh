#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes every target, or those named, for some seconds each with clang's libFuzzer, ASan and UBSan:
#	sh tests/fuzz/run.sh [SECONDS [TARGET ...]]		default: 60, all
# What is found stays in build/fuzz: a crash becomes a file of tests/fuzz/corpus, with its fix.
set -eu
seconds=${1:-60}
[ $# -eq 0 ] || shift
wanted=$*
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/fuzz
if ! command -v clang >/dev/null; then
	echo "run.sh: clang is needed for fuzzing (package clang)" >&2
	exit 1
fi

# compile FUZZER ARGUMENT...
compile() {
	fuzzer=$1
	shift
	clang -std=c11 -D_GNU_SOURCE '-DSX_VERSION="fuzz"' -g -O1 -fno-sanitize-recover=all \
		"-fsanitize=$fuzzer,address,undefined" -I"$root/transport" -I"$root/resolver" -I"$root/module" \
		-I"$root/tests/unit" "$@"
}

mkdir -p "$out/objects"
rm -f "$out/libsx.a"
for source in "$root"/transport/*/*.c "$root"/transport/*.c "$root"/resolver/*.c "$root"/resolver/*/*.c "$root"/module/*.c \
	"$root/tests/unit/"sim*.c "$root/tests/unit/tls_fixture.c"; do
	case $source in */module/lua54*|*/module/cdef_sizes.c) continue ;; esac
	object=$out/objects/$(echo "${source#"$root"/}" | tr / _).o
	compile fuzzer-no-link -c "$source" -o "$object"
	ar rc "$out/libsx.a" "$object"
done
for source in "$here"/*.c; do
	target=$(basename "$source" .c)
	case " ${wanted:-$target} " in *" $target "*) ;; *) continue ;; esac
	[ "$target" != replay ] || continue
	compile fuzzer "$source" "$out/libsx.a" -lngtcp2 -lngtcp2_crypto_gnutls -lgnutls -lnettle -ljansson -lcares -lcheck \
		-lsubunit -lrt -lm -pthread -o "$out/$target"
	mkdir -p "$out/corpus/$target"
	echo "== $target, $seconds s"
	(cd "$out" && "./$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -verbosity=0 "corpus/$target" "$here/corpus/$target")
done
