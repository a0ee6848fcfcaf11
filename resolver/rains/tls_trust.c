/* SPDX-License-Identifier: MIT */
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "rains/tls_trust.h"

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct sx_rains_tls_trust {
	enum sx_rains_tls_verify verify;
	uint8_t pin[SX_RAINS_PIN_BYTES];
	char *name; /* CA only */
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
};

static int set_pin(struct sx_rains_tls_trust *trust, struct sx_bytes pin, char *error, size_t cap)
{
	if (pin.len != sizeof trust->pin) {
		(void)snprintf(error, cap, "a pin is a SHA-256 hash: 32 bytes, not %zu", pin.len);
		return SX_EINVAL;
	}
	memcpy(trust->pin, pin.data, pin.len);
	return SX_OK;
}

static int set_ca(struct sx_rains_tls_trust *trust, const struct sx_rains_tls_policy *policy,
	char *error, size_t cap)
{
	int count;

	if (!policy->ca_file || !policy->name) {
		(void)snprintf(error, cap, "an authority needs a file and the server's name");
		return SX_EINVAL;
	}
	count = gnutls_certificate_set_x509_trust_file(
		trust->credentials, policy->ca_file, GNUTLS_X509_FMT_PEM);
	if (count <= 0) {
		(void)snprintf(error, cap, "%s: %s", policy->ca_file,
			count < 0 ? gnutls_strerror(count) : "no certificate in it");
		return SX_EINVAL;
	}
	trust->name = strdup(policy->name);
	return trust->name ? SX_OK : SX_ENOMEM;
}

static int set_policy(struct sx_rains_tls_trust *trust, const struct sx_rains_tls_policy *policy,
	char *error, size_t cap)
{
	if (gnutls_certificate_allocate_credentials(&trust->credentials) < 0 ||
		gnutls_priority_init(&trust->priority, PRIORITY, NULL) < 0) {
		return SX_ENOMEM;
	}
	trust->verify = policy->verify;
	switch (policy->verify) {
	case SX_RAINS_TLS_PIN:
		return set_pin(trust, policy->pin, error, cap);
	case SX_RAINS_TLS_CA:
		return set_ca(trust, policy, error, cap);
	default:
		return SX_OK;
	}
}

int sx_rains_tls_trust_new(struct sx_rains_tls_trust **out,
	const struct sx_rains_tls_policy *policy, char *error, size_t cap)
{
	struct sx_rains_tls_trust *trust = calloc(1, sizeof *trust);
	int rc = trust ? set_policy(trust, policy, error, cap) : SX_ENOMEM;

	if (rc == SX_ENOMEM) {
		(void)snprintf(error, cap, "%s", sx_status_text(rc));
	}
	if (rc < 0) {
		sx_rains_tls_trust_free(trust);
		return rc;
	}
	*out = trust;
	return SX_OK;
}

void sx_rains_tls_trust_free(struct sx_rains_tls_trust *trust)
{
	if (!trust) {
		return;
	}
	if (trust->credentials) {
		gnutls_certificate_free_credentials(trust->credentials);
	}
	if (trust->priority) {
		gnutls_priority_deinit(trust->priority);
	}
	free(trust->name);
	free(trust);
}

int sx_rains_tls_trust_apply(const struct sx_rains_tls_trust *trust, gnutls_session_t session)
{
	if (gnutls_priority_set(session, trust->priority) < 0 ||
		gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust->credentials) < 0) {
		return SX_ENOMEM;
	}
	return SX_OK;
}

static bool is_pinned_certificate(
	const struct sx_rains_tls_trust *trust, const gnutls_datum_t *certificate)
{
	uint8_t hash[SX_RAINS_PIN_BYTES];

	return gnutls_hash_fast(GNUTLS_DIG_SHA256, certificate->data, certificate->size, hash) ==
		       0 &&
	       memcmp(hash, trust->pin, sizeof hash) == 0;
}

/* GnuTLS's key id with SHA-256 is the hash of the SubjectPublicKeyInfo. */
static bool is_pinned_key(const struct sx_rains_tls_trust *trust, const gnutls_datum_t *certificate)
{
	uint8_t hash[SX_RAINS_PIN_BYTES];
	size_t len = sizeof hash;
	gnutls_x509_crt_t parsed;
	bool same;

	if (gnutls_x509_crt_init(&parsed) < 0) {
		return false;
	}
	same = gnutls_x509_crt_import(parsed, certificate, GNUTLS_X509_FMT_DER) == 0 &&
	       gnutls_x509_crt_get_key_id(parsed, GNUTLS_KEYID_USE_SHA256, hash, &len) == 0 &&
	       len == sizeof hash && memcmp(hash, trust->pin, sizeof hash) == 0;
	gnutls_x509_crt_deinit(parsed);
	return same;
}

static int judge_pin(
	const struct sx_rains_tls_trust *trust, gnutls_session_t session, char *reason, size_t cap)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

	if (chain && count > 0 &&
		(is_pinned_certificate(trust, chain) || is_pinned_key(trust, chain))) {
		return SX_OK;
	}
	(void)snprintf(reason, cap, "the server's certificate is not the pinned one");
	return SX_ETLS;
}

static int judge_ca(
	const struct sx_rains_tls_trust *trust, gnutls_session_t session, char *reason, size_t cap)
{
	gnutls_datum_t text;
	unsigned status = 0;
	int rc = gnutls_certificate_verify_peers3(session, trust->name, &status);

	if (rc == 0 && status == 0) {
		return SX_OK;
	}
	if (rc == 0 && gnutls_certificate_verification_status_print(
			       status, GNUTLS_CRT_X509, &text, 0) == 0) {
		(void)snprintf(reason, cap, "%s", (const char *)text.data);
		gnutls_free(text.data);
	} else {
		(void)snprintf(reason, cap, "the server's certificate cannot be checked: %s",
			gnutls_strerror(rc));
	}
	return SX_ETLS;
}

int sx_rains_tls_trust_judge(
	const struct sx_rains_tls_trust *trust, gnutls_session_t session, char *reason, size_t cap)
{
	switch (trust->verify) {
	case SX_RAINS_TLS_ANY:
		return SX_OK;
	case SX_RAINS_TLS_PIN:
		return judge_pin(trust, session, reason, cap);
	default:
		return judge_ca(trust, session, reason, cap);
	}
}
