/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "rains/scan.h"
#include "rains/tls.h"

#define MESSAGE_MOST 65536
#define NS_PER_MS    1000000
#define HOST_BYTES   256

struct sx_cli_server {
	struct sx_ip_port address;
	struct sx_loop *loop;
	struct sx_rains_tls_trust *trust;
	struct sx_rains_tls *tls; /* NULL: not connected, nor about to be */
	bool is_connected;
	int status; /* why it is not */
	struct sx_rains_reason reason;
	size_t taken; /* bytes of `in` that the last message had */
	size_t len;
	uint8_t in[MESSAGE_MOST];
};

static int complain(
	struct sx_rains_reason *reason, int status, const char *address, const char *problem)
{
	sx_rains_reason_set(reason, "%.200s: %s", address, problem);
	return status;
}

/* The host without its brackets, and the port. False: neither "HOST", "HOST:PORT" nor "[HOST]:PORT". */
static bool split(const char *address, char host[HOST_BYTES], const char **port)
{
	bool has_bracket = *address == '[';
	const char *start = has_bracket ? address + 1 : address;
	const char *end = strchr(start, has_bracket ? ']' : ':');
	const char *rest = end && has_bracket ? end + 1 : end;
	size_t len = end ? (size_t)(end - start) : strlen(start);

	if (len == 0 || len >= HOST_BYTES || (has_bracket && !end) ||
		(rest && *rest && (*rest != ':' || !rest[1] || strchr(rest + 1, ':')))) {
		return false;
	}
	memcpy(host, start, len);
	host[len] = '\0';
	*port = rest && *rest ? rest + 1 : SX_CLI_SERVER_PORT;
	return true;
}

static int read_address(const struct sockaddr *address, struct sx_ip_port *out)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;

	if (address->sa_family == AF_INET) {
		out->port = ntohs(four->sin_port);
		return sx_host_of_ip(
			sx_bytes_of(&four->sin_addr, sizeof four->sin_addr), &out->host);
	}
	out->port = ntohs(six->sin6_port);
	return sx_host_of_ip(sx_bytes_of(&six->sin6_addr, sizeof six->sin6_addr), &out->host);
}

static int look_up(const char *address, struct sx_ip_port *out, struct sx_rains_reason *reason)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found;
	char host[HOST_BYTES];
	const char *port;
	int rc;

	if (!split(address, host, &port)) {
		return complain(reason, SX_EINVAL, address,
			"expected an address such as ns.example.org:55553 or [::1]:55553");
	}
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0) {
		return complain(reason, SX_ENOTFOUND, address, gai_strerror(rc));
	}
	rc = read_address(found->ai_addr, out);
	freeaddrinfo(found);
	return rc;
}

int sx_cli_server_new(
	struct sx_cli_server **out, const char *address, struct sx_rains_reason *reason)
{
	static const struct sx_rains_tls_policy any = { .verify = SX_RAINS_TLS_ANY };
	struct sx_cli_server *server = calloc(1, sizeof *server);
	int rc;

	if (!server) {
		return complain(reason, SX_ENOMEM, address, "out of memory");
	}
	server->status = SX_ECLOSED;
	rc = look_up(address, &server->address, reason);
	if (rc == SX_OK) {
		rc = sx_rains_tls_trust_new(
			&server->trust, &any, reason->text, sizeof reason->text);
	}
	if (rc == SX_OK) {
		rc = sx_loop_new(&server->loop);
	}
	if (rc < 0) {
		sx_cli_server_free(server);
		return rc;
	}
	*out = server;
	return SX_OK;
}

static void disconnect(struct sx_cli_server *server)
{
	sx_rains_tls_close(server->tls);
	server->tls = NULL;
	server->is_connected = false;
	server->status = SX_ECLOSED;
	server->len = 0;
	server->taken = 0;
}

void sx_cli_server_free(struct sx_cli_server *server)
{
	if (!server) {
		return;
	}
	disconnect(server);
	sx_rains_tls_trust_free(server->trust);
	sx_loop_free(server->loop);
	free(server);
}

static void connected(void *arg)
{
	struct sx_cli_server *server = arg;

	server->is_connected = true;
}

/* What does not fit any more is no message: the reader will see that it is too long. */
static void received(void *arg, struct sx_bytes bytes)
{
	struct sx_cli_server *server = arg;
	size_t room = sizeof server->in - server->len;
	size_t len = bytes.len < room ? bytes.len : room;

	memcpy(server->in + server->len, bytes.data, len);
	server->len += len;
}

static void closed(void *arg, int status, const char *reason)
{
	struct sx_cli_server *server = arg;

	server->status = status;
	sx_rains_reason_set(&server->reason, "%s", reason);
	sx_rains_tls_close(server->tls);
	server->tls = NULL;
}

/* Lets the loop do what it can until the deadline. False: it has come. */
static bool wait_a_turn(struct sx_cli_server *server, uint64_t deadline_ns)
{
	uint64_t now_ns = sx_loop_now_ns();

	if (now_ns >= deadline_ns) {
		return false;
	}
	sx_loop_run(server->loop, (int)((deadline_ns - now_ns) / NS_PER_MS) + 1);
	return true;
}

int sx_cli_server_connect(
	struct sx_cli_server *server, uint64_t deadline_ns, struct sx_rains_reason *reason)
{
	const struct sx_rains_tls_config config = {
		.server = server->address,
		.trust = server->trust,
		.deadline_ns = deadline_ns,
		.queue_bytes = MESSAGE_MOST,
		.events = { connected, received, closed },
		.arg = server,
	};
	int rc;

	disconnect(server);
	rc = sx_rains_tls_open(&server->tls, server->loop, &config);
	if (rc < 0) {
		sx_rains_reason_set(reason, "%s", sx_status_text(rc));
		return rc;
	}
	while (server->tls && !server->is_connected && wait_a_turn(server, deadline_ns)) {
	}
	if (server->is_connected && server->tls) {
		return SX_OK;
	}
	rc = server->tls ? SX_ETIMEDOUT : server->status;
	sx_rains_reason_set(reason, "%s; %s",
		server->tls ? sx_status_text(rc) : server->reason.text,
		rc == SX_EREFUSED ? "is it running?" : "does it speak RAINS over TLS there?");
	disconnect(server);
	return rc;
}

int sx_cli_server_send(struct sx_cli_server *server, struct sx_bytes message)
{
	return server->tls ? sx_rains_tls_send(server->tls, message) : server->status;
}

int sx_cli_server_receive(
	struct sx_cli_server *server, uint64_t deadline_ns, struct sx_bytes *message)
{
	struct sx_cbor_scan scan = sx_cbor_scan_of(sizeof server->in);
	int rc;

	server->len -= server->taken;
	memmove(server->in, server->in + server->taken, server->len);
	server->taken = 0;
	rc = sx_cbor_scan(&scan, sx_bytes_of(server->in, server->len));
	while (rc == SX_EAGAIN && server->tls) {
		rc = wait_a_turn(server, deadline_ns)
			     ? sx_cbor_scan(&scan, sx_bytes_of(server->in, server->len))
			     : SX_ETIMEDOUT;
	}
	if (rc == SX_OK) {
		server->taken = scan.at;
		*message = sx_bytes_of(server->in, scan.at);
	}
	return rc == SX_EAGAIN ? server->status : rc;
}
