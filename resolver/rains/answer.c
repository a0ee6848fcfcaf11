/* SPDX-License-Identifier: MIT */
#include "rains/answer.h"

#include "rains/bloom.h"
#include "rains/object.h"

struct reading {
	struct sx_rains_chain *chain;
	const struct sx_rains_question *question;
	int64_t now;
	struct sx_rains_answer *answer;
	bool is_data;   /* a hit has data: aliases do not count any more */
	bool is_denied; /* `denial` is the proof that began last */
	int64_t newest; /* when the newest hit began */
	struct sx_rains_verdict denial;
	unsigned judged; /* sections, SX_RAINS_ANSWER_CHECKS at most */
	bool is_needy;   /* the answer says for what */
	int failure;     /* the first, or SX_ENOTFOUND */
};

/* Whether an assertion about the name has data or an alias for what is asked. */
struct content {
	bool is_data;
	bool is_alias;
};

static bool is_asked(const struct sx_rains_question *question, int64_t type)
{
	for (size_t i = 0; i < question->type_count; i++) {
		if (question->types[i] == type) {
			return true;
		}
	}
	return false;
}

static bool is_alias(const struct sx_rains_question *question, struct sx_cbor_list types)
{
	for (size_t i = 0; i < question->type_count; i++) {
		if (sx_cbor_list_has(types, question->types[i])) {
			return true;
		}
	}
	return false;
}

static struct content content_of(
	const struct sx_rains_question *question, const struct sx_rains_section *assertion)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct content content = { false, false };
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		content.is_data |= is_asked(question, object.type);
		content.is_alias |=
			object.type == SX_RAINS_NAME && is_alias(question, object.types);
	}
	return content;
}

static bool is_about(
	const struct sx_rains_question *question, const struct sx_rains_section *assertion)
{
	struct sx_rains_name name;

	return sx_rains_name_join(&name, assertion->subject, assertion->zone) == SX_OK &&
	       sx_bytes_equal(sx_rains_name_bytes(&name), question->name);
}

static void take_hit(struct reading *reading, const struct sx_rains_section *assertion,
	struct content content, const struct sx_rains_verdict *verdict)
{
	struct sx_rains_answer *answer = reading->answer;

	if (content.is_data && !reading->is_data) {
		reading->is_data = true;
		answer->count = 0;
	}
	if (reading->is_data != content.is_data || answer->count == SX_RAINS_HITS_MOST) {
		return;
	}
	reading->newest = answer->count == 0 || verdict->since > reading->newest ? verdict->since
										 : reading->newest;
	answer->until = answer->count == 0 || verdict->until < answer->until ? verdict->until
									     : answer->until;
	answer->hits[answer->count++] =
		(struct sx_rains_hit){ *assertion, verdict->since, verdict->until };
}

static void take_denial(struct reading *reading, const struct sx_rains_verdict *verdict)
{
	if (!reading->is_denied || verdict->since > reading->denial.since) {
		reading->is_denied = true;
		reading->denial = *verdict;
	}
}

static void take_failure(struct reading *reading, int rc, const struct sx_rains_verdict *verdict)
{
	if (rc == SX_EAGAIN && !reading->is_needy) {
		reading->is_needy = true;
		reading->answer->need = verdict->need;
	}
	if (rc != SX_EAGAIN && reading->failure == SX_ENOTFOUND) {
		reading->failure = rc;
		reading->answer->reason = verdict->reason;
	}
}

/* A hostile answer has no end of sections about the question; each may mean a climb to the root. */
static int judge(struct reading *reading, const struct sx_rains_section *section,
	struct sx_rains_verdict *verdict)
{
	if (reading->judged == SX_RAINS_ANSWER_CHECKS) {
		sx_rains_reason_set(&verdict->reason, "more than %d sections about one question",
			SX_RAINS_ANSWER_CHECKS);
		return SX_ELIMIT;
	}
	reading->judged++;
	return sx_rains_chain_judge(reading->chain, section, reading->now, verdict);
}

static void read_assertion(struct reading *reading, const struct sx_rains_section *assertion)
{
	struct sx_rains_verdict verdict;
	int rc = judge(reading, assertion, &verdict);
	if (rc == SX_OK) {
		take_hit(reading, assertion, content_of(reading->question, assertion), &verdict);
	} else {
		take_failure(reading, rc, &verdict);
	}
}

static bool is_hit(
	const struct sx_rains_question *question, const struct sx_rains_section *assertion)
{
	struct content content = content_of(question, assertion);

	return (content.is_data || content.is_alias) && is_about(question, assertion);
}

static bool has_hit(
	const struct sx_rains_question *question, const struct sx_rains_section *container)
{
	struct sx_reader walk = sx_reader_of(container->content.items);
	struct sx_rains_section assertion;

	while (sx_rains_next_contained(&walk, container, &assertion)) {
		if (is_hit(question, &assertion)) {
			return true;
		}
	}
	return false;
}

/* The assertions inside about the question are believed with their container, or by signatures of their own. */
static void read_content(struct reading *reading, const struct sx_rains_section *container)
{
	struct sx_reader walk = sx_reader_of(container->content.items);
	struct sx_rains_section assertion;
	struct sx_rains_verdict verdict;
	int rc = judge(reading, container, &verdict);

	while (sx_rains_next_contained(&walk, container, &assertion)) {
		if (!is_hit(reading->question, &assertion)) {
			continue;
		}
		if (rc == SX_OK) {
			take_hit(reading, &assertion, content_of(reading->question, &assertion),
				&verdict);
		} else if (assertion.signatures.count > 0) {
			read_assertion(reading, &assertion);
		} else {
			take_failure(reading, rc, &verdict);
		}
	}
}

