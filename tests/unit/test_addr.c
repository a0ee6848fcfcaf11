/* SPDX-License-Identifier: MIT */
#include "scion/addr.h"
#include "tap.h"
#include "vectors.h"

#define IA_110 0x0001ff0000000110

static const struct {
	const char *text;
	uint64_t ia;
	int status;
	const char *written; /* NULL: as read */
} ias[] = {
	{ "1-ff00:0:110", IA_110, SX_OK, NULL },
	{ "1-FF00:0:110", IA_110, SX_OK, "1-ff00:0:110" },
	{ "1-ff00:0000:0110", IA_110, SX_OK, "1-ff00:0:110" },
	{ "65535-ffff:ffff:ffff", UINT64_MAX, SX_OK, NULL },
	{ "0-0", 0, SX_OK, NULL },
	{ "1-64512", 0x000100000000fc00, SX_OK, NULL },
	{ "1-4294967295", 0x00010000ffffffff, SX_OK, NULL },
	{ "1-0:ffff:ffff", 0x00010000ffffffff, SX_OK, "1-4294967295" },
	{ "1-1:0:0", 0x0001000100000000, SX_OK, NULL },
	{ "1-4294967296", 0, SX_EMALFORMED, NULL },
	{ "1-00000000001", 0, SX_EMALFORMED, NULL },
	{ "70000-1", 0, SX_EMALFORMED, NULL },
	{ "000001-1", 0, SX_EMALFORMED, NULL },
	{ "", 0, SX_EMALFORMED, NULL },
	{ "-", 0, SX_EMALFORMED, NULL },
	{ "1-", 0, SX_EMALFORMED, NULL },
	{ "-1", 0, SX_EMALFORMED, NULL },
	{ "1", 0, SX_EMALFORMED, NULL },
	{ "1-ff00", 0, SX_EMALFORMED, NULL },
	{ "1-ff00:0", 0, SX_EMALFORMED, NULL },
	{ "1-ff00:0:", 0, SX_EMALFORMED, NULL },
	{ "1-:0:110", 0, SX_EMALFORMED, NULL },
	{ "1-ff00::110", 0, SX_EMALFORMED, NULL },
	{ "1-ff00:0:110:0", 0, SX_EMALFORMED, NULL },
	{ "1-ff000:0:110", 0, SX_EMALFORMED, NULL },
	{ "1-ff00:0:11g", 0, SX_EMALFORMED, NULL },
	{ " 1-ff00:0:110", 0, SX_EMALFORMED, NULL },
	{ "1-ff00:0:110 ", 0, SX_EMALFORMED, NULL },
	{ "+1-ff00:0:110", 0, SX_EMALFORMED, NULL },
	{ "1-ff00_0_110", 0, SX_EMALFORMED, NULL },
};

