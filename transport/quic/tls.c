/* SPDX-License-Identifier: MIT */
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "quic/tls_session.h"

/*
 * AES-128-GCM first (ChaCha20 is several times slower in GnuTLS), no CCM (ngtcp2 0.12 aborts on it), no middlebox
 * compatibility mode (RFC 9001 section 8.4). quic.md 4.1.
 */
#define PRIORITY                                                                             \
	"%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:" \
	"+AES-256-GCM:+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"

struct sx_identity_ref {
	struct sx_map_node node;
	size_t refs;
	gnutls_certificate_credentials_t credentials;
	struct sx_trust *trust;
	char name[SX_NAME_BYTES];
};

struct sx_tls {
	struct sx_map identities; /* by name in lower case */
	gnutls_priority_t priority;
	gnutls_certificate_credentials_t nobody;
};

/* Domains are A-labels: ASCII. */
static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int fold(char *out, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= SX_NAME_BYTES) {
		return SX_EINVAL;
	}
	for (size_t i = 0; i <= len; i++) {
		out[i] = lower(name[i]);
	}
	return SX_OK;
}

static struct sx_identity_ref *identity_find(const struct sx_tls *tls, const char *name)
{
	char folded[SX_NAME_BYTES];
	struct sx_map_node *node;

	if (fold(folded, name) < 0) {
		return NULL;
	}
	node = sx_map_find(&tls->identities, sx_bytes_text(folded));
	return node ? sx_container_of(node, struct sx_identity_ref, node) : NULL;
}

int sx_tls_acquire(struct sx_tls *tls, const char *name, struct sx_identity_ref **out)
{
	struct sx_identity_ref *identity = identity_find(tls, name);

	if (!identity) {
		return SX_ENOTFOUND;
	}
	identity->refs++;
	*out = identity;
	return SX_OK;
}

void sx_tls_release(struct sx_identity_ref *identity)
{
	if (!identity || --identity->refs > 0) {
		return;
	}
	if (identity->credentials) {
		gnutls_certificate_free_credentials(identity->credentials);
	}
	sx_trust_free(identity->trust);
	free(identity);
}

gnutls_certificate_credentials_t sx_tls_credentials(const struct sx_identity_ref *identity)
{
	return identity->credentials;
}

const struct sx_trust *sx_tls_trust(const struct sx_identity_ref *identity)
{
	return identity->trust;
}

gnutls_priority_t sx_tls_priority(const struct sx_tls *tls)
{
	return tls->priority;
}

gnutls_certificate_credentials_t sx_tls_nobody(const struct sx_tls *tls)
{
	return tls->nobody;
}

int sx_tls_new(struct sx_tls **out)
{
	uint8_t seed[16];
	struct sx_tls *tls = calloc(1, sizeof *tls);

	if (!tls) {
		return SX_ENOMEM;
	}
	sx_random_bytes(seed, sizeof seed);
	if (sx_map_init(&tls->identities, seed) < 0 ||
		gnutls_certificate_allocate_credentials(&tls->nobody) < 0 ||
		gnutls_priority_init(&tls->priority, PRIORITY, NULL) < 0) {
		sx_tls_free(tls);
		return SX_ENOMEM;
	}
	*out = tls;
	return SX_OK;
}

static void take_out(struct sx_tls *tls, struct sx_identity_ref *identity)
{
	sx_map_remove(&tls->identities, &identity->node);
	sx_tls_release(identity);
}

void sx_tls_free(struct sx_tls *tls)
{
	if (!tls) {
		return;
	}
	for (size_t i = 0; i < tls->identities.bucket_count; i++) {
		while (tls->identities.buckets[i]) {
			take_out(tls, sx_container_of(tls->identities.buckets[i],
					      struct sx_identity_ref, node));
		}
	}
	sx_map_fini(&tls->identities);
	if (tls->nobody) {
		gnutls_certificate_free_credentials(tls->nobody);
	}
	if (tls->priority) {
		gnutls_priority_deinit(tls->priority);
	}
	free(tls);
}

