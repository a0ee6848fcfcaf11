#!/bin/sh
# SPDX-License-Identifier: MIT
# tap: points of a test, to be sourced. Wants $run, a folder, for what commands print.
# shellcheck disable=SC2154 # whoever sources this sets it
: "$run"
number=0
failed=0

point() { # RESULT DESCRIPTION
	number=$((number + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $number - $2"
}

skip() { # DESCRIPTION REASON
	point ok "$1 # SKIP $2"
}

skip_all() { # DESCRIPTION REASON
	echo "TAP version 13"
	skip "$@"
	echo "1..1"
	exit 0
}

comment() { sed 's/^/# /' | cut -c1-300; }

# expect_status STATUS DESCRIPTION TEXT COMMAND...: it ends with the status and prints the text.
expect_status() {
	wanted=$1 description=$2 text=$3
	shift 3
	"$@" >"$run/output" 2>&1
	status=$?
	if [ "$status" -eq "$wanted" ] && grep -qF -- "$text" "$run/output"; then
		point ok "$description"
	else
		point "not ok" "$description"
		echo "# status $status, expected $wanted and: $text"
		tail -n 20 "$run/output" | comment
	fi
}

# expect DESCRIPTION TEXT COMMAND...: it succeeds and prints the text.
expect() { expect_status 0 "$@"; }

# The last word. False: something failed.
sum_up() {
	echo "1..$number"
	[ "$failed" -eq 0 ]
}
