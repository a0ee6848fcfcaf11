/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/socket.h>

#include "alloc_fail.h"
#include "host.h"
#include "scion/scmp.h"
#include "scion/udp.h"
#include "scion/underlay.h"
#include "tap.h"

static void pair_open(struct host hosts[2])
{
	host_open(&hosts[0], "1-ff00:0:112,127.0.0.1", 0, plain_file("1-ff00:0:112"));
	host_open(&hosts[1], "1-ff00:0:112,127.0.0.2", 0, plain_file("1-ff00:0:112"));
}

START_TEST(hosts_of_one_as_talk_without_a_path)
{
	static struct host hosts[2];
	struct sx_route *route;
	char peer[SX_PEER_TEXT_BYTES];
	char path[SX_WAY_TEXT_BYTES];

	pair_open(hosts);
	hosts[1].on_arrival = keep_route_back;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_uint_eq(hosts[0].port.ops->budget(route), 1400 - 44);
	ck_assert_int_eq(send_text(&hosts[0], route, "there"), SX_OK);
	host_await(&hosts[1], 1);
	ck_assert_mem_eq(hosts[1].inbox.bytes, "there", 5);
	ck_assert_uint_eq(hosts[1].inbox.last.ecn, 1);
	ck_assert(is_same_peer(hosts[1].inbox.last.from, sx_socket_local_peer(hosts[0].socket)));
	ck_assert(is_same_peer(hosts[1].inbox.last.to, sx_socket_local_peer(hosts[1].socket)));
	ck_assert_int_eq(send_text(&hosts[1], hosts[1].back, "back"), SX_OK);
	host_await(&hosts[0], 1);
	ck_assert_mem_eq(hosts[0].inbox.bytes, "back", 4);
	ck_assert(is_same_peer(hosts[0].inbox.last.from, sx_socket_local_peer(hosts[1].socket)));
	hosts[0].port.ops->describe(route, peer, sizeof peer, path, sizeof path);
	ck_assert_str_eq(peer, "1-ff00:0:112,127.0.0.2");
	ck_assert_str_eq(path, "inside 1-ff00:0:112");
	hosts[0].port.ops->suspect(route); /* there is no other way, and none is needed */
	ck_assert_int_eq(send_text(&hosts[0], route, "again"), SX_OK);
	host_await(&hosts[1], 1);
	hosts[0].port.ops->route_free(route);
	host_close(&hosts[0]);
	host_close(&hosts[1]);
}
END_TEST

START_TEST(trains_arrive_whole_and_in_order)
{
	static const size_t lens[] = { 1356, 1357, 10 * 1356, 64 * 1356 - 1, 100 * 1356 };
	static struct host hosts[2];
	static uint8_t bytes[100 * 1356];
	struct sx_route *route;

	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	}
	pair_open(hosts);
	route = route_between(&hosts[0], &hosts[1]);
	for (size_t i = 0; i < SX_COUNT(lens); i++) {
		ck_assert_int_eq(
			hosts[0].port.ops->send(route, sx_bytes_of(bytes, lens[i]), 1356, 0),
			SX_OK);
		host_await(&hosts[1], (lens[i] + 1355) / 1356);
		ck_assert_uint_eq(hosts[1].inbox.at, lens[i]);
		ck_assert_mem_eq(hosts[1].inbox.bytes, bytes, lens[i]);
		hosts[1].inbox.at = 0;
	}
	ck_assert_uint_eq(stats_of(&hosts[1]).bad_checksum, 0);
	ck_assert_uint_eq(stats_of(&hosts[0]).datagrams_out, 1 + 2 + 10 + 64 + 100);
	ck_assert_uint_eq(stats_of(&hosts[1]).delivered, 1 + 2 + 10 + 64 + 100);
	ck_assert_int_eq(hosts[0].port.ops->send(route, sx_bytes_of(bytes, 9), 0, 0), SX_EINVAL);
	ck_assert_int_eq(
		hosts[0].port.ops->send(route, sx_bytes_of(bytes, 70000), 70000, 0), SX_EINVAL);
	hosts[0].port.ops->route_free(route);
	host_close(&hosts[0]);
	host_close(&hosts[1]);
}
END_TEST

