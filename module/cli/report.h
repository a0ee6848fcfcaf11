/* SPDX-License-Identifier: MIT */
/* report: what sxctl zone says about a zone that it has signed, for people and as JSON. */
#pragma once

#include "publish.h"
#include "rains/keyfile.h"
#include "rains/zone.h"

struct sx_cli_signed {
	struct sx_rains_zone *zone;
	struct sx_rains_keyfile key;
	bool is_new_key;
	int64_t now; /* UNIX seconds */
	int64_t until;
	struct sx_bytes message;
	const char *server; /* it was pushed to; NULL: to none */
	struct sx_cli_publication publication;
	uint8_t bytes[SX_RAINS_ZONE_MSG_MOST]; /* of the message */
};

void sx_cli_report_text(const struct sx_cli_signed *signed_zone, FILE *out);
void sx_cli_report_json(const struct sx_cli_signed *signed_zone, FILE *out);
