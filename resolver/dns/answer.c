/* SPDX-License-Identifier: MIT */
#include "dns/answer.h"

#define FLAG_RESPONSE 0x8000U
#define RCODE_MASK    0x000fU
#define CLASS_IN      1U
#define TYPE_CNAME    5U
#define TYPE_SOA      6U
#define ALIASES_MOST  8
#define SECTION_MOST  256U /* records looked at in one section */
#define TTL_MOST      0x7fffffffU

struct header {
	uint16_t flags;
	uint16_t questions;
	uint16_t answers;
	uint16_t authorities;
};

struct record {
	struct sx_dns_name owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl_s;
	struct sx_reader
		data; /* at the data, its end as that of the message: names in it may point back */
};

/* One message being read. */
struct parsing {
	struct sx_dns_answer *out;
	struct sx_reader answers; /* at the first record of the section */
	unsigned count;           /* of its records, those looked at */
	enum sx_dns_type type;
	struct sx_dns_name owner; /* the question's, then that of each alias */
	struct sx_writer store;
};

static struct header read_header(struct sx_reader *reader)
{
	struct header header;

	sx_read_skip(reader, 2);
	header.flags = sx_read_u16(reader);
	header.questions = sx_read_u16(reader);
	header.answers = sx_read_u16(reader);
	header.authorities = sx_read_u16(reader);
	sx_read_skip(reader, 2);
	return header;
}

/* RFC 2181 section 8: a TTL with its top bit set is 0. */
static uint32_t read_ttl(struct sx_reader *reader)
{
	uint32_t ttl_s = sx_read_u32(reader);

	return ttl_s > TTL_MOST ? 0 : ttl_s;
}

static bool read_record(struct sx_reader *reader, struct record *out)
{
	uint16_t len;

	sx_dns_name_read(reader, &out->owner);
	out->type = sx_read_u16(reader);
	out->class = sx_read_u16(reader);
	out->ttl_s = read_ttl(reader);
	len = sx_read_u16(reader);
	out->data = *reader;
	sx_read_skip(reader, len);
	if (sx_reader_ok(reader)) {
		out->data.in.len = reader->at;
	}
	return sx_reader_ok(reader);
}

