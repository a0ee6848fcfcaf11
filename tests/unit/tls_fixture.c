/* SPDX-License-Identifier: MIT */
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls_fixture.h"

#define DAY        (24 * 60 * 60)
#define PATH_BYTES 256

struct authority {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
};

static char folder[64];
static char ca_path[PATH_BYTES];
static struct authority trusted, stranger;
static pid_t maker;

/* Not an assertion of check: the fixture is made before any test runs. */
static void need(bool fine, const char *what)
{
	if (!fine) {
		(void)fprintf(stderr, "tls_fixture: %s\n", what);
		abort();
	}
}

static void must(int rc)
{
	need(rc >= 0, gnutls_strerror(rc));
}

static void path_of(char *out, const char *name, const char *suffix)
{
	(void)snprintf(out, PATH_BYTES, "%s/%s%s", folder, name, suffix);
}

static void write_file(const char *path, const gnutls_datum_t *data)
{
	FILE *file = fopen(path, "w");

	need(file && fwrite(data->data, 1, data->size, file) == data->size && fclose(file) == 0,
		path);
}

static void save(const char *name, gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
	char path[PATH_BYTES];
	gnutls_datum_t pem;

	must(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem));
	path_of(path, name, ".crt");
	write_file(path, &pem);
	gnutls_free(pem.data);
	must(gnutls_x509_privkey_export2_pkcs8(
		key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem));
	path_of(path, name, ".key");
	write_file(path, &pem);
	gnutls_free(pem.data);
}

static gnutls_x509_privkey_t new_key(void)
{
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key));
	must(gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 256, 0));
	return key;
}

static gnutls_x509_crt_t new_certificate(const char *name, gnutls_x509_privkey_t key)
{
	static unsigned char serial[2];
	gnutls_x509_crt_t certificate;

	serial[0] = 1;
	serial[1]++;
	must(gnutls_x509_crt_init(&certificate));
	must(gnutls_x509_crt_set_version(certificate, 3));
	must(gnutls_x509_crt_set_serial(certificate, serial, sizeof serial));
	must(gnutls_x509_crt_set_dn_by_oid(
		certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)));
	must(gnutls_x509_crt_set_key(certificate, key));
	must(gnutls_x509_crt_set_activation_time(certificate, time(NULL) - DAY));
	must(gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + DAY));
	return certificate;
}

static struct authority new_authority(const char *name)
{
	struct authority ca = { .key = new_key() };

	ca.certificate = new_certificate(name, ca.key);
	must(gnutls_x509_crt_set_basic_constraints(ca.certificate, 1, -1));
	must(gnutls_x509_crt_set_key_usage(ca.certificate, GNUTLS_KEY_KEY_CERT_SIGN));
	must(gnutls_x509_crt_sign2(ca.certificate, ca.certificate, ca.key, GNUTLS_DIG_SHA512, 0));
	return ca;
}

static void free_authority(struct authority *ca)
{
	gnutls_x509_crt_deinit(ca->certificate);
	gnutls_x509_privkey_deinit(ca->key);
}

static void set_names(gnutls_x509_crt_t certificate, const char *name, enum fixture_kind kind)
{
	char more[64];

	must(gnutls_x509_crt_set_subject_alt_name(
		certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET));
	for (int i = 0; kind == FIXTURE_LONG && i < 200; i++) {
		(void)snprintf(more, sizeof more, "alternative-name-%d.example.org", i);
		must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, more,
			(unsigned)strlen(more), GNUTLS_FSAN_APPEND));
	}
}

static void set_purposes(gnutls_x509_crt_t certificate, enum fixture_kind kind)
{
	if (kind == FIXTURE_CODE_ONLY) {
		must(gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_CODE_SIGNING, 0));
		return;
	}
	must(gnutls_x509_crt_set_key_purpose_oid(certificate,
		kind == FIXTURE_CLIENT_ONLY ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER,
		0));
}

static void set_times(gnutls_x509_crt_t certificate, enum fixture_kind kind)
{
	if (kind == FIXTURE_EXPIRED) {
		must(gnutls_x509_crt_set_activation_time(certificate, time(NULL) - 3 * DAY));
		must(gnutls_x509_crt_set_expiration_time(certificate, time(NULL) - 2 * DAY));
	}
	if (kind == FIXTURE_EARLY) {
		must(gnutls_x509_crt_set_activation_time(certificate, time(NULL) + 2 * DAY));
		must(gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + 3 * DAY));
	}
}

void fixture_make(const char *name, enum fixture_kind kind)
{
	struct authority own = { .key = new_key() };
	const struct authority *signer = &trusted;

	own.certificate = new_certificate(name, own.key);
	set_names(own.certificate, name, kind);
	set_purposes(own.certificate, kind);
	set_times(own.certificate, kind);
	must(gnutls_x509_crt_set_key_usage(own.certificate, GNUTLS_KEY_DIGITAL_SIGNATURE));
	if (kind == FIXTURE_SELF_SIGNED) {
		signer = &own;
	} else if (kind == FIXTURE_WRONG_CA) {
		signer = &stranger;
	}
	must(gnutls_x509_crt_sign2(
		own.certificate, signer->certificate, signer->key, GNUTLS_DIG_SHA512, 0));
	save(name, own.certificate, own.key);
	free_authority(&own);
}

static void clean_up(void)
{
	char command[128];

	/* check's children leave by exit as well */
	if (getpid() != maker) {
		return;
	}
	free_authority(&trusted);
	free_authority(&stranger);
	(void)snprintf(command, sizeof command, "rm -r '%s'", folder);
	(void)!system(command);
}

void fixture_init(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/sx-fixture-XXXXXX");
	need(mkdtemp(folder) != NULL, folder);
	trusted = new_authority("Fixture Authority");
	stranger = new_authority("Nobody's Authority");
	save("ca", trusted.certificate, trusted.key);
	path_of(ca_path, "ca", ".crt");
	save("stranger", stranger.certificate, stranger.key);
	fixture_make("a.example.org", FIXTURE_VALID);
	fixture_make("b.example.org", FIXTURE_VALID);
	maker = getpid();
	(void)atexit(clean_up);
}

const char *fixture_folder(void)
{
	return folder;
}

const char *fixture_ca(void)
{
	return ca_path;
}

void fixture_add(struct sx_tls *tls, const char *name)
{
	char certificate[PATH_BYTES], key[PATH_BYTES], error[256] = "";
	struct sx_identity identity = {
		.name = name,
		.certificate = certificate,
		.key = key,
		.cafile = ca_path,
	};

	path_of(certificate, name, ".crt");
	path_of(key, name, ".key");
	need(sx_tls_set(tls, &identity, error, sizeof error) == SX_OK, error);
}

struct sx_tls *fixture_tls(const char *const *names)
{
	struct sx_tls *tls;

	need(sx_tls_new(&tls) == SX_OK, "sx_tls_new");
	for (; *names; names++) {
		fixture_add(tls, *names);
	}
	return tls;
}