START_TEST(isd_as_text_is_parsed_or_refused)
{
	uint64_t ia = 0;
	char text[SX_IA_TEXT_BYTES];

	ck_assert_int_eq(sx_ia_parse(sx_bytes_text(ias[_i].text), &ia), ias[_i].status);
	ck_assert_uint_eq(ia, ias[_i].ia);
	if (ias[_i].status == SX_OK) {
		sx_ia_write(ia, text, sizeof text);
		ck_assert_str_eq(text, ias[_i].written ? ias[_i].written : ias[_i].text);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *
		written; /* NULL: refused; without a port as sx_addr_write, with one as sx_addr_write_port */
	int port; /* -1: none */
} addrs[] = {
	{ "1-ff00:0:110,10.0.0.1", "1-ff00:0:110,10.0.0.1", -1 },
	{ "1-ff00:0:110,fd00::1", "1-ff00:0:110,fd00::1", -1 },
	{ "1-ff00:0:110,FD00:0::1", "1-ff00:0:110,fd00::1", -1 },
	{ "1-ff00:0:110,::", "1-ff00:0:110,::", -1 },
	{ "1-ff00:0:110,::ffff:10.0.0.1", "1-ff00:0:110,10.0.0.1", -1 },
	{ "1-ff00:0:110,[10.0.0.1]", "1-ff00:0:110,10.0.0.1", -1 },
	{ "1-ff00:0:110,[fd00::1]", "1-ff00:0:110,fd00::1", -1 },
	{ "1-ff00:0:110,CS", "1-ff00:0:110,CS", -1 },
	{ "1-ff00:0:110,CS_A", "1-ff00:0:110,CS", -1 },
	{ "1-ff00:0:110,DS_M", "1-ff00:0:110,DS_M", -1 },
	{ "1-ff00:0:110,Wildcard", "1-ff00:0:110,Wildcard", -1 },
	{ "[1-ff00:0:110,10.0.0.1]:443", "[1-ff00:0:110,10.0.0.1]:443", 443 },
	{ "[1-ff00:0:110,fd00::1]:0", "[1-ff00:0:110,fd00::1]:0", 0 },
	{ "[1-ff00:0:110,CS]:80", "[1-ff00:0:110,CS]:80", 80 },
	{ "1-64512,10.0.0.1:65535", "[1-64512,10.0.0.1]:65535", 65535 },
	{ "1-ff00:0:110,[10.0.0.1]:443", "[1-ff00:0:110,10.0.0.1]:443", 443 },
	{ "1-ff00:0:110,[fd00::1]:443", "[1-ff00:0:110,fd00::1]:443", 443 },
	{ "1-ff00:0:110,1:2:3:4:5:6:7:8:443", NULL, -1 }, /* ip6:port */
	{ "1-ff00:0:110,10.0.0.1:65536", NULL, -1 },
	{ "1-ff00:0:110,10.0.0.1:", NULL, -1 },
	{ "1-ff00:0:110,10.0.0.1:-1", NULL, -1 },
	{ "1-ff00:0:110,10.0.0.1:443 ", NULL, -1 },
	{ "1-ff00:0:110,10.0.0", NULL, -1 },
	{ "1-ff00:0:110,10.0.0.256", NULL, -1 },
	{ "1-ff00:0:110,010.0.0.1", NULL, -1 },
	{ "1-ff00:0:110,fe80::1%eth0", NULL, -1 },
	{ "1-ff00:0:110,[fe80::1%eth0]:1", NULL, -1 },
	{ "1-ff00:0:110,cs", NULL, -1 },
	{ "1-ff00:0:110,CS_X", NULL, -1 },
	{ "1-ff00:0:110,[CS]:80", NULL, -1 },
	{ "1-ff00:0:110,CS:80", NULL, -1 },
	{ "[1-ff00:0:110,10.0.0.1]", NULL, -1 },
	{ "[1-ff00:0:110,10.0.0.1]443", NULL, -1 },
	{ "[1-ff00:0:110,10.0.0.1]:", NULL, -1 },
	{ "[1-ff00:0:110,[fd00::1]]:443", NULL, -1 },
	{ "[1-ff00:0:110,10.0.0.1", NULL, -1 },
	{ "[]:12345", NULL, -1 },
	{ "[", NULL, -1 },
	{ "1-ff00:0:110,[]:443", NULL, -1 },
	{ "1-ff00:0:110,[", NULL, -1 },
	{ "1-ff00:0:110,", NULL, -1 },
	{ "1-ff00:0:110", NULL, -1 },
	{ ",10.0.0.1", NULL, -1 },
	{ ",", NULL, -1 },
	{ "", NULL, -1 },
	{ "1-ff00:0:110,1111111111111111111111111111111111111111111111111111111111111111", NULL,
		-1 },
};

START_TEST(address_text_is_parsed_or_refused)
{
	struct sx_addr addr;
	uint16_t port = 7;
	char text[SX_ADDR_TEXT_BYTES];
	int rc = sx_addr_parse_port(sx_bytes_text(addrs[_i].text), &addr, &port);

	if (!addrs[_i].written) {
		ck_assert_int_eq(rc, SX_EMALFORMED);
		ck_assert_uint_eq(port, 7);
		return;
	}
	ck_assert_int_eq(rc, SX_OK);
	ck_assert_int_eq(port, addrs[_i].port < 0 ? 7 : addrs[_i].port);
	if (addrs[_i].port < 0) {
		sx_addr_write(&addr, text, sizeof text);
	} else {
		sx_addr_write_port(&addr, port, text, sizeof text);
	}
	ck_assert_str_eq(text, addrs[_i].written);
}
END_TEST

START_TEST(an_address_without_a_port_is_read_the_same_and_one_with_a_port_refused)
{
	struct sx_addr addr;
	char text[SX_ADDR_TEXT_BYTES];
	int rc = sx_addr_parse(sx_bytes_text(addrs[_i].text), &addr);

	if (!addrs[_i].written || addrs[_i].port >= 0) {
		ck_assert_int_eq(rc, SX_EMALFORMED);
		return;
	}
	ck_assert_int_eq(rc, SX_OK);
	sx_addr_write(&addr, text, sizeof text);
	ck_assert_str_eq(text, addrs[_i].written);
}
END_TEST

/* What is read at all is read again as it is written. */
static void read_and_write(struct sx_bytes text)
{
	char written[SX_ADDR_TEXT_BYTES];
	struct sx_addr addr, again;
	uint16_t port = 7, port_again = 7;

	if (sx_addr_parse_port(text, &addr, &port) == SX_OK) {
		sx_addr_write_port(&addr, port, written, sizeof written);
		ck_assert_int_eq(
			sx_addr_parse_port(sx_bytes_text(written), &again, &port_again), SX_OK);
		ck_assert(sx_addr_equal(&addr, &again) && port == port_again);
	}
}

START_TEST(damaged_text_is_refused_or_read_but_never_overrun)
{
	sx_each_mutation(sx_bytes_text(addrs[_i].text), read_and_write);
}
END_TEST

START_TEST(a_nul_inside_an_address_is_refused)
{
	static const char text[] = "1-ff00:0:110,10.0.0.1\0";
	struct sx_addr addr;

	ck_assert_int_eq(sx_addr_parse(sx_bytes_of(text, sizeof text - 1), &addr), SX_EMALFORMED);
}
END_TEST

START_TEST(hosts_that_only_the_wire_knows_are_written_in_hex)
{
	static const struct sx_host hosts[] = {
		{ .type = 0x5, .bytes = { 1, 2, 3, 4, 5, 6, 7, 8 } },
		{ .type = SX_HOST_SVC, .bytes = { 0x7f, 0xff, 1, 2 } },
		{ .type = SX_HOST_IPV6,
			.bytes = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } },
	};
	static const char *const texts[] = { "<5:0102030405060708>", "<4:7fff0102>", "10.0.0.1" };
	char text[SX_HOST_TEXT_BYTES];

	sx_host_write(&hosts[_i], text, sizeof text);
	ck_assert_str_eq(text, texts[_i]);
}
END_TEST

