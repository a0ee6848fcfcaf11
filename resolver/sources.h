/* SPDX-License-Identifier: MIT */
/* sources: those of a configuration, in its order. */
#pragma once

#include "resolver.h"
#include "search.h"

/* Zeroed: none. */
struct sx_sources {
	struct sx_source *list[SX_SOURCES_MOST];
	size_t count;
	struct sx_source *dns; /* the one in the list that asks DNS, or NULL */
};

/* What is being opened, in which loop, which outlives it, and where to say which option is wrong. */
struct sx_sources_opening {
	struct sx_loop *loop;
	const struct sx_resolver_config *config;
	char *problem;
	size_t cap;
};

/* Opens the sources of the order. On failure none is left open. */
SX_MUST_CHECK int sx_sources_open(
	struct sx_sources *sources, const struct sx_sources_opening *opening);
void sx_sources_close(struct sx_sources *sources);
