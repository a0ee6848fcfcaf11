/* SPDX-License-Identifier: MIT */
/* bloom: the filter of a pshard, which can say of a subject that it has no object of a type. */
#pragma once

#include "rains/section.h"

/* Whether the subject certainly has no object of the type. False, too, for filters and hashes unknown here. */
bool sx_rains_bloom_denies(
	const struct sx_rains_section *pshard, struct sx_bytes subject, int64_t type);
