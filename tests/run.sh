#!/bin/sh
# SPDX-License-Identifier: MIT
# run: installs what is missing, builds, runs the tests, and sums up. The last line is "N passed, N failed, N skipped".
#
# usage: run.sh [SUITE...]
# Suites: lint unit spec fuzz e2e interop (these by default, and asan valgrind coverage trixie too when CI is set), bench.
cd "$(dirname "$0")/.." || exit 1
root=$PWD
build=$root/build
logs=${SX_LOGS:-$build/log}
table=$logs/table
by_default="lint unit spec fuzz e2e interop"
by_ci="$by_default asan valgrind coverage trixie"
suites="$by_ci bench"

say() {
	printf '\n== %s\n' "$1"
}

# Adds a row to the table: suite, passed, failed, skipped, seconds.
row() {
	echo "$1 $2 $3 $4 $5" >>"$table"
}

# tap NAME COMMAND...: runs a program that prints TAP and counts its points.
tap() {
	name=$1
	shift
	begin=$(date +%s)
	rm -f "$logs/counts"
	"$@" >"$logs/$name.tap" 2>"$logs/$name.err"
	status=$?
	awk -v name="$name" -v status="$status" -v counts="$logs/counts" -f tests/tap.awk "$logs/$name.tap"
	if [ "$status" -ne 0 ]; then
		sed 's/^/      /' "$logs/$name.err" | tail -n 40
	fi
	read -r passed failed skipped <"$logs/counts" || failed=1 passed=0 skipped=0
	seconds=$(($(date +%s) - begin))
	printf '  %-36s %5d passed %3d failed %3d skipped %4d s\n' "$name" "$passed" "$failed" "$skipped" "$seconds"
	row "$suite" "$passed" "$failed" "$skipped" "$seconds"
}

# point NAME COMMAND...: a program whose exit status is its one point.
point() {
	name=$1
	shift
	tap "$name" sh -c '
		echo 1..1
		if "$@" >&2; then echo "ok 1 - $0"; else echo "not ok 1 - $0"; exit 1; fi
	' "$name" "$@"
}

skip() {
	tap "$1" printf '1..1\nok 1 - %s # SKIP %s\n' "$1" "$2"
}

# compile FOLDER MESON-OPTION...: builds the tree; what goes wrong is a failure of the suite.
compile() {
	folder=$1
	shift
	if [ ! -f "$folder/build.ninja" ]; then
		meson setup "$folder" >"$logs/build.log" 2>&1 || return 1
	fi
	meson configure "$folder" -Dwerror=true "$@" >"$logs/build.log" 2>&1 || return 1
	ninja -C "$folder" >"$logs/build.log" 2>&1
}

# needs_build FOLDER MESON-OPTION...: compiles once a run; counts a failure when it does not.
needs_build() {
	case " $compiled " in
	*" $1 "*) return 0 ;;
	esac
	echo "  building in ${1#"$root"/}"
	if compile "$@"; then
		compiled="$compiled $1"
		return 0
	fi
	tail -n 40 "$logs/build.log"
	tap "$suite-build" printf '1..1\nnot ok 1 - build in %s\n' "$1"
	return 1
}

# meson_tests FOLDER SUITE [WRAPPER...]: runs what Meson knows as tests of a suite.
meson_tests() {
	folder=$1
	wanted=$2
	shift 2
	meson introspect --tests "$folder" | lua5.4 tests/programs.lua "$wanted" "$folder" >"$logs/programs"
	if [ ! -s "$logs/programs" ]; then
		skip "$suite" "no program of the suite $wanted in ${folder#"$root"/}"
	fi
	while IFS='	' read -r program protocol seconds command <&4; do
		case $protocol in
		tap) tap "$suite-$program" timeout "$((seconds * 8))" "$@" sh -c "$command" ;;
		*) point "$suite-$program" timeout "$((seconds * 8))" "$@" sh -c "$command" ;;
		esac
	done 4<"$logs/programs"
}

