/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "base/loop.h"
#include "tap.h"

static struct sx_rains_reason reason;

/* A socket on loopback that nobody speaks TLS on. */
static int open_mute(bool listens, char address[32])
{
	struct sockaddr_in place = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof place;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&place, sizeof place), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&place, &len), 0);
	ck_assert(!listens || listen(fd, 1) == 0);
	(void)snprintf(address, 32, "127.0.0.1:%u", (unsigned)ntohs(place.sin_port));
	return fd;
}

static const struct {
	const char *address;
	int status;
} addresses[] = {
	{ "127.0.0.1", SX_OK },
	{ "127.0.0.1:55553", SX_OK },
	{ "[::1]:55553", SX_OK },
	{ "[::1]", SX_OK },
	{ "", SX_EINVAL },
	{ ":5", SX_EINVAL },
	{ "127.0.0.1:", SX_EINVAL },
	{ "::1:5", SX_EINVAL },
	{ "[::1", SX_EINVAL },
	{ "[::1]5", SX_EINVAL },
	{ "[]:5", SX_EINVAL },
	{ "127.0.0.1:http", SX_ENOTFOUND },
	{ "[nonsense]:5", SX_ENOTFOUND },
};

START_TEST(addresses_are_read_or_refused)
{
	struct sx_cli_server *server = NULL;

	ck_assert_int_eq(
		sx_cli_server_new(&server, addresses[_i].address, &reason), addresses[_i].status);
	ck_assert(addresses[_i].status == SX_OK || reason.text[0] != '\0');
	sx_cli_server_free(server);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_told)
{
	struct sx_cli_server *server = NULL;
	struct sx_bytes message;
	char address[32];
	int fd = open_mute(false, address);

	ck_assert_int_eq(sx_cli_server_new(&server, address, &reason), SX_OK);
	ck_assert_int_eq(
		sx_cli_server_connect(server, sx_loop_now_ns() + 2000000000, &reason), SX_EREFUSED);
	ck_assert_str_eq(reason.text, "the server refuses connections; is it running?");
	ck_assert_int_eq(sx_cli_server_send(server, sx_bytes_text("x")), SX_ECLOSED);
	ck_assert_int_eq(sx_cli_server_receive(server, UINT64_MAX, &message), SX_ECLOSED);
	sx_cli_server_free(server);
	(void)close(fd);
}
END_TEST

START_TEST(a_server_that_says_nothing_is_not_waited_for)
{
	struct sx_cli_server *server = NULL;
	char address[32];
	int fd = open_mute(true, address);

	ck_assert_int_eq(sx_cli_server_new(&server, address, &reason), SX_OK);
	ck_assert_int_eq(
		sx_cli_server_connect(server, sx_loop_now_ns() + 50000000, &reason), SX_ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(reason.text, "; does it speak RAINS over TLS there?"));
	sx_cli_server_free(server);
	(void)close(fd);
}
END_TEST

static int construct(void *arg)
{
	struct sx_cli_server *server = NULL;
	int rc = sx_cli_server_new(&server, arg, &reason);

	sx_cli_server_free(server);
	return rc;
}

START_TEST(failing_allocations_leave_nothing)
{
	char address[] = "127.0.0.1:5";

	ck_assert_uint_ge(sx_each_allocation_fails(construct, address), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cli_server");
	TCase *tc = tcase_create("server");

	tcase_add_loop_test(tc, addresses_are_read_or_refused, 0, SX_COUNT(addresses));
	tcase_add_test(tc, a_server_that_is_not_there_is_told);
	tcase_add_test(tc, a_server_that_says_nothing_is_not_waited_for);
	tcase_add_test(tc, failing_allocations_leave_nothing);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
