/* SPDX-License-Identifier: MIT */
/* ns_process: what the parts of the running name server share. */
#pragma once

#include "base/loop.h"
#include "ns_answer.h"
#include "ns_delay.h"

struct sx_ns_process {
	struct sx_ns *ns;
	struct sx_loop *loop;
	struct sx_ns_delays delays;
	uint64_t tls_messages;
	uint64_t scion_messages;
	uint64_t connections;
	bool quit;
};

/* Delivers an answer as late as was commanded. Takes it. */
void sx_ns_process_deliver(struct sx_ns_process *process, struct sx_ns_delayed *delayed);
