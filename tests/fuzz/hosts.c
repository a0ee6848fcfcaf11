/* SPDX-License-Identifier: MIT */
#include "hosts.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

#define NAMES_MAX 64
#define NAME_MAX  256

/* Whatever stands under a name is an address that is read as it is written. */
static void check_name(const struct sx_hosts *hosts, const char *name)
{
	char text[SX_ADDR_TEXT_BYTES];
	struct sx_addr addr, again;

	for (size_t i = 0; sx_hosts_find(hosts, name, i, &addr) == SX_OK; i++) {
		sx_addr_write(&addr, text, sizeof text);
		assert(sx_addr_parse(sx_bytes_text(text), &again) == SX_OK);
		assert(sx_addr_equal(&addr, &again));
	}
}

/* Looks every word of the text up. */
static void check_words(const struct sx_hosts *hosts, struct sx_bytes text)
{
	static const char space[] = " \t\r\n#";
	char name[NAME_MAX];
	size_t len = 0;

	for (size_t at = 0, words = 0; at < text.len && words < NAMES_MAX; at++) {
		if (text.data[at] != '\0' && !strchr(space, text.data[at])) {
			name[len] = (char)text.data[at];
			len += len + 1 < sizeof name;
		} else if (len > 0) {
			name[len] = '\0';
			check_name(hosts, name);
			len = 0;
			words++;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	const char *const files[] = { path, "/nonexistent/hosts", path };
	int fd = memfd_create("hosts", MFD_CLOEXEC);
	struct sx_hosts *hosts;

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert(sx_hosts_new(&hosts, files, SX_COUNT(files), (struct sx_log){ 0 }) == SX_OK);
	sx_hosts_refresh(hosts, 1);
	check_words(hosts, sx_bytes_of(data, size));
	sx_hosts_free(hosts);
	(void)close(fd);
	return 0;
}
