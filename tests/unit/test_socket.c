/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "lab.h"
#include "scion/pathsrc_file.h"
#include "scion/route.h"
#include "scion/scmp.h"
#include "scion/socket.h"
#include "scion/underlay.h"
#include "tap.h"

#define SECOND_NS 1000000000U

static const uint8_t secret[SX_SOCKET_SECRET_BYTES] = "thirty-two bytes for these tests";

/* What has been handed up, concatenated; views in `last` have gone stale, but for addresses. */
struct inbox {
	size_t count;
	size_t at;
	struct sx_datagram last;
	uint8_t bytes[1 << 18];
};

/* One host: its path file, source and socket. */
struct host {
	char file[64];
	struct sx_pathsrc *source;
	struct sx_socket *socket;
	struct sx_port_ref port;
	struct sx_addr addr;
	struct inbox inbox;
	/* Called on arrival, while the datagram is alive. */
	void (*on_arrival)(struct host *host, const struct sx_datagram *datagram);
	struct sx_route *back;
};

/*
 * The network between two hosts: a router in front of each. The stub carries packets as the recorded network would,
 * with its keys (lab.h); what it does not carry it keeps.
 */
struct network {
	json_t *root;
	struct sx_underlay *routers[2];
	char router_texts[2][SX_ADDR_TEXT_BYTES];
	struct host *hosts[2];
	unsigned carried;
};

static struct sx_addr addr_of(const char *text)
{
	struct sx_addr addr;

	ck_assert_int_eq(sx_addr_parse(sx_bytes_text(text), &addr), SX_OK);
	return addr;
}

static void take_in(void *arg, const struct sx_datagram *datagram)
{
	struct host *host = arg;
	struct inbox *inbox = &host->inbox;

	memcpy(inbox->bytes + inbox->at, datagram->payload.data, datagram->payload.len);
	inbox->at += datagram->payload.len;
	inbox->count++;
	inbox->last = *datagram;
	if (host->on_arrival) {
		host->on_arrival(host, datagram);
	}
}

static void write_file(const struct host *host, const json_t *file)
{
	char fresh[80];

	(void)snprintf(fresh, sizeof fresh, "%s.new", host->file);
	ck_assert_int_eq(json_dump_file(file, fresh, 0), 0);
	ck_assert_int_eq(rename(fresh, host->file), 0);
}

/* Opens a host whose path file says `file`, which it consumes. */
static void host_open(struct host *host, const char *addr, uint16_t port, json_t *file)
{
	char problem[SX_SOCKET_PROBLEM_BYTES];
	struct sx_log log = { 0 };
	struct sx_socket_config config = {
		.local = addr_of(addr),
		.port = port,
		.secret = secret,
		.received = take_in,
		.arg = host,
	};

	memset(host, 0, sizeof *host);
	(void)snprintf(host->file, sizeof host->file, "test_socket.%d.%s.json", getpid(), addr);
	write_file(host, file);
	json_decref(file);
	ck_assert_int_eq(sx_pathsrc_file_open(&host->source, host->file, &log, problem), SX_OK);
	config.paths = host->source;
	ck_assert_msg(sx_socket_open(&host->socket, &config, problem) == SX_OK, "%s", problem);
	sx_socket_set_time(host->socket, SECOND_NS, SX_LAB_NOW);
	host->port = sx_socket_port(host->socket);
	host->addr = config.local;
}

static void host_close(struct host *host)
{
	if (host->back) {
		host->port.ops->route_free(host->back);
	}
	sx_socket_close(host->socket);
	host->source->ops->free(host->source);
	ck_assert_int_eq(unlink(host->file), 0);
}

/* Receives until `count` datagrams more have been handed up. */
static void host_await(struct host *host, size_t count)
{
	size_t until = host->inbox.count + count;

	while (host->inbox.count < until) {
		struct pollfd ready = { .fd = sx_socket_fd(host->socket), .events = POLLIN };

		ck_assert_int_eq(poll(&ready, 1, 1000), 1);
		ck_assert_int_eq(sx_socket_receive(host->socket), SX_OK);
	}
	ck_assert_uint_eq(host->inbox.count, until);
}

