/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "scion/underlay.h"
#include "tap.h"

#define UDP_MAX 65507

/* What has come to a socket, concatenated, with the length of each. */
struct inbox {
	size_t count;
	size_t lens[256];
	uint8_t ecn;
	struct sx_ip_port from;
	size_t at;
	uint8_t bytes[1 << 19];
};

static struct sx_ip_port address(const char *text)
{
	struct sx_ip_port out;

	ck_assert_int_eq(sx_ip_port_parse(sx_bytes_text(text), &out), SX_OK);
	return out;
}

static struct sx_underlay *open_at(const char *text)
{
	struct sx_ip_port local = address(text);
	struct sx_underlay *underlay;
	int os_error;

	ck_assert_int_eq(sx_underlay_open(&underlay, &local, &os_error), SX_OK);
	return underlay;
}

static void collect(void *arg, const struct sx_underlay_datagram *datagram)
{
	struct inbox *inbox = arg;

	ck_assert_uint_lt(inbox->count, SX_COUNT(inbox->lens));
	inbox->lens[inbox->count++] = datagram->data.len;
	inbox->ecn = datagram->ecn;
	inbox->from = datagram->from;
	memcpy(inbox->bytes + inbox->at, datagram->data.data, datagram->data.len);
	inbox->at += datagram->data.len;
}

/* Receives until `count` datagrams are there, or a second has passed in silence. */
static struct inbox *receive(struct sx_underlay *underlay, size_t count)
{
	static struct inbox inbox;

	memset(&inbox, 0, sizeof inbox);
	while (inbox.count < count) {
		struct pollfd ready = { .fd = sx_underlay_fd(underlay), .events = POLLIN };

		ck_assert_int_eq(poll(&ready, 1, 1000), 1);
		ck_assert_int_eq(sx_underlay_receive(underlay, collect, &inbox), SX_OK);
	}
	ck_assert_int_eq(sx_underlay_receive(underlay, collect, &inbox), SX_EAGAIN);
	ck_assert_uint_eq(inbox.count, count);
	return &inbox;
}

static const char *const pairs[][2] = {
	{ "127.0.0.1:0", "127.0.0.2:0" },
	{ "[::1]:0", "[::1]:0" },
};

START_TEST(a_datagram_arrives_with_its_sender_and_ecn)
{
	struct sx_underlay *a = open_at(pairs[_i][0]);
	struct sx_underlay *b = open_at(pairs[_i][1]);
	struct sx_ip_port to = sx_underlay_local(b);
	struct sx_ip_port from = sx_underlay_local(a);

	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		struct inbox *inbox;

		ck_assert_int_eq(sx_underlay_send(a, &to, sx_bytes_text("hello"), 5, ecn), SX_OK);
		inbox = receive(b, 1);
		ck_assert_uint_eq(inbox->lens[0], 5);
		ck_assert_mem_eq(inbox->bytes, "hello", 5);
		ck_assert_uint_eq(inbox->ecn, ecn);
		ck_assert(sx_ip_port_equal(&inbox->from, &from));
	}
	sx_underlay_close(a);
	sx_underlay_close(b);
}
END_TEST

START_TEST(datagrams_of_0_and_65507_bytes_pass)
{
	static uint8_t big[UDP_MAX];
	struct sx_underlay *a = open_at("127.0.0.1:0");
	struct sx_underlay *b = open_at("127.0.0.2:0");
	struct sx_ip_port to = sx_underlay_local(b);
	struct inbox *inbox;

	ck_assert_int_eq(sx_underlay_send(a, &to, sx_bytes_of(NULL, 0), 0, 0), SX_OK);
	ck_assert_uint_eq(receive(b, 1)->lens[0], 0);
	big[UDP_MAX - 1] = 7;
	ck_assert_int_eq(sx_underlay_send(a, &to, sx_bytes_of(big, UDP_MAX), UDP_MAX, 0), SX_OK);
	inbox = receive(b, 1);
	ck_assert_uint_eq(inbox->lens[0], UDP_MAX);
	ck_assert_uint_eq(inbox->bytes[UDP_MAX - 1], 7);
	sx_underlay_close(a);
	sx_underlay_close(b);
}
END_TEST

