/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <gnutls/x509.h>

#include "quic/tls_private.h"
#include "quic/tls_session.h"

/* What a verification status means in the words Prosody looks for. prosody.md 4.3. */
static const struct {
	unsigned flag;
	const char *text;
} verdicts[] = {
	{ GNUTLS_CERT_REVOKED, "certificate revoked" },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, "unable to get local issuer certificate" },
	{ GNUTLS_CERT_EXPIRED, "certificate has expired" },
	{ GNUTLS_CERT_NOT_ACTIVATED, "certificate is not yet valid" },
	{ GNUTLS_CERT_SIGNER_NOT_CA, "invalid CA certificate" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, "certificate uses an insecure algorithm" },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, "certificate signature failure" },
};

static const char *no_name(const char *text)
{
	return text ? text : "";
}

static bool is_self_signed(const gnutls_datum_t *chain, unsigned count)
{
	gnutls_x509_crt_t leaf;
	bool self_signed;

	if (count != 1 || gnutls_x509_crt_init(&leaf) < 0) {
		return false;
	}
	self_signed = gnutls_x509_crt_import(leaf, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
		gnutls_x509_crt_check_issuer(leaf, leaf) == 1;
	gnutls_x509_crt_deinit(leaf);
	return self_signed;
}

static const char *verdict_text(const struct sx_tls_session *session, unsigned status)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session->handle, &count);

	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND && chain && is_self_signed(chain, count)) {
		return "self signed certificate";
	}
	for (size_t i = 0; i < SX_COUNT(verdicts); i++) {
		if (status & verdicts[i].flag) {
			return verdicts[i].text;
		}
	}
	return "certificate verify failed";
}

static void judge(struct sx_tls_session *session)
{
	unsigned status = 0;
	int rc = gnutls_certificate_verify_peers2(session->handle, &status);

	session->verify_status = rc == 0 && status == 0 ? SX_OK : SX_ETLS;
	if (rc < 0) {
		(void)snprintf(session->verify_text, sizeof session->verify_text, "%s",
			rc == GNUTLS_E_NO_CERTIFICATE_FOUND ? "no certificate" : gnutls_strerror(rc));
	} else if (status != 0) {
		(void)snprintf(session->verify_text, sizeof session->verify_text, "%s",
			verdict_text(session, status));
	}
}

/* ClientHello is in: SNI picks the certificate, RFC 6066 section 3. */
static int on_client_hello(gnutls_session_t handle)
{
	struct sx_tls_session *session = sx_container_of(gnutls_session_get_ptr(handle), struct sx_tls_session, ref);
	size_t len = sizeof session->sni - 1;
	unsigned type;
	struct sx_tls_identity *identity;

	if (gnutls_server_name_get(handle, session->sni, &len, &type, 0) < 0 || type != GNUTLS_NAME_DNS) {
		session->sni[0] = '\0';
		return GNUTLS_E_UNRECOGNIZED_NAME;
	}
	session->sni[len] = '\0';
	identity = sx_tls_identity_find(session->tls, session->sni);
	if (!identity) {
		return GNUTLS_E_UNRECOGNIZED_NAME;
	}
	session->identity = identity;
	identity->refs++;
	return gnutls_credentials_set(handle, GNUTLS_CRD_CERTIFICATE, identity->credentials);
}

static int set_alpn(struct sx_tls_session *session, const char *const *labels)
{
	gnutls_datum_t list[8];
	unsigned count = 0;

	for (; labels[count] && count < SX_COUNT(list); count++) {
		const unsigned char *text = (const unsigned char *)labels[count];

		memcpy(&list[count].data, &text, sizeof text); /* GnuTLS copies it, but wants no const */
		list[count].size = (unsigned)strlen(labels[count]);
	}
	return gnutls_alpn_set_protocols(session->handle, list, count, GNUTLS_ALPN_MANDATORY);
}

static int start(struct sx_tls_session *session, struct sx_tls *tls, unsigned flags)
{
	/* No tickets: a resumed session would keep an old proof of identity. */
	if (gnutls_init(&session->handle, flags | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS) < 0) {
		session->handle = NULL;
		return SX_ENOMEM;
	}
	session->tls = tls;
	gnutls_session_set_ptr(session->handle, &session->ref);
	return gnutls_priority_set(session->handle, tls->priority) < 0 ? SX_ENOMEM : SX_OK;
}

int sx_tls_session_client(struct sx_tls_session *session, struct sx_tls *tls, const char *local_name, const char *alpn)
{
	const char *const labels[] = { alpn, NULL };
	struct sx_tls_identity *identity = sx_tls_identity_find(tls, local_name);
	int rc;

	if (!identity) {
		return SX_ENOTFOUND;
	}
	rc = start(session, tls, GNUTLS_CLIENT);
	if (rc < 0) {
		return rc;
	}
	session->identity = identity;
	identity->refs++;
	if (gnutls_credentials_set(session->handle, GNUTLS_CRD_CERTIFICATE, identity->credentials) < 0 ||
		gnutls_server_name_set(session->handle, GNUTLS_NAME_DNS, session->sni, strlen(session->sni)) < 0 ||
		set_alpn(session, labels) < 0 ||
		ngtcp2_crypto_gnutls_configure_client_session(session->handle) != 0) {
		return SX_ENOMEM;
	}
	return SX_OK;
}

int sx_tls_session_server(struct sx_tls_session *session, struct sx_tls *tls, const char *const *alpn)
{
	int rc = start(session, tls, GNUTLS_SERVER);

	if (rc < 0) {
		return rc;
	}
	gnutls_certificate_server_set_request(session->handle, GNUTLS_CERT_REQUEST);
	gnutls_certificate_send_x509_rdn_sequence(session->handle, 1); /* no list of CA names: kilobytes saved */
	gnutls_handshake_set_post_client_hello_function(session->handle, on_client_hello);
	if (set_alpn(session, alpn) < 0 || ngtcp2_crypto_gnutls_configure_server_session(session->handle) != 0) {
		return SX_ENOMEM;
	}
	return SX_OK;
}

void sx_tls_session_fini(struct sx_tls_session *session)
{
	if (session->handle) {
		gnutls_deinit(session->handle);
		session->handle = NULL;
	}
	sx_tls_identity_unref(session->identity);
	session->identity = NULL;
}

void sx_tls_session_complete(struct sx_tls_session *session)
{
	gnutls_datum_t label;

	if (gnutls_alpn_get_selected_protocol(session->handle, &label) == 0) {
		(void)snprintf(session->selected_alpn, sizeof session->selected_alpn, "%.*s", (int)label.size,
			(const char *)label.data);
	}
	judge(session);
}

const char *sx_tls_session_cipher(const struct sx_tls_session *session)
{
	static const struct {
		gnutls_cipher_algorithm_t cipher;
		const char *name;
	} suites[] = {
		{ GNUTLS_CIPHER_AES_128_GCM, "TLS_AES_128_GCM_SHA256" },
		{ GNUTLS_CIPHER_AES_256_GCM, "TLS_AES_256_GCM_SHA384" },
		{ GNUTLS_CIPHER_CHACHA20_POLY1305, "TLS_CHACHA20_POLY1305_SHA256" },
	};
	gnutls_cipher_algorithm_t cipher = gnutls_cipher_get(session->handle);

	for (size_t i = 0; i < SX_COUNT(suites); i++) {
		if (suites[i].cipher == cipher) {
			return suites[i].name;
		}
	}
	return no_name(gnutls_cipher_get_name(cipher));
}
