/* SPDX-License-Identifier: MIT */
/*
 * alloc_fail: lets the n-th allocation fail. The test is linked with --wrap for malloc, calloc and realloc (alloc_fail_dep
 * in meson); allocations inside shared libraries are not counted.
 */
#pragma once

#include <check.h>
#include <stddef.h>

#include "base/status.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* Allocations until one fails; 0: none will. */
static unsigned sx_alloc_countdown;

static inline int sx_alloc_fails(void)
{
	return sx_alloc_countdown > 0 && --sx_alloc_countdown == 0;
}

void *__wrap_malloc(size_t size)
{
	return sx_alloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return sx_alloc_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return sx_alloc_fails() ? NULL : __real_realloc(old, size);
}

/*
 * Calls `construct` with the first, second, third ... allocation failing until it succeeds: every failure must be
 * SX_ENOMEM. `construct` frees what it made, and asserts nothing before that: check allocates, too. Returns how many
 * allocations it takes.
 */
static inline unsigned sx_each_allocation_fails(int (*construct)(void *arg), void *arg)
{
	for (unsigned nth = 1;; nth++) {
		int rc;

		sx_alloc_countdown = nth;
		rc = construct(arg);
		if (sx_alloc_countdown > 0) {
			sx_alloc_countdown = 0;
			ck_assert_int_eq(rc, SX_OK);
			return nth - 1;
		}
		ck_assert_int_eq(rc, SX_ENOMEM);
	}
}
