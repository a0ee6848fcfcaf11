/* SPDX-License-Identifier: MIT */
/*
 * The fan-out beside a simple model of it: the input is a list of calls, two bytes each. Every entry leaves once, in
 * order, in the batch that the model says, written as the model writes it.
 */
#include "sx.h"

#include <stdio.h>
#include <string.h>

#include "base/live.h"
#include "target.h"

#define PLACES  8  /* forms, addresses */
#define ENTRIES 64 /* that wait for a sink */
#define CALLS   400
#define TEXT    8

struct entry {
	int form;
	int address;
};

struct sink {
	struct entry entries[ENTRIES];
	int count;
	int held;
	int bulk;
	int turn; /* place in line, the lowest first; 0: in none */
	uint32_t marks;
};

static struct {
	struct sx_fan *fan;
	sx_handle forms[PLACES];
	sx_handle addresses[PLACES];
	int sink_of[PLACES]; /* of an address: its own number, or that of its sink */
	struct sink sinks[PLACES];
	int turns;
} world;

static const char *const heads[PLACES] = { "<", "", "<<", "a", "<m to='", "", "b", "" };
static const char *const tails[PLACES] = { ">", "", "", "zz", "'/>", "x", "", "y" };
static const char *const tos[PLACES] = { "a", "bb", "", "d@e", "f", "g", "h", "i" };

static void line_up(struct sink *sink)
{
	sink->turn = ++world.turns;
}

static void add_form(int which)
{
	const struct sx_fan_form form = { sizeof form, 1U << which, heads[which],
		strlen(heads[which]), tails[which], strlen(tails[which]) };

	if (!world.forms[which]) {
		assert(sx_fan_form_new(world.fan, &form, &world.forms[which]) == SX_OK);
	}
}

static void add_address(int which, int beside)
{
	sx_handle sink = world.addresses[beside];

	if (world.addresses[which]) {
		return;
	}
	assert(sx_fan_address_new(world.fan, tos[which], strlen(tos[which]), sink,
		       &world.addresses[which]) == SX_OK);
	world.sink_of[which] = sink ? world.sink_of[beside] : which;
}

/* Whether an entry has the form and the address; -1: any. */
static int has_entry(const struct sink *sink, int form, int address)
{
	for (int i = 0; i < sink->count; i++) {
		const struct entry *entry = &sink->entries[i];

		if ((form < 0 || entry->form == form) &&
			(address < 0 || entry->address == address)) {
			return 1;
		}
	}
	return 0;
}

static int is_used(int address)
{
	for (int i = 0; i < PLACES; i++) {
		int shares = i != address && world.addresses[i] && world.sink_of[i] == address;

		if (shares || has_entry(&world.sinks[i], -1, address)) {
			return 1;
		}
	}
	return world.sinks[address].count > 0;
}

static void forget(int which)
{
	int expected = !world.addresses[which] ? SX_ESTALE : is_used(which) ? SX_EAGAIN : SX_OK;

	assert(sx_fan_address_free(world.fan, world.addresses[which]) == expected);
	if (expected == SX_OK) {
		world.addresses[which] = 0;
		world.sinks[which].held = 0;
	}
}

static void put(int form, int address, int bulk)
{
	struct sink *sink = &world.sinks[world.sink_of[address]];
	int is_known = world.forms[form] && world.addresses[address];

	if (is_known && sink->count == ENTRIES) {
		return;
	}
	assert(sx_fan_put(world.fan, world.forms[form], world.addresses[address], (uint32_t)bulk) ==
		(is_known ? SX_OK : SX_ESTALE));
	if (!is_known) {
		return;
	}
	if (!sink->held && (sink->count == 0 || (sink->bulk && !bulk))) {
		line_up(sink);
	}
	sink->bulk = (sink->count == 0 || sink->bulk) && bulk;
	sink->marks = (sink->count == 0 ? 0 : sink->marks) | 1U << form;
	sink->entries[sink->count++] = (struct entry){ form, address };
}

static void hold(int address, int held)
{
	struct sink *sink = &world.sinks[world.sink_of[address]];

	if (!world.addresses[address]) {
		return;
	}
	assert(sx_fan_hold(world.fan, world.addresses[address], (uint32_t)held) == SX_OK);
	sink->held = held;
	sink->turn = 0;
	if (!held && sink->count > 0) {
		line_up(sink);
	}
}