/* Lets a host read what is there, without anything being handed up. */
static void host_drop(struct host *host)
{
	size_t count = host->inbox.count;
	struct pollfd ready = { .fd = sx_socket_fd(host->socket), .events = POLLIN };

	ck_assert_int_eq(poll(&ready, 1, 1000), 1);
	ck_assert_int_eq(sx_socket_receive(host->socket), SX_OK);
	ck_assert_uint_eq(host->inbox.count, count);
}

static struct sx_socket_stats stats_of(const struct host *host)
{
	struct sx_socket_stats stats;

	sx_socket_stats(host->socket, &stats);
	return stats;
}

static int send_text(const struct host *host, struct sx_route *route, const char *text)
{
	return host->port.ops->send(route, sx_bytes_text(text), strlen(text), 1);
}

static json_t *plain_file(const char *as)
{
	return json_pack("{ss si s[s] s[]}", "isd_as", as, "mtu", 1400, "routers",
		"127.9.9.9:31002", "paths");
}

static void pair_open(struct host hosts[2])
{
	host_open(&hosts[0], "1-ff00:0:112,127.0.0.1", 0, plain_file("1-ff00:0:112"));
	host_open(&hosts[1], "1-ff00:0:112,127.0.0.2", 0, plain_file("1-ff00:0:112"));
}

static struct sx_route *route_between(struct host *from, const struct host *to)
{
	struct sx_route *route;

	ck_assert_int_eq(sx_socket_route_new(from->socket, &to->addr,
				 sx_socket_port_number(to->socket), &route),
		SX_OK);
	return route;
}

static bool is_same_peer(struct sx_peer a, struct sx_peer b)
{
	return memcmp(&a.address, &b.address, sizeof a.address) == 0;
}

