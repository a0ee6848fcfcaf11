/* SPDX-License-Identifier: MIT */
#include "rains/trust.h"

#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdlib.h>

#include "rains/object.h"

#define SEEN_MOST 256 /* good signatures remembered; a power of two */

struct sx_rains_trust {
	struct sx_rains_anchors anchors;
	bool unsigned_ok;
	int64_t validity_most;
	struct sx_rains_keys keys;
	uint8_t seen[SEEN_MOST][SHA256_DIGEST_SIZE]; /* of key, signature and what it covers */
	uint8_t tbs[SX_RAINS_TBS_MOST(SX_RAINS_MSG_MOST)];
};

/* One judgement: what was found out about the signatures so far. */
struct judging {
	struct sx_rains_trust *trust;
	const struct sx_rains_section *section;
	int64_t now;
	struct sx_rains_budget *budget;
	struct sx_rains_verdict *verdict;
	struct sx_writer tbs; /* holds the section's part */
	size_t tbs_len;       /* of that part */
	bool is_good;         /* a signature is, within these dates */
	int64_t since;
	int64_t until;
	bool is_needy; /* a signature waits for a key, and the verdict says which */
	int failure;   /* of the last signature that is neither */
};

static void name_set(struct sx_rains_name *name, struct sx_bytes bytes)
{
	name->len = bytes.len;
	memcpy(name->data, bytes.data, bytes.len);
}

static bool is_name(const struct sx_rains_name *name, struct sx_bytes bytes)
{
	return sx_bytes_equal(sx_rains_name_bytes(name), bytes);
}

/* Whether the operator gave a key of this very zone, so that no delegation of it counts. */
static bool is_anchored(
	const struct sx_rains_trust *trust, struct sx_bytes zone, struct sx_bytes context)
{
	for (size_t i = 0; i < trust->anchors.count; i++) {
		const struct sx_rains_anchor *anchor = &trust->anchors.items[i];

		if (is_name(&anchor->zone, zone) && is_name(&anchor->context, context)) {
			return true;
		}
	}
	return false;
}

/* Whether a chain of delegations from an anchor could lead to the zone. */
static bool is_reachable(
	const struct sx_rains_trust *trust, struct sx_bytes zone, struct sx_bytes context)
{
	for (size_t i = 0; i < trust->anchors.count; i++) {
		const struct sx_rains_anchor *anchor = &trust->anchors.items[i];

		if (sx_rains_name_is_below(zone, sx_rains_name_bytes(&anchor->zone)) &&
			is_name(&anchor->context, context)) {
			return true;
		}
	}
	return false;
}

static bool find_anchor(const struct sx_rains_trust *trust, const struct sx_rains_key_id *id,
	struct sx_rains_key *out)
{
	for (size_t i = 0; i < trust->anchors.count; i++) {
		const struct sx_rains_anchor *anchor = &trust->anchors.items[i];

		if (is_name(&anchor->zone, id->zone) && is_name(&anchor->context, id->context) &&
			anchor->phase == id->phase) {
			out->since = anchor->since;
			out->until = anchor->until;
			memcpy(out->data, anchor->key, sizeof out->data);
			return true;
		}
	}
	return false;
}

static bool find_learned(struct sx_rains_trust *trust, const struct sx_rains_key_id *id,
	int64_t now, struct sx_rains_key *out)
{
	const struct sx_rains_key *key = sx_rains_keys_find(&trust->keys, id);

	if (!key || now >= key->until || key->since > now + SX_RAINS_SKEW) {
		return false;
	}
	*out = *key;
	return true;
}

/* What is judged, in words. Its names have been checked. */
static const char *kind_of(const struct sx_rains_section *section)
{
	switch (section->type) {
	case SX_RAINS_ASSERTION:
		return "assertion in zone";
	case SX_RAINS_SHARD:
		return "shard of zone";
	case SX_RAINS_PSHARD:
		return "pshard of zone";
	default:
		return "zone";
	}
}

static int refuse(struct judging *judging, int status, const char *why)
{
	struct sx_bytes zone = judging->section->zone;

	sx_rains_reason_set(&judging->verdict->reason, "%s %.*s: %s", kind_of(judging->section),
		(int)zone.len, (const char *)zone.data, why);
	judging->failure = status;
	return status;
}

static int refuse_phase(struct judging *judging, int64_t phase, const char *why)
{
	struct sx_rains_reason text;

	sx_rains_reason_set(&text, "the signature of key phase %" PRId64 " %s", phase, why);
	return refuse(judging, SX_EREFUSED, text.text);
}

/* Which is told to the operator, who has named the keys. */
static int refuse_root(struct judging *judging)
{
	return refuse(judging, SX_EREFUSED,
		"signed by no root key that is trusted (rains.roots, --root)");
}

