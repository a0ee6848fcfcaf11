/* SPDX-License-Identifier: MIT */
/* anchor: the keys that are believed because the operator says so, of the root zone or of any other. */
#pragma once

#include "base/status.h"
#include "rains/name.h"
#include "rains/reason.h"
#include "rains/sign.h"

#define SX_RAINS_ANCHORS_MOST 16

struct sx_rains_anchor {
	struct sx_rains_name zone;
	struct sx_rains_name context;
	int64_t phase;
	int64_t since; /* UNIX seconds */
	int64_t until;
	uint8_t key[SX_RAINS_KEY_BYTES];
};

/* Zeroed memory holds none. */
struct sx_rains_anchors {
	size_t count;
	struct sx_rains_anchor items[SX_RAINS_ANCHORS_MOST];
};

/*
 * Adds the keys in a file's bytes: "RAINS PUBLIC KEY" in PEM, lines "ed25519 PHASE HEX", or the CBOR of a self-signed
 * delegation of "@". Text is for `zone`, which is "." when empty; CBOR names its zone, which must be `zone` unless
 * that is empty. On failure nothing is added and `reason` says what was found and what is expected. SX_EMALFORMED: no
 * keys. SX_EEXPIRED: outside its dates. SX_EREFUSED: its own key did not sign it. SX_ELIMIT: too many keys.
 */
SX_MUST_CHECK int sx_rains_anchors_add(struct sx_rains_anchors *anchors, struct sx_bytes zone,
	struct sx_bytes file, int64_t now, struct sx_rains_reason *reason);
