/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "base/random.h"
#include "quic/endpoint_receive.h"

#define RETRY_LIFETIME_NS  (10 * SX_SECOND_NS)
#define HALF_OPEN_PER_HOST 8
#define HOST_SHARE         4 /* of all connections one host gets this part at most */
#define ANSWER_BYTES       256
#define RESET_BYTES \
	42 /* as short as a reset may be told from a short packet; RFC 9000 section 10.3 */

/* A connection that ends without quarantine is not kept for a moment: it may be one of thousands. */
static void feed(struct sx_conn *conn, const struct sx_datagram *datagram)
{
	sx_conn_read(conn, datagram);
	if (sx_conn_is_over(conn)) {
		sx_conn_free(conn);
	}
}

/* A first packet from nowhere, not yet a connection. */
struct caller {
	struct sx_endpoint *endpoint;
	const struct sx_datagram *datagram;
	struct sx_hello hello;
};

static void drop(struct sx_endpoint *endpoint)
{
	endpoint->stats.dropped++;
}

static void answer(const struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const uint8_t *data, size_t len)
{
	const struct sx_port_ref *port = &endpoint->config.port;

	port->ops->reply(port->port, datagram, sx_bytes_of(data, len));
}

static bool may_answer(struct sx_endpoint *endpoint, const struct sx_datagram *datagram)
{
	return sx_buckets_take(&endpoint->buckets, &datagram->from, endpoint->now_ns);
}

/* RFC 9000 section 6.1, with a reserved version so that nobody gets used to the list. */
static void send_versions(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header)
{
	uint8_t out[ANSWER_BYTES], noise[2];
	uint32_t versions[2] = { NGTCP2_PROTO_VER_V1, 0 };
	ngtcp2_ssize len;

	drop(endpoint);
	if (!may_answer(endpoint, datagram)) {
		return;
	}
	sx_random_bytes(noise, sizeof noise);
	versions[1] = 0x0a0a0a0aU | (uint32_t)(noise[1] & 0xf0) << 24;
	len = ngtcp2_pkt_write_version_negotiation(out, sizeof out, noise[0], header->scid,
		header->scidlen, header->dcid, header->dcidlen, versions, SX_COUNT(versions));
	if (len > 0) {
		endpoint->stats.versions_sent++;
		answer(endpoint, datagram, out, (size_t)len);
	}
}

/* RFC 9000 section 10.3: tells a peer that we have forgotten its connection; always shorter than what it answers. */
static void send_reset(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header)
{
	uint8_t out[RESET_BYTES], noise[RESET_BYTES - SX_TOKEN_BYTES], token[SX_TOKEN_BYTES];
	ngtcp2_cid cid = { .datalen = header->dcidlen };
	ngtcp2_ssize len;

	drop(endpoint);
	if (datagram->payload.len <= RESET_BYTES || !may_answer(endpoint, datagram)) {
		return;
	}
	memcpy(cid.data, header->dcid, header->dcidlen);
	sx_random_bytes(noise, sizeof noise);
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    token, endpoint->secret, SX_SECRET_BYTES, &cid) != 0) {
		return;
	}
	len = ngtcp2_pkt_write_stateless_reset(out, sizeof out, token, noise, sizeof noise);
	if (len > 0) {
		endpoint->stats.resets_sent++;
		answer(endpoint, datagram, out, (size_t)len);
	}
}

static void send_retry(const struct caller *caller)
{
	struct sx_endpoint *endpoint = caller->endpoint;
	const ngtcp2_pkt_hd *header = &caller->hello.header;
	const struct sx_peer *from = &caller->datagram->from;
	uint8_t out[ANSWER_BYTES], token[128];
	ngtcp2_cid scid = { .datalen = SX_CID_BYTES };
	ngtcp2_ssize len;

	sx_random_bytes(scid.data, SX_CID_BYTES);
	len = ngtcp2_crypto_generate_retry_token(token, endpoint->secret, SX_SECRET_BYTES,
		header->version, (const ngtcp2_sockaddr *)&from->address, sizeof from->address,
		&scid, &header->dcid, endpoint->now_ns);
	if (len < 0) {
		return;
	}
	len = ngtcp2_crypto_write_retry(out, sizeof out, header->version, &header->scid, &scid,
		&header->dcid, token, (size_t)len);
	if (len > 0) {
		endpoint->stats.retries_sent++;
		answer(endpoint, caller->datagram, out, (size_t)len);
	}
}

/* Says no without keeping anything. */
static void refuse(const struct caller *caller, uint64_t code)
{
	struct sx_endpoint *endpoint = caller->endpoint;
	const ngtcp2_pkt_hd *header = &caller->hello.header;
	uint8_t out[ANSWER_BYTES];
	ngtcp2_ssize len;

	endpoint->stats.refused++;
	if (!may_answer(endpoint, caller->datagram)) {
		return;
	}
	len = ngtcp2_crypto_write_connection_close(
		out, sizeof out, header->version, &header->scid, &header->dcid, code, NULL, 0);
	if (len > 0) {
		answer(endpoint, caller->datagram, out, (size_t)len);
	}
}