static bool has_object(const struct sx_rains_section *assertion, int64_t type)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == (enum sx_rains_object_type)type) {
			return true;
		}
	}
	return false;
}

/* Whether the section, once believed, proves that the subject has no object of the type. */
static bool denies(const struct sx_rains_section *section, struct sx_bytes subject, int64_t type)
{
	struct sx_reader walk = sx_reader_of(section->content.items);
	struct sx_rains_section assertion;

	if (!sx_rains_section_covers(section, subject)) {
		return false;
	}
	if (section->type == SX_RAINS_PSHARD) {
		return sx_rains_bloom_denies(section, subject, type);
	}
	while (sx_rains_next_contained(&walk, section, &assertion)) {
		if (sx_bytes_equal(assertion.subject, subject) && has_object(&assertion, type)) {
			return false;
		}
	}
	return true;
}

/* A zone speaks for a name of several labels unless it delegates one above it: "b" and "c.b" of "a.c.b". */
static bool is_cut(const struct sx_rains_section *section, struct sx_bytes subject)
{
	for (size_t i = 0; i + 1 < subject.len; i++) {
		struct sx_bytes above = sx_bytes_of(subject.data + i + 1, subject.len - i - 1);

		if (subject.data[i] == '.' && !denies(section, above, SX_RAINS_DELEG)) {
			return true;
		}
	}
	return false;
}

static bool is_denial(const struct reading *reading, const struct sx_rains_section *section)
{
	const struct sx_rains_question *question = reading->question;
	struct sx_bytes subject;

	if (sx_rains_name_subject(question->name, section->zone, &subject) < 0 ||
		sx_bytes_equal(subject, sx_bytes_text("@")) || is_cut(section, subject)) {
		return false;
	}
	for (size_t i = 0; i < question->type_count; i++) {
		if (!denies(section, subject, question->types[i])) {
			return false;
		}
	}
	return question->type_count > 0;
}

static void read_container(struct reading *reading, const struct sx_rains_section *section)
{
	struct sx_rains_verdict verdict;
	int rc;

	if (has_hit(reading->question, section)) {
		read_content(reading, section);
		return;
	}
	if (!is_denial(reading, section)) {
		return;
	}
	rc = judge(reading, section, &verdict);
	if (rc == SX_OK) {
		take_denial(reading, &verdict);
	} else {
		take_failure(reading, rc, &verdict);
	}
}

static void read_section(struct reading *reading, const struct sx_rains_section *section)
{
	if (!sx_bytes_equal(section->context, reading->question->context)) {
		return;
	}
	switch (section->type) {
	case SX_RAINS_ASSERTION:
		if (is_hit(reading->question, section)) {
			read_assertion(reading, section);
		}
		break;
	case SX_RAINS_SHARD:
	case SX_RAINS_PSHARD:
	case SX_RAINS_ZONE:
		read_container(reading, section);
		break;
	default:
		break;
	}
}

/* What is there counts more than the proof that it is not, unless the proof is newer. */
static int conclude(struct reading *reading)
{
	struct sx_rains_answer *answer = reading->answer;
	bool has_hits = answer->count > 0;

	if (has_hits && !(reading->is_denied && reading->denial.since > reading->newest)) {
		answer->kind = reading->is_data ? SX_RAINS_ANSWER_DATA : SX_RAINS_ANSWER_ALIAS;
		return SX_OK;
	}
	if (!has_hits && reading->is_needy) {
		return SX_EAGAIN;
	}
	if (reading->is_denied) {
		answer->kind = SX_RAINS_ANSWER_DENIED;
		answer->count = 0;
		answer->until = reading->denial.until;
		return SX_OK;
	}
	return reading->failure;
}

int sx_rains_answer_read(struct sx_rains_answer *out, struct sx_rains_chain *chain,
	const struct sx_rains_msg *msg, const struct sx_rains_question *question, int64_t now)
{
	struct reading reading = {
		.chain = chain,
		.question = question,
		.now = now,
		.answer = out,
		.failure = SX_ENOTFOUND,
	};
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;
	int rc = sx_rains_chain_learn(chain, msg, now);

	out->count = 0;
	if (rc < 0) {
		return rc;
	}
	while (sx_rains_next_section(&walk, &section)) {
		read_section(&reading, &section);
	}
	return conclude(&reading);
}

/* The name that an assertion has for another, if it has a target for this type. */
static int alias_in(
	const struct sx_rains_section *assertion, int64_t type, struct sx_rains_name *out)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == SX_RAINS_NAME && sx_cbor_list_has(object.types, type) &&
			sx_rains_name_check(object.text) == SX_OK) {
			memcpy(out->data, object.text.data, object.text.len);
			out->len = object.text.len;
			return SX_OK;
		}
	}
	return SX_ENOTFOUND;
}

int sx_rains_answer_alias(
	const struct sx_rains_answer *answer, int64_t type, struct sx_rains_name *out)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (alias_in(&answer->hits[i].assertion, type, out) == SX_OK) {
			return SX_OK;
		}
	}
	return SX_ENOTFOUND;
}