#define KEY_ID_BYTES 32

/* GnuTLS does not compare all kinds of keys by itself. */
static bool is_key_of_leaf(gnutls_certificate_credentials_t credentials)
{
	unsigned char leaf_id[KEY_ID_BYTES], key_id[KEY_ID_BYTES];
	size_t leaf_len = sizeof leaf_id, key_len = sizeof key_id;
	gnutls_x509_crt_t *chain = NULL;
	gnutls_x509_privkey_t key = NULL;
	unsigned count = 0;
	bool same = false;

	if (gnutls_certificate_get_x509_crt(credentials, 0, &chain, &count) < 0) {
		return false;
	}
	if (gnutls_certificate_get_x509_key(credentials, 0, &key) == 0) {
		same = gnutls_x509_crt_get_key_id(
			       chain[0], GNUTLS_KEYID_USE_SHA256, leaf_id, &leaf_len) == 0 &&
		       gnutls_x509_privkey_get_key_id(
			       key, GNUTLS_KEYID_USE_SHA256, key_id, &key_len) == 0 &&
		       memcmp(leaf_id, key_id, KEY_ID_BYTES) == 0;
		gnutls_x509_privkey_deinit(key);
	}
	for (unsigned i = 0; i < count; i++) {
		gnutls_x509_crt_deinit(chain[i]);
	}
	gnutls_free(chain);
	return same;
}

static int load_keys(
	struct sx_identity_ref *identity, const struct sx_identity *from, char *error, size_t cap)
{
	int rc = gnutls_certificate_set_x509_key_file2(identity->credentials, from->certificate,
		from->key, GNUTLS_X509_FMT_PEM, from->password, 0);

	if (rc >= 0 && is_key_of_leaf(identity->credentials)) {
		return SX_OK;
	}
	(void)snprintf(error, cap, "%s: certificate %s with key %s: %s", from->name,
		from->certificate, from->key,
		rc < 0 ? gnutls_strerror(rc) : "the key is not the certificate's");
	return SX_EINVAL;
}

static int identity_new(
	struct sx_identity_ref **out, const struct sx_identity *from, char *error, size_t cap)
{
	struct sx_identity_ref *identity = calloc(1, sizeof *identity);
	int rc = SX_ENOMEM;

	if (!identity) {
		goto fail;
	}
	identity->refs = 1;
	rc = fold(identity->name, from->name);
	if (rc < 0) {
		(void)snprintf(error, cap, "\"%.64s\" is not a domain", from->name);
		goto fail;
	}
	if (gnutls_certificate_allocate_credentials(&identity->credentials) < 0) {
		rc = SX_ENOMEM;
		goto fail;
	}
	rc = load_keys(identity, from, error, cap);
	if (rc < 0) {
		goto fail;
	}
	rc = sx_trust_new(&identity->trust, from->cafile, from->capath, error, cap);
	if (rc < 0) {
		goto fail;
	}
	*out = identity;
	return SX_OK;

fail:
	if (rc == SX_ENOMEM) {
		(void)snprintf(error, cap, "%s", sx_status_text(SX_ENOMEM));
	}
	sx_tls_release(identity);
	return rc;
}

int sx_tls_set(struct sx_tls *tls, const struct sx_identity *identity, char *error, size_t cap)
{
	struct sx_identity_ref *loaded;
	int rc = identity_new(&loaded, identity, error, cap);

	if (rc < 0) {
		return rc;
	}
	sx_tls_remove(tls, identity->name);
	sx_map_insert(&tls->identities, &loaded->node, sx_bytes_text(loaded->name));
	return SX_OK;
}

void sx_tls_remove(struct sx_tls *tls, const char *name)
{
	struct sx_identity_ref *identity = identity_find(tls, name);

	if (identity) {
		take_out(tls, identity);
	}
}
