/* SPDX-License-Identifier: MIT */
#include "rains/answer.h"
#include "rains/object.h"
#include "rains/scan.h"
#include "target.h"

#define NOW 1800000000

static uint8_t first[4 * SX_RAINS_MSG_MOST];
static uint8_t second[4 * SX_RAINS_MSG_MOST];

/* What is written is read as the same again, and no object of ours is passed over. */
static void check_objects(struct sx_cbor_list objects)
{
	struct sx_reader walk = sx_reader_of(objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		struct sx_writer one = sx_writer_of(first, sizeof first);
		struct sx_writer two = sx_writer_of(second, sizeof second);
		struct sx_reader again;

		sx_rains_object_write(&one, &object);
		again = sx_reader_of(sx_writer_bytes(&one));
		assert(sx_rains_next_object(&again, &object));
		assert(sx_reader_left(&again) == 0);
		sx_rains_object_write(&two, &object);
		assert(sx_bytes_equal(sx_writer_bytes(&one), sx_writer_bytes(&two)));
	}
}

/* What is signed is itself a section, over which the same would be signed. */
static void check_splice(const struct sx_rains_section *section)
{
	struct sx_writer one = sx_writer_of(first, sizeof first);
	struct sx_writer two = sx_writer_of(second, sizeof second);
	struct sx_rains_section again;

	sx_rains_tbs_write(&one, section);
	assert(sx_writer_ok(&one));
	assert(sx_cbor_check(sx_writer_bytes(&one), sizeof first) == SX_OK);
	assert(sx_rains_section_parse(&again, section->type, sx_writer_bytes(&one)) == SX_OK);
	sx_rains_tbs_write(&two, &again);
	assert(sx_bytes_equal(sx_writer_bytes(&one), sx_writer_bytes(&two)));
}

static void check_section(const struct sx_rains_section *section)
{
	struct sx_reader walk = sx_reader_of(section->content.items);
	struct sx_rains_section assertion;

	if (section->type == SX_RAINS_QUERY || section->type == SX_RAINS_NOTIFICATION) {
		return;
	}
	check_splice(section);
	check_objects(section->objects);
	while (sx_rains_next_contained(&walk, section, &assertion)) {
		check_splice(&assertion);
		check_objects(assertion.objects);
	}
	assert(sx_reader_ok(&walk));
}

/* Writes a message with the sections of another that can be read. */
static struct sx_bytes write_again(const struct sx_rains_msg *msg, uint8_t *out, size_t cap)
{
	struct sx_writer writer = sx_writer_of(out, cap);
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;
	size_t count = 0;

	while (sx_rains_next_section(&walk, &section)) {
		count++;
	}
	sx_rains_msg_begin(&writer, msg->token, msg->capabilities, count);
	walk = sx_reader_of(msg->content.items);
	while (sx_rains_next_section(&walk, &section)) {
		sx_rains_msg_add(&writer, &section);
	}
	assert(sx_writer_ok(&writer));
	return sx_writer_bytes(&writer);
}

static void check_stable(const struct sx_rains_msg *msg)
{
	struct sx_bytes written = write_again(msg, first, sizeof first);
	struct sx_rains_msg again;
	int rc = sx_rains_msg_parse(&again, written, sizeof first);

	/* Go's form may have an item more than what came: a message at the very limit is over it. */
	if (rc == SX_ELIMIT) {
		return;
	}
	assert(rc == SX_OK);
	assert(sx_bytes_equal(write_again(&again, second, sizeof second), written));
}

/* Nothing is checked without a root key: the walk itself is what is tried here. */
static void check_answer(const struct sx_rains_msg *msg)
{
	static const int64_t types[] = { SX_RAINS_SCION };
	static const uint8_t seed[16] = { 1 };
	static const struct sx_rains_anchors none;
	const struct sx_rains_trust_config config = { &none, true, 10, 1000, seed };
	const struct sx_rains_question question = { sx_bytes_text("xmpp.example."),
		sx_bytes_text("."), types, 1, 0 };
	static struct sx_rains_answer answer;
	struct sx_rains_trust *trust;
	struct sx_rains_chain *chain;

	assert(sx_rains_trust_new(&trust, &config) == SX_OK);
	assert(sx_rains_chain_new(&chain, trust) == SX_OK);
	if (sx_rains_answer_read(&answer, chain, msg, &question, NOW) == SX_OK) {
		assert(answer.until == NOW + 1000);
		assert((answer.kind == SX_RAINS_ANSWER_DENIED) == (answer.count == 0));
	}
	sx_rains_chain_free(chain);
	sx_rains_trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_rains_msg msg;
	struct sx_rains_section section;
	struct sx_reader walk;

	if (sx_rains_msg_parse(&msg, sx_bytes_of(data, size), SX_RAINS_MSG_MOST) < 0) {
		return 0;
	}
	walk = sx_reader_of(msg.content.items);
	while (sx_rains_next_section(&walk, &section)) {
		check_section(&section);
	}
	check_stable(&msg);
	check_answer(&msg);
	return 0;
}
