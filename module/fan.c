/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/live.h"
#include "fanqueue.h"

int sx_fan_new(struct sx_fan **out)
{
	struct sx_fan *fan = calloc(1, sizeof *fan);

	if (!fan) {
		return SX_ENOMEM;
	}
	sx_handles_init(&fan->forms);
	sx_handles_init(&fan->addresses);
	sx_handles_init(&fan->queues);
	sx_list_init(&fan->lines[0]);
	sx_list_init(&fan->lines[1]);
	sx_list_init(&fan->idle);
	sx_list_init(&fan->spares);
	sx_live_add();
	*out = fan;
	return SX_OK;
}

static void free_forms(struct sx_fan *fan)
{
	struct sx_form *form;

	while ((form = sx_handles_next(&fan->forms, 0))) {
		sx_handles_remove(&fan->forms, form->handle);
		free(form);
	}
	sx_handles_fini(&fan->forms);
}

static void free_addresses(struct sx_fan *fan)
{
	struct sx_address *address;

	while ((address = sx_handles_next(&fan->addresses, 0))) {
		sx_handles_remove(&fan->addresses, address->handle);
		free(address);
	}
	sx_handles_fini(&fan->addresses);
}

void sx_fan_free(struct sx_fan *fan)
{
	if (!fan) {
		return;
	}
	sx_queue_free_all(fan);
	sx_handles_fini(&fan->queues);
	free_addresses(fan);
	free_forms(fan);
	free(fan);
	sx_live_remove();
}

int sx_fan_form_new(struct sx_fan *fan, const struct sx_fan_form *form, sx_handle *out)
{
	struct sx_form *copy = malloc(sizeof *copy + form->head_len + form->tail_len);
	int rc;

	if (!copy) {
		return SX_ENOMEM;
	}
	rc = sx_handles_add(&fan->forms, copy, &copy->handle);
	if (rc < 0) {
		free(copy);
		return rc;
	}
	copy->entries = 0;
	copy->marks = form->marks;
	copy->head_len = form->head_len;
	copy->len = form->head_len + form->tail_len;
	memcpy(copy->text, form->head, form->head_len);
	memcpy(copy->text + form->head_len, form->tail, form->tail_len);
	sx_list_init(&copy->idle);
	sx_form_rest(fan, copy);
	fan->state.forms++;
	*out = copy->handle;
	return SX_OK;
}

int sx_fan_address_new(
	struct sx_fan *fan, const char *to, size_t len, sx_handle beside, sx_handle *out)
{
	struct sx_address *sink = beside ? sx_handles_find(&fan->addresses, beside) : NULL;
	struct sx_address *address;
	int rc;

	if (beside && !sink) {
		return SX_ESTALE;
	}
	address = calloc(1, sizeof *address + len);
	if (!address) {
		return SX_ENOMEM;
	}
	rc = sx_handles_add(&fan->addresses, address, &address->handle);
	if (rc < 0) {
		free(address);
		return rc;
	}
	address->sink = sink ? sink->sink : address;
	address->sink->sharers += sink != NULL;
	address->len = len;
	memcpy(address->to, to, len);
	fan->state.addresses++;
	*out = address->handle;
	return SX_OK;
}

int sx_fan_address_free(struct sx_fan *fan, sx_handle handle)
{
	struct sx_address *address = sx_handles_find(&fan->addresses, handle);

	if (!address) {
		return SX_ESTALE;
	}
	if (address->entries > 0 || address->sharers > 0) {
		return SX_EAGAIN;
	}
	if (address->sink != address) {
		address->sink->sharers--;
	}
	sx_handles_remove(&fan->addresses, handle);
	free(address);
	fan->state.addresses--;
	return SX_OK;
}

int sx_fan_put(struct sx_fan *fan, sx_handle form, sx_handle address, uint32_t bulk)
{
	struct sx_entry entry = { sx_handles_find(&fan->forms, form),
		sx_handles_find(&fan->addresses, address) };
	struct sx_queue *queue;

	if (!entry.form || !entry.address) {
		return SX_ESTALE;
	}
	queue = entry.address->sink->queue;
	if (!queue) {
		queue = sx_queue_new(fan, entry.address->sink);
	}
	return queue ? sx_queue_append(fan, queue, &entry, bulk != 0) : SX_ENOMEM;
}

static void describe(const struct sx_queue *queue, struct sx_fan_batch *out)
{
	*out = (struct sx_fan_batch){ .batch = queue->handle,
		.sink = queue->sink->handle,
		.count = queue->count,
		.marks = queue->marks,
		.bytes = queue->bytes,
		.largest = queue->largest,
		.bulk = queue->bulk,
		.sharers = queue->sink->sharers };
}

static void take(struct sx_fan *fan, struct sx_queue *queue, struct sx_fan_batch *out)
{
	sx_queue_detach(fan, queue);
	describe(queue, out);
}

static struct sx_queue *queue_of_sink(const struct sx_fan *fan, sx_handle sink)
{
	const struct sx_address *address = sx_handles_find(&fan->addresses, sink);

	return address ? address->queue : NULL;
}

int sx_fan_next(struct sx_fan *fan, struct sx_fan_batch *out)
{
	struct sx_list *line = sx_list_is_empty(&fan->lines[0]) ? &fan->lines[1] : &fan->lines[0];

	if (sx_list_is_empty(line)) {
		return SX_EAGAIN;
	}
	take(fan, sx_container_of(line->next, struct sx_queue, node), out);
	return SX_OK;
}

