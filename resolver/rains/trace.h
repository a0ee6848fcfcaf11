/* SPDX-License-Identifier: MIT */
/* trace: what a lookup tells the operator of its way, line by line. Every line is written once its names are checked. */
#pragma once

#include "base/log.h"
#include "rains/answer.h"

/* "scion", "srv"; "?" for what is never asked. */
const char *sx_rains_type_text(int64_t type);

/* The answer to a question, which a server gave. */
void sx_rains_trace_answer(const struct sx_log *trace, const char *server,
	const struct sx_rains_question *question, const struct sx_rains_answer *answer);

/*
 * The keys that a message names of zones on the way to a name, its own zone included; a few, for anybody can send many.
 * Whether they are believed shows in what comes of them.
 */
void sx_rains_trace_keys(
	const struct sx_log *trace, const struct sx_rains_msg *msg, struct sx_bytes name);
