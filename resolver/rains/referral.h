/* SPDX-License-Identifier: MIT */
/*
 * referral: an answer that only says who knows more: the redirection of a zone further down towards the name, and, as
 * glue, where that zone's servers are. Believed by its signatures like any other answer; as servers of the Go
 * implementation send it, its assertions stand by themselves.
 */
#pragma once

#include "rains/chain.h"
#include "scion/addr.h"

#define SX_RAINS_REFERRAL_PLACES 4

/* Where a server is. */
struct sx_rains_place {
	struct sx_addr addr; /* ISD-AS 0: TLS to this IP address */
	uint16_t port;
};

struct sx_rains_referral {
	struct sx_bytes above;     /* given: the zone whose servers were asked; borrowed */
	struct sx_rains_name zone; /* whose servers these are */
	struct sx_rains_name
		target; /* the first of them: a host, or a service ("_rains._tcp.ns.example.") */
	size_t count;
	struct sx_rains_place places[SX_RAINS_REFERRAL_PLACES];
	struct sx_rains_need need;     /* SX_EAGAIN */
	struct sx_rains_reason reason; /* any other failure */
};

/*
 * Reads the referral of a message that answers nothing, to a zone that the question's name lies below and that lies
 * below out->above. SX_OK: believed; no address came along when `count` is 0. SX_EAGAIN: a delegation is needed first,
 * as with sx_rains_answer_read. SX_ENOTFOUND: there is no referral. SX_EPROTO: it leads back. Other failures: none is
 * believed.
 */
SX_MUST_CHECK int sx_rains_referral_read(struct sx_rains_referral *out,
	struct sx_rains_chain *chain, const struct sx_rains_msg *msg,
	const struct sx_rains_question *question, int64_t now);

/* Adds a place, unless it is none or one too many. */
void sx_rains_referral_add(
	struct sx_rains_referral *referral, const struct sx_addr *addr, uint16_t port);
