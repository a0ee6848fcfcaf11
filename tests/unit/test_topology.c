/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "tap.h"
#include "topology.h"

static int load_text(const char *text, struct sx_topology **out, struct sx_topology_error *error)
{
	char name[] = "/tmp/sx_topologyXXXXXX";
	int fd = mkstemp(name);
	int rc;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
	rc = sx_topology_load(out, name, error);
	(void)unlink(name);
	return rc;
}

#define AS_A "[\"1-ff00:0:1\"] = { core = true, mtu = 1400, router = \"127.0.0.1:31002\" };"
#define AS_B "[\"1-ff00:0:2\"] = { mtu = 1400, router = \"127.0.0.2:31002\" };"
#define AS_C "[\"1-ff00:0:3\"] = { mtu = 1400, router = \"127.0.0.3\" };"
#define LINK                                                                                       \
	"{ kind = \"child\", from = \"1-ff00:0:1#1\", to = \"1-ff00:0:2#7\", mtu = 1300, delay = " \
	"2.5 };"
#define WHOLE(ases, links) "return { ases = { " ases " }; links = { " links " } }"

START_TEST(small_topology_is_read)
{
	struct sx_topology_error error;
	struct sx_topology *topology = NULL;
	const struct sx_topology_as *b;

	ck_assert_msg(
		load_text(WHOLE(AS_B AS_A, LINK), &topology, &error) == SX_OK, "%s", error.text);
	ck_assert_uint_eq(topology->as_count, 2);
	ck_assert_uint_eq(topology->ases[0].ia, 0x0001ff0000000001);
	ck_assert(topology->ases[0].core);
	b = &topology->ases[1];
	ck_assert(!b->core);
	ck_assert_uint_eq(b->router_port, 31002);
	ck_assert_uint_eq(b->interface_count, 1);
	ck_assert_uint_eq(b->interfaces[0].id, 7);
	ck_assert_int_eq(
		sx_topology_link_to(&topology->links[0], b->interfaces[0].end), SX_LINK_TO_PARENT);
	ck_assert_uint_eq(topology->links[0].mtu, 1300);
	ck_assert(topology->links[0].delay_ms == 2.5);
	ck_assert_int_ne(memcmp(topology->ases[0].hop_key, b->hop_key, SX_HOP_KEY_BYTES), 0);
	sx_topology_free(topology);
}
END_TEST

static const struct {
	const char *text;
	const char *expected; /* in the error */
} wrong[] = {
	{ "return {", ":1: unexpected symbol near <eof>" },
	{ "return 3", "must return a table" },
	{ "return { ases = 3 }", "topology: ases: expected a table of ASes, found 3" },
	{ "return { as = {} }", "topology: there is no field \"as\"" },
	{ "while true do end", "runs too long" },
	{ "local s = \"x\" while true do s = s .. s end", "not enough memory" },
	{ "os.exit(0)", "os" },
	{ "return include(\"../x.lua\")",
		"include: \"../x.lua\" must be the name of a file beside" },
	{ "return include(\"no such.lua\")", "no such.lua" },
	{ WHOLE("[\"x\"] = {}", ""),
		"a key: expected an ISD-AS such as \"1-ff00:0:110\", found x" },
	{ WHOLE("[\"1-1\"] = 5", ""), "AS 1-1: expected a table, found 5" },
	{ WHOLE("[\"1-1\"] = { mut = 5 }", ""), "AS 1-1: there is no field \"mut\"" },
	{ WHOLE("[\"1-1\"] = { core = 1 }", ""), "AS 1-1: core: expected true or false" },
	{ WHOLE("[\"1-1\"] = {}", ""),
		"AS 1-1: mtu: expected a number from 512 to 9000, found nil" },
	{ WHOLE("[\"1-1\"] = { mtu = 511 }", ""),
		"AS 1-1: mtu: expected a number from 512 to 9000, found 511" },
	{ WHOLE("[\"1-1\"] = { mtu = 0/0 }", ""), "AS 1-1: mtu:" },
	{ WHOLE("[\"1-1\"] = { mtu = 900 }", ""), "AS 1-1: router: expected a loopback address" },
	{ WHOLE("[\"1-1\"] = { mtu = 900, router = \"10.0.0.1:1\" }", ""),
		"router: expected a loopback address" },
	{ WHOLE("[\"1-1\"] = { mtu = 900, router = \"127.0.0.1:0\" }", ""),
		"router: expected a loopback address" },
	{ WHOLE("[\"1-1\"] = { mtu = 900, router = \"127.0.0.1:5x\" }", ""),
		"router: expected a loopback address" },
	{ WHOLE("[\"1-1\"] = { mtu = 900, router = \"127.0.0.1:5\", key = \"AA==\" }", ""),
		"AS 1-1: key: expected 16 bytes in base64" },
	{ WHOLE(AS_A "[\"1-2\"] = { mtu = 900, router = \"127.0.0.1:31002\" }", ""),
		"router: AS 1-" },
	{ WHOLE(AS_A "[\"1-FF00:0:1\"] = { mtu = 900, router = \"127.0.0.9:31002\" }", ""),
		"is there twice" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:1#1\", to = \"1-ff00:0:2#2\", "
			   "mtu = 900, mut = 5 }"),
		"link 1: there is no field \"mut\"" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:1#1\", to = \"1-ff00:0:2#2\" }"),
		"link 1: mtu: expected a number from 512 to 9000, found nil" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:1#1\" }"),
		"link 1: to: expected an interface" },
	{ "return { ases = {}; links = 5 }", "topology: links: expected a list of links, found 5" },
	{ WHOLE("[\"1-1\"] = { mtu = 900, router = \"127.0.0.1:5\", key = 5 }", ""),
		"AS 1-1: key: expected 16 bytes in base64, found 5" },
	{ WHOLE(AS_A AS_B, "7"), "link 1: expected a table, found 7" },
	{ WHOLE(AS_A AS_B, "{ kind = \"sibling\" }"), "link 1: kind: expected \"core\"" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:9#1\" }"),
		"link 1: from: expected an interface" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:1#0\" }"),
		"link 1: from: expected an interface" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:1#65536\" }"),
		"link 1: from: expected an interface" },
	{ WHOLE(AS_A AS_B, LINK "{ kind = \"child\", from = \"1-ff00:0:1#1\", to = "
				"\"1-ff00:0:2#1\", mtu = 900 }"),
		"link 2: interface 1 of \"from\" has a link already" },
	{ WHOLE(AS_A AS_B,
		  "{ kind = \"core\", from = \"1-ff00:0:1#1\", to = \"1-ff00:0:2#1\", mtu = 900 }"),
		"link 1: a core link joins two core ASes" },
	{ WHOLE(AS_A AS_B,
		  "{ kind = \"peer\", from = \"1-ff00:0:1#1\", to = \"1-ff00:0:2#1\", mtu = 900 }"),
		"link 1: a peer link joins two ASes that are not core" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:2#1\", to = \"1-ff00:0:1#1\", "
			   "mtu = 900 }"),
		"link 1: a core AS cannot be a child" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:2#1\", to = \"1-ff00:0:2#2\", "
			   "mtu = 900 }"),
		"link 1: both ends are in the same AS" },
	{ WHOLE(AS_A AS_B, "{ kind = \"child\", from = \"1-ff00:0:1#1\", to = \"1-ff00:0:2#2\", "
			   "mtu = 900, delay = -1 }"),
		"link 1: delay: expected a number from 0 to 60000, found -1" },
	{ WHOLE(AS_A AS_B AS_C "[\"2-1\"] = { mtu = 900, router = \"127.0.0.7\" }",
		  "{ kind = \"child\", from = \"1-ff00:0:1#1\", to = \"2-1#2\", mtu = 900 }"),
		"link 1: parent and child must be in the same ISD" },
};

