/* SPDX-License-Identifier: MIT */
/* ns_answer: what the name server of the tests answers to one message, and how it misbehaves. Does no I/O. */
#pragma once

#include "ns_zone.h"

#define SX_NS_ASKED_MOST  256
#define SX_NS_ANSWER_MOST (SX_RAINS_ZONE_MSG_MOST + 8192) /* room that any answer fits */

enum sx_ns_fault {
	SX_NS_WELL,
	SX_NS_SILENCE,
	SX_NS_GARBAGE,     /* bytes that are no CBOR */
	SX_NS_WRONG_TOKEN, /* somebody else's answer */
	SX_NS_FORGED,      /* signatures with one bit turned */
	SX_NS_EXPIRED,     /* signatures that ended an hour ago */
	SX_NS_HUGE,        /* more than resolvers accept; of UDP as much as a router carries */
	SX_NS_TRUNCATED,   /* the first half */
	SX_NS_CLOSE,       /* the connection, instead of an answer */
	SX_NS_UNSIGNED,
};

enum sx_ns_reaction {
	SX_NS_SEND,
	SX_NS_NOTHING,
	SX_NS_HANG_UP, /* as rainsd does on what it cannot read */
};

struct sx_ns_asked {
	struct sx_rains_name name;
	int64_t type;
	uint64_t count;
};

struct sx_ns_counters {
	uint64_t queries;
	uint64_t answers;
	uint64_t silences;
	uint64_t malformed;
	uint64_t pushes; /* zones taken */
	uint64_t refused;
	size_t asked_count;
	struct sx_ns_asked asked[SX_NS_ASKED_MOST];
};

struct sx_ns {
	struct sx_ns_zones zones;
	enum sx_ns_fault fault;
	bool gives_chain; /* adds the delegations above a name */
	uint32_t slow_ms;
	struct sx_ns_counters counters;
	uint8_t scratch[SX_NS_ANSWER_MOST];
};

/* Writes the answer to a message at `now`; `huge` is how many bytes too large is. */
enum sx_ns_reaction sx_ns_answer(
	struct sx_ns *ns, struct sx_bytes message, int64_t now, size_t huge, struct sx_writer *out);
