/* SPDX-License-Identifier: MIT */
/*
 * sign: the bytes under a signature, and Ed25519 (RFC 8032) over them. What was received is spliced, never encoded
 * again: the section without its signatures, and without those of the assertions in it, then the signature with its
 * data empty.
 */
#pragma once

#include "rains/section.h"

#define SX_RAINS_KEY_BYTES       32
#define SX_RAINS_SEED_BYTES      32
#define SX_RAINS_SIGNATURE_BYTES 64

/* Seconds that clocks, and publishers who spread their signatures, may be ahead. */
#define SX_RAINS_SKEW 120

/* Room for the bytes under any signature in a message of `most` bytes. */
#define SX_RAINS_TBS_MOST(most) ((most) + 1024)

/*
 * Writes the section's part of what is signed, the same for all its signatures. An assertion of a shard or zone is
 * signed as if it had the container's zone and context.
 */
void sx_rains_tbs_write(struct sx_writer *writer, const struct sx_rains_section *section);

/* Writes the signature's part, behind the section's. */
void sx_rains_tbs_add(struct sx_writer *writer, const struct sx_rains_signature *signature);

/* Whether this is a public key of 32 bytes, and none of the few for which signatures can be made without the secret. */
bool sx_rains_key_is_sound(struct sx_bytes key);

/* SX_OK: `data` is the key's signature over `tbs`. SX_EREFUSED: it is not. SX_ENOMEM: not known. */
SX_MUST_CHECK int sx_rains_verify(struct sx_bytes key, struct sx_bytes tbs, struct sx_bytes data);

/* Signs with a secret seed; `out` has room for SX_RAINS_SIGNATURE_BYTES. SX_EIO: the library refused. */
SX_MUST_CHECK int sx_rains_sign(const uint8_t *seed, struct sx_bytes tbs, uint8_t *out);

/* The public key of a secret seed; `out` has room for SX_RAINS_KEY_BYTES. */
SX_MUST_CHECK int sx_rains_public_key(const uint8_t *seed, uint8_t *out);
