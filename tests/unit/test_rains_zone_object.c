/* SPDX-License-Identifier: MIT */
#include "rains/zone_object.h"
#include "tap.h"
#include "vectors.h"

#define KEY  "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"
#define HASH "abababababababababababababababababababababababababababababababab"

static struct sx_rains_reason reason;

static struct sx_bytes read_object(const char *text, struct sx_rains_words *words, uint8_t *out)
{
	struct sx_writer writer = sx_writer_of(out, SX_VECTOR_MAX);

	*words = sx_rains_words_of(sx_bytes_text(text), &reason);
	sx_rains_zone_object_read(words, &writer);
	return sx_writer_bytes(&writer);
}

/* What the Go implementation writes for the same objects. */
static const struct {
	const char *text;
	const char *hex;
} golden[] = {
	{ ":name: xmpp.example. [ :scion: :ip4: ]", "83016d786d70702e6578616d706c652e82030e" },
	{ ":ip6: 2001:db8::1", "82025020010db8000000000000000000000001" },
	{ ":ip4: 192.0.2.1", "82035000000000000000000000ffffc0000201" },
	{ ":redir: _rains._tcp.ns.example.",
		"8204775f7261696e732e5f7463702e6e732e6578616d706c652e" },
	{ ":deleg: :ed25519: 1 " KEY, "840501015820" KEY },
	{ ":cert: :tls: :endEntity: :sha256: " HASH, "85070103015820" HASH },
	{ ":srv: xmpp.example. 5269 0", "84086d786d70702e6578616d706c652e19149500" },
	{ ":regr: r", "82096172" },
	{ ":regt: a t", "820a63612074" },
	{ ":infra: :ed25519: 1 " KEY, "840b01015820" KEY },
	{ ":next: :ed25519: 2 " KEY " 10 20", "860d01025820" KEY "0a14" },
	{ ":scion: 1-ff00:0:110,[192.0.2.11]",
		"820e58180001ff000000011000000000000000000000ffffc000020b" },
	{ ":scion: 1-ff00:0:110,192.0.2.11",
		"820e58180001ff000000011000000000000000000000ffffc000020b" },
	{ ":scion: [1-ff00:0:110,192.0.2.11]:0",
		"820e58180001ff000000011000000000000000000000ffffc000020b" },
	{ ":scion: 1-ff00:0:110,[2001:db8::11]",
		"820e58180001ff000000011020010db8000000000000000000000011" },
};

START_TEST(objects_are_written_as_go_does)
{
	struct sx_rains_words words;
	struct sx_vector expected;
	uint8_t out[SX_VECTOR_MAX];
	struct sx_bytes found = read_object(golden[_i].text, &words, out);

	ck_assert_msg(words.status == SX_OK, "%s", reason.text);
	sx_vector_unhex(golden[_i].hex, &expected);
	ck_assert(sx_bytes_equal(found, sx_vector_bytes(&expected)));
	ck_assert_uint_eq(words.word.len, 0);
}
END_TEST

static const struct {
	const char *text;
	const char *reason;
} wrong[] = {
	{ "", "found the end of the file, expected an object such as \":scion:\", or \"]\"" },
	{ ":ip5: 1", "found \":ip5:\", expected an object such as \":scion:\", or \"]\"" },
	{ ":name: xmpp [ :ip4: ]", "found \"xmpp\", expected a full name, with a dot at its end" },
	{ ":name: x. [ ]", "found \"]\", expected a type of objects such as \":scion:\"" },
	{ ":name: x. [ :ip4:", "found the end of the file, expected a type of objects such as "
			       "\":scion:\"" },
	{ ":ip4: 1.2.3", "found \"1.2.3\", expected an IPv4 address" },
	{ ":ip4: ::1", "found \"::1\", expected an IPv4 address" },
	{ ":ip4: CS", "found \"CS\", expected an IPv4 address" },
	{ ":ip6: 1.2.3.4", "found \"1.2.3.4\", expected an IPv6 address" },
	{ ":ip6: ::ffff:1.2.3.4", "found \"::ffff:1.2.3.4\", expected an IPv6 address" },
	{ ":scion: 1-ff00:0:110,CS",
		"found \"1-ff00:0:110,CS\", expected an address such as 1-ff00:0:110,[192.0.2.1]" },
	{ ":scion: 0-ff00:0:110,1.2.3.4", "found \"0-ff00:0:110,1.2.3.4\", expected an address "
					  "such as 1-ff00:0:110,[192.0.2.1]" },
	{ ":scion: [1-ff00:0:110,1.2.3.4]:5", "found \"[1-ff00:0:110,1.2.3.4]:5\", expected an "
					      "address such as 1-ff00:0:110,[192.0.2.1]" },
	{ ":redir: ns", "found \"ns\", expected a full name, with a dot at its end" },
	{ ":deleg: :ed448: 1 00", "found \":ed448:\", expected \":ed25519:\"" },
	{ ":deleg: :ed25519: -1 00", "found \"-1\", expected a key phase" },
	{ ":deleg: :ed25519: 1 00ff0", "found \"00ff0\", expected a public key of 64 hex digits" },
	{ ":deleg: :ed25519: 1 00ff", "this is no public key for Ed25519" },
	{ ":nameset: x", "found \":nameset:\", which servers cannot read; leave it out" },
	{ ":extra: :ed25519: 1 " KEY,
		"found \":extra:\", which servers cannot read; leave it out" },
	{ ":cert: :tcp:", "found \":tcp:\", expected \":tls:\" or \":unspecified:\"" },
	{ ":cert: :tls: tls", "found \"tls\", expected \":endEntity:\" or \":trustAnchor:\"" },
	{ ":cert: :tls: :endEntity: :md5: 00", "found \":md5:\", expected a hash such as "
					       "\":sha256:\"" },
	{ ":cert: :tls: :endEntity: :sha256: abcd", "found 2 bytes, expected the 32 of this hash" },
	{ ":srv: xmpp.example. 65536 0", "found \"65536\", expected a port from 0 to 65535" },
	{ ":srv: xmpp.example. 1 ]", "found \"]\", expected a priority from 0 to 65535" },
	{ ":regr: ]", "found \"]\", expected text" },
	{ ":next: :ed25519: 2 " KEY " 10 never", "found \"never\", expected UNIX seconds" },
};

