/* SPDX-License-Identifier: MIT */
/*
 * scion_txt: SCION addresses in DNS TXT records, in both dialects: "scion=1-ff00:0:110,10.0.0.1" (scion-apps, jpan,
 * scion-cpp) and "scion=v1;[1-ff00:0:110,10.0.0.1],[2-ff00:0:210,fd00::1]" (Anapaya's SDK). rains.md 6.5.
 */
#pragma once

#include "scion/addr.h"

#define SX_SCION_TXT_ADDRS_MOST 32

/* Zeroed: empty. */
struct sx_scion_txt {
	struct sx_addr addrs[SX_SCION_TXT_ADDRS_MOST]; /* as published, each once */
	size_t count;
	size_t ignored; /* "scion=" records that are broken or of a later version, and addresses beyond the bound */
};

/* Adds the addresses of one record, its strings joined: all of them or, when it is broken, none. */
void sx_scion_txt_add(struct sx_scion_txt *txt, struct sx_bytes record);