static void keep_route_back(struct host *host, const struct sx_datagram *datagram)
{
	if (!host->back) {
		ck_assert_int_eq(
			host->port.ops->route_back(host->port.port, datagram, &host->back), SX_OK);
	}
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

static const char *const lab_as[2] = { "1-ff00:0:112", "2-ff00:0:211" };
static const char *const lab_addr[2] = { "1-ff00:0:112,127.0.0.1", "2-ff00:0:211,127.0.0.2" };

static void router_open(struct network *network, int side)
{
	struct sx_ip_port local = { .host = addr_of("1-1,127.0.0.3").host };
	int os_error;

	ck_assert_int_eq(sx_underlay_open(&network->routers[side], &local, &os_error), SX_OK);
	(void)snprintf(network->router_texts[side], SX_ADDR_TEXT_BYTES, "127.0.0.3:%u",
		sx_underlay_local(network->routers[side]).port);
}

static void network_open(struct network *network, struct host hosts[2])
{
	memset(network, 0, sizeof *network);
	network->root = sx_vectors_load("scion/packets.json");
	for (int i = 0; i < 2; i++) {
		router_open(network, i);
		host_open(&hosts[i], lab_addr[i], 0,
			sx_lab_path_file(network->root, lab_as[i], network->router_texts[i]));
		network->hosts[i] = &hosts[i];
	}
}

static void network_close(struct network *network)
{
	for (int i = 0; i < 2; i++) {
		sx_underlay_close(network->routers[i]);
		host_close(network->hosts[i]);
	}
	json_decref(network->root);
}

/* From the host of one side, through all MAC checks, to the host of the other. */
static void carry(struct network *network, int from, struct sx_bytes data)
{
	struct host *host = network->hosts[!from];
	struct sx_ip_port to = { host->addr.host, sx_socket_port_number(host->socket) };
	struct sx_vector out;
	struct sx_writer writer = sx_writer_of(out.data, sizeof out.data);
	uint8_t raw[SX_PATH_MAX];
	struct sx_writer path_writer = sx_writer_of(raw, sizeof raw);
	struct sx_packet packet;
	struct sx_path path;

	ck_assert_int_eq(sx_packet_parse(&packet, data), SX_OK);
	ck_assert_int_eq(sx_path_parse(&path, packet.path), SX_OK);
	ck_assert_str_eq(sx_lab_walk(json_object_get(network->root, "ases"), lab_as[from], &path),
		lab_as[!from]);
	sx_path_write(&path, &path_writer);
	packet.path = sx_writer_bytes(&path_writer);
	ck_assert_int_eq(sx_packet_write(&writer, &packet), SX_OK);
	ck_assert_int_eq(sx_underlay_send(network->routers[!from], &to, sx_writer_bytes(&writer),
				 writer.at, 0),
		SX_OK);
	network->carried++;
}

struct carriage {
	struct network *network;
	int from;
};

static void carry_one(void *arg, const struct sx_underlay_datagram *datagram)
{
	const struct carriage *carriage = arg;

	carry(carriage->network, carriage->from, datagram->data);
}

/* Carries one datagram that `from` has sent, and has the other host take it in. */
static void pass_on(struct network *network, int from)
{
	struct carriage carriage = { network, from };
	struct pollfd ready = { .fd = sx_underlay_fd(network->routers[from]), .events = POLLIN };

	ck_assert_int_eq(poll(&ready, 1, 1000), 1);
	ck_assert_int_eq(sx_underlay_receive(network->routers[from], carry_one, &carriage), SX_OK);
	host_await(network->hosts[!from], 1);
}

static void way_of(const struct host *host, const struct sx_route *route, char *out)
{
	char peer[SX_PEER_TEXT_BYTES];

	host->port.ops->describe(route, peer, sizeof peer, out, SX_WAY_TEXT_BYTES);
}

START_TEST(datagrams_cross_the_network_and_come_back_the_same_way)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char there[SX_WAY_TEXT_BYTES];
	char back[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	hosts[1].on_arrival = keep_route_back;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "there"), SX_OK);
	pass_on(&network, 0);
	ck_assert_mem_eq(hosts[1].inbox.bytes, "there", 5);
	ck_assert(is_same_peer(hosts[1].inbox.last.from, sx_socket_local_peer(hosts[0].socket)));
	ck_assert_int_eq(send_text(&hosts[1], hosts[1].back, "back"), SX_OK);
	pass_on(&network, 1);
	ck_assert_mem_eq(hosts[0].inbox.bytes, "back", 4);
	way_of(&hosts[0], route, there);
	way_of(&hosts[1], hosts[1].back, back);
	ck_assert_int_eq(strncmp(there, "1-ff00:0:112#1 > 1-ff00:0:111#3,", 32), 0);
	ck_assert_int_eq(strncmp(back, "2-ff00:0:211#", 13), 0);
	ck_assert_ptr_nonnull(strstr(back, "> 1-ff00:0:112#1"));
	/* 1400 less common header, addresses, 3 info fields or 2, and hops, and UDP. */
	ck_assert_uint_le(hosts[0].port.ops->budget(route), 1400 - 44 - 4 - 2 * 8 - 4 * 12);
	ck_assert_uint_ge(hosts[0].port.ops->budget(route), 1200);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

START_TEST(a_suspected_path_is_left_for_the_next_until_all_have_been_tried)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char ways[5][SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	route = route_between(&hosts[0], &hosts[1]);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
		pass_on(&network, 0);
		way_of(&hosts[0], route, ways[i]);
		hosts[0].port.ops->suspect(route);
	}
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < i; j++) {
			ck_assert_str_ne(ways[i], ways[j]);
		}
	}
	ck_assert_str_eq(ways[4], ways[0]); /* four paths: round again, the longest ago first */
	ck_assert_uint_eq(stats_of(&hosts[0]).path_switches, 5);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

static void learn_too(struct host *host, const struct sx_datagram *datagram)
{
	keep_route_back(host, datagram);
	host->port.ops->learn(host->back, datagram);
}

