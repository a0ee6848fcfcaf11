/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <gnutls/gnutls.h>

#include "base/live.h"
#include "quic/tls_private.h"

/* AES-128 first: GnuTLS's ChaCha20 costs four times as much. P-256 stays for peers without X25519. quic.md 4.1. */
#define PRIORITY \
	"%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:" \
	"+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"

static void identity_free(struct sx_tls_identity *identity)
{
	if (identity->credentials) {
		gnutls_certificate_free_credentials(identity->credentials);
	}
	free(identity->name);
	free(identity);
}

void sx_tls_identity_unref(struct sx_tls_identity *identity)
{
	if (identity && --identity->refs == 0) {
		identity_free(identity);
	}
}

struct sx_tls_identity *sx_tls_identity_find(const struct sx_tls *tls, const char *name)
{
	sx_list_each(node, next, &tls->identities) {
		struct sx_tls_identity *identity = sx_container_of(node, struct sx_tls_identity, link);

		if (strcasecmp(identity->name, name) == 0) {
			return identity;
		}
	}
	return NULL;
}

static int load_key_pair(struct sx_tls_identity *identity, const struct sx_identity *from, char *error, size_t cap)
{
	int rc = gnutls_certificate_set_x509_key_file2(identity->credentials, from->certificate, from->key,
		GNUTLS_X509_FMT_PEM, from->password, 0);

	if (rc < 0) {
		(void)snprintf(error, cap, "certificate of %s: cannot use %s with key %s: %s", from->name,
			from->certificate, from->key, gnutls_strerror(rc));
		return rc == GNUTLS_E_MEMORY_ERROR ? SX_ENOMEM : SX_EINVAL;
	}
	return SX_OK;
}

static int load_trust(struct sx_tls_identity *identity, const struct sx_identity *from, char *error, size_t cap)
{
	int rc = 0;
	const char *what = from->cafile;

	if (from->cafile) {
		rc = gnutls_certificate_set_x509_trust_file(identity->credentials, from->cafile, GNUTLS_X509_FMT_PEM);
	}
	if (rc >= 0 && from->capath) {
		what = from->capath;
		rc = gnutls_certificate_set_x509_trust_dir(identity->credentials, from->capath, GNUTLS_X509_FMT_PEM);
	}
	if (!from->cafile && !from->capath) {
		what = "the system";
		rc = gnutls_certificate_set_x509_system_trust(identity->credentials);
	}
	if (rc < 0) {
		(void)snprintf(error, cap, "trust anchors for %s: cannot read %s: %s", from->name, what,
			gnutls_strerror(rc));
		return rc == GNUTLS_E_MEMORY_ERROR ? SX_ENOMEM : SX_EINVAL;
	}
	return SX_OK;
}

static int identity_new(struct sx_tls_identity **out, const struct sx_identity *from, char *error, size_t cap)
{
	struct sx_tls_identity *identity = calloc(1, sizeof *identity);
	int rc = SX_ENOMEM;

	if (!identity) {
		return SX_ENOMEM;
	}
	identity->refs = 1;
	identity->name = strdup(from->name);
	if (!identity->name || gnutls_certificate_allocate_credentials(&identity->credentials) < 0) {
		(void)snprintf(error, cap, "out of memory");
		goto fail;
	}
	rc = load_key_pair(identity, from, error, cap);
	if (rc < 0) {
		goto fail;
	}
	rc = load_trust(identity, from, error, cap);
	if (rc < 0) {
		goto fail;
	}
	*out = identity;
	return SX_OK;

fail:
	identity_free(identity);
	return rc;
}

int sx_tls_new(struct sx_tls **out)
{
	struct sx_tls *tls = calloc(1, sizeof *tls);

	if (!tls) {
		return SX_ENOMEM;
	}
	sx_list_init(&tls->identities);
	if (gnutls_priority_init(&tls->priority, PRIORITY, NULL) < 0) {
		free(tls);
		return SX_ENOMEM;
	}
	sx_live_add();
	*out = tls;
	return SX_OK;
}

static void drop(struct sx_tls_identity *identity)
{
	sx_list_remove(&identity->link);
	sx_tls_identity_unref(identity);
}

void sx_tls_free(struct sx_tls *tls)
{
	if (!tls) {
		return;
	}
	sx_list_each(node, next, &tls->identities) {
		drop(sx_container_of(node, struct sx_tls_identity, link));
	}
	gnutls_priority_deinit(tls->priority);
	free(tls);
	sx_live_remove();
}

int sx_tls_set(struct sx_tls *tls, const struct sx_identity *identity, char *error, size_t cap)
{
	struct sx_tls_identity *fresh;
	int rc = identity_new(&fresh, identity, error, cap);

	if (rc < 0) {
		return rc;
	}
	sx_tls_remove(tls, identity->name);
	sx_list_append(&tls->identities, &fresh->link);
	return SX_OK;
}

void sx_tls_remove(struct sx_tls *tls, const char *name)
{
	struct sx_tls_identity *old = sx_tls_identity_find(tls, name);

	if (old) {
		drop(old);
	}
}
