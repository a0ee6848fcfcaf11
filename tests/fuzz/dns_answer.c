/* SPDX-License-Identifier: MIT */
#include "dns/answer.h"
#include "target.h"

static struct sx_dns_answer answer;

static bool is_of_type(struct sx_bytes data, enum sx_dns_type type)
{
	switch (type) {
	case SX_DNS_A:
		return data.len == 4;
	case SX_DNS_SRV:
		return data.len < SX_DNS_TEXT_BYTES;
	case SX_DNS_TXT:
		return true;
	default:
		return data.len == 16;
	}
}

static void check(const struct sx_dns_answer *found, enum sx_dns_type type)
{
	size_t stored = 0;

	assert(found->count <= SX_DNS_RECORDS_MOST);
	assert((found->status == SX_OK) == (found->count > 0));
	assert(found->status == SX_OK || found->reason);
	for (size_t i = 0; i < found->count; i++) {
		struct sx_bytes data = found->records[i].data;

		assert(is_of_type(data, type));
		assert(data.data == found->store + stored);
		stored += data.len;
	}
	assert(stored <= SX_DNS_DATA_MOST);
}

/* A name that has been read is read again from its own bytes, and from its text. */
static void check_name(const struct sx_dns_name *name)
{
	struct sx_reader reader = sx_reader_of(sx_bytes_of(name->bytes, name->len));
	struct sx_dns_name again;
	char text[SX_DNS_TEXT_BYTES];

	sx_dns_name_read(&reader, &again);
	assert(sx_reader_ok(&reader) && sx_dns_name_equal(name, &again));
	if (sx_dns_name_write(name, text) == SX_OK && text[0]) {
		assert(sx_dns_name_parse(&again, text) == SX_OK);
		assert(sx_dns_name_equal(name, &again));
	}
}

/* The message answers whatever question it carries itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_bytes message = sx_bytes_of(data, size);
	struct sx_reader reader = sx_reader_of(message);
	struct sx_dns_name name;
	enum sx_dns_type type;

	sx_read_skip(&reader, 12);
	sx_dns_name_read(&reader, &name);
	type = (enum sx_dns_type)sx_read_u16(&reader);
	if (sx_reader_ok(&reader)) {
		check_name(&name);
		sx_dns_answer_parse(&answer, message, &name, type);
		check(&answer, type);
	}
	return 0;
}