START_TEST(an_accepted_route_follows_the_peer_and_a_dialled_one_does_not)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char before[SX_WAY_TEXT_BYTES];
	char after[SX_WAY_TEXT_BYTES];
	char own[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	hosts[1].on_arrival = learn_too;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[1], hosts[1].back, before);
	hosts[0].port.ops->suspect(route);
	way_of(&hosts[0], route, own);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[1], hosts[1].back, after);
	ck_assert_str_ne(before, after);

	/* The other side fails over by itself; we hear it, and keep our own way. */
	hosts[1].port.ops->suspect(hosts[1].back);
	way_of(&hosts[1], hosts[1].back, before);
	ck_assert_str_ne(before, after);
	hosts[0].back = route;
	hosts[0].on_arrival = learn_too;
	ck_assert_int_eq(send_text(&hosts[1], hosts[1].back, "y"), SX_OK);
	pass_on(&network, 1);
	way_of(&hosts[0], route, after);
	ck_assert_str_eq(own, after);

	/* What came before is no news: the far side stays where it has moved. */
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[1], hosts[1].back, after);
	ck_assert_str_eq(before, after);
	network_close(&network);
}
END_TEST

/* Leaves `keep` paths to the other host in the file of hosts[which], and has it read again. */
static void thin_out(struct network *network, int which, size_t keep, int64_t expiry_change)
{
	struct host *host = network->hosts[which];
	json_t *file = sx_lab_path_file(network->root, lab_as[which], network->router_texts[which]);
	json_t *paths = json_object_get(file, "paths");
	static uint64_t now_ns = 10 * (uint64_t)SECOND_NS;

	for (size_t i = json_array_size(paths); i-- > 0;) {
		json_t *path = json_array_get(paths, i);
		const char *to = json_string_value(json_object_get(path, "destination"));
		json_int_t expiry = json_integer_value(json_object_get(path, "expiry"));

		if (strcmp(to, lab_as[!which]) != 0 || keep == 0) {
			ck_assert_int_eq(json_array_remove(paths, i), 0);
			continue;
		}
		keep--;
		ck_assert_int_eq(
			json_object_set_new(path, "expiry", json_integer(expiry + expiry_change)),
			0);
	}
	write_file(host, file);
	json_decref(file);
	now_ns += 2 * (uint64_t)SECOND_NS;
	sx_socket_set_time(host->socket, now_ns, SX_LAB_NOW);
}

START_TEST(a_dialled_route_out_of_candidates_follows_the_peer)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	char own[SX_WAY_TEXT_BYTES];
	char after[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	thin_out(&network, 0, 1, 0);
	hosts[1].on_arrival = learn_too;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	way_of(&hosts[0], route, own);
	hosts[0].port.ops->suspect(route);
	way_of(&hosts[0], route, after);
	ck_assert_str_eq(own, after);
	hosts[0].back = route;
	hosts[0].on_arrival = learn_too;
	hosts[1].port.ops->suspect(hosts[1].back);
	ck_assert_int_eq(send_text(&hosts[1], hosts[1].back, "y"), SX_OK);
	pass_on(&network, 1);
	way_of(&hosts[0], route, after);
	ck_assert_str_ne(own, after); /* a way that our source does not know: told by interfaces */
	ck_assert_ptr_nonnull(strstr(after, "> #"));
	ck_assert_uint_eq(hosts[0].port.ops->budget(route), 1200);
	ck_assert_int_eq(send_text(&hosts[0], route, "z"), SX_OK);
	pass_on(&network, 0);
	network_close(&network);
}
END_TEST

START_TEST(fresh_hop_fields_are_swapped_in_and_expired_paths_left)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;
	uint64_t expiry;
	char before[SX_WAY_TEXT_BYTES];
	char after[SX_WAY_TEXT_BYTES];

	network_open(&network, hosts);
	thin_out(&network, 0, 4, -1000);
	route = route_between(&hosts[0], &hosts[1]);
	expiry = route->expiry;
	way_of(&hosts[0], route, before);
	thin_out(&network, 0, 4, -500);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	ck_assert_uint_eq(route->expiry, expiry + 500);
	way_of(&hosts[0], route, after);
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(stats_of(&hosts[0]).path_switches, 0);
	sx_socket_set_time(hosts[0].socket, 100 * (uint64_t)SECOND_NS, SX_LAB_NOW + 7 * 86400);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_EUNREACH);
	ck_assert_uint_eq(stats_of(&hosts[0]).lost_out, 1);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