# specs FOLDER INTERPRETER [WRAPPER...]: `helper` may name a helper of busted's in tests/spec, `without` files to leave out.
specs() {
	folder=$1
	interpreter=$2
	shift 2
	tap "$suite-$interpreter${helper:+-$helper}" env SX_BUILD="$folder" SX_CORE="$folder/module/core.so" \
		SX_FFI="$folder/module/libsx.so" "$@" "$interpreter" /usr/bin/busted --ignore-lua \
		${helper:+"--helper=tests/spec/$helper.lua"} ${without:+"--exclude-pattern=$without"} -o TAP tests/spec
}

# Networks of its own keep a run away from whatever else uses the addresses of the sandbox here.
alone=
for way in "unshare -n" "unshare -rn"; do
	if command -v ip >/dev/null && [ -z "$alone" ] && $way ip link set lo up 2>/dev/null; then
		alone="$way sh tests/alone.sh"
	fi
done

# end_to_end FOLDER [NAME [SUFFIX]]: all files, or one
end_to_end() {
	for file in tests/e2e/test_${2:-*}.lua; do
		base=${file##*/test_}
		# shellcheck disable=SC2086 # words are meant
		tap "$suite-${base%.lua}${3-}" env LUA_PATH="$root/tests/?.lua;;" SX_ROOT="$root" SX_BUILD="$1" \
			SX_CORE="$1/module/core.so" $alone lua5.4 "$file"
	done
}

run_lint() {
	needs_build "$build" && for check in tests/lint/check_*; do
		base=${check##*/check_}
		case $check in
		*.lua) tap "lint-${base%.lua}" env LUA_PATH="$root/tests/?.lua;;" lua5.4 "$check" ;;
		*.sh) tap "lint-${base%.sh}" sh "$check" ;;
		esac
	done
}

run_unit() {
	needs_build "$build" && meson_tests "$build" unit
}

run_spec() {
	needs_build "$build" || return
	for helper in "" gcstress; do
		specs "$build" lua5.4
		specs "$build" luajit
	done
	helper=
	tap "$suite-client" env LUA_PATH="$root/tests/?.lua;;" lua5.4 /usr/bin/busted --ignore-lua -o TAP tests/e2e/spec
}

run_fuzz() {
	needs_build "$build" && meson_tests "$build" fuzz
}

run_e2e() {
	needs_build "$build" && end_to_end "$build"
}

# over ROUTER FOLDER: federation over real border routers
over() {
	SX_ROUTER=$2/interop/$1 end_to_end "$2" federation "-${1%-router}"
}

run_interop() {
	needs_build "$build" || return
	tap "interop-routers" sh tests/interop/run.sh "$build/tests/sandbox/sandbox" "$build/interop"
	tap "interop-rains" sh tests/interop/rains.sh "$build"
	tap "interop-rains-scion" sh tests/interop/rains_scion.sh "$build"
	for router in "$build"/interop/*-router; do
		[ ! -x "$router" ] || over "${router##*/}" "$build"
	done
}

# Leak checking is for the unit tests: Lua's hosts leak at exit by themselves.
run_asan() {
	needs_build "$build/asan" -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fno-sanitize-recover=all || return
	meson_tests "$build/asan" unit
	meson_tests "$build/asan" fuzz
	preload=$(gcc -print-file-name=libasan.so)
	export ASAN_OPTIONS=detect_leaks=0
	specs "$build/asan" lua5.4 env LD_PRELOAD="$preload"
	specs "$build/asan" luajit env LD_PRELOAD="$preload"
	export SX_PRELOAD="$preload" SX_ACTIONS=1500
	for file in tests/e2e/test_*.lua; do
		base=${file##*/test_}
		case $base in
		rooms_remote.lua | rooms_fan*.lua | rooms_queue.lua | rooms_storm.lua) end_to_end "$build/asan" "${base%.lua}" ;;
		rooms*) ;; # about room logic, in which there is no C
		*) end_to_end "$build/asan" "${base%.lua}" ;;
		esac
	done
	unset SX_PRELOAD SX_ACTIONS
	unset ASAN_OPTIONS
}

