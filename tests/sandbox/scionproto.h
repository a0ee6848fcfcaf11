/* SPDX-License-Identifier: MIT */
/* scionproto: the same network for scionproto's own border routers, which need four small files each and no more. */
#pragma once

#include "pathfile.h"

/*
 * Writes FOLDER/ISD-AS/{topology.json,br.toml,keys/master0.key,keys/master1.key} for every AS, and the path files of
 * pathfile.h into FOLDER. The folder is made when missing. SX_EIO: `error` names the file.
 */
SX_MUST_CHECK int sx_scionproto_write(const struct sx_topology *topology,
	const struct sx_beacons *beacons, const char *folder, struct sx_topology_error *error);