START_TEST(without_a_path_there_is_no_route)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_addr nowhere = addr_of("9-9,127.0.0.1");
	struct sx_addr service = addr_of("2-ff00:0:211,CS");
	struct sx_route *route;

	network_open(&network, hosts);
	ck_assert_int_eq(sx_socket_route_new(hosts[0].socket, &nowhere, 1, &route), SX_EUNREACH);
	ck_assert_int_eq(sx_socket_route_new(hosts[0].socket, &service, 1, &route), SX_EINVAL);
	sx_socket_set_time(hosts[0].socket, 2 * SECOND_NS, SX_LAB_NOW + 7 * 86400);
	ck_assert_int_eq(
		sx_socket_route_new(hosts[0].socket, &hosts[1].addr, 1, &route), SX_EUNREACH);
	network_close(&network);
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

static int dial_and_free(void *arg)
{
	struct host *hosts = arg;
	struct sx_route *route;
	int rc = sx_socket_route_new(hosts[0].socket, &hosts[1].addr, 1, &route);

	if (rc == SX_OK) {
		hosts[0].port.ops->route_free(route);
	}
	return rc;
}

START_TEST(every_allocation_of_opening_and_dialling_may_fail)
{
	static struct network network;
	static struct host hosts[2];

	network_open(&network, hosts);
	ck_assert_uint_eq(sx_each_allocation_fails(open_and_close, &hosts[0]), 2);
	ck_assert_uint_eq(sx_each_allocation_fails(dial_and_free, hosts), 2);
	network_close(&network);
}
END_TEST

/* A route back lives without the source's knowledge of its way, so only its own allocation is needed. */
static void answer_without_memory(struct host *host, const struct sx_datagram *datagram)
{
	static const int expected[] = { SX_ENOMEM, SX_OK };

	for (unsigned nth = 1; nth <= SX_COUNT(expected); nth++) {
		struct sx_route *route = NULL;
		int rc;

		sx_alloc_countdown = nth;
		rc = host->port.ops->route_back(host->port.port, datagram, &route);
		ck_assert_uint_eq(sx_alloc_countdown, 0);
		ck_assert_int_eq(rc, expected[nth - 1]);
		host->port.ops->route_free(route);
	}
}

START_TEST(every_allocation_of_answering_may_fail)
{
	static struct network network;
	static struct host hosts[2];
	struct sx_route *route;

	network_open(&network, hosts);
	hosts[1].on_arrival = answer_without_memory;
	route = route_between(&hosts[0], &hosts[1]);
	ck_assert_int_eq(send_text(&hosts[0], route, "x"), SX_OK);
	pass_on(&network, 0);
	hosts[0].port.ops->route_free(route);
	network_close(&network);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("socket");
	TCase *tcase = tcase_create("inside");

	tcase_add_test(tcase, hosts_of_one_as_talk_without_a_path);
	tcase_add_test(tcase, trains_arrive_whole_and_in_order);
	tcase_add_test(tcase, a_reply_needs_no_route);
	tcase_add_test(tcase, peers_are_known_by_address_and_key);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("strangers");
	tcase_add_loop_test(
		tcase, what_strangers_send_is_dropped_and_counted, 0, SX_COUNT(strangers));
	tcase_add_test(tcase, echo_requests_are_answered_at_a_bounded_rate);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("paths");
	tcase_add_test(tcase, datagrams_cross_the_network_and_come_back_the_same_way);
	tcase_add_test(tcase, a_suspected_path_is_left_for_the_next_until_all_have_been_tried);
	tcase_add_test(tcase, an_accepted_route_follows_the_peer_and_a_dialled_one_does_not);
	tcase_add_test(tcase, a_dialled_route_out_of_candidates_follows_the_peer);
	tcase_add_test(tcase, fresh_hop_fields_are_swapped_in_and_expired_paths_left);
	tcase_add_test(tcase, without_a_path_there_is_no_route);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("opening");
	tcase_add_loop_test(tcase, what_cannot_be_opened_says_why, 0, SX_COUNT(openings));
	tcase_add_test(tcase, every_allocation_of_opening_and_dialling_may_fail);
	tcase_add_test(tcase, every_allocation_of_answering_may_fail);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
