/* SPDX-License-Identifier: MIT */
#include "scion/pathsrc_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

struct pathsrc_file {
	struct sx_pathsrc source;
	struct sx_file file;
	struct sx_log log;
	struct sx_pathtable *table; /* the last good one; never NULL once open */
	char *name;
};

/* Reads the file if it has changed: SX_EAGAIN when it has not. */
static int load(struct pathsrc_file *self, uint64_t now_ns, char *problem)
{
	struct sx_pathtable *table;
	char *text;
	size_t len;
	int rc = sx_file_read(&self->file, now_ns, &text, &len);

	if (rc < 0) {
		(void)snprintf(problem, SX_PATHTABLE_PROBLEM_BYTES, "cannot be read: %s",
			sx_status_text(rc));
		return rc;
	}
	rc = sx_pathtable_parse(&table, sx_bytes_of(text, len), problem);
	free(text);
	if (rc < 0) {
		return rc;
	}
	sx_pathtable_free(self->table);
	self->table = table;
	self->source.generation++;
	return SX_OK;
}

static struct pathsrc_file *file_of(struct sx_pathsrc *source)
{
	return (struct pathsrc_file *)source; /* its first member */
}

static const struct sx_pathtable *table_of(const struct sx_pathsrc *source)
{
	return ((const struct pathsrc_file *)source)->table;
}

static void refresh(struct sx_pathsrc *source, uint64_t now_ns)
{
	struct pathsrc_file *self = file_of(source);
	char problem[SX_PATHTABLE_PROBLEM_BYTES];
	int rc = load(self, now_ns, problem);

	/* While the file is missing it may be on its way; its paths expire in time. */
	if (rc < 0 && rc != SX_EAGAIN && rc != SX_ENOTFOUND) {
		sx_log(&self->log, SX_LOG_WARN, "%s: %s; the paths read before stay in use",
			self->name, problem);
	}
}

static const struct sx_local_as *local(const struct sx_pathsrc *source)
{
	return &table_of(source)->local;
}

/* The first path that is not before `destination`. */
static size_t lower_bound(const struct sx_pathtable *table, uint64_t destination)
{
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->paths[middle]->destination < destination) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static size_t find(const struct sx_pathsrc *source, uint64_t destination,
	const struct sx_known_path *const **out)
{
	const struct sx_pathtable *table = table_of(source);
	size_t first = lower_bound(table, destination);
	size_t count = 0;

	while (count < SX_PATHSRC_PATHS_MAX && first + count < table->count &&
		table->paths[first + count]->destination == destination) {
		count++;
	}
	*out = (const struct sx_known_path *const *)(table->paths + first);
	return count;
}

static size_t count_paths(const struct sx_pathsrc *source)
{
	return table_of(source)->count;
}

static void file_free(struct sx_pathsrc *source)
{
	struct pathsrc_file *self = file_of(source);

	if (!self) {
		return;
	}
	sx_pathtable_free(self->table);
	free(self->name);
	free(self);
}

static const struct sx_pathsrc_ops file_ops = {
	.refresh = refresh,
	.local = local,
	.find = find,
	.count = count_paths,
	.free = file_free,
};

int sx_pathsrc_file_open(struct sx_pathsrc **out, const char *name, const struct sx_log *log,
	char problem[SX_PATHTABLE_PROBLEM_BYTES])
{
	struct pathsrc_file *self = calloc(1, sizeof *self);
	int rc = SX_ENOMEM;

	(void)snprintf(problem, SX_PATHTABLE_PROBLEM_BYTES, "out of memory");
	if (!self) {
		return SX_ENOMEM;
	}
	self->source.ops = &file_ops;
	self->log = *log;
	self->name = strdup(name);
	if (!self->name) {
		goto fail;
	}
	self->file = (struct sx_file){ .name = self->name, .most = SX_PATHSRC_FILE_BYTES_MAX };
	rc = load(self, 0, problem);
	if (rc < 0) {
		goto fail;
	}
	*out = &self->source;
	return SX_OK;

fail:
	file_free(&self->source);
	return rc;
}
