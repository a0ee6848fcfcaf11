/* SPDX-License-Identifier: MIT */
/* name: a domain name, as text and on the wire (RFC 1035 sections 3.1 and 4.1.4). */
#pragma once

#include "base/status.h"
#include "base/wire.h"

#define SX_DNS_NAME_MOST  255
#define SX_DNS_TEXT_BYTES 254 /* room for any name as text, with its NUL */

/* Labels behind their lengths, in lower case and without pointers; the root label ends it. */
struct sx_dns_name {
	uint8_t bytes[SX_DNS_NAME_MOST];
	size_t len;
};

/*
 * Reads "a.example.org", with or without a final dot: labels of 1 to 63 letters, digits, '-' and '_', 253 characters
 * in all. SX_EINVAL: anything else, and the root.
 */
SX_MUST_CHECK int sx_dns_name_parse(struct sx_dns_name *out, const char *text);

/* Reads a name at the cursor of a reader over the whole message, following its pointers; fails the reader. */
void sx_dns_name_read(struct sx_reader *reader, struct sx_dns_name *out);

/* Writes a name as text, NUL-terminated, the root as "". SX_EMALFORMED: it is none that sx_dns_name_parse reads. */
SX_MUST_CHECK int sx_dns_name_write(const struct sx_dns_name *name, char out[SX_DNS_TEXT_BYTES]);

bool sx_dns_name_equal(const struct sx_dns_name *a, const struct sx_dns_name *b);
