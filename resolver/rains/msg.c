/* SPDX-License-Identifier: MIT */
#include "rains/msg.h"

#include <assert.h>

#include "rains/scan.h"

#define TAG_RAINS      15309736
#define INT_BYTES_MOST 9

static void read_field(struct sx_reader *reader, int64_t field, struct sx_rains_msg *msg)
{
	switch (field) {
	case SX_RAINS_FIELD_TOKEN:
		msg->token = sx_cbor_read_bytes(reader);
		break;
	case SX_RAINS_FIELD_CAPABILITIES:
		msg->capabilities = sx_cbor_read_list(reader);
		break;
	case SX_RAINS_FIELD_CONTENT:
		msg->content = sx_cbor_read_list(reader);
		break;
	default:
		(void)sx_cbor_read_item(reader);
		break;
	}
}

int sx_rains_msg_parse(struct sx_rains_msg *out, struct sx_bytes in, size_t most)
{
	int rc = sx_cbor_check(in, most);
	struct sx_reader reader = sx_reader_of(in);
	struct sx_rains_msg msg = { .token = { NULL, 0 } };
	size_t pairs;

	if (rc < 0) {
		return rc;
	}
	reader.failed |= sx_cbor_read_tag(&reader) != TAG_RAINS;
	pairs = sx_cbor_read_map(&reader);
	for (size_t i = 0; i < pairs && sx_reader_ok(&reader); i++) {
		read_field(&reader, sx_cbor_read_int(&reader), &msg);
	}
	if (!sx_reader_ok(&reader) || msg.token.len != SX_RAINS_TOKEN_BYTES ||
		!msg.content.items.data) {
		return SX_EMALFORMED;
	}
	*out = msg;
	return SX_OK;
}

/* [type, map] */
static int read_element(struct sx_bytes item, struct sx_rains_section *out)
{
	struct sx_reader reader = sx_reader_of(item);
	struct sx_bytes map;
	int64_t type;

	reader.failed |= sx_cbor_read_array(&reader) != 2;
	type = sx_cbor_read_int(&reader);
	map = sx_cbor_read_item(&reader);
	return sx_reader_ok(&reader) ? sx_rains_section_parse(out, type, map) : SX_EMALFORMED;
}

bool sx_rains_next_section(struct sx_reader *walk, struct sx_rains_section *out)
{
	while (sx_reader_left(walk) > 0 && sx_reader_ok(walk)) {
		if (read_element(sx_cbor_read_item(walk), out) == SX_OK) {
			return true;
		}
	}
	return false;
}

void sx_rains_msg_begin(struct sx_writer *writer, struct sx_bytes token,
	struct sx_cbor_list capabilities, size_t count)
{
	sx_cbor_write_tag(writer, TAG_RAINS);
	sx_cbor_write_map(writer, capabilities.count > 0 ? 3 : 2);
	if (capabilities.count > 0) {
		sx_cbor_write_int(writer, SX_RAINS_FIELD_CAPABILITIES);
		sx_cbor_write_list(writer, capabilities);
	}
	sx_cbor_write_int(writer, SX_RAINS_FIELD_TOKEN);
	sx_cbor_write_bytes(writer, token);
	sx_cbor_write_int(writer, SX_RAINS_FIELD_CONTENT);
	sx_cbor_write_array(writer, count);
}

void sx_rains_msg_add(struct sx_writer *writer, const struct sx_rains_section *section)
{
	sx_cbor_write_array(writer, 2);
	sx_cbor_write_int(writer, section->type);
	sx_rains_section_write(writer, section);
}

void sx_rains_query_write(struct sx_writer *writer, struct sx_bytes token,
	const struct sx_rains_question *question, int64_t expires)
{
	uint8_t types[SX_RAINS_TYPES_MOST * INT_BYTES_MOST];
	uint8_t phase[INT_BYTES_MOST];
	struct sx_writer types_writer = sx_writer_of(types, sizeof types);
	struct sx_writer phase_writer = sx_writer_of(phase, sizeof phase);
	struct sx_rains_section query = {
		.type = SX_RAINS_QUERY,
		.name = question->name,
		.context = question->context,
		.expires = expires,
	};

	assert(question->type_count <= SX_RAINS_TYPES_MOST);
	for (size_t i = 0; i < question->type_count; i++) {
		sx_cbor_write_int(&types_writer, question->types[i]);
	}
	sx_cbor_write_int(&phase_writer, question->phase);
	query.types = (struct sx_cbor_list){ sx_writer_bytes(&types_writer), question->type_count };
	query.phases = (struct sx_cbor_list){ sx_writer_bytes(&phase_writer), 1 };
	sx_rains_msg_begin(writer, token, (struct sx_cbor_list){ .count = 0 }, 1);
	sx_rains_msg_add(writer, &query);
}
