/* SPDX-License-Identifier: MIT */
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quic/trust.h"

#define CHAIN_MAX 16

struct sx_trust {
	gnutls_x509_trust_list_t list;
};

/* What a status bit is called, the most telling first. */
static const struct {
	unsigned bit;
	const char *text;
} words[] = {
	{ GNUTLS_CERT_SIGNATURE_FAILURE, "certificate signature failure" },
	{ GNUTLS_CERT_REVOKED, "certificate revoked" },
	{ GNUTLS_CERT_EXPIRED, "certificate has expired" },
	{ GNUTLS_CERT_NOT_ACTIVATED, "certificate is not yet valid" },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, "unsupported certificate purpose" },
	{ GNUTLS_CERT_SIGNER_NOT_CA, "invalid CA certificate" },
	{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "permitted subtree violation" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, "CA signature digest algorithm too weak" },
};

static void say(struct sx_verdict *verdict, const char *text)
{
	verdict->status = SX_ETLS;
	(void)snprintf(verdict->text, sizeof verdict->text, "%s", text);
}

static const char *missing_anchor(const gnutls_x509_crt_t *chain, unsigned count)
{
	gnutls_x509_crt_t last = chain[count - 1];

	if (!gnutls_x509_crt_check_issuer(last, last)) {
		return "unable to get local issuer certificate";
	}
	return count == 1 ? "self signed certificate"
			  : "self signed certificate in certificate chain";
}

static const char *word_of(unsigned status, const gnutls_x509_crt_t *chain, unsigned count)
{
	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
		return missing_anchor(chain, count);
	}
	for (size_t i = 0; i < SX_COUNT(words); i++) {
		if (status & words[i].bit) {
			return words[i].text;
		}
	}
	return "certificate verify failed";
}

static unsigned verify_for(
	const struct sx_trust *trust, gnutls_x509_crt_t *chain, unsigned count, const char *purpose)
{
	/* GnuTLS takes the text by a pointer that is not const, and does not write to it. */
	union {
		const char *text;
		unsigned char *data;
	} oid = { .text = purpose };
	gnutls_typed_vdata_st data = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = oid.data,
		.size = (unsigned)strlen(purpose),
	};
	unsigned status = 0;

	if (gnutls_x509_trust_list_verify_crt2(
		    trust->list, chain, count, &data, 1, 0, &status, NULL) < 0) {
		return GNUTLS_CERT_INVALID;
	}
	return status;
}

/*
 * Public authorities have stopped issuing for clients, so a server's certificate proves its domain in both roles, as
 * with Prosody over TCP.
 */
static void judge(const struct sx_trust *trust, gnutls_x509_crt_t *chain, unsigned count,
	struct sx_verdict *out)
{
	unsigned status = verify_for(trust, chain, count, GNUTLS_KP_TLS_WWW_SERVER);

	if (status & GNUTLS_CERT_PURPOSE_MISMATCH) {
		status = verify_for(trust, chain, count, GNUTLS_KP_TLS_WWW_CLIENT);
	}
	if (status == 0) {
		*out = (struct sx_verdict){ .status = SX_OK };
		return;
	}
	say(out, word_of(status, chain, count));
}

void sx_trust_judge(const struct sx_trust *trust, const gnutls_datum_t *chain, unsigned count,
	struct sx_verdict *out)
{
	gnutls_x509_crt_t certificates[CHAIN_MAX];
	unsigned parsed = 0;

	if (count == 0) {
		say(out, "no certificate");
		return;
	}
	if (count > CHAIN_MAX) {
		say(out, "certificate chain too long");
		return;
	}
	for (; parsed < count; parsed++) {
		if (gnutls_x509_crt_init(&certificates[parsed]) < 0) {
			break;
		}
		if (gnutls_x509_crt_import(
			    certificates[parsed], &chain[parsed], GNUTLS_X509_FMT_DER) < 0) {
			gnutls_x509_crt_deinit(certificates[parsed]);
			break;
		}
	}
	if (parsed == count) {
		judge(trust, certificates, count, out);
	} else {
		say(out, "certificate cannot be read");
	}
	while (parsed > 0) {
		gnutls_x509_crt_deinit(certificates[--parsed]);
	}
}

static int add_file(struct sx_trust *trust, const char *path, char *error, size_t cap)
{
	int count = gnutls_x509_trust_list_add_trust_file(
		trust->list, path, NULL, GNUTLS_X509_FMT_PEM, 0, 0);

	if (count > 0) {
		return SX_OK;
	}
	(void)snprintf(error, cap, "cafile %s: %s", path,
		count < 0 ? gnutls_strerror(count) : "there is no certificate in it");
	return SX_EINVAL;
}

static int add_anchors(
	struct sx_trust *trust, const char *cafile, const char *capath, char *error, size_t cap)
{
	int rc = SX_OK;

	if (!cafile && !capath) {
		/* A machine without a store trusts nobody; the verdicts will say so. */
		(void)gnutls_x509_trust_list_add_system_trust(trust->list, 0, 0);
		return SX_OK;
	}
	if (cafile) {
		rc = add_file(trust, cafile, error, cap);
	}
	if (rc == SX_OK && capath) {
		/* As with OpenSSL, a folder that is empty or not there adds no trust and is no mistake. */
		(void)gnutls_x509_trust_list_add_trust_dir(
			trust->list, capath, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	}
	return rc;
}

int sx_trust_new(
	struct sx_trust **out, const char *cafile, const char *capath, char *error, size_t cap)
{
	struct sx_trust *trust = calloc(1, sizeof *trust);
	int rc = SX_ENOMEM;

	if (!trust) {
		goto fail;
	}
	if (gnutls_x509_trust_list_init(&trust->list, 0) < 0) {
		goto fail;
	}
	rc = add_anchors(trust, cafile, capath, error, cap);
	if (rc < 0) {
		goto fail;
	}
	*out = trust;
	return SX_OK;

fail:
	if (rc == SX_ENOMEM) {
		(void)snprintf(error, cap, "%s", sx_status_text(SX_ENOMEM));
	}
	sx_trust_free(trust);
	return rc;
}

void sx_trust_free(struct sx_trust *trust)
{
	if (!trust) {
		return;
	}
	if (trust->list) {
		gnutls_x509_trust_list_deinit(trust->list, 1);
	}
	free(trust);
}
