/* SPDX-License-Identifier: MIT */
/* handles: numbers that name objects across the ABI and go stale with them (sx.h, sx_handle). */
#pragma once

#include <stddef.h>

#include "sx.h"

struct sx_handles {
	struct sx_handle_slot *slots;
	size_t count;      /* slots ever used */
	size_t cap;
	uint32_t free_one; /* index of a free slot, SX_HANDLE_NONE: there is none */
};

void sx_handles_init(struct sx_handles *handles);
void sx_handles_fini(struct sx_handles *handles);

/* Names an object. SX_ENOMEM, or SX_ELIMIT after 2^24 - 1 objects at once. */
SX_MUST_CHECK int sx_handles_add(struct sx_handles *handles, void *object, sx_handle *out);

/* The object, or NULL for a handle that is stale or was never given out. */
void *sx_handles_find(const struct sx_handles *handles, sx_handle handle);

/* Makes a valid handle stale. */
void sx_handles_remove(struct sx_handles *handles, sx_handle handle);

/* The next object in handle order after `previous` (0: from the start), which need not exist any more; NULL at the end. */
void *sx_handles_next(const struct sx_handles *handles, sx_handle previous);
