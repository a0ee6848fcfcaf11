/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_fixture.h"
#include "tls_server.h"

struct tls_server server;

static void must(int rc)
{
	ck_assert_msg(rc >= 0, "%s", gnutls_strerror(rc));
}

static void load_identity(const char *name)
{
	char certificate[256], key[256];

	(void)snprintf(certificate, sizeof certificate, "%s/%s.crt", fixture_folder(), name);
	(void)snprintf(key, sizeof key, "%s/%s.key", fixture_folder(), name);
	must(gnutls_certificate_allocate_credentials(&server.credentials));
	must(gnutls_certificate_set_x509_key_file(
		server.credentials, certificate, key, GNUTLS_X509_FMT_PEM));
}

void tls_server_listen(const char *ip, int backlog)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} address = { .six = { .sin6_family = AF_INET6 } };
	socklen_t len = sizeof address;

	ck_assert_int_eq(sx_host_parse(sx_bytes_text(ip), &server.address.host), SX_OK);
	if (server.address.host.type == SX_HOST_IPV4) {
		address.four.sin_family = AF_INET;
		memcpy(&address.four.sin_addr, server.address.host.bytes, 4);
	} else {
		memcpy(&address.six.sin6_addr, server.address.host.bytes, 16);
	}
	server.listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(server.listener, 0);
	ck_assert_int_eq(bind(server.listener, &address.any, len), 0);
	ck_assert_int_eq(listen(server.listener, backlog), 0);
	ck_assert_int_eq(getsockname(server.listener, &address.any, &len), 0);
	server.address.port = ntohs(address.six.sin6_port); /* at the same place in both */
}

static void begin_session(void)
{
	const char *priority =
		server.behaviour == ECHO_TLS12 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL";

	must(gnutls_init(&server.session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
	must(gnutls_priority_set_direct(server.session, priority, NULL));
	must(gnutls_credentials_set(server.session, GNUTLS_CRD_CERTIFICATE, server.credentials));
	gnutls_transport_set_int(server.session, server.fd);
}

static void hang_up(void)
{
	(void)close(server.fd);
	server.fd = -1;
}

static void accept_client(void)
{
	server.fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(server.fd, 0);
	server.accepted++;
	switch (server.behaviour) {
	case SILENCE:
		return;
	case GARBAGE:
		ck_assert_int_eq(send(server.fd, "220 mail.example.org\r\n", 22, MSG_NOSIGNAL), 22);
		return;
	case HANG_UP:
		hang_up();
		return;
	default:
		begin_session();
	}
}

static void echo(void)
{
	static uint8_t bytes[4096];
	ssize_t len = gnutls_record_recv(server.session, bytes, sizeof bytes);

	while (len > 0) {
		must((int)gnutls_record_send(server.session, bytes, (size_t)len));
		len = gnutls_record_recv(server.session, bytes, sizeof bytes);
	}
	if (len == 0 || (len < 0 && gnutls_error_is_fatal((int)len))) {
		hang_up();
	}
}

static void flood(void)
{
	static uint8_t bytes[16384];
	ssize_t sent = 1;

	while (sent > 0 && server.sent < FLOOD_BYTES) {
		sent = gnutls_record_send(server.session, bytes, sizeof bytes);
		server.sent += sent > 0 ? (size_t)sent : 0;
	}
	server.blocked += sent == GNUTLS_E_AGAIN;
	if (sent < 0 && gnutls_error_is_fatal((int)sent)) {
		hang_up();
	}
}

void tls_server_reset(void)
{
	struct linger at_once = { .l_onoff = 1 };

	ck_assert_int_eq(setsockopt(server.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	hang_up();
}

static void behave(void)
{
	switch (server.behaviour) {
	case FLOOD:
		flood();
		return;
	case GOODBYE:
		must(gnutls_bye(server.session, GNUTLS_SHUT_WR));
		hang_up();
		return;
	case CUT:
		hang_up();
		return;
	case RESET:
		tls_server_reset();
		return;
	default:
		echo();
	}
}

static void serve_client(void)
{
	int rc;

	if (!server.session) {
		return;
	}
	if (!server.is_shaken) {
		rc = gnutls_handshake(server.session);
		if (rc < 0 && gnutls_error_is_fatal(rc)) {
			hang_up();
		}
		server.is_shaken = rc == 0;
	}
	if (server.is_shaken) {
		behave();
	}
}

bool tls_server_turn(struct sx_loop *loop, int wait_ms)
{
	bool floods = server.behaviour == FLOOD && server.is_shaken && server.sent < FLOOD_BYTES;
	bool serves = server.behaviour != SILENCE && server.behaviour != GARBAGE;
	struct pollfd fds[] = {
		{ .fd = sx_loop_fd(loop), .events = POLLIN },
		{ .fd = server.accepted ? -1 : server.listener, .events = POLLIN },
		{ .fd = serves ? server.fd : -1,
			.events = (short)(POLLIN | (floods ? POLLOUT : 0)) },
	};
	int count = poll(fds, SX_COUNT(fds), wait_ms);

	ck_assert_int_ge(count, 0);
	if (fds[0].revents) {
		sx_loop_run(loop, 0);
	}
	if (fds[1].revents) {
		accept_client();
	}
	if (fds[2].revents) {
		serve_client();
	}
	return count > 0;
}

void tls_server_init(enum tls_behaviour behaviour, const char *identity)
{
	server = (struct tls_server){ .behaviour = behaviour, .fd = -1, .listener = -1 };
	load_identity(identity);
}

void tls_server_close(void)
{
	if (server.session) {
		gnutls_deinit(server.session);
	}
	gnutls_certificate_free_credentials(server.credentials);
	(void)close(server.fd);
	(void)close(server.listener);
}