START_TEST(what_is_wrong_with_an_object_is_said)
{
	struct sx_rains_words words;
	uint8_t out[SX_VECTOR_MAX];
	struct sx_bytes found = read_object(wrong[_i].text, &words, out);

	ck_assert_int_eq(words.status, SX_EMALFORMED);
	ck_assert_uint_eq(found.len, 0);
	ck_assert(strncmp(reason.text, "line 1: ", 8) == 0);
	ck_assert_str_eq(reason.text + 8, wrong[_i].reason);
}
END_TEST

START_TEST(text_has_an_end)
{
	static char text[4096] = ":regr:";
	struct sx_rains_words words;
	uint8_t out[SX_VECTOR_MAX];

	for (size_t i = 6; i < sizeof text - 1; i++) {
		text[i] = i % 2 == 0 ? ' ' : 'a';
	}
	(void)read_object(text, &words, out);
	ck_assert_str_eq(reason.text, "line 1: found more than 1024 bytes of text");
}
END_TEST

/* In the order of the Go implementation. */
static const char *const sorted[] = {
	":name: a. [ :ip4: ]",
	":name: a. [ :ip6: :ip4: ]",
	":name: b. [ :ip4: ]",
	":ip6: 2001:db8::1",
	":ip6: 2001:db8::2",
	":ip4: 9.0.0.1",
	":ip4: 10.0.0.1",
	":redir: a.b.",
	":redir: b.",
	":deleg: :ed25519: 1 " KEY,
	":deleg: :ed25519: 2 " KEY,
	":cert: :unspecified: :endEntity: :sha256: " HASH,
	":cert: :tls: :trustAnchor: :sha256: " HASH,
	":cert: :tls: :endEntity: :noHash: ffffff",
	":cert: :tls: :endEntity: :sha256: " HASH,
	":srv: a. 2 0",
	":srv: a. 10 0",
	":srv: a. 10 1",
	":srv: ab. 1 0",
	":regr: a",
	":regr: b",
	":regt: a",
	":infra: :ed25519: 1 " KEY,
	":next: :ed25519: 3 " KEY " 10 20",
	":next: :ed25519: 2 " KEY " 10 30",
	":next: :ed25519: 1 " KEY " 20 30",
	":scion: 1-ff00:0:110,192.0.2.1",
	":scion: 1-ff00:0:110,192.0.2.2",
	":scion: 1-ff00:0:110,2001:db8::1",
	":scion: 2-1,192.0.2.1",
};

START_TEST(objects_have_the_order_of_go)
{
	struct sx_rains_words words;
	uint8_t left[SX_VECTOR_MAX], right[SX_VECTOR_MAX];
	struct sx_bytes a = read_object(sorted[_i], &words, left);

	for (int i = 0; i < (int)SX_COUNT(sorted); i++) {
		struct sx_bytes b = read_object(sorted[i], &words, right);
		int order = sx_rains_zone_object_compare(a, b);

		ck_assert_msg((order > 0) - (order < 0) == (_i > i) - (_i < i), "%s, %s",
			sorted[_i], sorted[i]);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("rains_zone_object");
	TCase *tc = tcase_create("zone_object");

	tcase_add_loop_test(tc, objects_are_written_as_go_does, 0, SX_COUNT(golden));
	tcase_add_loop_test(tc, what_is_wrong_with_an_object_is_said, 0, SX_COUNT(wrong));
	tcase_add_test(tc, text_has_an_end);
	tcase_add_loop_test(tc, objects_have_the_order_of_go, 0, SX_COUNT(sorted));
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