/* The size from which on the system refuses datagrams; 0: none. */
static size_t too_large;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (too_large > 0 && message->msg_iov->iov_len >= too_large) {
		errno = EMSGSIZE;
		return -1;
	}
	return __real_sendmsg(fd, message, flags);
}

/* quic.md 2.7, 11: else whatever is full-sized would be lost for ever. */
START_TEST(a_link_narrower_than_the_path_lowers_the_budget)
{
	static struct host hosts[2];
	static uint8_t bytes[1356];
	struct sx_route *route;

	pair_open(hosts);
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_uint_eq(hosts[0].port.ops->budget(route), 1356);
	too_large = 1300;
	ck_assert_int_eq(
		hosts[0].port.ops->send(route, sx_bytes_of(bytes, 1356), 1356, 0), SX_ELIMIT);
	ck_assert_uint_eq(stats_of(&hosts[0]).lost_out, 1);
	ck_assert_uint_eq(hosts[0].port.ops->budget(route), 1200);
	ck_assert_int_eq(hosts[0].port.ops->send(route, sx_bytes_of(bytes, 1200), 1200, 0), SX_OK);
	host_await(&hosts[1], 1);
	hosts[0].port.ops->route_free(route);
	host_close(&hosts[0]);
	host_close(&hosts[1]);
}
END_TEST

static void reply_at_once(struct host *host, const struct sx_datagram *datagram)
{
	host->port.ops->reply(host->port.port, datagram, sx_bytes_text("stateless"));
}

START_TEST(a_reply_needs_no_route)
{
	static struct host hosts[2];
	struct sx_route *route;

	pair_open(hosts);
	hosts[1].on_arrival = reply_at_once;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	host_await(&hosts[1], 1);
	host_await(&hosts[0], 1);
	ck_assert_mem_eq(hosts[0].inbox.bytes, "stateless", 9);
	hosts[0].port.ops->route_free(route);
	host_close(&hosts[0]);
	host_close(&hosts[1]);
}
END_TEST

START_TEST(peers_are_known_by_address_and_key)
{
	static struct host hosts[2];
	struct sx_addr a = addr_of("1-ff00:0:112,127.0.0.3");
	struct sx_addr b = addr_of("1-ff00:0:113,127.0.0.3");
	struct sx_addr c = addr_of("1-ff00:0:112,::7f00:3");
	struct sx_peer peer;

	pair_open(hosts);
	peer = sx_socket_peer(hosts[0].socket, &a, 443);
	ck_assert_uint_eq(peer.address.sin6_addr.s6_addr[0], 0xfd);
	ck_assert_uint_eq(ntohs(peer.address.sin6_port), 443);
	ck_assert_uint_eq(peer.address.sin6_flowinfo, 0);
	ck_assert(is_same_peer(peer, sx_socket_peer(hosts[1].socket, &a, 443)));
	ck_assert(!is_same_peer(peer, sx_socket_peer(hosts[0].socket, &a, 444)));
	ck_assert(!is_same_peer(peer, sx_socket_peer(hosts[0].socket, &b, 443)));
	ck_assert(!is_same_peer(peer, sx_socket_peer(hosts[0].socket, &c, 443)));
	host_close(&hosts[0]);
	host_close(&hosts[1]);
}
END_TEST

/* A packet to hosts[1] written by hand, with the UDP payload "x", for a row to spoil. */
struct forgery {
	struct sx_packet packet;
	struct sx_udp udp;
	uint8_t bytes[256];
	size_t len;
};

static void other_host(struct forgery *forgery)
{
	forgery->packet.dst.host.bytes[3]++;
}

static void other_as(struct forgery *forgery)
{
	forgery->packet.dst.ia++;
}

static void other_port(struct forgery *forgery)
{
	forgery->udp.dst_port++;
}

static void other_source_host(struct forgery *forgery)
{
	forgery->packet.src.host.bytes[3]++;
}

