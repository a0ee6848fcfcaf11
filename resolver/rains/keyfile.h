/* SPDX-License-Identifier: MIT */
/*
 * keyfile: the secret key of a zone, in a file of one line, "ed25519 PHASE SEED", the seed as 64 hex digits. Lines that
 * begin with # are for people. Only its owner may read it.
 */
#pragma once

#include "rains/reason.h"
#include "rains/section.h"
#include "rains/sign.h"

struct sx_rains_keyfile {
	int64_t phase;
	uint8_t seed[SX_RAINS_SEED_BYTES];
	uint8_t key[SX_RAINS_KEY_BYTES]; /* the public one */
};

/*
 * Reads a key file. SX_ENOTFOUND: there is none. SX_EREFUSED: others may read it. SX_EMALFORMED, SX_EIO: something else
 * is wrong; `reason` says what to do.
 */
SX_MUST_CHECK int sx_rains_keyfile_read(
	struct sx_rains_keyfile *out, const char *path, struct sx_rains_reason *reason);

/* Makes a key and its file, which must not exist yet. SX_EIO: it could not be written; nothing is left of it. */
SX_MUST_CHECK int sx_rains_keyfile_create(struct sx_rains_keyfile *out, const char *path,
	int64_t phase, struct sx_rains_reason *reason);

/* Writes the line by which others trust the key as an anchor, "ed25519 PHASE KEY", NUL-terminated. */
#define SX_RAINS_ANCHOR_TEXT_BYTES 128
void sx_rains_keyfile_anchor(
	const struct sx_rains_keyfile *keyfile, char out[SX_RAINS_ANCHOR_TEXT_BYTES]);

/*
 * Writes the line that delegates a zone to the key, for the zone file of the parent, NUL-terminated: the parent is the
 * zone behind the first dot.
 */
#define SX_RAINS_DELEGATION_TEXT_BYTES 512
void sx_rains_keyfile_delegation(const struct sx_rains_keyfile *keyfile, struct sx_bytes zone,
	char out[SX_RAINS_DELEGATION_TEXT_BYTES]);
