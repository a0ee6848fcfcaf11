/* SPDX-License-Identifier: MIT */
#include "rains/zone_object.h"

#include <stdlib.h>

#include "rains/name.h"
#include "rains/sign.h"

#define TYPES_MOST 16
#define TEXT_MOST  1024
#define CERT_MOST  8192

/* What an object is made of until it is written. */
struct making {
	struct sx_rains_words *words;
	struct sx_rains_object object;
	uint8_t bytes[CERT_MOST]; /* text, list, key or hash */
};

struct choice {
	const char *word;
	int64_t value;
};

/* The value of the current word in a table that ends with a row of none. */
static int64_t take_choice(
	struct sx_rains_words *words, const struct choice *choices, const char *expected)
{
	for (; choices->word; choices++) {
		if (sx_rains_words_skip(words, choices->word)) {
			return choices->value;
		}
	}
	sx_rains_words_fail(words, expected);
	return 0;
}

/* Takes the current word if it is right. */
static struct sx_bytes take_right(struct sx_rains_words *words, bool is_right, const char *expected)
{
	if (!is_right) {
		sx_rains_words_fail(words, expected);
	}
	return sx_rains_words_take(words, expected);
}

static void take_full_name(struct making *making)
{
	making->object.text =
		take_right(making->words, sx_rains_name_check(making->words->word) == SX_OK,
			"a full name, with a dot at its end");
}

static int compare_ints(const void *a, const void *b)
{
	const int64_t *left = a;
	const int64_t *right = b;

	return (*left > *right) - (*left < *right);
}

static const struct choice type_words[] = {
	{ ":name:", SX_RAINS_NAME },
	{ ":ip6:", SX_RAINS_IP6 },
	{ ":ip4:", SX_RAINS_IP4 },
	{ ":redir:", SX_RAINS_REDIR },
	{ ":deleg:", SX_RAINS_DELEG },
	{ ":nameset:", SX_RAINS_NAMESET },
	{ ":cert:", SX_RAINS_CERT },
	{ ":srv:", SX_RAINS_SRV },
	{ ":regr:", SX_RAINS_REGR },
	{ ":regt:", SX_RAINS_REGT },
	{ ":infra:", SX_RAINS_INFRA },
	{ ":extra:", SX_RAINS_EXTRA },
	{ ":next:", SX_RAINS_NEXT },
	{ ":scion:", SX_RAINS_SCION },
	{ NULL, 0 },
};

/* [ {type} ], in ascending order, each once. */
static void take_types(struct making *making)
{
	struct sx_writer list = sx_writer_of(making->bytes, sizeof making->bytes);
	int64_t types[TYPES_MOST];
	size_t count = 0;

	sx_rains_words_expect(making->words, "[");
	do {
		types[count++] = take_choice(
			making->words, type_words, "a type of objects such as \":scion:\"");
	} while (making->words->status == SX_OK && count < TYPES_MOST &&
		 !sx_rains_words_at(making->words, "]"));
	sx_rains_words_expect(making->words, "]");
	qsort(types, count, sizeof *types, compare_ints);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || types[i] != types[i - 1]) {
			sx_cbor_write_int(&list, types[i]);
			making->object.types.count++;
		}
	}
	making->object.types.items = sx_writer_bytes(&list);
}

static void take_alias(struct making *making)
{
	take_full_name(making);
	take_types(making);
}

static void take_ip(struct making *making, uint8_t type, const char *expected)
{
	struct sx_host *host = &making->object.addr.host;
	bool is_right = sx_host_parse(making->words->word, host) == SX_OK && host->type == type;

	(void)take_right(making->words, is_right, expected);
}

static void take_ip4(struct making *making)
{
	take_ip(making, SX_HOST_IPV4, "an IPv4 address");
}

static void take_ip6(struct making *making)
{
	take_ip(making, SX_HOST_IPV6, "an IPv6 address");
}

/* "ISD-AS,[IP]" and the "[ISD-AS,IP]:0" of older files; nothing that is no single host. */
static bool parse_scion(struct sx_bytes word, struct sx_addr *out)
{
	uint16_t port = 0;

	if (sx_addr_parse_port(word, out, &port) < 0) {
		return false;
	}
	return port == 0 && out->host.type != SX_HOST_SVC && out->ia >> 48 != 0 &&
	       out->ia << 16 != 0;
}

