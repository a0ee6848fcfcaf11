/* SPDX-License-Identifier: MIT */
/*
 * hosts: names in hosts files, in both dialects in use: "1-ff00:0:110,[10.0.0.1] name name" (scion-apps, jpan) and
 * "name 1-ff00:0:110,10.0.0.1 ..." (scion-cpp). Lines without a SCION address are those of other programs and skipped.
 */
#pragma once

#include "base/log.h"
#include "base/status.h"
#include "scion/addr.h"

struct sx_hosts;

/* Reads `count` files, in that order; a file that does not exist holds nothing until it does. Copies the names. */
SX_MUST_CHECK int sx_hosts_new(
	struct sx_hosts **out, const char *const *files, size_t count, struct sx_log log);

/* The same of a text instead of files, which `name` names in warnings. Copies both. */
SX_MUST_CHECK int sx_hosts_new_text(
	struct sx_hosts **out, const char *name, const char *text, struct sx_log log);
void sx_hosts_free(struct sx_hosts *hosts);

/* Rereads what has changed, looking once a second at most; a file that cannot be read keeps what it held. */
void sx_hosts_refresh(struct sx_hosts *hosts, uint64_t now_ns);

/* The address number `index` of a name, case ignored; all files count, the first first. SX_ENOTFOUND: no more. */
SX_MUST_CHECK int sx_hosts_find(
	const struct sx_hosts *hosts, const char *name, size_t index, struct sx_addr *out);
