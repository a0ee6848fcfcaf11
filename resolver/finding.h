/* SPDX-License-Identifier: MIT */
/* finding: what one source knows of a domain, and how it came to know it. */
#pragma once

#include "base/buf.h"
#include "scion/addr.h"

#define SX_FINDING_TARGETS_MOST 16
#define SX_FINDING_CERTS_MOST   8
#define SX_FINDING_TRACE_BYTES  4096
#define SX_REASON_BYTES         160

/* Where a domain may be reached. */
struct sx_found_target {
	struct sx_addr addr; /* ISD-AS 0: QUIC over plain UDP at this IP address */
	uint16_t port;       /* 0: none was named */
	uint16_t priority;   /* lower ones are tried first */
};

/* Zeroed: nothing known yet (SX_OK only once there is a target or a certificate). */
struct sx_finding {
	int status; /* SX_OK; SX_ENOTFOUND: there is none, for certain; SX_EAGAIN: not finished; else it failed */
	uint32_t ttl;                 /* seconds for which this holds */
	char reason[SX_REASON_BYTES]; /* for people: why there is nothing */
	size_t target_count;
	size_t cert_count;
	struct sx_found_target targets[SX_FINDING_TARGETS_MOST];
	struct sx_buf *certs[SX_FINDING_CERTS_MOST]; /* verified RAINS objects, CBOR; owned */
	size_t trace_len;
	char trace[SX_FINDING_TRACE_BYTES]; /* lines: each question, and what proves its answer */
};

/* An unfinished finding without anything in it. */
void sx_finding_init(struct sx_finding *finding);
void sx_finding_fini(struct sx_finding *finding);

/* Adds a target in the order of priorities, equal ones in order of arrival. Known ones and those over the bound are dropped. */
void sx_finding_add_target(struct sx_finding *finding, const struct sx_found_target *target);

/* Drops SCION targets without a port where others have one: a service that is announced goes before a guess. */
void sx_finding_prefer_ports(struct sx_finding *finding);

/* Adds a certificate object. Copies it. SX_ENOMEM; over the bound it is dropped. */
SX_MUST_CHECK int sx_finding_add_cert(struct sx_finding *finding, struct sx_bytes object);

/* Lets the finding hold no longer than `ttl` seconds. */
void sx_finding_limit(struct sx_finding *finding, uint32_t ttl);

/* Adds a line to the trace, once; what does not fit is left out. */
void sx_finding_trace(struct sx_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Finishes it without a result. `format` makes the reason. */
void sx_finding_fail(struct sx_finding *finding, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