static void other_source_as(struct forgery *forgery)
{
	forgery->packet.src.ia++;
}

static void with_path(struct forgery *forgery)
{
	static struct sx_vector path;

	sx_vector_unhex(
		"010020000100abcd00001000003f00000007010203040506003f00090000a1a2a3a4a5a6", &path);
	forgery->packet.path_type = SX_PATH_SCION;
	forgery->packet.path = sx_vector_bytes(&path);
	forgery->packet.src.ia++;
}

static const struct {
	const char *name;
	void (*spoil)(struct forgery *forgery);
	size_t counter;
	size_t cut;
	size_t flip;
} strangers[] = {
	{ "nothing at all", NULL, offsetof(struct sx_socket_stats, malformed), 256, 0 },
	{ "cut short", NULL, offsetof(struct sx_socket_stats, malformed), 1, 0 },
	{ "wrong checksum", NULL, offsetof(struct sx_socket_stats, bad_checksum), 0, 1 },
	{ "wrong UDP length", NULL, offsetof(struct sx_socket_stats, malformed), 0, 4 },
	{ "another host", other_host, offsetof(struct sx_socket_stats, not_ours), 0, 0 },
	{ "another AS", other_as, offsetof(struct sx_socket_stats, not_ours), 0, 0 },
	{ "another port", other_port, offsetof(struct sx_socket_stats, not_ours), 0, 0 },
	{ "source host not the sender", other_source_host,
		offsetof(struct sx_socket_stats, unknown_router), 0, 0 },
	{ "foreign AS without a path", other_source_as,
		offsetof(struct sx_socket_stats, unknown_router), 0, 0 },
	{ "a path, but no router", with_path, offsetof(struct sx_socket_stats, unknown_router), 0,
		0 },
};

static uint64_t counter_of(const struct host *host, size_t offset)
{
	struct sx_socket_stats stats = stats_of(host);
	uint64_t value;

	memcpy(&value, (const uint8_t *)&stats + offset, sizeof value);
	return value;
}

START_TEST(what_strangers_send_is_dropped_and_counted)
{
	static struct host host;
	struct sx_ip_port local = { 0 };
	struct sx_ip_port to = { 0 };
	struct sx_underlay *stranger;
	struct forgery forgery = { 0 };
	struct sx_writer writer = sx_writer_of(forgery.bytes, sizeof forgery.bytes);
	size_t len;
	int os_error;

	host_open(&host, "1-ff00:0:112,127.0.0.2", 0, plain_file("1-ff00:0:112"));
	local.host = addr_of("1-ff00:0:112,127.0.0.1").host;
	ck_assert_int_eq(sx_underlay_open(&stranger, &local, &os_error), SX_OK);
	to.host = host.addr.host;
	to.port = sx_socket_port_number(host.socket);
	forgery.packet.dst = host.addr;
	forgery.packet.src = (struct sx_addr){ host.addr.ia, local.host };
	forgery.udp = (struct sx_udp){ 7, to.port, sx_bytes_text("x") };
	if (strangers[_i].spoil) {
		strangers[_i].spoil(&forgery);
	}
	ck_assert_int_eq(sx_udp_write(&writer, &forgery.packet, &forgery.udp), SX_OK);
	len = writer.at > strangers[_i].cut ? writer.at - strangers[_i].cut : 0;
	if (strangers[_i].flip > 0) {
		forgery.bytes[writer.at - strangers[_i].flip] ^= 1;
	}
	ck_assert_int_eq(
		sx_underlay_send(stranger, &to, sx_bytes_of(forgery.bytes, len), len, 0), SX_OK);
	host_drop(&host);
	ck_assert_msg(counter_of(&host, strangers[_i].counter) == 1, "%s", strangers[_i].name);
	ck_assert_uint_eq(stats_of(&host).delivered, 0);
	sx_underlay_close(stranger);
	host_close(&host);
}
END_TEST