run_valgrind() {
	needs_build "$build" || return
	export SX_SEEDS=10 # some 50 times slower; all of the 1000 run elsewhere
	export CK_TIMEOUT_MULTIPLIER=10
	meson_tests "$build" unit valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
		--trace-children=yes
	unset SX_SEEDS CK_TIMEOUT_MULTIPLIER
	without=rooms_ # what they use of C, core_fan_spec has, too
	specs "$build" lua5.4 valgrind --quiet --error-exitcode=99
	without=
}

# Lines of the library that unit tests, specs and the corpus reach, as gcov counts them.
run_coverage() {
	needs_build "$build/coverage" -Db_coverage=true || return
	find "$build/coverage" -name '*.gcda' -delete
	meson_tests "$build/coverage" unit
	meson_tests "$build/coverage" fuzz
	specs "$build/coverage" lua5.4
	point coverage-lines gcovr --root . --filter transport/ --filter resolver/ --filter module/ --exclude-throw-branches \
		--print-summary --fail-under-line 90 "$build/coverage"
	tail -n 4 "$logs/coverage-lines.err" | sed -n 's/^\(lines\|branches\): /  \1: /p'
}

run_trixie() {
	needs_build "$build" || return
	begin=$(date +%s)
	# shellcheck disable=SC2086 # words are meant
	sh tests/trixie.sh "$logs/trixie.counts" $alone
	status=$?
	if [ "$status" -eq 0 ] && read -r passed failed skipped <"$logs/trixie.counts"; then
		row trixie "$passed" "$failed" "$skipped" "$(($(date +%s) - begin))"
	else
		point trixie-set-up false
	fi
}

run_bench() {
	needs_build "$build" || return
	begin=$(date +%s)
	if sh tests/bench/run.sh; then
		row bench 1 0 0 "$(($(date +%s) - begin))"
	else
		row bench 0 1 0 "$(($(date +%s) - begin))"
	fi
}

# What needs a core for long, and no quiet, runs beside the suites that mostly wait, in a network of its own.
begin_beside() {
	needs_build "$build" || return
	# shellcheck disable=SC2086 # words are meant
	SX_LOGS=$build/log-beside $alone sh tests/run.sh $beside >"$logs/beside" 2>&1 &
}

end_beside() {
	wait
	sed '/^suite /,$d; /^== packages/d' "$logs/beside"
	cat "$build/log-beside/table" >>"$table"
	for suite in $beside; do
		grep -q "^$suite " "$table" || point "$suite" false
	done
}

sum_up() {
	awk '
	{
		if (!($1 in passed)) { order[++n] = $1 }
		passed[$1] += $2; failed[$1] += $3; skipped[$1] += $4; seconds[$1] += $5
		all_passed += $2; all_failed += $3; all_skipped += $4
	}
	END {
		printf "\n%-12s %8s %8s %8s %8s\n", "suite", "passed", "failed", "skipped", "seconds"
		for (i = 1; i <= n; i++) {
			s = order[i]
			printf "%-12s %8d %8d %8d %8d\n", s, passed[s], failed[s], skipped[s], seconds[s]
		}
		printf "%d passed, %d failed, %d skipped\n", all_passed, all_failed, all_skipped
		exit all_failed > 0 || all_passed == 0
	}' "$table"
}

if [ $# -eq 0 ] && [ -n "$CI" ]; then
	chosen=$by_ci
else
	chosen=${*:-$by_default}
fi
for suite in $chosen; do
	case " $suites " in
	*" $suite "*) ;;
	*)
		echo "There is no suite \"$suite\"; there are: $suites" >&2
		exit 2
		;;
	esac
done

mkdir -p "$logs" || exit 1
: >"$table"
compiled=
helper=
without=
beside=
say "packages"
sh tests/install.sh run build demo test || exit 1
for suite in $chosen; do
	case "$suite $alone $chosen " in
	valgrind*unshare*" e2e "* | coverage*unshare*" e2e "*) beside="$beside $suite" ;;
	esac
done
for suite in $chosen; do
	case " $beside " in
	*" $suite "*) continue ;;
	esac
	if [ -n "$beside" ] && [ "$suite" = e2e ]; then
		begin_beside
	fi
	say "$suite"
	"run_$suite"
done
if [ -n "$beside" ]; then
	end_beside
fi
sum_up
