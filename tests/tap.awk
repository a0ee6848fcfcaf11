# SPDX-License-Identifier: MIT
# tap.awk: reads TAP, shows what failed or was skipped, and writes "PASSED FAILED SKIPPED" to the file `counts`.
#
# With -v status=N the exit status of the program that wrote it: not 0 without a failed point is a failure of its own,
# and so is a plan that was not kept.

function fail(why)
{
	failed++
	print "    FAILED " name ": " why
}

/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	planned = 1
	if ($0 ~ /#[ \t]*[Ss][Kk][Ii][Pp]/ && plan == 0) {
		reason = $0
		sub(/^.*#[ \t]*[Ss][Kk][Ii][Pp][^ ]*[ \t]*/, "", reason)
		print "    skipped " name ": " reason
		skipped++
	}
	next
}

/^ok / {
	points++
	talking = 0
	if ($0 ~ /#[ \t]*[Ss][Kk][Ii][Pp]/) {
		skipped++
		print "    skipped " name ": " substr($0, 4)
	} else {
		passed++
	}
	next
}

/^not ok / {
	points++
	talking = 1
	fail(substr($0, 8))
	next
}

/^Bail out!/ {
	fail($0)
	next
}

talking && /^#/ {
	print "      " $0
}

END {
	if (!planned && points == 0) {
		fail("printed no test points")
	} else if (planned && points != plan && plan > 0) {
		fail("announced " plan " points and printed " points + 0)
	}
	if (status != 0 && failed == 0) {
		fail("exit status " status)
	}
	print passed + 0, failed + 0, skipped + 0 > counts
}