START_TEST(a_datagram_of_65507_bytes_is_taken_for_what_it_is)
{
	static struct host hosts[2];
	static uint8_t zeroes[65507];
	struct sx_route *route;
	size_t most = sizeof zeroes - 44; /* headers without a path */
	struct sx_underlay *stranger;
	struct sx_ip_port local = { .host = addr_of("1-1,127.0.0.1").host };
	struct sx_ip_port to = { 0 };
	int os_error;

	pair_open(hosts);
	to.host = hosts[1].addr.host;
	to.port = sx_socket_port_number(hosts[1].socket);
	ck_assert_int_eq(sx_underlay_open(&stranger, &local, &os_error), SX_OK);
	ck_assert_int_eq(sx_underlay_send(stranger, &to, sx_bytes_of(zeroes, sizeof zeroes),
				 sizeof zeroes, 0),
		SX_OK);
	host_drop(&hosts[1]);
	ck_assert_uint_eq(stats_of(&hosts[1]).malformed, 1);
	route = route_between(&hosts[0], &hosts[1]);
	/* Ours are never as large: it does not fit the batch. */
	ck_assert_int_eq(
		hosts[0].port.ops->send(route, sx_bytes_of(zeroes, most), most, 0), SX_EINVAL);
	ck_assert_int_eq(
		hosts[0].port.ops->send(route, sx_bytes_of(zeroes, 64000), 64000, 0), SX_OK);
	host_await(&hosts[1], 1);
	ck_assert_uint_eq(hosts[1].inbox.at, 64000);
	hosts[0].port.ops->route_free(route);
	sx_underlay_close(stranger);
	host_close(&hosts[0]);
	host_close(&hosts[1]);
}
END_TEST

struct caught {
	size_t count;
	struct sx_vector last;
};

static void catch (void *arg, const struct sx_underlay_datagram *datagram)
{
	struct caught *caught = arg;

	ck_assert_uint_le(datagram->data.len, sizeof caught->last.data);
	caught->count++;
	caught->last.len = datagram->data.len;
	memcpy(caught->last.data, datagram->data.data, datagram->data.len);
}

START_TEST(echo_requests_are_answered_at_a_bounded_rate)
{
	static struct host host;
	static struct caught caught;
	struct sx_underlay *stranger;
	struct sx_ip_port local = { .host = addr_of("1-1,127.0.0.1").host };
	struct sx_ip_port to = { 0 };
	struct sx_scmp scmp = { .type = SX_SCMP_ECHO_REQUEST, .id = 7, .sequence = 9 };
	struct sx_packet packet = { .flow_id = 5 };
	uint8_t bytes[256];
	struct sx_writer writer = sx_writer_of(bytes, sizeof bytes);
	int os_error;

	host_open(&host, "1-ff00:0:112,127.0.0.2", 0, plain_file("1-ff00:0:112"));
	ck_assert_int_eq(sx_underlay_open(&stranger, &local, &os_error), SX_OK);
	to.host = host.addr.host;
	to.port = sx_socket_port_number(host.socket);
	packet.dst = host.addr;
	packet.src = (struct sx_addr){ host.addr.ia, local.host };
	scmp.data = sx_bytes_text("ping");
	ck_assert_int_eq(sx_scmp_write(&writer, &packet, &scmp), SX_OK);
	for (int i = 0; i < 105; i++) {
		ck_assert_int_eq(
			sx_underlay_send(stranger, &to, sx_writer_bytes(&writer), writer.at, 0),
			SX_OK);
		host_drop(&host);
	}
	while (sx_underlay_receive(stranger, catch, &caught) == SX_OK) {
	}
	ck_assert_uint_eq(caught.count, 100);
	ck_assert_uint_eq(stats_of(&host).scmp_in, 105);
	ck_assert_uint_eq(stats_of(&host).scmp_echo, 100);
	ck_assert_uint_eq(stats_of(&host).scmp_echo_limited, 5);
	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&caught.last)), SX_OK);
	ck_assert_int_eq(sx_scmp_parse(&scmp, &packet), SX_OK);
	ck_assert_uint_eq(scmp.type, SX_SCMP_ECHO_REPLY);
	ck_assert_uint_eq(scmp.id, 7);
	ck_assert_uint_eq(scmp.sequence, 9);
	ck_assert(sx_bytes_equal(scmp.data, sx_bytes_text("ping")));
	ck_assert(sx_addr_equal(&packet.src, &host.addr));
	sx_socket_set_time(host.socket, 2 * SECOND_NS, SX_LAB_NOW + 1);
	ck_assert_int_eq(
		sx_underlay_send(stranger, &to, sx_writer_bytes(&writer), writer.at, 0), SX_OK);
	host_drop(&host);
	ck_assert_uint_eq(stats_of(&host).scmp_echo, 101);
	bytes[writer.at - 1] ^= 1;
	ck_assert_int_eq(
		sx_underlay_send(stranger, &to, sx_writer_bytes(&writer), writer.at, 0), SX_OK);
	host_drop(&host);
	ck_assert_uint_eq(stats_of(&host).bad_checksum, 1);
	sx_underlay_close(stranger);
	host_close(&host);
}
END_TEST

