/* SPDX-License-Identifier: MIT */
/* path_file: a path file for an AS without links, enough for hosts of one AS to talk. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path_option[] = "file:/tmp/sx-paths-XXXXXX";

static inline void make_path_file(void)
{
	int fd = mkstemp(path_option + 5);
	FILE *out = fdopen(fd, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs("{\"isd_as\": \"1-ff00:0:111\", \"mtu\": 1472, \"routers\": [], "
			       "\"paths\": []}",
				 out),
		0);
	ck_assert_int_eq(fclose(out), 0);
}

static inline void remove_path_file(void)
{
	char *pattern = path_option + sizeof path_option - 7;

	(void)unlink(path_option + 5);
	for (int i = 0; i < 6; i++) {
		pattern[i] = 'X';
	}
}
