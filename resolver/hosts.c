/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "hosts.h"

#define FILE_MOST    (4U << 20)
#define ENTRIES_MOST 100000
#define TOKENS_MOST  64
#define NAME_MOST    255

struct entry {
	struct sx_addr addr;
	const char *name; /* into the file's text */
};

struct hosts_file {
	struct sx_file file;
	char *name;
	char *text; /* the file, cut into tokens; entries point into it */
	struct entry *entries;
	size_t count;
};

struct sx_hosts {
	struct sx_log log;
	bool is_text; /* not read from a file: nothing to refresh */
	size_t count;
	struct hosts_file files[];
};

/* What is being read; becomes the file's when it is complete. */
struct reading {
	const struct sx_log *log;
	const char *file;
	unsigned line;
	struct entry *entries;
	size_t count;
	size_t cap;
};

static int add(struct reading *reading, const struct sx_addr *addr, const char *name)
{
	if (reading->count == ENTRIES_MOST) {
		return SX_ELIMIT;
	}
	if (reading->count == reading->cap) {
		size_t cap = reading->cap ? reading->cap * 2 : 16;
		struct entry *entries = realloc(reading->entries, cap * sizeof *entries);

		if (!entries) {
			return SX_ENOMEM;
		}
		reading->entries = entries;
		reading->cap = cap;
	}
	reading->entries[reading->count++] = (struct entry){ *addr, name };
	return SX_OK;
}

static void complain(const struct reading *reading, const char *what, const char *token)
{
	sx_log(reading->log, SX_LOG_WARN, "%s line %u: %s \"%.80s\"; the line is skipped",
		reading->file, reading->line, what, token);
}

static bool is_name(const char *token)
{
	return strlen(token) <= NAME_MOST && !strchr(token, ',');
}

/* "1-ff00:0:110,[10.0.0.1] name name" */
static int read_address_first(struct reading *reading, char **tokens, size_t count)
{
	struct sx_addr addr;
	int rc = SX_OK;

	if (sx_addr_parse(sx_bytes_text(tokens[0]), &addr) < 0) {
		complain(reading, "not a SCION address:", tokens[0]);
		return SX_OK;
	}
	for (size_t i = 1; i < count && rc == SX_OK; i++) {
		if (is_name(tokens[i])) {
			rc = add(reading, &addr, tokens[i]);
		} else {
			complain(reading, "not a host name:", tokens[i]);
		}
	}
	return rc;
}

/* "name 1-ff00:0:110,10.0.0.1 ..." */
static int read_name_first(struct reading *reading, char **tokens, size_t count)
{
	int rc = SX_OK;

	for (size_t i = 1; i < count && rc == SX_OK; i++) {
		struct sx_addr addr;

		if (sx_addr_parse(sx_bytes_text(tokens[i]), &addr) == SX_OK) {
			rc = add(reading, &addr, tokens[0]);
		} else {
			complain(reading, "not a SCION address:", tokens[i]);
		}
	}
	return rc;
}

static int read_line(struct reading *reading, char *line)
{
	char *tokens[TOKENS_MOST];
	size_t count = 0;

	line[strcspn(line, "#")] = '\0';
	for (char *token; (token = strtok_r(line, " \t\r\v\f", &line));) {
		if (count == TOKENS_MOST) {
			complain(reading, "too many words from", token);
			return SX_OK;
		}
		tokens[count++] = token;
	}
	if (count >= 1 && strchr(tokens[0], ',')) {
		return read_address_first(reading, tokens, count);
	}
	if (count >= 2 && strchr(tokens[1], ',')) {
		return read_name_first(reading, tokens, count);
	}
	return SX_OK;
}

static int read_text(struct reading *reading, char *text)
{
	int rc = SX_OK;

	while (text && rc == SX_OK) {
		char *end = strchr(text, '\n');

		if (end) {
			*end++ = '\0';
		}
		reading->line++;
		rc = read_line(reading, text);
		text = end;
	}
	return rc;
}

static void forget(struct hosts_file *file)
{
	free(file->text);
	free(file->entries);
	file->text = NULL;
	file->entries = NULL;
	file->count = 0;
}

