/* SPDX-License-Identifier: MIT */
#include "ns_identity.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY  86400L
#define NAME "ns.example.org"

static int fill(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
	static const unsigned char serial[] = { 1 };
	time_t now = time(NULL);
	int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 256, 0);

	if (rc < 0) {
		return rc;
	}
	(void)gnutls_x509_crt_set_version(certificate, 3);
	(void)gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
	(void)gnutls_x509_crt_set_dn_by_oid(
		certificate, GNUTLS_OID_X520_COMMON_NAME, 0, NAME, strlen(NAME));
	(void)gnutls_x509_crt_set_activation_time(certificate, now - DAY);
	(void)gnutls_x509_crt_set_expiration_time(certificate, now + 365 * DAY);
	(void)gnutls_x509_crt_set_key(certificate, key);
	return gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA512, 0);
}

static int write_pem(gnutls_x509_crt_t certificate, const char *name)
{
	gnutls_datum_t pem = { NULL, 0 };
	FILE *out = fopen(name, "we");
	int rc = SX_EIO;

	if (out && gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem) >= 0 &&
		fwrite(pem.data, 1, pem.size, out) == pem.size) {
		rc = SX_OK;
	}
	gnutls_free(pem.data);
	return out && fclose(out) == 0 ? rc : SX_EIO;
}

int sx_ns_identity_make(gnutls_certificate_credentials_t *out, const char *pem)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t certificate = NULL;
	int rc = SX_ENOMEM;

	if (gnutls_x509_privkey_init(&key) >= 0 && gnutls_x509_crt_init(&certificate) >= 0 &&
		gnutls_certificate_allocate_credentials(out) >= 0) {
		rc = fill(certificate, key) < 0 ||
				     gnutls_certificate_set_x509_key(*out, &certificate, 1, key) < 0
			     ? SX_ETLS
			     : write_pem(certificate, pem);
	}
	if (certificate) {
		gnutls_x509_crt_deinit(certificate);
	}
	if (key) {
		gnutls_x509_privkey_deinit(key);
	}
	return rc;
}
