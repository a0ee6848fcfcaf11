/* SPDX-License-Identifier: MIT */
/* list: an intrusive, circular, doubly linked list. A node alone is linked to itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct sx_list {
	struct sx_list *next;
	struct sx_list *prev;
};

#define sx_container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Walks a list whose current node may be removed in the body. */
/* NOLINTBEGIN(bugprone-macro-parentheses): two of the arguments are names to declare */
#define sx_list_each(node, following, head)                                                \
	for (struct sx_list *node = (head)->next, *following = node->next; node != (head); \
		node = following, following = node->next)
/* NOLINTEND(bugprone-macro-parentheses) */

static inline void sx_list_init(struct sx_list *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool sx_list_is_empty(const struct sx_list *head)
{
	return head->next == head;
}

static inline void sx_list_append(struct sx_list *head, struct sx_list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Unlinks a node and leaves it linked to itself; harmless when it already is. */
static inline void sx_list_remove(struct sx_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	sx_list_init(node);
}