/* The sink whose turn it is, or -1. */
static int first_in_line(void)
{
	int first = -1;

	for (int i = 0; i < PLACES; i++) {
		const struct sink *sink = &world.sinks[i],
				  *best = &world.sinks[first < 0 ? 0 : first];

		if (sink->turn == 0) {
			continue;
		}
		if (first < 0 || sink->bulk < best->bulk ||
			(sink->bulk == best->bulk && sink->turn < best->turn)) {
			first = i;
		}
	}
	return first;
}

static size_t write_entry(char *out, const struct entry *entry)
{
	return (size_t)sprintf(
		out, "%s%s%s", heads[entry->form], tos[entry->address], tails[entry->form]);
}

/* The batch is what the model has for the sink. */
static void check(const struct sx_fan_batch *batch, int which)
{
	static char expected[ENTRIES * 3 * TEXT], found[sizeof expected];
	struct sink *sink = &world.sinks[which];
	struct sx_fan_piece piece = { .first = 0 };
	size_t len = 0;

	assert(batch->sink == world.addresses[which] && batch->count == (uint32_t)sink->count);
	assert(batch->bulk == (uint32_t)sink->bulk);
	for (int i = 0; i < sink->count; i++) {
		len += write_entry(expected + len, &sink->entries[i]);
	}
	assert(batch->bytes == len && batch->marks == sink->marks);
	assert(sx_fan_measure(world.fan, batch->batch, UINT64_MAX, &piece) == SX_OK);
	assert(piece.count == batch->count && piece.bytes == len);
	assert(sx_fan_write(world.fan, batch->batch, &piece, found) == SX_OK);
	assert(memcmp(found, expected, len) == 0);
}

/* The batch leaves, but for `left` entries at its end. */
static void finish(const struct sx_fan_batch *batch, int which, int left)
{
	struct sink *sink = &world.sinks[which];
	int first = sink->count - left;

	check(batch, which);
	sink->turn = 0;
	if (left == 0 || left > sink->count) {
		assert(sx_fan_done(world.fan, batch->batch) == SX_OK);
		sink->count = 0;
		return;
	}
	assert(sx_fan_give_back(world.fan, batch->batch, (uint32_t)first) == SX_OK);
	memmove(sink->entries, sink->entries + first, (size_t)left * sizeof *sink->entries);
	sink->count = left;
	if (!sink->held) {
		line_up(sink);
	}
}

static void next(int left)
{
	struct sx_fan_batch batch;
	int first = first_in_line();

	assert(sx_fan_next(world.fan, &batch) == (first < 0 ? SX_EAGAIN : SX_OK));
	if (first >= 0) {
		finish(&batch, first, left);
	}
}

static void take(int which, int left)
{
	struct sx_fan_batch batch;
	int waits = world.addresses[which] && world.sinks[which].count > 0;

	assert(sx_fan_take(world.fan, world.addresses[which], &batch) ==
		(waits ? SX_OK : SX_EAGAIN));
	if (waits) {
		finish(&batch, which, left);
	}
}

static int is_needed(int form)
{
	for (int i = 0; i < PLACES; i++) {
		if (has_entry(&world.sinks[i], form, -1)) {
			return 1;
		}
	}
	return 0;
}

static void forget_form(sx_handle handle)
{
	for (int i = 0; i < PLACES; i++) {
		if (world.forms[i] == handle) {
			assert(!is_needed(i));
			world.forms[i] = 0;
		}
	}
}

static void reap(uint64_t keep)
{
	sx_handle gone;

	while (sx_fan_reap(world.fan, keep, &gone) == SX_OK) {
		forget_form(gone);
	}
}

static void call(uint8_t what, uint8_t with)
{
	int one = with % PLACES, other = with / PLACES % PLACES;

	switch (what % 10) {
	case 0:
		add_form(one);
		break;
	case 1:
		add_address(one, other);
		break;
	case 2:
		forget(one);
		break;
	case 3:
		hold(one, with & 0x80 ? 1 : 0);
		break;
	case 4:
		next(other);
		break;
	case 5:
		take(one, other);
		break;
	case 6:
		reap(with % TEXT);
		break;
	default:
		put(one, other, with & 0x80 ? 1 : 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_fan_state state;

	memset(&world, 0, sizeof world);
	assert(sx_fan_new(&world.fan) == SX_OK);
	for (size_t i = 0; i + 1 < size && i < (size_t)CALLS * 2; i += 2) {
		call(data[i], data[i + 1]);
	}
	for (int i = 0; i < PLACES; i++) {
		take(i, 0);
	}
	reap(0);
	assert(sx_fan_state(world.fan, &state) == SX_OK);
	assert(state.entries == 0 && state.batches == 0 && state.bytes == 0);
	sx_fan_free(world.fan);
	assert(sx_live_count() == 0);
	return 0;
}
