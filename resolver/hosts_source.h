/* SPDX-License-Identifier: MIT */
/* hosts_source: hosts files, or the static map of the configuration, as a source. It answers at once. */
#pragma once

#include "hosts.h"
#include "source.h"

/* Takes `hosts`, on failure too. `name` ("hosts") is borrowed. */
SX_MUST_CHECK int sx_hosts_source_new(
	struct sx_source **out, const char *name, struct sx_hosts *hosts);
