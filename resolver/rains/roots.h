/* SPDX-License-Identifier: MIT */
/* roots: the keys in which the operator trusts, as an option lists them. */
#pragma once

#include "rains/anchor.h"

/*
 * Adds the keys of lines such as "ed25519 1 HEX", or the name of a file with keys (anchor.h), with the zone in front when
 * it is not the root: "example.org. FILE". NULL: none. On failure `reason` names the option and the file, what was found
 * and what is expected; some may have been added.
 */
SX_MUST_CHECK int sx_rains_roots_read(
	struct sx_rains_anchors *anchors, const char *roots, struct sx_rains_reason *reason);