/* Takes `text`, whatever comes of it. On failure what there was stays. */
static int replace(struct hosts_file *file, char *text, const struct sx_log *log)
{
	struct reading reading = { .log = log, .file = file->name };
	int rc = read_text(&reading, text);

	if (rc < 0) {
		sx_log(log, SX_LOG_WARN, "%s line %u: %s; what the file held before stays",
			file->name, reading.line, sx_status_text(rc));
		free(text);
		free(reading.entries);
		return rc;
	}
	forget(file);
	file->text = text;
	file->entries = reading.entries;
	file->count = reading.count;
	return SX_OK;
}

static void refresh_file(struct hosts_file *file, const struct sx_log *log, uint64_t now_ns)
{
	char *text;
	size_t len;
	int rc = sx_file_read(&file->file, now_ns, &text, &len);

	if (rc == SX_OK && strlen(text) == len) {
		(void)replace(file, text, log);
	} else if (rc == SX_OK) {
		sx_log(log, SX_LOG_WARN, "%s: not a text file; what it held before stays",
			file->name);
		free(text);
	} else if (rc == SX_ENOTFOUND) {
		forget(file);
	} else if (rc != SX_EAGAIN) {
		sx_log(log, SX_LOG_WARN, "%s: %s; what it held before stays", file->name,
			sx_status_text(rc));
	}
}

/* Counts `*left` down by the addresses of the name in this file. */
static bool find_in_file(
	const struct hosts_file *file, const char *name, size_t *left, struct sx_addr *out)
{
	for (size_t i = 0; i < file->count; i++) {
		if (strcasecmp(file->entries[i].name, name) == 0 && (*left)-- == 0) {
			*out = file->entries[i].addr;
			return true;
		}
	}
	return false;
}

int sx_hosts_new(struct sx_hosts **out, const char *const *files, size_t count, struct sx_log log)
{
	struct sx_hosts *hosts = calloc(1, sizeof *hosts + count * sizeof hosts->files[0]);

	if (!hosts) {
		return SX_ENOMEM;
	}
	hosts->log = log;
	hosts->count = count;
	for (size_t i = 0; i < count; i++) {
		hosts->files[i].name = strdup(files[i]);
		if (!hosts->files[i].name) {
			sx_hosts_free(hosts);
			return SX_ENOMEM;
		}
		hosts->files[i].file =
			(struct sx_file){ .name = hosts->files[i].name, .most = FILE_MOST };
	}
	*out = hosts;
	return SX_OK;
}

int sx_hosts_new_text(struct sx_hosts **out, const char *name, const char *text, struct sx_log log)
{
	struct sx_hosts *hosts;
	char *copy = strdup(text);
	int rc;

	if (!copy) {
		return SX_ENOMEM;
	}
	if (sx_hosts_new(&hosts, &name, 1, log) < 0) {
		free(copy);
		return SX_ENOMEM;
	}
	hosts->is_text = true;
	rc = replace(&hosts->files[0], copy, &hosts->log);
	if (rc < 0) {
		sx_hosts_free(hosts);
		return rc;
	}
	*out = hosts;
	return SX_OK;
}

void sx_hosts_free(struct sx_hosts *hosts)
{
	if (!hosts) {
		return;
	}
	for (size_t i = 0; i < hosts->count; i++) {
		forget(&hosts->files[i]);
		free(hosts->files[i].name);
	}
	free(hosts);
}

void sx_hosts_refresh(struct sx_hosts *hosts, uint64_t now_ns)
{
	for (size_t i = 0; i < hosts->count && !hosts->is_text; i++) {
		refresh_file(&hosts->files[i], &hosts->log, now_ns);
	}
}

int sx_hosts_find(const struct sx_hosts *hosts, const char *name, size_t index, struct sx_addr *out)
{
	for (size_t i = 0; i < hosts->count; i++) {
		if (find_in_file(&hosts->files[i], name, &index, out)) {
			return SX_OK;
		}
	}
	return SX_ENOTFOUND;
}
