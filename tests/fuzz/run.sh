#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes every target for some seconds each (default 60) with clang's libFuzzer, ASan and UBSan. What is found stays in
# build/fuzz: a crash becomes a file of tests/fuzz/corpus, with its fix.
set -eu
seconds=${1:-60}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/fuzz
if ! command -v clang >/dev/null; then
	echo "run.sh: clang is needed for fuzzing (package clang)" >&2
	exit 1
fi
mkdir -p "$out"
for source in "$here"/*.c; do
	target=$(basename "$source" .c)
	case $target in replay|seed) continue ;; esac
	clang -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-I "$root/transport" -I "$root/resolver" "$source" "$root"/transport/base/*.c "$root"/transport/scion/*.c \
		"$root"/resolver/rains/*.c "$root/resolver/dns/answer.c" "$root/resolver/dns/name.c" \
		-lnettle -ljansson -lgnutls -o "$out/$target"
	mkdir -p "$out/corpus/$target"
	echo "== $target, $seconds s"
	(cd "$out" && "./$target" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 -verbosity=0 \
		"corpus/$target" "$here/corpus/$target")
done