static const struct {
	const char *addr;
	int status;
	const char *problem;
} openings[] = {
	{ "1-ff00:0:113,127.0.0.1", SX_EINVAL,
		"our address is 1-ff00:0:113,127.0.0.1, but the paths are those of 1-ff00:0:112" },
	{ "1-ff00:0:112,CS", SX_EINVAL,
		"our address 1-ff00:0:112,CS must have an IP address as its host" },
	{ "1-ff00:0:112,192.0.2.1", SX_EIO,
		"cannot bind UDP port 0 of 192.0.2.1: Cannot assign requested address" },
};

START_TEST(what_cannot_be_opened_says_why)
{
	static struct host host;
	char problem[SX_SOCKET_PROBLEM_BYTES] = "";
	struct sx_socket_config config = { .secret = secret, .received = take_in };
	struct sx_socket *socket;

	host_open(&host, "1-ff00:0:112,127.0.0.2", 0, plain_file("1-ff00:0:112"));
	config.local = addr_of(openings[_i].addr);
	config.paths = host.source;
	ck_assert_int_eq(sx_socket_open(&socket, &config, problem), openings[_i].status);
	ck_assert_str_eq(problem, openings[_i].problem);
	host_close(&host);
}
END_TEST

static int open_and_close(void *arg)
{
	char problem[SX_SOCKET_PROBLEM_BYTES];
	struct host *host = arg;
	struct sx_socket_config config = {
		.local = host->addr,
		.paths = host->source,
		.secret = secret,
		.received = take_in,
	};
	struct sx_socket *socket;
	int rc = sx_socket_open(&socket, &config, problem);

	if (rc == SX_OK) {
		sx_socket_close(socket);
	}
	return rc;
}

START_TEST(every_allocation_of_opening_may_fail)
{
	static struct host host;

	host_open(&host, "1-ff00:0:112,127.0.0.2", 0, plain_file("1-ff00:0:112"));
	ck_assert_uint_eq(sx_each_allocation_fails(open_and_close, &host), 2);
	host_close(&host);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("socket");
	TCase *tcase = tcase_create("inside");

	tcase_add_test(tcase, hosts_of_one_as_talk_without_a_path);
	tcase_add_test(tcase, trains_arrive_whole_and_in_order);
	tcase_add_test(tcase, a_link_narrower_than_the_path_lowers_the_budget);
	tcase_add_test(tcase, a_reply_needs_no_route);
	tcase_add_test(tcase, peers_are_known_by_address_and_key);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("strangers");
	tcase_add_loop_test(
		tcase, what_strangers_send_is_dropped_and_counted, 0, SX_COUNT(strangers));
	tcase_add_test(tcase, a_datagram_of_65507_bytes_is_taken_for_what_it_is);
	tcase_add_test(tcase, echo_requests_are_answered_at_a_bounded_rate);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("opening");
	tcase_add_loop_test(tcase, what_cannot_be_opened_says_why, 0, SX_COUNT(openings));
	tcase_add_test(tcase, every_allocation_of_opening_may_fail);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