static void take_scion(struct making *making)
{
	(void)take_right(making->words, parse_scion(making->words->word, &making->object.addr),
		"an address such as 1-ff00:0:110,[192.0.2.1]");
}

static void take_key(struct making *making)
{
	struct sx_rains_words *words = making->words;
	struct sx_rains_object_key *key = &making->object.key;
	unsigned line;
	size_t len;

	sx_rains_words_expect(words, ":ed25519:");
	key->alg = SX_RAINS_ED25519;
	key->phase = sx_rains_words_take_int(words, INT32_MAX, "a key phase");
	line = words->line;
	len = sx_rains_words_take_hex(
		words, making->bytes, SX_RAINS_KEY_BYTES, "a public key of 64 hex digits");
	key->data = sx_bytes_of(making->bytes, len);
	if (words->status == SX_OK && !sx_rains_key_is_sound(key->data)) {
		sx_rains_words_refuse(words, line, "this is no public key for Ed25519");
	}
}

static void take_next(struct making *making)
{
	struct sx_rains_object_key *key = &making->object.key;

	take_key(making);
	key->since = sx_rains_words_take_int(making->words, SX_CBOR_TIME_MOST, "UNIX seconds");
	key->until = sx_rains_words_take_int(making->words, SX_CBOR_TIME_MOST, "UNIX seconds");
}

/* Bytes of a hash; 0: any number. */
static size_t hash_len(int64_t hash)
{
	static const size_t lens[] = {
		[SX_RAINS_SHA256] = 32,
		[SX_RAINS_SHA384] = 48,
		[SX_RAINS_SHA512] = 64,
		[SX_RAINS_FNV64] = 8,
		[SX_RAINS_FNV128] = 16,
	};

	return (size_t)hash < SX_COUNT(lens) ? lens[hash] : 0;
}

static void take_cert(struct making *making)
{
	static const struct choice protocols[] = { { ":unspecified:", 0 }, { ":tls:", 1 },
		{ NULL, 0 } };
	static const struct choice usages[] = { { ":trustAnchor:", SX_RAINS_TRUST_ANCHOR },
		{ ":endEntity:", SX_RAINS_END_ENTITY }, { NULL, 0 } };
	static const struct choice hashes[] = { { ":noHash:", SX_RAINS_NO_HASH },
		{ ":sha256:", SX_RAINS_SHA256 }, { ":sha384:", SX_RAINS_SHA384 },
		{ ":sha512:", SX_RAINS_SHA512 }, { ":shake256:", SX_RAINS_SHAKE256 },
		{ ":fnv64:", SX_RAINS_FNV64 }, { ":fnv128:", SX_RAINS_FNV128 }, { NULL, 0 } };
	struct sx_rains_words *words = making->words;
	struct sx_rains_object_cert *cert = &making->object.cert;
	unsigned line;

	cert->protocol = take_choice(words, protocols, "\":tls:\" or \":unspecified:\"");
	cert->usage = take_choice(words, usages, "\":endEntity:\" or \":trustAnchor:\"");
	cert->hash = take_choice(words, hashes, "a hash such as \":sha256:\"");
	line = words->line;
	cert->data = sx_bytes_of(making->bytes,
		sx_rains_words_take_hex(words, making->bytes, sizeof making->bytes,
			"hex digits, of a hash or, at most 8192 bytes, of a certificate"));
	if (hash_len(cert->hash) > 0 && cert->data.len != hash_len(cert->hash)) {
		sx_rains_words_refuse(words, line, "found %zu bytes, expected the %zu of this hash",
			cert->data.len, hash_len(cert->hash));
	}
}

static void take_srv(struct making *making)
{
	take_full_name(making);
	making->object.port = (uint16_t)sx_rains_words_take_int(
		making->words, UINT16_MAX, "a port from 0 to 65535");
	making->object.priority = (uint16_t)sx_rains_words_take_int(
		making->words, UINT16_MAX, "a priority from 0 to 65535");
}

static void take_redir(struct making *making)
{
	take_full_name(making);
}

/* Words up to the next mark, with one blank between them. */
static void take_text(struct making *making)
{
	struct sx_writer text = sx_writer_of(making->bytes, TEXT_MOST);
	struct sx_rains_words *words = making->words;
	unsigned line = words->line;

	do {
		sx_write_bytes(&text, sx_bytes_of(" ", text.at > 0 ? 1 : 0));
		sx_write_bytes(&text, sx_rains_words_take(words, "text"));
	} while (words->word.len > 0 && !sx_rains_words_at_mark(words));
	if (!sx_writer_ok(&text)) {
		sx_rains_words_refuse(words, line, "found more than %d bytes of text", TEXT_MOST);
	}
	making->object.text = sx_writer_bytes(&text);
}

