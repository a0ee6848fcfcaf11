/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "quic/chunks.h"

#define CHUNK_BYTES 4096

struct sx_chunk {
	struct sx_list link;
	struct sx_buf *buf;
	size_t start; /* bytes of buf already dropped */
};

static struct sx_chunk *chunk_of(struct sx_list *link)
{
	return sx_container_of(link, struct sx_chunk, link);
}

static struct sx_bytes view(const struct sx_chunk *chunk, size_t offset)
{
	return sx_bytes_of(chunk->buf->data + offset, chunk->buf->len - offset);
}

static void chunk_free(struct sx_chunk *chunk)
{
	sx_list_remove(&chunk->link);
	sx_buf_unref(chunk->buf);
	free(chunk);
}

static int chunk_new(struct sx_chunk **out, size_t cap)
{
	struct sx_chunk *chunk = calloc(1, sizeof *chunk);

	if (!chunk) {
		return SX_ENOMEM;
	}
	if (sx_buf_new(&chunk->buf, cap) < 0) {
		free(chunk);
		return SX_ENOMEM;
	}
	sx_list_init(&chunk->link);
	*out = chunk;
	return SX_OK;
}

void sx_chunks_init(struct sx_chunks *chunks)
{
	*chunks = (struct sx_chunks){ 0 };
	sx_list_init(&chunks->chunks);
}

void sx_chunks_fini(struct sx_chunks *chunks)
{
	sx_list_each (link, following, &chunks->chunks) {
		chunk_free(chunk_of(link));
	}
	sx_chunks_init(chunks);
}

/* Bytes that the last chunk still takes. */
static size_t tail_room(const struct sx_chunks *chunks)
{
	const struct sx_chunk *last;

	if (sx_list_is_empty(&chunks->chunks)) {
		return 0;
	}
	last = chunk_of(chunks->chunks.prev);
	return last->buf->refs == 1 ? last->buf->cap - last->buf->len : 0;
}

int sx_chunks_append(struct sx_chunks *chunks, struct sx_bytes bytes)
{
	size_t room = tail_room(chunks);
	size_t first = bytes.len < room ? bytes.len : room;
	size_t rest = bytes.len - first;
	struct sx_chunk *added = NULL;

	if (rest > 0 && chunk_new(&added, rest > CHUNK_BYTES ? rest : CHUNK_BYTES) < 0) {
		return SX_ENOMEM;
	}
	if (first > 0) {
		(void)sx_buf_append(
			chunk_of(chunks->chunks.prev)->buf, sx_bytes_of(bytes.data, first));
	}
	if (added) {
		(void)sx_buf_append(added->buf, sx_bytes_of(bytes.data + first, rest));
		sx_list_append(&chunks->chunks, &added->link);
	}
	chunks->len += bytes.len;
	return SX_OK;
}

void sx_chunks_drop(struct sx_chunks *chunks, size_t len)
{
	assert(len <= chunks->len);
	chunks->len -= len;
	if (len > chunks->marked) {
		chunks->at = NULL;
		chunks->marked = 0;
	} else {
		chunks->marked -= len;
	}
	sx_list_each (link, following, &chunks->chunks) {
		struct sx_chunk *head = chunk_of(link);
		size_t there = head->buf->len - head->start;

		if (len < there) {
			head->start += len;
			return;
		}
		len -= there;
		if (chunks->at == head) {
			chunks->at = NULL;
		}
		chunk_free(head);
	}
}

struct sx_bytes sx_chunks_head(const struct sx_chunks *chunks)
{
	const struct sx_chunk *head;

	if (chunks->len == 0) {
		return sx_bytes_of(NULL, 0);
	}
	head = chunk_of(chunks->chunks.next);
	return view(head, head->start);
}

/* Finds the chunk at the mark again, after it was lost; the mark is not at the very end. */
static void find_mark(struct sx_chunks *chunks)
{
	size_t left = chunks->marked;

	sx_list_each (link, following, &chunks->chunks) {
		struct sx_chunk *chunk = chunk_of(link);
		size_t there = chunk->buf->len - chunk->start;

		if (left < there) {
			chunks->at = chunk;
			chunks->at_offset = chunk->start + left;
			return;
		}
		left -= there;
	}
}

size_t sx_chunks_unmarked(struct sx_chunks *chunks, struct sx_bytes *out, size_t max)
{
	struct sx_list *link;
	size_t count = 0, offset;

	if (chunks->marked == chunks->len) {
		return 0;
	}
	if (!chunks->at) {
		find_mark(chunks);
	}
	offset = chunks->at_offset;
	for (link = &chunks->at->link; link != &chunks->chunks && count < max; link = link->next) {
		struct sx_bytes piece = view(chunk_of(link), offset);

		if (piece.len > 0) {
			out[count++] = piece;
		}
		if (link->next != &chunks->chunks) {
			offset = chunk_of(link->next)->start;
		}
	}
	return count;
}

void sx_chunks_mark(struct sx_chunks *chunks, size_t len)
{
	assert(len <= chunks->len - chunks->marked);
	chunks->marked += len;
	if (!chunks->at) {
		return;
	}
	chunks->at_offset += len;
	while (chunks->at_offset > chunks->at->buf->len) {
		chunks->at_offset -= chunks->at->buf->len;
		chunks->at = chunk_of(chunks->at->link.next);
		chunks->at_offset += chunks->at->start;
	}
}
