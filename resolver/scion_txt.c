/* SPDX-License-Identifier: MIT */
#include "scion_txt.h"

#define PREFIX  "scion="
#define VERSION "v1;"

static bool starts_with(struct sx_bytes text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static struct sx_bytes without(struct sx_bytes text, size_t len)
{
	return sx_bytes_of(text.data + len, text.len - len);
}

static struct sx_bytes skip_blanks(struct sx_bytes text)
{
	while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
		text = without(text, 1);
	}
	return text;
}

/* An address that a connection can go to: no wildcards, no services. */
static int parse_host_addr(struct sx_bytes text, struct sx_addr *out)
{
	struct sx_addr addr;
	int rc = sx_addr_parse(text, &addr);

	if (rc < 0) {
		return rc;
	}
	if (addr.ia >> 48 == 0 || addr.ia << 16 == 0 || addr.host.type == SX_HOST_SVC) {
		return SX_EMALFORMED;
	}
	*out = addr;
	return SX_OK;
}

static bool is_known(const struct sx_scion_txt *txt, const struct sx_addr *addr)
{
	for (size_t i = 0; i < txt->count; i++) {
		if (sx_addr_equal(&txt->addrs[i], addr)) {
			return true;
		}
	}
	return false;
}

static void add_addr(struct sx_scion_txt *txt, const struct sx_addr *addr)
{
	if (is_known(txt, addr)) {
		return;
	}
	if (txt->count == SX_SCION_TXT_ADDRS_MOST) {
		txt->ignored++;
		return;
	}
	txt->addrs[txt->count++] = *addr;
}

/* Reads "[ISD-AS,IP]" and the blanks around it; `*text` is then what follows. */
static int read_entry(struct sx_bytes *text, struct sx_addr *out)
{
	struct sx_bytes left = skip_blanks(*text);
	const uint8_t *end;
	size_t len;
	int rc;

	if (!starts_with(left, "[")) {
		return SX_EMALFORMED;
	}
	left = without(left, 1);
	end = memchr(left.data, ']', left.len);
	if (!end) {
		return SX_EMALFORMED;
	}
	len = (size_t)(end - left.data);
	rc = parse_host_addr(sx_bytes_of(left.data, len), out);
	*text = skip_blanks(without(left, len + 1));
	return rc;
}

/* Goes through the list of entries once; adds them when `txt` is given. */
static int read_list(struct sx_bytes text, struct sx_scion_txt *txt)
{
	struct sx_addr addr;
	int rc = read_entry(&text, &addr);

	while (rc == SX_OK) {
		if (txt) {
			add_addr(txt, &addr);
		}
		if (text.len == 0) {
			return SX_OK;
		}
		if (!starts_with(text, ",")) {
			return SX_EMALFORMED;
		}
		text = without(text, 1);
		rc = read_entry(&text, &addr);
	}
	return rc;
}

static int add_list(struct sx_scion_txt *txt, struct sx_bytes text)
{
	int rc = read_list(text, NULL);

	return rc < 0 ? rc : read_list(text, txt);
}

static int add_single(struct sx_scion_txt *txt, struct sx_bytes text)
{
	struct sx_addr addr;
	int rc = parse_host_addr(text, &addr);

	if (rc == SX_OK) {
		add_addr(txt, &addr);
	}
	return rc;
}

void sx_scion_txt_add(struct sx_scion_txt *txt, struct sx_bytes record)
{
	struct sx_bytes text;
	int rc;

	if (!starts_with(record, PREFIX)) {
		return;
	}
	text = without(record, strlen(PREFIX));
	rc = starts_with(text, VERSION) ? add_list(txt, without(text, strlen(VERSION)))
					: add_single(txt, text);
	txt->ignored += rc < 0;
}