static bool is_wanted(const struct parsing *parsing, const struct record *record, unsigned type)
{
	return record->type == type && record->class == CLASS_IN &&
	       sx_dns_name_equal(&record->owner, &parsing->owner);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void keep_ip(struct parsing *parsing, struct sx_reader *data, struct sx_dns_record *out)
{
	(void)out;
	sx_write_bytes(&parsing->store, sx_read_bytes(data, parsing->type == SX_DNS_A ? 4 : 16));
}

static void keep_txt(struct parsing *parsing, struct sx_reader *data, struct sx_dns_record *out)
{
	(void)out;
	do {
		uint8_t len = sx_read_u8(data);

		sx_write_bytes(&parsing->store, sx_read_bytes(data, len));
	} while (sx_reader_ok(data) && sx_reader_left(data) > 0);
}

static void keep_srv(struct parsing *parsing, struct sx_reader *data, struct sx_dns_record *out)
{
	char text[SX_DNS_TEXT_BYTES];
	struct sx_dns_name target;

	out->priority = sx_read_u16(data);
	out->weight = sx_read_u16(data);
	out->port = sx_read_u16(data);
	sx_dns_name_read(data, &target);
	if (!sx_reader_ok(data) || sx_dns_name_write(&target, text) < 0) {
		data->failed = true;
		return;
	}
	sx_write_bytes(&parsing->store, sx_bytes_text(text));
}

/* A record that is broken or finds no room is dropped, and with it what it has left in the store. */
static void keep(struct parsing *parsing, struct record *record)
{
	struct sx_dns_answer *out = parsing->out;
	struct sx_writer before = parsing->store;
	struct sx_dns_record kept = { 0 };

	if (out->count == SX_DNS_RECORDS_MOST) {
		out->dropped++;
		return;
	}
	if (parsing->type == SX_DNS_TXT) {
		keep_txt(parsing, &record->data, &kept);
	} else if (parsing->type == SX_DNS_SRV) {
		keep_srv(parsing, &record->data, &kept);
	} else {
		keep_ip(parsing, &record->data, &kept);
	}
	kept.data = sx_bytes_of(out->store + before.at, parsing->store.at - before.at);
	if (!sx_reader_ok(&record->data) || sx_reader_left(&record->data) > 0 ||
		!sx_writer_ok(&parsing->store)) {
		parsing->store = before;
		out->dropped++;
		return;
	}
	out->records[out->count++] = kept;
	out->ttl_s = smaller(out->ttl_s, record->ttl_s);
}

static bool follow_alias(struct parsing *parsing, struct record *alias)
{
	sx_dns_name_read(&alias->data, &parsing->owner);
	parsing->out->ttl_s = smaller(parsing->out->ttl_s, alias->ttl_s);
	return sx_reader_ok(&alias->data);
}

/* Keeps what the owner has; true when it has nothing but a name that it is an alias of, which is the owner then. */
static bool search(struct parsing *parsing)
{
	struct sx_reader reader = parsing->answers;
	struct record record, alias;
	bool is_alias = false;

	for (unsigned i = 0; i < parsing->count && read_record(&reader, &record); i++) {
		if (is_wanted(parsing, &record, parsing->type)) {
			keep(parsing, &record);
		} else if (is_wanted(parsing, &record, TYPE_CNAME)) {
			alias = record;
			is_alias = true;
		}
	}
	return parsing->out->count + parsing->out->dropped == 0 && is_alias &&
	       follow_alias(parsing, &alias);
}

/* RFC 2308 section 5: the smaller of the SOA's own TTL and its last field; 0 when there is none. */
static uint32_t negative_ttl(struct sx_reader *reader, unsigned count)
{
	struct record record;

	for (unsigned i = 0; i < count && read_record(reader, &record); i++) {
		size_t len = sx_reader_left(&record.data);

		if (record.type == TYPE_SOA && record.class == CLASS_IN && len >= 22) {
			sx_read_skip(&record.data, len - 4);
			return smaller(smaller(record.ttl_s, read_ttl(&record.data)),
				SX_DNS_NEGATIVE_TTL_MOST);
		}
	}
	return 0;
}

static bool is_question(struct sx_reader *reader, const struct parsing *parsing)
{
	struct sx_dns_name name;
	uint16_t type, class;

	sx_dns_name_read(reader, &name);
	type = sx_read_u16(reader);
	class = sx_read_u16(reader);
	return sx_reader_ok(reader) && type == parsing->type && class == CLASS_IN &&
	       sx_dns_name_equal(&name, &parsing->owner);
}

static void find_records(struct parsing *parsing)
{
	for (int aliases = 0; aliases <= ALIASES_MOST; aliases++) {
		if (!search(parsing)) {
			return;
		}
	}
}

/* Checks that all of the section parses before anything of it is believed. */
static bool skip_section(struct sx_reader *reader, unsigned count)
{
	struct record record;

	for (unsigned i = 0; i < count; i++) {
		if (!read_record(reader, &record)) {
			return false;
		}
	}
	return true;
}

static const struct {
	unsigned rcode;
	int status;
	const char *reason;
} refusals[] = {
	{ 1, SX_EPROTO, "the DNS server did not understand the question" },
	{ 2, SX_EREFUSED, "the DNS server failed (SERVFAIL)" },
	{ 4, SX_EPROTO, "the DNS server does not do such questions" },
	{ 5, SX_EREFUSED, "the DNS server refused to answer" },
};

static void refuse(struct sx_dns_answer *out, unsigned rcode)
{
	for (size_t i = 0; i < SX_COUNT(refusals); i++) {
		if (refusals[i].rcode == rcode) {
			sx_dns_answer_fail(out, refusals[i].status, refusals[i].reason);
			return;
		}
	}
	sx_dns_answer_fail(out, SX_EPROTO, "the DNS server answered with an unknown error");
}

static void conclude(struct parsing *parsing, struct sx_reader *reader, const struct header *header)
{
	struct sx_dns_answer *out = parsing->out;
	bool exists = (header->flags & RCODE_MASK) == 0;
	uint32_t ttl_s;

	if (out->count > 0) {
		return;
	}
	if (out->dropped > 0) {
		sx_dns_answer_fail(out, SX_EMALFORMED, "the DNS answer has broken records only");
		return;
	}
	ttl_s = smaller(
		negative_ttl(reader, smaller(header->authorities, SECTION_MOST)), out->ttl_s);
	sx_dns_answer_fail(out, SX_ENOTFOUND,
		exists ? "the name has no such DNS records" : "no such name in DNS");
	out->name_exists = exists;
	out->ttl_s = ttl_s;
}

void sx_dns_answer_parse(struct sx_dns_answer *out, struct sx_bytes message,
	const struct sx_dns_name *name, enum sx_dns_type type)
{
	struct parsing parsing = { .out = out, .type = type, .owner = *name };
	struct sx_reader reader = sx_reader_of(message);
	struct header header = read_header(&reader);
	unsigned rcode = header.flags & RCODE_MASK;

	if (!sx_reader_ok(&reader) || !(header.flags & FLAG_RESPONSE) || header.questions != 1 ||
		!is_question(&reader, &parsing)) {
		sx_dns_answer_fail(out, SX_EMALFORMED, "the DNS answer is not one to the question");
		return;
	}
	if (rcode != 0 && rcode != 3) {
		refuse(out, rcode);
		return;
	}
	parsing.answers = reader;
	parsing.count = smaller(header.answers, SECTION_MOST);
	if (!skip_section(&reader, parsing.count)) {
		sx_dns_answer_fail(out, SX_EMALFORMED, "the DNS answer is malformed");
		return;
	}
	sx_dns_answer_fail(out, SX_OK, NULL);
	out->ttl_s = TTL_MOST;
	parsing.store = sx_writer_of(out->store, sizeof out->store);
	if (rcode == 0) {
		find_records(&parsing);
	}
	conclude(&parsing, &reader, &header);
}

void sx_dns_answer_fail(struct sx_dns_answer *out, int status, const char *reason)
{
	out->status = status;
	out->reason = reason;
	out->name_exists = false;
	out->ttl_s = 0;
	out->dropped = 0;
	out->count = 0;
}
