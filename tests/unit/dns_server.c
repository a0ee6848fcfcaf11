/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wire.h"
#include "dns_server.h"

#define QUESTION_OFFSET 12

struct dns_server server;

static int bound_socket(int type, struct sockaddr_in *address)
{
	socklen_t len = sizeof *address;
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)address, len) < 0 ||
		getsockname(fd, (struct sockaddr *)address, &len) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* A TCP and a UDP socket on one port, and another UDP socket. */
void dns_server_open(enum dns_behaviour behaviour)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in address;

	server = (struct dns_server){ .behaviour = behaviour };
	do {
		address = any;
		server.udp = bound_socket(SOCK_DGRAM, &address);
		ck_assert_int_ge(server.udp, 0);
		server.listener = bound_socket(SOCK_STREAM, &address);
	} while (server.listener < 0 && close(server.udp) == 0);
	ck_assert_int_eq(listen(server.listener, 4), 0);
	server.stranger = bound_socket(SOCK_DGRAM, &any);
	ck_assert_int_ge(server.stranger, 0);
	(void)snprintf(
		server.address, sizeof server.address, "127.0.0.1:%u", ntohs(address.sin_port));
}

void dns_server_close(void)
{
	(void)close(server.udp);
	(void)close(server.listener);
	(void)close(server.stranger);
}

#define SCION_TXT \
	"\x1d"    \
	"scion=2-ff00:0:211,192.0.2.20"

/* Answers whose rdata depends on the type: of one record, with a TTL of 77. */
static const struct {
	uint8_t type;
	const char *rdata;
	size_t len;
} zone[] = {
	{ SX_DNS_A, "\x0a\0\0\1", 4 },
	{ SX_DNS_AAAA, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16 },
	{ SX_DNS_TXT, "\5hello", 6 },
	{ SX_DNS_SRV, "\0\1\0\2\x14\x66\1x\0", 9 },
};

static void write_record(struct sx_writer *writer, uint8_t type, struct sx_bytes rdata)
{
	sx_write_u16(writer, 0xc000 | QUESTION_OFFSET);
	sx_write_u16(writer, type);
	sx_write_u16(writer, 1);
	sx_write_u32(writer, 77);
	sx_write_u16(writer, (uint16_t)rdata.len);
	sx_write_bytes(writer, rdata);
}

/* A SCION address for names that begin with "scion". */
static bool is_scion(struct sx_bytes query, uint8_t type)
{
	return type == SX_DNS_TXT && query.len > QUESTION_OFFSET + 6 &&
	       memcmp(query.data + QUESTION_OFFSET, "\5scion", 6) == 0;
}

static void write_answer(struct sx_writer *writer, struct sx_bytes query, uint8_t type)
{
	if (is_scion(query, type)) {
		write_record(writer, type, sx_bytes_text(SCION_TXT));
		return;
	}
	for (size_t i = 0; i < SX_COUNT(zone); i++) {
		if (zone[i].type == type) {
			write_record(writer, type, sx_bytes_of(zone[i].rdata, zone[i].len));
		}
	}
}

/* A text that UDP would not carry. */
static void write_large_answer(struct sx_writer *writer)
{
	static uint8_t rdata[LARGE_BYTES];

	for (size_t i = 0; i < sizeof rdata; i++) {
		rdata[i] = i % 100 ? 't' : 99;
	}
	write_record(writer, SX_DNS_TXT, sx_bytes_of(rdata, sizeof rdata));
}

/* Where the question ends: behind its name, type and class. */
static size_t question_end(const uint8_t *query)
{
	size_t at = QUESTION_OFFSET;

	while (query[at] != 0) {
		at += 1U + query[at];
	}
	return at + 5;
}

/* The reply to a question: its header and question again, and `flags`. */
static void reply_start(
	struct sx_writer *writer, struct sx_bytes query, uint16_t flags, uint16_t answers)
{
	size_t end = question_end(query.data);

	sx_write_bytes(writer, sx_bytes_of(query.data, 2));
	sx_write_u16(writer, flags);
	sx_write_u16(writer, 1);
	sx_write_u16(writer, answers);
	sx_write_u32(writer, 0);
	sx_write_bytes(writer, sx_bytes_of(query.data + QUESTION_OFFSET, end - QUESTION_OFFSET));
}

static void send_reply(int fd, const struct sockaddr_in *to, struct sx_bytes reply)
{
	ck_assert_uint_eq((size_t)sendto(fd, reply.data, reply.len, 0, (const struct sockaddr *)to,
				  sizeof *to),
		reply.len);
}

/* What is sent first when the right answer follows. */
static void send_wrong(const struct sockaddr_in *to, struct sx_bytes reply)
{
	uint8_t wrong[512];

	memcpy(wrong, reply.data, reply.len);
	wrong[reply.len - 1] ^= 1;
	if (server.behaviour == WRONG_ID) {
		wrong[0] ^= 0x55;
		send_reply(server.udp, to, sx_bytes_of(wrong, reply.len));
	} else if (server.behaviour == WRONG_PORT) {
		send_reply(server.stranger, to, sx_bytes_of(wrong, reply.len));
	}
}

static uint16_t flags_of(enum dns_behaviour behaviour, uint8_t type)
{
	switch (behaviour) {
	case SERVER_FAILURE:
		return 0x8182;
	case SERVICE_FAILURE:
		return type == SX_DNS_SRV ? 0x8182 : 0x8180;
	case REFUSAL:
		return 0x8185;
	case NO_NAME:
		return 0x8183;
	case TRUNCATION:
	case TRUNCATION_CUT:
		return 0x8380;
	default:
		return 0x8180;
	}
}

void dns_server_serve_udp(void)
{
	uint8_t query[512], reply[512];
	struct sx_writer writer = sx_writer_of(reply, sizeof reply);
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	ssize_t len =
		recvfrom(server.udp, query, sizeof query, 0, (struct sockaddr *)&from, &from_len);
	uint8_t type;
	uint16_t flags;

	ck_assert_int_gt(len, QUESTION_OFFSET);
	type = query[question_end(query) - 3];
	flags = flags_of(server.behaviour, type);
	server.questions++;
	if (server.behaviour == SILENCE ||
		(server.behaviour == SECOND_TIME && server.questions == 1)) {
		return;
	}
	reply_start(&writer, sx_bytes_of(query, (size_t)len), flags, flags == 0x8180);
	if (flags == 0x8180) {
		write_answer(&writer, sx_bytes_of(query, (size_t)len), type);
	}
	send_wrong(&from, sx_writer_bytes(&writer));
	send_reply(server.udp, &from, sx_writer_bytes(&writer));
}

/* One question on a connection of its own; c-ares writes it at once. */
void dns_server_serve_tcp(void)
{
	static uint8_t query[512], reply[LARGE_BYTES + 512];
	struct sx_writer writer = sx_writer_of(reply, sizeof reply);
	int fd = accept(server.listener, NULL, NULL);
	ssize_t len;

	ck_assert_int_ge(fd, 0);
	if (server.behaviour == TRUNCATION) {
		len = recv(fd, query, sizeof query, 0);
		ck_assert_int_gt(len, 2 + QUESTION_OFFSET);
		sx_write_u16(&writer, 0);
		reply_start(&writer, sx_bytes_of(query + 2, (size_t)len - 2), 0x8180, 1);
		write_large_answer(&writer);
		reply[0] = (uint8_t)((writer.at - 2) >> 8);
		reply[1] = (uint8_t)(writer.at - 2);
		ck_assert_uint_eq((size_t)send(fd, reply, writer.at, MSG_NOSIGNAL), writer.at);
	}
	(void)close(fd);
}