int sx_fan_take(struct sx_fan *fan, sx_handle sink, struct sx_fan_batch *out)
{
	struct sx_queue *queue = queue_of_sink(fan, sink);

	if (!queue) {
		return SX_EAGAIN;
	}
	take(fan, queue, out);
	return SX_OK;
}

int sx_fan_look(struct sx_fan *fan, sx_handle sink, struct sx_fan_batch *out)
{
	const struct sx_queue *queue = queue_of_sink(fan, sink);

	if (!queue) {
		return SX_EAGAIN;
	}
	describe(queue, out);
	out->batch = 0;
	return SX_OK;
}

int sx_fan_hold(struct sx_fan *fan, sx_handle sink, uint32_t held)
{
	struct sx_address *address = sx_handles_find(&fan->addresses, sink);

	if (!address) {
		return SX_ESTALE;
	}
	address = address->sink;
	address->held = held != 0;
	if (address->queue) {
		sx_queue_leave_line(fan, address->queue);
		if (!held) {
			sx_queue_line_up(fan, address->queue);
		}
	}
	return SX_OK;
}

int sx_fan_entry(const struct sx_fan *fan, sx_handle batch, uint32_t index, sx_handle *form,
	sx_handle *address)
{
	const struct sx_queue *queue = sx_handles_find(&fan->queues, batch);

	if (!queue || index >= queue->count) {
		return queue ? SX_ENOTFOUND : SX_ESTALE;
	}
	*form = queue->entries[index].form->handle;
	*address = queue->entries[index].address->handle;
	return SX_OK;
}

int sx_fan_measure(
	const struct sx_fan *fan, sx_handle batch, uint64_t most, struct sx_fan_piece *piece)
{
	const struct sx_queue *queue = sx_handles_find(&fan->queues, batch);
	uint32_t end;
	uint64_t bytes;

	if (!queue || piece->first >= queue->count) {
		return queue ? SX_ENOTFOUND : SX_ESTALE;
	}
	end = piece->first + 1;
	bytes = sx_entry_size(&queue->entries[piece->first]);
	while (end < queue->count && bytes + sx_entry_size(&queue->entries[end]) <= most) {
		bytes += sx_entry_size(&queue->entries[end++]);
	}
	piece->count = end - piece->first;
	piece->bytes = bytes;
	return SX_OK;
}

static char *put_bytes(char *out, const char *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

int sx_fan_write(
	const struct sx_fan *fan, sx_handle batch, const struct sx_fan_piece *piece, char *out)
{
	const struct sx_queue *queue = sx_handles_find(&fan->queues, batch);

	if (!queue || piece->count > queue->count || piece->first > queue->count - piece->count) {
		return queue ? SX_ENOTFOUND : SX_ESTALE;
	}
	for (uint32_t i = piece->first; i < piece->first + piece->count; i++) {
		const struct sx_form *form = queue->entries[i].form;
		const struct sx_address *address = queue->entries[i].address;

		out = put_bytes(out, form->text, form->head_len);
		out = put_bytes(out, address->to, address->len);
		out = put_bytes(out, form->text + form->head_len, form->len - form->head_len);
	}
	return SX_OK;
}

int sx_fan_send(const struct sx_fan *fan, sx_handle batch, const struct sx_fan_piece *piece,
	struct sx_context *context, sx_handle channel)
{
	char *bytes = malloc(piece->bytes + 1);
	int rc;

	if (!bytes) {
		return SX_ENOMEM;
	}
	rc = sx_fan_write(fan, batch, piece, bytes);
	if (rc == SX_OK) {
		rc = sx_channel_send(context, channel, bytes, piece->bytes);
	}
	free(bytes);
	return rc;
}

/* A batch that was taken and is not done. */
static struct sx_queue *queue_taken(const struct sx_fan *fan, sx_handle batch)
{
	struct sx_queue *queue = sx_handles_find(&fan->queues, batch);

	return queue && queue->sink->queue != queue ? queue : NULL;
}

int sx_fan_give_back(struct sx_fan *fan, sx_handle batch, uint32_t first)
{
	struct sx_queue *queue = queue_taken(fan, batch);

	if (!queue || first >= queue->count) {
		return queue ? SX_ENOTFOUND : SX_ESTALE;
	}
	return sx_queue_give_back(fan, queue, first);
}

int sx_fan_done(struct sx_fan *fan, sx_handle batch)
{
	struct sx_queue *queue = queue_taken(fan, batch);

	if (!queue) {
		return SX_ESTALE;
	}
	sx_queue_retire(fan, queue);
	return SX_OK;
}

int sx_fan_reap(struct sx_fan *fan, uint64_t keep, sx_handle *out)
{
	struct sx_form *form;

	if (fan->idle_bytes <= keep) {
		return SX_EAGAIN;
	}
	form = sx_container_of(fan->idle.next, struct sx_form, idle);
	sx_list_remove(&form->idle);
	fan->idle_bytes -= form->len;
	fan->state.forms--;
	*out = form->handle;
	sx_handles_remove(&fan->forms, form->handle);
	free(form);
	return SX_OK;
}

int sx_fan_state(const struct sx_fan *fan, struct sx_fan_state *out)
{
	*out = fan->state;
	return SX_OK;
}
