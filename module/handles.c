/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "handles.h"

#define INDEX_BITS      24
#define INDEX_MAX       ((1U << INDEX_BITS) - 1)
#define GENERATION_MASK ((1U << 28) - 1)
#define NONE            UINT32_MAX
#define FIRST_CAP       16

struct sx_handle_slot {
	void *object;        /* NULL: free */
	uint32_t generation; /* of the object there, or the last one; never 0 once used */
	uint32_t next_free;
};

static sx_handle handle_of(uint32_t index, uint32_t generation)
{
	return (sx_handle)generation << INDEX_BITS | index;
}

static uint32_t index_of(sx_handle handle)
{
	return (uint32_t)(handle & INDEX_MAX);
}

static int grow(struct sx_handles *handles)
{
	size_t cap = handles->cap ? handles->cap * 2 : FIRST_CAP;
	struct sx_handle_slot *slots;

	if (handles->count > INDEX_MAX) {
		return SX_ELIMIT;
	}
	slots = realloc(handles->slots, cap * sizeof *slots);
	if (!slots) {
		return SX_ENOMEM;
	}
	handles->slots = slots;
	handles->cap = cap;
	return SX_OK;
}

static int take_slot(struct sx_handles *handles, uint32_t *index)
{
	int rc;

	if (handles->free_one != NONE) {
		*index = handles->free_one;
		handles->free_one = handles->slots[*index].next_free;
		return SX_OK;
	}
	rc = handles->count == handles->cap ? grow(handles) : SX_OK;
	if (rc < 0) {
		return rc;
	}
	*index = (uint32_t)handles->count++;
	handles->slots[*index] = (struct sx_handle_slot){ 0 };
	return SX_OK;
}

void sx_handles_init(struct sx_handles *handles)
{
	*handles = (struct sx_handles){ .free_one = NONE };
}

void sx_handles_fini(struct sx_handles *handles)
{
	free(handles->slots);
	sx_handles_init(handles);
}

int sx_handles_add(struct sx_handles *handles, void *object, sx_handle *out)
{
	struct sx_handle_slot *slot;
	uint32_t index;
	int rc = take_slot(handles, &index);

	if (rc < 0) {
		return rc;
	}
	slot = &handles->slots[index];
	slot->object = object;
	slot->generation = (slot->generation + 1) & GENERATION_MASK;
	slot->generation += slot->generation == 0;
	*out = handle_of(index, slot->generation);
	return SX_OK;
}

void *sx_handles_find(const struct sx_handles *handles, sx_handle handle)
{
	uint32_t index = index_of(handle);
	const struct sx_handle_slot *slot;

	if (index >= handles->count) {
		return NULL;
	}
	slot = &handles->slots[index];
	return slot->object && handle_of(index, slot->generation) == handle ? slot->object : NULL;
}

void sx_handles_remove(struct sx_handles *handles, sx_handle handle)
{
	uint32_t index = index_of(handle);

	assert(sx_handles_find(handles, handle));
	handles->slots[index].object = NULL;
	handles->slots[index].next_free = handles->free_one;
	handles->free_one = index;
}

void *sx_handles_next(const struct sx_handles *handles, sx_handle previous)
{
	for (size_t i = previous ? (size_t)index_of(previous) + 1 : 0; i < handles->count; i++) {
		if (handles->slots[i].object) {
			return handles->slots[i].object;
		}
	}
	return NULL;
}