static int check_dates(struct judging *judging, const struct sx_rains_signature *signature)
{
	struct sx_rains_reason why;

	if (signature->since >= signature->until) {
		return refuse_phase(judging, signature->phase, "ends before it begins");
	}
	if (judging->now >= signature->until) {
		sx_rains_reason_set(
			&why, "expired %" PRId64 " s ago", judging->now - signature->until);
	} else if (signature->since > judging->now + SX_RAINS_SKEW) {
		sx_rains_reason_set(
			&why, "begins in %" PRId64 " s only", signature->since - judging->now);
	} else {
		return SX_OK;
	}
	(void)refuse_phase(judging, signature->phase, why.text);
	judging->failure = SX_EEXPIRED;
	return SX_EEXPIRED;
}

/* The key is neither an anchor nor remembered. */
static int ask_for_key(struct judging *judging, const struct sx_rains_key_id *id)
{
	struct sx_rains_need *need = &judging->verdict->need;

	if (is_anchored(judging->trust, id->zone, id->context)) {
		return refuse_root(judging);
	}
	if (!is_reachable(judging->trust, id->zone, id->context)) {
		return refuse(judging, SX_EREFUSED, "no root key stands above it");
	}
	if (!judging->is_needy) {
		judging->is_needy = true;
		name_set(&need->zone, id->zone);
		name_set(&need->context, id->context);
		need->phase = id->phase;
	}
	return SX_EAGAIN;
}

static int find_key(struct judging *judging, const struct sx_rains_signature *signature,
	struct sx_rains_key *out)
{
	const struct sx_rains_key_id id = {
		.zone = judging->section->zone,
		.context = judging->section->context,
		.alg = signature->alg,
		.phase = signature->phase,
	};

	if (find_anchor(judging->trust, &id, out)) {
		bool is_valid =
			judging->now < out->until && out->since <= judging->now + SX_RAINS_SKEW;

		return is_valid ? SX_OK
				: refuse(judging, SX_EEXPIRED, "its root key is outside its dates");
	}
	return find_learned(judging->trust, &id, judging->now, out) ? SX_OK
								    : ask_for_key(judging, &id);
}

static void digest(
	uint8_t *out, const struct sx_rains_key *key, struct sx_bytes tbs, struct sx_bytes data)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, sizeof key->data, key->data);
	sha256_update(&ctx, data.len, data.data);
	sha256_update(&ctx, tbs.len, tbs.data);
	sha256_digest(&ctx, SHA256_DIGEST_SIZE, out);
}

/* The key of a signature is not the one that made it. */
static int refuse_signature(struct judging *judging, const struct sx_rains_signature *signature)
{
	const struct sx_rains_section *section = judging->section;

	return is_anchored(judging->trust, section->zone, section->context)
		       ? refuse_root(judging)
		       : refuse_phase(judging, signature->phase, "does not verify");
}

