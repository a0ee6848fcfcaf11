/* SPDX-License-Identifier: MIT */
/* answer: what a DNS message says about one question; the aliases it carries are followed. */
#pragma once

#include "dns/name.h"

#define SX_DNS_RECORDS_MOST      64
#define SX_DNS_DATA_MOST         16384
#define SX_DNS_NEGATIVE_TTL_MOST 300

enum sx_dns_type {
	SX_DNS_A = 1,
	SX_DNS_TXT = 16,
	SX_DNS_AAAA = 28,
	SX_DNS_SRV = 33,
};

struct sx_dns_record {
	struct sx_bytes
		data; /* A, AAAA: the address; TXT: its strings joined; SRV: the target as text, "" for "." */
	uint16_t priority; /* the rest is SRV's */
	uint16_t weight;
	uint16_t port;
};

/* Large, and not to be copied: the records point into `store`. */
struct sx_dns_answer {
	int status; /* SX_OK: `count` > 0. SX_ENOTFOUND: no such name or no such data. Others: no answer */
	bool name_exists; /* with SX_ENOTFOUND: there is the name, without data of this type */
	uint32_t ttl_s;   /* the smallest on the way; with SX_ENOTFOUND at most 300, 0: not known */
	const char *reason; /* for people, unless SX_OK; static */
	size_t dropped;     /* records that were broken or too many */
	size_t count;
	struct sx_dns_record records[SX_DNS_RECORDS_MOST];
	uint8_t store[SX_DNS_DATA_MOST];
};

/* Reads a message that answers the question for `type` records of `name`, copying what it keeps. */
void sx_dns_answer_parse(struct sx_dns_answer *out, struct sx_bytes message,
	const struct sx_dns_name *name, enum sx_dns_type type);

/* An answer without records. Borrows `reason` for as long as the answer lives. */
void sx_dns_answer_fail(struct sx_dns_answer *out, int status, const char *reason);
