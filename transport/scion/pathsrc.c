/* SPDX-License-Identifier: MIT */
#include "scion/pathsrc.h"

#include <stdio.h>
#include <stdlib.h>

/* Where a text being written stands; stays at its end once it is full. */
struct text {
	char *out;
	size_t cap;
	size_t at;
};

static void append(struct text *text, const char *part)
{
	int len = snprintf(text->out + text->at, text->cap - text->at, "%s", part);

	text->at += (size_t)len;
	if (text->at >= text->cap) {
		text->at = text->cap - 1;
	}
}

static void append_as(struct text *text, uint64_t ia)
{
	char name[SX_IA_TEXT_BYTES] = "";

	if (ia != 0) {
		sx_ia_write(ia, name, sizeof name);
	}
	append(text, name);
}

static void append_id(struct text *text, char mark, uint64_t id)
{
	char number[24];

	(void)snprintf(number, sizeof number, "%c%llu", mark, (unsigned long long)id);
	append(text, number);
}

static bool is_same_interface(const struct sx_interface *a, const struct sx_interface *b)
{
	return a->ia == b->ia && a->id == b->id;
}

/* A link is named by its two ends; it is the same in either direction. */
static bool is_same_link(const struct sx_interface *a, const struct sx_interface *b)
{
	return (is_same_interface(&a[0], &b[0]) && is_same_interface(&a[1], &b[1])) ||
	       (is_same_interface(&a[0], &b[1]) && is_same_interface(&a[1], &b[0]));
}

int sx_known_path_copy(const struct sx_known_path *like, struct sx_known_path **out)
{
	size_t interfaces_len = like->interface_count * sizeof *like->interfaces;
	struct sx_known_path *path = malloc(sizeof *path + interfaces_len + like->raw.len);
	struct sx_interface *interfaces;
	uint8_t *raw;

	if (!path) {
		return SX_ENOMEM;
	}
	interfaces = (void *)(path + 1); /* both are aligned to 8 */
	raw = (void *)(interfaces + like->interface_count);
	memcpy(interfaces, like->interfaces, interfaces_len);
	memcpy(raw, like->raw.data, like->raw.len);
	*path = *like;
	path->interfaces = interfaces;
	path->raw = sx_bytes_of(raw, like->raw.len);
	*out = path;
	return SX_OK;
}

size_t sx_known_path_shared_links(const struct sx_known_path *a, const struct sx_known_path *b)
{
	size_t shared = 0;

	for (size_t i = 0; i + 1 < a->interface_count; i += 2) {
		for (size_t j = 0; j + 1 < b->interface_count; j += 2) {
			if (is_same_link(&a->interfaces[i], &b->interfaces[j])) {
				shared++;
				break;
			}
		}
	}
	return shared;
}

void sx_way_write(const struct sx_interface *interfaces, size_t count, char *out, size_t cap)
{
	struct text text = { .out = out, .cap = cap };

	append(&text, "");
	for (size_t i = 0; i < count; i++) {
		bool enters = i % 2 == 1;

		if (enters) {
			append(&text, " > ");
		}
		if (enters || i == 0) {
			append_as(&text, interfaces[i].ia);
		}
		append_id(&text, enters || i == 0 ? '#' : ',', interfaces[i].id);
	}
}
