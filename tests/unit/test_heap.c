/* SPDX-License-Identifier: MIT */
#include "base/heap.h"
#include "tap.h"

#define NODES 200

static unsigned next_random(unsigned *state)
{
	*state = *state * 1103515245U + 12345U;
	return *state >> 16;
}

static uint64_t smallest(const struct sx_heap_node *nodes)
{
	uint64_t least = SX_NEVER;

	for (size_t i = 0; i < NODES; i++) {
		if (nodes[i].place && nodes[i].deadline_ns < least) {
			least = nodes[i].deadline_ns;
		}
	}
	return least;
}

START_TEST(the_first_is_always_the_smallest)
{
	struct sx_heap heap = { 0 };
	struct sx_heap_node nodes[NODES] = { 0 };
	unsigned state = (unsigned)_i;

	ck_assert_int_eq(sx_heap_reserve(&heap, NODES), SX_OK);
	for (int step = 0; step < 5000; step++) {
		struct sx_heap_node *node = &nodes[next_random(&state) % NODES];
		const struct sx_heap_node *first;

		if (next_random(&state) % 3 == 0) {
			sx_heap_remove(&heap, node);
		} else {
			sx_heap_set(&heap, node, next_random(&state) % 1000);
		}
		first = sx_heap_first(&heap);
		ck_assert_uint_eq(first ? first->deadline_ns : SX_NEVER, smallest(nodes));
	}
	sx_heap_fini(&heap);
}
END_TEST

START_TEST(never_takes_a_node_out)
{
	struct sx_heap heap = { 0 };
	struct sx_heap_node node = { 0 };

	ck_assert_int_eq(sx_heap_reserve(&heap, 1), SX_OK);
	sx_heap_set(&heap, &node, 5);
	sx_heap_set(&heap, &node, SX_NEVER);
	ck_assert_ptr_null(sx_heap_first(&heap));
	ck_assert_uint_eq(node.place, 0);
	sx_heap_fini(&heap);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("heap");
	TCase *tcase = tcase_create("deadlines");

	tcase_add_loop_test(tcase, the_first_is_always_the_smallest, 0, 10);
	tcase_add_test(tcase, never_takes_a_node_out);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
