/* SPDX-License-Identifier: MIT */
/* pathfile: the file that tells a host its paths, instead of a SCION daemon; field names as in the daemon's API. */
#pragma once

#include "combine.h"

/*
 * Writes FOLDER/1-ff00_0_110.paths.json for every AS, each at once by renaming. SX_EIO: `error` names the file.
 */
SX_MUST_CHECK int sx_pathfile_write_all(const struct sx_topology *topology,
	const struct sx_beacons *beacons, const char *folder, struct sx_topology_error *error);

/* The ISD-AS as it stands in names of files: "1-ff00_0_110". */
void sx_pathfile_name(uint64_t ia, char out[SX_IA_TEXT_BYTES]);