START_TEST(wrong_topology_is_refused_with_its_place)
{
	struct sx_topology_error error;
	struct sx_topology *topology = NULL;

	ck_assert_int_eq(load_text(wrong[_i].text, &topology, &error), SX_EINVAL);
	ck_assert_ptr_null(topology);
	ck_assert_msg(strstr(error.text, wrong[_i].expected) != NULL, "%s", error.text);
}
END_TEST

START_TEST(missing_file_is_named)
{
	struct sx_topology_error error;
	struct sx_topology *topology = NULL;

	ck_assert_int_eq(sx_topology_load(&topology, "/nonexistent.lua", &error), SX_EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent.lua"));
}
END_TEST

static size_t count_links(
	const struct sx_topology *topology, const char *from, enum sx_link_to direction)
{
	const struct sx_topology_as *as;
	uint64_t ia = 0;
	size_t count = 0;

	ck_assert_int_eq(sx_ia_parse(sx_bytes_text(from), &ia), SX_OK);
	as = sx_topology_find_as(topology, ia);
	ck_assert_ptr_nonnull(as);
	for (size_t i = 0; i < as->interface_count; i++) {
		const struct sx_topology_interface *interface = &as->interfaces[i];

		count += sx_topology_link_to(&topology->links[interface->link], interface->end) ==
			 direction;
	}
	return count;
}

START_TEST(default_topology_has_the_promised_shape)
{
	static const char *const cores[] = { "1-ff00:0:110", "1-ff00:0:120", "2-ff00:0:210" };
	struct sx_topology_error error;
	struct sx_topology *topology = NULL;
	size_t core_count = 0;

	ck_assert_msg(sx_topology_load(&topology, SX_SANDBOX_DIR "/topology.lua", &error) == SX_OK,
		"%s", error.text);
	ck_assert_uint_eq(topology->as_count, 8);
	for (size_t i = 0; i < topology->as_count; i++) {
		core_count += topology->ases[i].core;
	}
	ck_assert_uint_eq(core_count, SX_COUNT(cores));
	for (size_t i = 0; i < SX_COUNT(cores); i++) { /* each to both others */
		ck_assert_uint_eq(count_links(topology, cores[i], SX_LINK_TO_CORE), 2);
	}
	/* The servers' ASes have two parents and the peer link; two ASes meet below the core. */
	ck_assert_uint_eq(count_links(topology, "1-ff00:0:113", SX_LINK_TO_PARENT), 2);
	ck_assert_uint_eq(count_links(topology, "2-ff00:0:211", SX_LINK_TO_PARENT), 2);
	ck_assert_uint_eq(count_links(topology, "2-ff00:0:211", SX_LINK_TO_PEER), 1);
	ck_assert_uint_eq(count_links(topology, "1-ff00:0:111", SX_LINK_TO_CHILD), 2);
	sx_topology_free(topology);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("topology");
	TCase *tc = tcase_create("topology");

	tcase_add_test(tc, small_topology_is_read);
	tcase_add_loop_test(tc, wrong_topology_is_refused_with_its_place, 0, (int)SX_COUNT(wrong));
	tcase_add_test(tc, missing_file_is_named);
	tcase_add_test(tc, default_topology_has_the_promised_shape);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