START_TEST(a_datagram_over_65507_bytes_is_refused)
{
	static uint8_t big[UDP_MAX + 1];
	struct sx_underlay *a = open_at("127.0.0.1:0");
	struct sx_ip_port to = sx_underlay_local(a);

	ck_assert_int_eq(
		sx_underlay_send(a, &to, sx_bytes_of(big, sizeof big), sizeof big, 0), SX_ELIMIT);
	ck_assert_int_eq(sx_underlay_send(a, &to, sx_bytes_of(big, 1), 0, 0), SX_EINVAL);
	sx_underlay_close(a);
}
END_TEST

/* With the kernel's segmentation and without. */
START_TEST(trains_arrive_datagram_by_datagram)
{
	static const struct {
		size_t segment;
		size_t len;
	} trains[] = { { 1200, 1200 }, { 1200, 1201 }, { 1400, 10 * 1400 }, { 1000, 9500 },
		{ 1452, 64 * 1452 }, { 1, 100 }, { 30000, 90000 } };
	static uint8_t bytes[64 * 1452];
	struct sx_underlay *a = open_at("127.0.0.1:0");
	struct sx_underlay *b = open_at("127.0.0.2:0");
	struct sx_ip_port to = sx_underlay_local(b);

	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	}
	if (_i == 1) {
		sx_underlay_set_segmentation(a, false);
	}
	for (size_t i = 0; i < SX_COUNT(trains); i++) {
		size_t count = (trains[i].len + trains[i].segment - 1) / trains[i].segment;
		struct inbox *inbox;

		ck_assert_int_eq(sx_underlay_send(a, &to, sx_bytes_of(bytes, trains[i].len),
					 trains[i].segment, 2),
			SX_OK);
		inbox = receive(b, count);
		for (size_t j = 0; j + 1 < count; j++) {
			ck_assert_uint_eq(inbox->lens[j], trains[i].segment);
		}
		ck_assert_uint_eq(inbox->at, trains[i].len);
		ck_assert_mem_eq(inbox->bytes, bytes, trains[i].len);
		ck_assert_uint_eq(inbox->ecn, 2);
	}
	sx_underlay_close(a);
	sx_underlay_close(b);
}
END_TEST

/* What sendmsg is made to fail with: trains only, or everything. */
static struct {
	int error;
	bool all;
	unsigned times;
	unsigned trains; /* tried */
} trouble;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

static bool is_train(const struct msghdr *message)
{
	struct msghdr copy = *message;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c; c = CMSG_NXTHDR(&copy, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT) {
			return true;
		}
	}
	return false;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	bool train = is_train(message);

	trouble.trains += train;
	if (trouble.times > 0 && (train || trouble.all)) {
		trouble.times--;
		errno = trouble.error;
		return -1;
	}
	return __real_sendmsg(fd, message, flags);
}

static const struct {
	int error;
	bool for_good; /* no train is tried again */
} train_errors[] = {
	{ EIO, true },
	{ EINVAL, false },
	{ EMSGSIZE, false },
};

/* quic.md 2.7, 12. */
START_TEST(a_refused_train_goes_datagram_by_datagram)
{
	static uint8_t bytes[10 * 1400];
	struct sx_underlay *a = open_at("127.0.0.1:0");
	struct sx_underlay *b = open_at("127.0.0.2:0");
	struct sx_ip_port to = sx_underlay_local(b);

	trouble.error = train_errors[_i].error;
	trouble.times = 1;
	for (int i = 0; i < 2; i++) {
		bytes[1400] = (uint8_t)i;
		ck_assert_int_eq(
			sx_underlay_send(a, &to, sx_bytes_of(bytes, sizeof bytes), 1400, 0), SX_OK);
		ck_assert_mem_eq(receive(b, 10)->bytes, bytes, sizeof bytes);
		ck_assert_uint_eq(trouble.trains, i == 0 || train_errors[_i].for_good ? 1 : 2);
	}
	sx_underlay_close(a);
	sx_underlay_close(b);
}
END_TEST

static const struct {
	int error;
	int status;
} send_errors[] = {
	{ EAGAIN, SX_EAGAIN },
	{ ENOBUFS, SX_EAGAIN },
	{ EINTR, SX_OK },
	{ EMSGSIZE, SX_ELIMIT },
	{ ENETUNREACH, SX_EIO },
	{ EHOSTUNREACH, SX_EIO },
	{ EPERM, SX_EIO },
	{ ECONNREFUSED, SX_EIO },
};

