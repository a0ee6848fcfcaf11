/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "scion/pathtable.h"
#include "target.h"

static void check_path(const struct sx_known_path *known, const struct sx_local_as *local)
{
	char way[SX_WAY_TEXT_BYTES];
	struct sx_known_path *copy;
	struct sx_path path;

	assert(sx_path_parse(&path, known->raw) == SX_OK && path.curr_hf == 0);
	assert(known->expiry <= sx_path_expiry(&path));
	assert(known->interfaces[0].ia == local->ia);
	sx_way_write(known->interfaces, known->interface_count, way, sizeof way);
	if (sx_known_path_copy(known, &copy) == SX_OK) {
		assert(sx_bytes_equal(copy->raw, known->raw));
		assert(copy->interface_count == known->interface_count);
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";
	struct sx_pathtable *table;

	if (sx_pathtable_parse(&table, sx_bytes_of(data, size), problem) < 0) {
		assert(problem[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < table->count; i++) {
		check_path(table->paths[i], &table->local);
	}
	sx_pathtable_free(table);
	return 0;
}
