#!/bin/sh
# SPDX-License-Identifier: MIT
# C is laid out by clang-format 14 (Debian 12's: later ones differ), clean for clang-tidy 14, Lua for luacheck, shell parses.
point=0

# report NAME COMMAND...: one TAP point; what the command says is shown when it fails.
report() {
	name=$1
	shift
	point=$((point + 1))
	if output=$("$@" 2>&1); then
		echo "ok $point - $name"
	else
		echo "not ok $point - $name"
		echo "$output" | head -n 60 | sed 's/^/# /'
	fi
}

skip() {
	point=$((point + 1))
	echo "ok $point - $1 # SKIP $2"
}

# only_14 NAME PROGRAM COMMAND...: for tools whose opinion changes with the version.
only_14() {
	name=$1
	program=$2
	shift 2
	version=$("$program" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p' | head -n 1)
	if [ "$version" = 14 ]; then
		report "$name" "$@"
	else
		skip "$name" "needs $program 14 (Debian 12), found ${version:-none}"
	fi
}

# files PATTERN...: tracked and new files that are there
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

format() {
	files '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

# What is compiled, one by one: several files at once confuse the analyzer about va_list. Headers are seen through them.
tidy() {
	files '*.c' | while read -r file; do
		grep -q "/$file\"" build/compile_commands.json && echo "$file"
	done | xargs -r -n 1 -P "$(nproc)" nice clang-tidy --quiet -p build
}

lua() {
	files '*.lua' | xargs luacheck --no-color --quiet
}

shell() {
	for file in $(files '*.sh' .ci/run); do
		sh -n "$file" || return 1
	done
}

checked() {
	files '*.sh' .ci/run | xargs shellcheck --severity=warning
}

only_14 "clang-format" clang-format format
only_14 "clang-tidy" clang-tidy tidy
report "luacheck" lua
report "sh -n" shell
report "shellcheck" checked
echo "1..$point"