static void (*const bodies[])(struct making *making) = {
	[SX_RAINS_NAME] = take_alias,
	[SX_RAINS_IP6] = take_ip6,
	[SX_RAINS_IP4] = take_ip4,
	[SX_RAINS_REDIR] = take_redir,
	[SX_RAINS_DELEG] = take_key,
	[SX_RAINS_CERT] = take_cert,
	[SX_RAINS_SRV] = take_srv,
	[SX_RAINS_REGR] = take_text,
	[SX_RAINS_REGT] = take_text,
	[SX_RAINS_INFRA] = take_key,
	[SX_RAINS_NEXT] = take_next,
	[SX_RAINS_SCION] = take_scion,
};

void sx_rains_zone_object_read(struct sx_rains_words *words, struct sx_writer *out)
{
	struct making making = { .words = words };
	unsigned line = words->line;
	int64_t type = take_choice(words, type_words, "an object such as \":scion:\", or \"]\"");

	if (words->status < 0) {
		return;
	}
	if (!bodies[type]) {
		sx_rains_words_refuse(words, line,
			"found \"%s\", which servers cannot read; leave it out",
			sx_rains_zone_object_word(type));
		return;
	}
	making.object.type = (enum sx_rains_object_type)type;
	bodies[type](&making);
	if (words->status == SX_OK) {
		sx_rains_object_write(out, &making.object);
	}
}

const char *sx_rains_zone_object_word(int64_t type)
{
	const struct choice *choice = type_words;

	while (choice->word && choice->value != type) {
		choice++;
	}
	return choice->word ? choice->word : "an unknown type";
}

int sx_rains_bytes_compare(struct sx_bytes a, struct sx_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The numbers and then the bytes that Go compares, in its order. */
struct sort_key {
	int64_t numbers[5];
	struct sx_bytes before; /* compared first */
	struct sx_bytes behind; /* compared last */
};

static struct sort_key sort_key_of(const struct sx_rains_object *object, struct sx_bytes item)
{
	switch (object->type) {
	case SX_RAINS_NAME:
		return (struct sort_key){ .before = object->text,
			.numbers = { (int64_t)object->types.count },
			.behind = object->types.items };
	case SX_RAINS_SRV:
		return (struct sort_key){ .before = object->text,
			.numbers = { object->port, object->priority } };
	case SX_RAINS_DELEG:
	case SX_RAINS_INFRA:
	case SX_RAINS_NEXT:
		return (struct sort_key){ .numbers = { object->key.alg, object->key.since,
						  object->key.until, object->key.phase },
			.behind = object->key.data };
	case SX_RAINS_CERT:
		return (struct sort_key){ .numbers = { object->cert.protocol, object->cert.usage,
						  object->cert.hash },
			.behind = object->cert.data };
	case SX_RAINS_IP4:
	case SX_RAINS_IP6:
	case SX_RAINS_SCION:
		return (struct sort_key){ .behind = item }; /* all are of one length */
	default:
		return (struct sort_key){ .before = object->text };
	}
}

int sx_rains_zone_object_compare(struct sx_bytes a, struct sx_bytes b)
{
	struct sx_reader walk_a = sx_reader_of(a);
	struct sx_reader walk_b = sx_reader_of(b);
	struct sx_rains_object left = { .type = SX_RAINS_NAME };
	struct sx_rains_object right = { .type = SX_RAINS_NAME };
	struct sort_key key, other;
	int order;

	(void)sx_rains_next_object(&walk_a, &left);
	(void)sx_rains_next_object(&walk_b, &right);
	if (left.type != right.type) {
		return left.type < right.type ? -1 : 1;
	}
	key = sort_key_of(&left, a);
	other = sort_key_of(&right, b);
	order = sx_rains_bytes_compare(key.before, other.before);
	for (size_t i = 0; order == 0 && i < SX_COUNT(key.numbers); i++) {
		order = (key.numbers[i] > other.numbers[i]) - (key.numbers[i] < other.numbers[i]);
	}
	return order != 0 ? order : sx_rains_bytes_compare(key.behind, other.behind);
}