START_TEST(a_short_buffer_is_filled_and_terminated)
{
	struct sx_addr addr = { .ia = IA_110, .host = { .type = 0xf } };
	char text[SX_ADDR_TEXT_BYTES];

	for (size_t cap = 1; cap < sizeof text; cap++) {
		memset(text, 'x', sizeof text);
		sx_addr_write_port(&addr, 65535, text, cap);
		ck_assert_uint_lt(strlen(text), cap);
		ck_assert_int_eq(text[cap], 'x');
	}
}
END_TEST

START_TEST(addresses_differ_by_any_part)
{
	struct sx_addr a;
	struct sx_addr b;

	ck_assert_int_eq(sx_addr_parse(sx_bytes_text("1-1,10.0.0.1"), &a), SX_OK);
	b = a;
	ck_assert(sx_addr_equal(&a, &b));
	b.ia++;
	ck_assert(!sx_addr_equal(&a, &b));
	b = a;
	b.host.bytes[3]++;
	ck_assert(!sx_addr_equal(&a, &b));
	b = a;
	b.host.type = SX_HOST_SVC;
	ck_assert(!sx_addr_equal(&a, &b));
	ck_assert_int_eq(sx_host_of_ip(sx_bytes_of("12345", 5), &b.host), SX_EINVAL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("addr");
	TCase *tcase = tcase_create("text");

	tcase_add_loop_test(tcase, isd_as_text_is_parsed_or_refused, 0, SX_COUNT(ias));
	tcase_add_loop_test(tcase, address_text_is_parsed_or_refused, 0, SX_COUNT(addrs));
	tcase_add_loop_test(tcase,
		an_address_without_a_port_is_read_the_same_and_one_with_a_port_refused, 0,
		SX_COUNT(addrs));
	tcase_add_loop_test(
		tcase, damaged_text_is_refused_or_read_but_never_overrun, 0, SX_COUNT(addrs));
	tcase_add_test(tcase, a_nul_inside_an_address_is_refused);
	tcase_add_loop_test(tcase, hosts_that_only_the_wire_knows_are_written_in_hex, 0, 3);
	tcase_add_test(tcase, a_short_buffer_is_filled_and_terminated);
	tcase_add_test(tcase, addresses_differ_by_any_part);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
