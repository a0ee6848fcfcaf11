/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

#define LOOK_NS 1000000000U

static int read_all(FILE *in, size_t size, char **text, size_t *len)
{
	char *buffer = malloc(size + 1);

	if (!buffer) {
		return SX_ENOMEM;
	}
	*len = fread(buffer, 1, size, in);
	if (ferror(in)) {
		free(buffer);
		return SX_EIO;
	}
	buffer[*len] = '\0';
	*text = buffer;
	return SX_OK;
}

static bool has_changed(struct sx_file *file, const struct stat *now)
{
	uint64_t stamp[] = { (uint64_t)now->st_dev << 48 ^ now->st_ino, (uint64_t)now->st_size,
		(uint64_t)now->st_mtim.tv_sec, (uint64_t)now->st_mtim.tv_nsec };

	if (memcmp(stamp, file->stamp, sizeof stamp) == 0) {
		return false;
	}
	memcpy(file->stamp, stamp, sizeof stamp);
	return true;
}

static int open_and_read(struct sx_file *file, size_t size, char **text, size_t *len)
{
	FILE *in;
	int rc;

	if (size > file->most) {
		return SX_ELIMIT;
	}
	in = fopen(file->name, "re");
	if (!in) {
		return SX_EIO;
	}
	rc = read_all(in, size, text, len);
	(void)fclose(in);
	return rc;
}

int sx_file_read(struct sx_file *file, uint64_t now_ns, char **text, size_t *len)
{
	struct stat now;

	if (file->checked_ns && now_ns - file->checked_ns < LOOK_NS) {
		return SX_EAGAIN;
	}
	file->checked_ns = now_ns ? now_ns : 1;
	if (stat(file->name, &now) < 0) {
		memset(file->stamp, 0, sizeof file->stamp);
		return SX_ENOTFOUND;
	}
	if (!has_changed(file, &now)) {
		return SX_EAGAIN;
	}
	return S_ISREG(now.st_mode) ? open_and_read(file, (size_t)now.st_size, text, len) : SX_EIO;
}
