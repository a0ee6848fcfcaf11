/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/list.h"
#include "rains/msg.h"
#include "rains/scan.h"
#include "rains/tls.h"
#include "rains/tls_link.h"

#define CONNECT_NS UINT64_C(1500000000)

struct tls_link {
	struct sx_rains_link link;
	struct sx_loop *loop;
	struct sx_rains_tls_trust *trust;
	struct sx_ip_port at;
	struct sx_rains_link_events events;
	struct sx_rains_tls *tls; /* NULL: not connected */
	struct sx_cbor_scan scan; /* of the message coming in */
	size_t len;               /* bytes of it that are there */
	uint8_t message[SX_RAINS_MSG_MOST];
};

static void disconnect(struct tls_link *link)
{
	sx_rains_tls_close(link->tls);
	link->tls = NULL;
}

static void on_closed(void *arg, int status, const char *reason)
{
	struct tls_link *link = arg;

	disconnect(link);
	link->events.broken(link->events.arg,
		status == SX_ECLOSED && link->len > 0 ? SX_ERESET : status, reason);
}

static void on_connected(void *arg)
{
	(void)arg;
}

/* Takes what belongs to the message under way; the rest stays in `bytes`. */
static int take(struct tls_link *link, struct sx_bytes *bytes)
{
	size_t room = sizeof link->message - link->len;
	size_t count = bytes->len < room ? bytes->len : room;
	size_t before = link->len;
	int rc;

	memcpy(link->message + link->len, bytes->data, count);
	link->len += count;
	rc = sx_cbor_scan(&link->scan, sx_bytes_of(link->message, link->len));
	if (rc == SX_OK) {
		count = link->scan.at - before; /* the next message begins there */
		link->len = link->scan.at;
	}
	*bytes = sx_bytes_of(bytes->data + count, bytes->len - count);
	return rc == SX_EAGAIN && room == 0 ? SX_ELIMIT : rc;
}

static void on_received(void *arg, struct sx_bytes bytes)
{
	struct tls_link *link = arg;

	while (bytes.len > 0) {
		int rc = take(link, &bytes);

		if (rc == SX_OK) {
			link->events.received(
				link->events.arg, sx_bytes_of(link->message, link->len));
			link->scan = sx_cbor_scan_of(SX_RAINS_MSG_MOST);
			link->len = 0;
		} else if (rc != SX_EAGAIN) {
			disconnect(link);
			link->events.broken(link->events.arg, rc,
				rc == SX_ELIMIT ? "sent a message over the limits"
						: "sent what is no RAINS message");
			return;
		}
	}
}

static int connect_to(struct tls_link *link, uint64_t now_ns)
{
	struct sx_rains_tls_config config = { .server = link->at,
		.trust = link->trust,
		.deadline_ns = now_ns + CONNECT_NS,
		.events = { on_connected, on_received, on_closed },
		.arg = link };

	link->scan = sx_cbor_scan_of(SX_RAINS_MSG_MOST);
	link->len = 0;
	return sx_rains_tls_open(&link->tls, link->loop, &config);
}

static int link_send(struct sx_rains_link *base, struct sx_bytes message, uint64_t now_ns)
{
	struct tls_link *link = sx_container_of(base, struct tls_link, link);

	if (!link->tls) {
		int rc = connect_to(link, now_ns);

		if (rc < 0) {
			return rc;
		}
	}
	return sx_rains_tls_send(link->tls, message);
}

/* TCP looks after its own way, and says so when it is gone. */
static void link_suspect(struct sx_rains_link *base)
{
	(void)base;
}

static void link_free(struct sx_rains_link *base)
{
	struct tls_link *link = sx_container_of(base, struct tls_link, link);

	sx_rains_tls_close(link->tls);
	sx_rains_tls_trust_free(link->trust);
	free(link);
}

static const struct sx_rains_link_ops ops = { link_send, link_suspect, link_free };

static int load_trust(
	struct tls_link *link, const struct sx_rains_server *server, struct sx_rains_reason *reason)
{
	struct sx_rains_tls_policy policy = { .verify = SX_RAINS_TLS_ANY };
	char error[SX_RAINS_REASON_BYTES / 2] = "out of memory";
	int rc;

	if (server->is_pinned) {
		policy.verify = SX_RAINS_TLS_PIN;
		policy.pin = sx_bytes_of(server->pin, sizeof server->pin);
	} else if (server->cafile[0]) {
		policy.verify = SX_RAINS_TLS_CA;
		policy.ca_file = server->cafile;
		policy.name = server->name;
	}
	rc = sx_rains_tls_trust_new(&link->trust, &policy, error, sizeof error);
	if (rc < 0) {
		sx_rains_reason_set(reason, "%s: %s", server->text, error);
	}
	return rc;
}

int sx_rains_tls_link_new(struct sx_rains_link **out, struct sx_loop *loop,
	const struct sx_rains_server *server, const struct sx_rains_link_events *events,
	struct sx_rains_reason *reason)
{
	struct tls_link *link = calloc(1, sizeof *link);
	int rc;

	if (!link) {
		return SX_ENOMEM;
	}
	rc = load_trust(link, server, reason);
	if (rc < 0) {
		free(link);
		return rc;
	}
	link->link.ops = &ops;
	link->loop = loop;
	link->at = (struct sx_ip_port){ server->addr.host, server->port };
	link->events = *events;
	*out = &link->link;
	return SX_OK;
}
