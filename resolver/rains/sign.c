/* SPDX-License-Identifier: MIT */
#include "rains/sign.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "rains/datum.h"

/* Steps over a field; lends its key and value. */
static struct sx_bytes read_pair(struct sx_reader *reader, int64_t *field)
{
	size_t start = reader->at;

	*field = sx_cbor_read_int(reader);
	(void)sx_cbor_read_item(reader);
	if (!sx_reader_ok(reader)) {
		return sx_bytes_of(NULL, 0);
	}
	return sx_bytes_of(reader->in.data + start, reader->at - start);
}

static bool has_signatures(struct sx_bytes map)
{
	struct sx_reader reader = sx_reader_of(map);
	size_t pairs = sx_cbor_read_map(&reader);
	int64_t field;

	for (size_t i = 0; i < pairs; i++) {
		if (read_pair(&reader, &field).len > 0 && field == SX_RAINS_FIELD_SIGNATURES) {
			return true;
		}
	}
	return false;
}

/* An assertion inside a shard or zone, as the signature over the container sees it. */
static void splice_contained(struct sx_writer *writer, struct sx_bytes map)
{
	struct sx_reader reader = sx_reader_of(map);
	size_t pairs = sx_cbor_read_map(&reader);
	int64_t field;

	sx_cbor_write_map(writer, pairs - has_signatures(map));
	for (size_t i = 0; i < pairs; i++) {
		struct sx_bytes pair = read_pair(&reader, &field);

		if (field != SX_RAINS_FIELD_SIGNATURES) {
			sx_write_bytes(writer, pair);
		}
	}
}

/* The assertions of a shard or zone; key and array head stay as they came. */
static void splice_content(
	struct sx_writer *writer, const struct sx_rains_section *section, struct sx_bytes pair)
{
	struct sx_reader walk = sx_reader_of(section->content.items);

	sx_write_bytes(writer, sx_bytes_of(pair.data, pair.len - section->content.items.len));
	while (sx_reader_left(&walk) > 0 && sx_reader_ok(&walk)) {
		splice_contained(writer, sx_cbor_read_item(&walk));
	}
}

/* What a contained assertion is signed with and does not carry, each before the first greater field. */
static void add_scope(
	struct sx_writer *writer, const struct sx_rains_section *section, int64_t from, int64_t to)
{
	if (section->is_contained && from < SX_RAINS_FIELD_ZONE && to > SX_RAINS_FIELD_ZONE) {
		sx_cbor_write_int(writer, SX_RAINS_FIELD_ZONE);
		sx_cbor_write_text(writer, section->zone);
	}
	if (section->is_contained && from < SX_RAINS_FIELD_CONTEXT && to > SX_RAINS_FIELD_CONTEXT) {
		sx_cbor_write_int(writer, SX_RAINS_FIELD_CONTEXT);
		sx_cbor_write_text(writer, section->context);
	}
}

static bool is_content(const struct sx_rains_section *section, int64_t field)
{
	return (section->type == SX_RAINS_SHARD || section->type == SX_RAINS_ZONE) &&
	       (field == SX_RAINS_FIELD_CONTENT || field == SX_RAINS_FIELD_ASSERTIONS);
}

void sx_rains_tbs_write(struct sx_writer *writer, const struct sx_rains_section *section)
{
	struct sx_reader reader = sx_reader_of(section->map);
	size_t pairs = sx_cbor_read_map(&reader);
	int64_t last = INT64_MIN;
	int64_t field;

	sx_cbor_write_map(
		writer, pairs - has_signatures(section->map) + (section->is_contained ? 2 : 0));
	for (size_t i = 0; i < pairs; i++) {
		struct sx_bytes pair = read_pair(&reader, &field);

		add_scope(writer, section, last, field);
		last = field;
		if (is_content(section, field)) {
			splice_content(writer, section, pair);
		} else if (field != SX_RAINS_FIELD_SIGNATURES) {
			sx_write_bytes(writer, pair);
		}
	}
	add_scope(writer, section, last, INT64_MAX);
}

void sx_rains_tbs_add(struct sx_writer *writer, const struct sx_rains_signature *signature)
{
	struct sx_rains_signature unsigned_yet = *signature;

	unsigned_yet.data = sx_bytes_of(NULL, 0);
	sx_rains_signature_write(writer, &unsigned_yet);
}