/* Checks a Retry token of ours. RFC 9000 section 8.1.2. */
static int check_token(struct caller *caller)
{
	struct sx_bytes token = SX_QUIC_HEADER_TOKEN(&caller->hello.header);
	const struct sx_peer *from = &caller->datagram->from;

	if (token.len == 0 || token.data[0] != NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
		return SX_ENOTFOUND;
	}
	if (ngtcp2_crypto_verify_retry_token(&caller->hello.original_dcid, token.data, token.len,
		    caller->endpoint->secret, SX_SECRET_BYTES, caller->hello.header.version,
		    (const ngtcp2_sockaddr *)&from->address, sizeof from->address,
		    &caller->hello.header.dcid, RETRY_LIFETIME_NS, caller->endpoint->now_ns) != 0) {
		return SX_EREFUSED;
	}
	caller->hello.after_retry = true;
	return SX_OK;
}

static const struct sx_bucket_counts *counts_of(const struct caller *caller)
{
	return sx_buckets_counts(&caller->endpoint->buckets, &caller->datagram->from);
}

/* Nobody gets in any more, or not this host: no one shall have all places. */
static bool is_full(const struct caller *caller)
{
	const struct sx_endpoint *endpoint = caller->endpoint;
	uint32_t most = endpoint->config.limits.connections;
	uint32_t share = most / HOST_SHARE > 0 ? most / HOST_SHARE : 1;

	return endpoint->refusing || endpoint->stats.connections >= most ||
	       counts_of(caller)->accepted >= share;
}

static bool is_crowded(const struct caller *caller)
{
	struct sx_endpoint *endpoint = caller->endpoint;

	return endpoint->stats.half_open >= endpoint->config.limits.half_open ||
	       counts_of(caller)->half_open >= HALF_OPEN_PER_HOST;
}

static bool may_shake_hands(struct sx_endpoint *endpoint)
{
	return sx_buckets_take_hello(&endpoint->buckets, endpoint->now_ns);
}

static void take_in(struct caller *caller)
{
	struct sx_conn *conn;

	if (sx_conn_accept(&conn, caller->endpoint, &caller->hello) < 0) {
		refuse(caller, NGTCP2_CONNECTION_REFUSED);
		return;
	}
	feed(conn, caller->datagram);
}

static void admit(struct caller *caller)
{
	int rc = check_token(caller);

	if (rc == SX_EREFUSED) {
		refuse(caller, NGTCP2_INVALID_TOKEN);
		return;
	}
	if (is_full(caller)) {
		refuse(caller, NGTCP2_CONNECTION_REFUSED);
		return;
	}
	if (rc == SX_ENOTFOUND && (is_crowded(caller) || !may_shake_hands(caller->endpoint))) {
		send_retry(caller);
		return;
	}
	take_in(caller);
}

static void meet_stranger(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header)
{
	struct caller caller = {
		.endpoint = endpoint,
		.datagram = datagram,
		.hello = { .datagram = datagram },
	};

	/* Where there is a token, ngtcp2 takes shorter IDs than RFC 9000 section 7.2. */
	if (ngtcp2_accept(&caller.hello.header, datagram->payload.data, datagram->payload.len) !=
			0 ||
		caller.hello.header.dcid.datalen < NGTCP2_MIN_INITIAL_DCIDLEN) {
		drop(endpoint);
		return;
	}
	/* ngtcp2 0.12 still takes the drafts of version 1. */
	if (caller.hello.header.version != NGTCP2_PROTO_VER_V1) {
		send_versions(endpoint, datagram, header);
		return;
	}
	caller.hello.original_dcid = caller.hello.header.dcid;
	admit(&caller);
}

static struct sx_conn *find_by_token(const struct sx_endpoint *endpoint, struct sx_bytes payload)
{
	if (payload.len < NGTCP2_MIN_STATELESS_RESET_RANDLEN + SX_TOKEN_BYTES) {
		return NULL;
	}
	return sx_cids_find(&endpoint->tokens,
		sx_bytes_of(payload.data + payload.len - SX_TOKEN_BYTES, SX_TOKEN_BYTES));
}

static void meet_short(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header)
{
	struct sx_conn *conn = find_by_token(endpoint, datagram->payload);
	struct sx_datagram canonical = *datagram;

	if (!conn) {
		send_reset(endpoint, datagram, header);
		return;
	}
	/* A reset may come by any way; ngtcp2 wants the one it knows. */
	canonical.from = conn->ways[0].peer;
	feed(conn, &canonical);
}

void sx_endpoint_demux(struct sx_endpoint *endpoint, const struct sx_datagram *datagram)
{
	ngtcp2_version_cid header;
	struct sx_conn *conn;
	int rc;

	/* An empty one would abort the library. */
	if (datagram->payload.len == 0) {
		drop(endpoint);
		return;
	}
	rc = ngtcp2_pkt_decode_version_cid(
		&header, datagram->payload.data, datagram->payload.len, SX_CID_BYTES);
	if (rc == NGTCP2_ERR_VERSION_NEGOTIATION) {
		send_versions(endpoint, datagram, &header);
		return;
	}
	if (rc != 0) {
		drop(endpoint);
		return;
	}
	conn = header.dcidlen > 0
		       ? sx_cids_find(&endpoint->cids, sx_bytes_of(header.dcid, header.dcidlen))
		       : NULL;
	if (conn) {
		feed(conn, datagram);
	} else if (datagram->payload.data[0] & 0x80) {
		meet_stranger(endpoint, datagram, &header);
	} else {
		meet_short(endpoint, datagram, &header);
	}
}