/* Checks a signature, unless it was found good before. */
static int check(struct judging *judging, const struct sx_rains_key *key,
	const struct sx_rains_signature *signature)
{
	struct sx_bytes key_bytes = sx_bytes_of(key->data, sizeof key->data);
	struct sx_bytes tbs;
	uint8_t hash[SHA256_DIGEST_SIZE];
	uint8_t *seen;
	int rc;

	judging->tbs.at = judging->tbs_len;
	sx_rains_tbs_add(&judging->tbs, signature);
	if (!sx_writer_ok(&judging->tbs) || signature->data.len != SX_RAINS_SIGNATURE_BYTES) {
		return refuse_signature(judging, signature);
	}
	tbs = sx_writer_bytes(&judging->tbs);
	digest(hash, key, tbs, signature->data);
	seen = judging->trust->seen[hash[0] % SEEN_MOST];
	if (memcmp(seen, hash, sizeof hash) == 0) {
		return SX_OK;
	}
	if (judging->budget->answer == 0 || judging->budget->resolution == 0) {
		return refuse(judging, SX_ELIMIT, "too many signatures to check");
	}
	judging->budget->answer--;
	judging->budget->resolution--;
	rc = sx_rains_verify(key_bytes, tbs, signature->data);
	if (rc == SX_OK) {
		memcpy(seen, hash, sizeof hash);
		return SX_OK;
	}
	return rc == SX_EREFUSED ? refuse_signature(judging, signature) : rc;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A good signature holds while its key does; several hold from the first to the last. */
static void take_dates(struct judging *judging, const struct sx_rains_key *key,
	const struct sx_rains_signature *signature)
{
	int64_t since = larger(key->since, signature->since);
	int64_t until = smaller(key->until, signature->until);

	judging->since = judging->is_good ? smaller(judging->since, since) : since;
	judging->until = judging->is_good ? larger(judging->until, until) : until;
	judging->is_good = true;
}

/* SX_OK also when the signature does not help; a failure is the section's. */
static int judge_signature(struct judging *judging, const struct sx_rains_signature *signature)
{
	struct sx_rains_key key;
	int rc;

	if (signature->alg != SX_RAINS_ED25519 || signature->space != 0 ||
		check_dates(judging, signature) < 0 || find_key(judging, signature, &key) < 0) {
		return SX_OK;
	}
	rc = check(judging, &key, signature);
	if (rc == SX_OK) {
		take_dates(judging, &key, signature);
	}
	return rc;
}

static int judge_signatures(struct judging *judging)
{
	struct sx_reader walk = sx_reader_of(judging->section->signatures.items);
	struct sx_rains_signature signature;
	int rc = SX_OK;

	while (rc == SX_OK && sx_rains_next_signature(&walk, &signature)) {
		rc = judge_signature(judging, &signature);
	}
	if (rc < 0) {
		return rc;
	}
	if (judging->is_good) {
		return SX_OK;
	}
	return judging->is_needy ? SX_EAGAIN : judging->failure;
}

static bool is_signed_kind(const struct sx_rains_section *section)
{
	return section->type == SX_RAINS_ASSERTION || section->type == SX_RAINS_SHARD ||
	       section->type == SX_RAINS_PSHARD || section->type == SX_RAINS_ZONE;
}

/* Names are checked first: reasons print them. */
static bool has_names(const struct sx_rains_section *section)
{
	struct sx_rains_name name;

	return is_signed_kind(section) && sx_rains_name_check(section->zone) == SX_OK &&
	       sx_rains_context_check(section->context) == SX_OK &&
	       (section->type != SX_RAINS_ASSERTION ||
		       sx_rains_name_join(&name, section->subject, section->zone) == SX_OK);
}

int sx_rains_trust_new(struct sx_rains_trust **out, const struct sx_rains_trust_config *config)
{
	struct sx_rains_trust *trust = calloc(1, sizeof *trust);
	int rc;

	if (!trust) {
		return SX_ENOMEM;
	}
	trust->anchors = *config->anchors;
	trust->unsigned_ok = config->unsigned_ok;
	trust->validity_most = config->validity_most;
	rc = sx_rains_keys_init(&trust->keys, config->keys_most, config->seed);
	if (rc < 0) {
		free(trust);
		return rc;
	}
	*out = trust;
	return SX_OK;
}

void sx_rains_trust_free(struct sx_rains_trust *trust)
{
	if (trust) {
		sx_rains_keys_fini(&trust->keys);
		free(trust);
	}
}

void sx_rains_trust_flush(struct sx_rains_trust *trust)
{
	sx_rains_keys_clear(&trust->keys);
}

int sx_rains_trust_judge(struct sx_rains_trust *trust, const struct sx_rains_section *section,
	int64_t now, struct sx_rains_budget *budget, struct sx_rains_verdict *out)
{
	bool is_bare = section->signatures.count == 0 || trust->anchors.count == 0;
	struct judging judging = {
		.trust = trust,
		.section = section,
		.now = now,
		.budget = budget,
		.verdict = out,
		.tbs = sx_writer_of(trust->tbs, sizeof trust->tbs),
	};
	int rc;

	if (!has_names(section)) {
		sx_rains_reason_set(&out->reason, "a section whose name, zone or context is none");
		return SX_EREFUSED;
	}
	if (trust->unsigned_ok && is_bare) {
		out->since = now;
		out->until = now + trust->validity_most;
		return SX_OK;
	}
	(void)refuse(&judging, SX_EREFUSED, "it has no signature that could be checked");
	sx_rains_tbs_write(&judging.tbs, section);
	judging.tbs_len = judging.tbs.at;
	rc = judge_signatures(&judging);
	if (rc == SX_OK) {
		out->since = judging.since;
		out->until = smaller(judging.until, now + trust->validity_most);
	}
	return rc;
}

/* The keys to which an assertion delegates; the parent's word alone counts, so "@" does not. */
static int learn_assertion(struct sx_rains_trust *trust, const struct sx_rains_section *assertion,
	const struct sx_rains_verdict *verdict, int64_t now)
{
	const struct sx_rains_key key = { .since = verdict->since, .until = verdict->until };
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;
	struct sx_rains_name zone;
	int rc = SX_OK;

	if (sx_rains_name_join(&zone, assertion->subject, assertion->zone) < 0 ||
		!sx_rains_name_is_below(sx_rains_name_bytes(&zone), assertion->zone) ||
		is_anchored(trust, sx_rains_name_bytes(&zone), assertion->context)) {
		return SX_OK;
	}
	while (rc == SX_OK && sx_rains_next_object(&walk, &object)) {
		const struct sx_rains_key_id id = { sx_rains_name_bytes(&zone), assertion->context,
			object.key.alg, object.key.phase };
		struct sx_rains_key next = key;

		if (object.type == SX_RAINS_DELEG && object.key.alg == SX_RAINS_ED25519 &&
			sx_rains_key_is_sound(object.key.data)) {
			memcpy(next.data, object.key.data.data, sizeof next.data);
			rc = sx_rains_keys_put(&trust->keys, &id, &next, now);
		}
	}
	return rc;
}

int sx_rains_trust_learn(struct sx_rains_trust *trust, const struct sx_rains_section *section,
	const struct sx_rains_verdict *verdict, int64_t now)
{
	struct sx_reader walk = sx_reader_of(section->content.items);
	struct sx_rains_section assertion;
	int rc = SX_OK;

	if (section->type == SX_RAINS_ASSERTION) {
		return learn_assertion(trust, section, verdict, now);
	}
	while (rc == SX_OK && sx_rains_next_contained(&walk, section, &assertion)) {
		rc = learn_assertion(trust, &assertion, verdict, now);
	}
	return rc;
}