/* quic.md 2.7, 11. Trouble with the network is none with trains. */
START_TEST(what_the_system_refuses_has_its_status)
{
	static uint8_t bytes[10 * 1400];
	struct sx_underlay *a = open_at("127.0.0.1:0");
	struct sx_underlay *b = open_at("127.0.0.2:0");
	struct sx_ip_port to = sx_underlay_local(b);

	trouble.error = send_errors[_i].error;
	trouble.times = send_errors[_i].error == EINTR ? 1 : 11;
	trouble.all = true;
	ck_assert_int_eq(sx_underlay_send(a, &to, sx_bytes_of(bytes, sizeof bytes), 1400, 0),
		send_errors[_i].status);
	trouble.times = 0;
	trouble.trains = 0;
	ck_assert_int_eq(
		sx_underlay_send(a, &to, sx_bytes_of(bytes, sizeof bytes), 1400, 0), SX_OK);
	ck_assert_uint_eq(trouble.trains, 1);
	sx_underlay_close(a);
	sx_underlay_close(b);
}
END_TEST

/* quic.md 2.7, 13: as much as the system allows. */
START_TEST(the_socket_asks_for_large_buffers)
{
	struct sx_underlay *a = open_at("127.0.0.1:0");
	static const int options[] = { SO_RCVBUF, SO_SNDBUF };

	for (size_t i = 0; i < SX_COUNT(options); i++) {
		int asked = 4 << 20, got[2], fd = socket(AF_INET, SOCK_DGRAM, 0);
		socklen_t len = sizeof asked;

		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, options[i], &asked, len), 0);
		ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, options[i], &got[0], &len), 0);
		ck_assert_int_eq(
			getsockopt(sx_underlay_fd(a), SOL_SOCKET, options[i], &got[1], &len), 0);
		ck_assert_int_eq(got[0], got[1]);
		(void)close(fd);
	}
	sx_underlay_close(a);
}
END_TEST

START_TEST(an_address_in_use_or_not_ours_says_so)
{
	struct sx_underlay *a = open_at("127.0.0.1:0");
	struct sx_ip_port local = sx_underlay_local(a);
	struct sx_ip_port foreign = address("192.0.2.1:0");
	struct sx_underlay *b;
	int os_error;

	ck_assert_int_eq(sx_underlay_open(&b, &local, &os_error), SX_EIO);
	ck_assert_int_eq(os_error, EADDRINUSE);
	ck_assert_int_eq(sx_underlay_open(&b, &foreign, &os_error), SX_EIO);
	ck_assert_int_eq(os_error, EADDRNOTAVAIL);
	sx_underlay_close(a);
	sx_underlay_close(NULL);
}
END_TEST

START_TEST(an_address_of_the_other_family_is_refused)
{
	struct sx_underlay *a = open_at("127.0.0.1:0");
	struct sx_ip_port to = address("[::1]:9");

	ck_assert_int_eq(sx_underlay_send(a, &to, sx_bytes_text("x"), 1, 0), SX_EIO);
	sx_underlay_close(a);
}
END_TEST

static int open_and_close(void *arg)
{
	struct sx_underlay *underlay;
	int os_error;
	int rc = sx_underlay_open(&underlay, arg, &os_error);

	if (rc == SX_OK) {
		sx_underlay_close(underlay);
	}
	return rc;
}

START_TEST(every_allocation_of_opening_may_fail)
{
	struct sx_ip_port local = address("127.0.0.1:0");

	ck_assert_uint_eq(sx_each_allocation_fails(open_and_close, &local), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("underlay");
	TCase *tcase = tcase_create("underlay");

	tcase_add_loop_test(tcase, a_datagram_arrives_with_its_sender_and_ecn, 0, SX_COUNT(pairs));
	tcase_add_test(tcase, datagrams_of_0_and_65507_bytes_pass);
	tcase_add_test(tcase, a_datagram_over_65507_bytes_is_refused);
	tcase_add_loop_test(tcase, trains_arrive_datagram_by_datagram, 0, 2);
	tcase_add_loop_test(
		tcase, a_refused_train_goes_datagram_by_datagram, 0, SX_COUNT(train_errors));
	tcase_add_loop_test(
		tcase, what_the_system_refuses_has_its_status, 0, SX_COUNT(send_errors));
	tcase_add_test(tcase, the_socket_asks_for_large_buffers);
	tcase_add_test(tcase, an_address_in_use_or_not_ours_says_so);
	tcase_add_test(tcase, an_address_of_the_other_family_is_refused);
	tcase_add_test(tcase, every_allocation_of_opening_may_fail);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
