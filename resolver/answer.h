/* SPDX-License-Identifier: MIT */
/* answer: the result of a search, frozen in one counted buffer, so that it can lie in the cache and be read by many. */
#pragma once

#include "finding.h"

#define SX_ANSWER_SOURCE_BYTES 8

struct sx_answer {
	int status; /* SX_OK; SX_ENOTFOUND: certainly nothing; else the search failed */
	char source[SX_ANSWER_SOURCE_BYTES]; /* who found it: "rains"; "" when nobody did */
	uint64_t expiry_ns;                  /* monotonic */
	uint32_t target_count;
	uint32_t cert_count;
	struct sx_bytes certs;            /* the certificate objects, CBOR, one behind the other */
	const char *reason;               /* why there is nothing, or "" */
	const char *trace;                /* the whole search, line by line */
	struct sx_found_target targets[]; /* the best first; behind them what is pointed to */
};

/* Freezes a finding of the source named ("" for nobody), with the trace of the whole search. */
SX_MUST_CHECK int sx_answer_new(struct sx_buf **out, const struct sx_finding *finding,
	const char *source, const char *trace);

/* The answer in a buffer that sx_answer_new made. Lends it. */
struct sx_answer *sx_answer_of(struct sx_buf *buf);
