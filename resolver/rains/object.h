/* SPDX-License-Identifier: MIT */
/*
 * object: what an assertion says about its name. Objects are views into the message they came in; objects of unknown
 * types and those that break their layout are passed over, for the signature over them still counts.
 */
#pragma once

#include "base/status.h"
#include "rains/cbor.h"
#include "scion/addr.h"

enum sx_rains_object_type {
	SX_RAINS_NAME = 1,
	SX_RAINS_IP6 = 2,
	SX_RAINS_IP4 = 3,
	SX_RAINS_REDIR = 4,
	SX_RAINS_DELEG = 5,
	SX_RAINS_NAMESET = 6,
	SX_RAINS_CERT = 7,
	SX_RAINS_SRV = 8,
	SX_RAINS_REGR = 9,
	SX_RAINS_REGT = 10,
	SX_RAINS_INFRA = 11,
	SX_RAINS_EXTRA = 12,
	SX_RAINS_NEXT = 13,
	SX_RAINS_SCION = 14,
};

enum sx_rains_alg {
	SX_RAINS_ED25519 = 1,
};

enum sx_rains_usage {
	SX_RAINS_TRUST_ANCHOR = 2,
	SX_RAINS_END_ENTITY = 3,
};

enum sx_rains_hash {
	SX_RAINS_NO_HASH = 0,
	SX_RAINS_SHA256 = 1,
	SX_RAINS_SHA384 = 2, /* the draft swaps this one and the next */
	SX_RAINS_SHA512 = 3,
	SX_RAINS_SHAKE256 = 4,
	SX_RAINS_FNV64 = 5,
	SX_RAINS_FNV128 = 6,
};

/* DELEG, INFRA, EXTRA, NEXT: a public key. */
struct sx_rains_object_key {
	int64_t alg;
	int64_t phase; /* of EXTRA its key space */
	struct sx_bytes data;
	int64_t since; /* NEXT only, UNIX seconds */
	int64_t until;
};

struct sx_rains_object_cert {
	int64_t protocol; /* 0: any, 1: TLS */
	int64_t usage;
	int64_t hash;
	struct sx_bytes data;
};

struct sx_rains_object {
	enum sx_rains_object_type type;
	struct sx_bytes text; /* NAME, REDIR, SRV: a full name; NAMESET, REGR, REGT: any text */
	struct sx_cbor_list types; /* NAME: integers, the types of the name that its target has */
	struct sx_addr addr;       /* SCION; IP4 and IP6 without an ISD-AS */
	struct sx_rains_object_key key;
	struct sx_rains_object_cert cert;
	uint16_t port; /* SRV */
	uint16_t priority;
};

/*
 * The next usable object of a list; false at its end. Historic and draft forms of SCION addresses (text under 14 or 15,
 * 22, 23) come as SX_RAINS_SCION.
 */
bool sx_rains_next_object(struct sx_reader *walk, struct sx_rains_object *out);

/* Writes an object as the Go implementation does, IPv4 addresses mapped into IPv6. */
void sx_rains_object_write(struct sx_writer *writer, const struct sx_rains_object *object);
