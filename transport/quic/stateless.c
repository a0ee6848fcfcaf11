/* SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "quic/endpoint_private.h"

#define SECOND_NS      1000000000ULL
#define RETRY_VALID_NS (10 * SECOND_NS)
#define PER_SECOND     200.0 /* answers without state, of all kinds and to all peers */
#define RESET_LEAST    43    /* smaller triggers get no reset: the answer must be smaller still */

static bool may_answer(struct sx_endpoint *endpoint)
{
	struct sx_bucket *bucket = &endpoint->stateless;
	double passed = (double)(endpoint->now_ns - bucket->filled_ns) / (double)SECOND_NS;

	bucket->tokens += passed * PER_SECOND;
	bucket->filled_ns = endpoint->now_ns;
	if (bucket->tokens > PER_SECOND) {
		bucket->tokens = PER_SECOND;
	}
	if (bucket->tokens < 1) {
		endpoint->stats.dropped++;
		return false;
	}
	bucket->tokens -= 1;
	return true;
}

static void reply(struct sx_endpoint *endpoint, const struct sx_datagram *datagram, const uint8_t *packet,
	ngtcp2_ssize len)
{
	if (len > 0) {
		sx_endpoint_ops(endpoint)->reply(endpoint->config.port.port, datagram,
			sx_bytes_of(packet, (size_t)len));
		endpoint->stats.datagrams_out++;
	}
}

void sx_stateless_version(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header)
{
	static const uint32_t versions[] = { NGTCP2_PROTO_VER_V1, 0x1a2a3a4a }; /* one of the reserved ones */
	uint8_t packet[256];
	uint8_t random;

	if (!may_answer(endpoint)) {
		return;
	}
	sx_random_bytes(&random, sizeof random);
	endpoint->stats.versions_sent++;
	reply(endpoint, datagram, packet,
		ngtcp2_pkt_write_version_negotiation(packet, sizeof packet, random, header->scid, header->scidlen,
			header->dcid, header->dcidlen, versions, SX_COUNT(versions)));
}

void sx_stateless_reset(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header)
{
	uint8_t packet[RESET_LEAST - 1], token[SX_TOKEN_BYTES];
	uint8_t random[RESET_LEAST - 1 - SX_TOKEN_BYTES];
	ngtcp2_cid cid = { .datalen = header->dcidlen };

	if (datagram->payload.len < RESET_LEAST || header->dcidlen > sizeof cid.data || !may_answer(endpoint)) {
		endpoint->stats.dropped++;
		return;
	}
	memcpy(cid.data, header->dcid, header->dcidlen);
	sx_random_bytes(random, sizeof random);
	if (ngtcp2_crypto_generate_stateless_reset_token(token, endpoint->secret, sizeof endpoint->secret, &cid) != 0) {
		return;
	}
	endpoint->stats.resets_sent++;
	reply(endpoint, datagram, packet,
		ngtcp2_pkt_write_stateless_reset(packet, sizeof packet, token, random, sizeof random));
}

void sx_stateless_retry(struct sx_endpoint *endpoint, const struct sx_datagram *datagram, const ngtcp2_pkt_hd *header)
{
	uint8_t packet[512], token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
	ngtcp2_cid scid = { .datalen = SX_CID_BYTES };
	ngtcp2_ssize len;

	if (!may_answer(endpoint)) {
		return;
	}
	sx_random_bytes(scid.data, scid.datalen);
	len = ngtcp2_crypto_generate_retry_token(token, endpoint->secret, sizeof endpoint->secret, header->version,
		(const struct sockaddr *)&datagram->from.address, sizeof datagram->from.address, &scid,
		&header->dcid, endpoint->now_ns);
	if (len < 0) {
		return;
	}
	endpoint->stats.retries_sent++;
	reply(endpoint, datagram, packet,
		ngtcp2_crypto_write_retry(packet, sizeof packet, header->version, &header->scid, &scid,
			&header->dcid, token, (size_t)len));
}

void sx_stateless_refuse(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_pkt_hd *header, uint64_t error)
{
	uint8_t packet[512];

	if (may_answer(endpoint)) {
		reply(endpoint, datagram, packet,
			ngtcp2_crypto_write_connection_close(packet, sizeof packet, header->version, &header->scid,
				&header->dcid, error, NULL, 0));
	}
}

bool sx_stateless_token_is_good(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_pkt_hd *header, ngtcp2_cid *odcid)
{
	return SX_TOKEN_DATA(header)[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY &&
		ngtcp2_crypto_verify_retry_token(odcid, SX_TOKEN_DATA(header), SX_TOKEN_LEN(header),
			endpoint->secret, sizeof endpoint->secret, header->version,
			(const struct sockaddr *)&datagram->from.address, sizeof datagram->from.address,
			&header->dcid, RETRY_VALID_NS, endpoint->now_ns) == 0;
}
