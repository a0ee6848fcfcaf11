/* SPDX-License-Identifier: MIT */
/* Prints the sizes of the ABI's structs as a Lua table, for the check in lua/sx/ffi.lua. */
#include <stdio.h>

#include "sx.h"

#define SIZE_OF(name)                      \
	{                                  \
#name, sizeof(struct name) \
	}

int main(void)
{
	static const struct {
		const char *name;
		size_t size;
	} sizes[] = { SIZE_OF(sx_options), SIZE_OF(sx_domain), SIZE_OF(sx_target),
		SIZE_OF(sx_event), SIZE_OF(sx_channel_state), SIZE_OF(sx_counters),
		SIZE_OF(sx_names), SIZE_OF(sx_question), SIZE_OF(sx_place), SIZE_OF(sx_fan_form),
		SIZE_OF(sx_fan_batch), SIZE_OF(sx_fan_piece), SIZE_OF(sx_fan_state) };

	(void)printf("{ ");
	for (size_t i = 0; i < SX_COUNT(sizes); i++) {
		(void)printf("%s = %zu, ", sizes[i].name, sizes[i].size);
	}
	(void)printf("}\n");
	return 0;
}