bool sx_rains_key_is_sound(struct sx_bytes key)
{
	/* The y of all points whose order divides 8, in every encoding; the sign of x does not matter. */
	static const uint8_t weak[][SX_RAINS_KEY_BYTES] = {
		{ 0 },
		{ 1 },
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2,
			0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1,
			0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d,
			0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e,
			0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
		{ 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
		{ 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	};
	uint8_t y[SX_RAINS_KEY_BYTES];

	if (key.len != sizeof y) {
		return false;
	}
	memcpy(y, key.data, sizeof y);
	y[sizeof y - 1] &= 0x7f;
	for (size_t i = 0; i < SX_COUNT(weak); i++) {
		if (memcmp(y, weak[i], sizeof y) == 0) {
			return false;
		}
	}
	return true;
}

int sx_rains_verify(struct sx_bytes key, struct sx_bytes tbs, struct sx_bytes data)
{
	gnutls_datum_t key_datum = sx_rains_datum(key);
	gnutls_datum_t tbs_datum = sx_rains_datum(tbs);
	gnutls_datum_t data_datum = sx_rains_datum(data);
	gnutls_pubkey_t pubkey;
	int rc;

	if (!sx_rains_key_is_sound(key) || data.len != SX_RAINS_SIGNATURE_BYTES) {
		return SX_EREFUSED;
	}
	if (gnutls_pubkey_init(&pubkey) < 0) {
		return SX_ENOMEM;
	}
	rc = gnutls_pubkey_import_ecc_raw(pubkey, GNUTLS_ECC_CURVE_ED25519, &key_datum, NULL);
	if (rc >= 0) {
		rc = gnutls_pubkey_verify_data2(
			pubkey, GNUTLS_SIGN_EDDSA_ED25519, 0, &tbs_datum, &data_datum);
	}
	gnutls_pubkey_deinit(pubkey);
	if (rc == GNUTLS_E_MEMORY_ERROR) {
		return SX_ENOMEM;
	}
	return rc >= 0 ? SX_OK : SX_EREFUSED;
}

/* A private key; its public half is computed on the way in. The seed goes in as PKCS #8 (RFC 8410 section 7). */
static int import_seed(const uint8_t *seed, gnutls_x509_privkey_t *out)
{
	static const uint8_t prefix[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03,
		0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
	uint8_t pkcs8[sizeof prefix + SX_RAINS_SEED_BYTES];
	gnutls_datum_t datum = { pkcs8, sizeof pkcs8 };
	int rc;

	memcpy(pkcs8, prefix, sizeof prefix);
	memcpy(pkcs8 + sizeof prefix, seed, SX_RAINS_SEED_BYTES);
	if (gnutls_x509_privkey_init(out) < 0) {
		return SX_ENOMEM;
	}
	rc = gnutls_x509_privkey_import_pkcs8(
		*out, &datum, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
	gnutls_memset(pkcs8, 0, sizeof pkcs8);
	if (rc < 0) {
		gnutls_x509_privkey_deinit(*out);
		return SX_EIO;
	}
	return SX_OK;
}

/* Takes the datum; copies it when it has the length wanted. */
static int take_datum(gnutls_datum_t *datum, uint8_t *out, size_t len)
{
	bool fits = datum->size == len;

	if (fits) {
		memcpy(out, datum->data, len);
	}
	gnutls_free(datum->data);
	return fits ? SX_OK : SX_EIO;
}

int sx_rains_sign(const uint8_t *seed, struct sx_bytes tbs, uint8_t *out)
{
	gnutls_datum_t tbs_datum = sx_rains_datum(tbs);
	gnutls_datum_t data = { NULL, 0 };
	gnutls_x509_privkey_t secret;
	gnutls_privkey_t signer;
	int rc = import_seed(seed, &secret);

	if (rc < 0) {
		return rc;
	}
	if (gnutls_privkey_init(&signer) < 0) {
		gnutls_x509_privkey_deinit(secret);
		return SX_ENOMEM;
	}
	rc = gnutls_privkey_import_x509(signer, secret, 0);
	if (rc >= 0) {
		rc = gnutls_privkey_sign_data2(
			signer, GNUTLS_SIGN_EDDSA_ED25519, 0, &tbs_datum, &data);
	}
	gnutls_privkey_deinit(signer);
	gnutls_x509_privkey_deinit(secret);
	return rc < 0 ? SX_EIO : take_datum(&data, out, SX_RAINS_SIGNATURE_BYTES);
}

int sx_rains_public_key(const uint8_t *seed, uint8_t *out)
{
	gnutls_datum_t key = { NULL, 0 };
	gnutls_x509_privkey_t secret;
	int rc = import_seed(seed, &secret);

	if (rc < 0) {
		return rc;
	}
	rc = gnutls_x509_privkey_export_ecc_raw(secret, NULL, &key, NULL, NULL);
	gnutls_x509_privkey_deinit(secret);
	return rc < 0 ? SX_EIO : take_datum(&key, out, SX_RAINS_KEY_BYTES);
}
