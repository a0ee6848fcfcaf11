/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>

#include "quic/tls_session.h"

#define ALPN_MAX 8

static struct sx_tls_session *session_of(gnutls_session_t session)
{
	ngtcp2_crypto_conn_ref *ref = gnutls_session_get_ptr(session);

	return ref->user_data;
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref)
{
	const struct sx_tls_session *session = ref->user_data;

	return session->quic;
}

/* Reads SNI into session->name. RFC 6066 section 3: one DNS name. */
static int read_name(struct sx_tls_session *session)
{
	size_t len = sizeof session->name - 1;
	unsigned type = 0;

	if (gnutls_server_name_get(session->session, session->name, &len, &type, 0) < 0 ||
		type != GNUTLS_NAME_DNS || strlen(session->name) != len) {
		session->name[0] = '\0';
		return SX_ENOTFOUND;
	}
	return SX_OK;
}

/* GnuTLS calls this once the client's hello is read: the certificate is chosen by SNI, no name means no service. */
static int on_hello(gnutls_session_t gnutls)
{
	struct sx_tls_session *session = session_of(gnutls);

	if (session->identity) {
		return 0;
	}
	if (read_name(session) < 0 ||
		sx_tls_acquire(session->tls, session->name, &session->identity) < 0) {
		return GNUTLS_E_UNRECOGNIZED_NAME;
	}
	return gnutls_credentials_set(
		gnutls, GNUTLS_CRD_CERTIFICATE, sx_tls_credentials(session->identity));
}

/* Notes the verdict and lets the handshake go on: what an unproven peer may do is decided above. */
static int on_verify(gnutls_session_t gnutls)
{
	struct sx_tls_session *session = session_of(gnutls);
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(gnutls, &count);

	assert(session->identity);
	sx_trust_judge(
		sx_tls_trust(session->identity), chain, chain ? count : 0, &session->verdict);
	return 0;
}

static int offer(struct sx_tls_session *session, const char *const *alpn)
{
	/* GnuTLS copies the labels; its pointers are not const. */
	union {
		const char *text;
		unsigned char *data;
	} label;
	gnutls_datum_t labels[ALPN_MAX];
	unsigned count = 0;

	for (; alpn[count]; count++) {
		if (count == ALPN_MAX) {
			return SX_ELIMIT;
		}
		label.text = alpn[count];
		labels[count] = (gnutls_datum_t){ label.data, (unsigned)strlen(alpn[count]) };
	}
	return gnutls_alpn_set_protocols(session->session, labels, count, GNUTLS_ALPN_MANDATORY) < 0
		       ? SX_ENOMEM
		       : SX_OK;
}

/* What both roles share. No tickets and no early data: design.md, settled questions. */
static int start(struct sx_tls_session *session, struct sx_tls *tls, unsigned role)
{
	session->tls = tls;
	session->verdict = (struct sx_verdict){ .status = SX_ETLS, .text = "no certificate" };
	session->ref = (ngtcp2_crypto_conn_ref){ conn_of, session };
	if (gnutls_init(&session->session, role | GNUTLS_NO_SIGNAL | GNUTLS_NO_END_OF_EARLY_DATA |
						   GNUTLS_NO_TICKETS | GNUTLS_FORCE_CLIENT_CERT) <
		0) {
		session->session = NULL;
		return SX_ENOMEM;
	}
	if (gnutls_priority_set(session->session, sx_tls_priority(tls)) < 0) {
		return SX_ENOMEM;
	}
	gnutls_session_set_ptr(session->session, &session->ref);
	gnutls_session_set_verify_function(session->session, on_verify);
	return SX_OK;
}

int sx_tls_session_serve(
	struct sx_tls_session *session, struct sx_tls *tls, const char *const *alpn)
{
	int rc = start(session, tls, GNUTLS_SERVER);

	if (rc == SX_OK) {
		rc = offer(session, alpn);
	}
	if (rc < 0) {
		return rc;
	}
	gnutls_handshake_set_post_client_hello_function(session->session, on_hello);
	gnutls_certificate_server_set_request(session->session, GNUTLS_CERT_REQUEST);
	gnutls_certificate_send_x509_rdn_sequence(session->session, 1);
	if (gnutls_credentials_set(session->session, GNUTLS_CRD_CERTIFICATE, sx_tls_nobody(tls)) <
			0 ||
		ngtcp2_crypto_gnutls_configure_server_session(session->session) != 0) {
		return SX_ENOMEM;
	}
	return SX_OK;
}

int sx_tls_session_dial(struct sx_tls_session *session, struct sx_tls *tls, const char *local_name,
	const char *remote_name, const char *alpn)
{
	const char *const labels[] = { alpn, NULL };
	size_t len = strlen(remote_name);
	int rc = sx_tls_acquire(tls, local_name, &session->identity);

	if (rc < 0) {
		return rc;
	}
	if (len == 0 || len >= sizeof session->name) {
		return SX_EINVAL;
	}
	memcpy(session->name, remote_name, len + 1);
	rc = start(session, tls, GNUTLS_CLIENT);
	if (rc == SX_OK) {
		rc = offer(session, labels);
	}
	if (rc < 0) {
		return rc;
	}
	if (gnutls_server_name_set(session->session, GNUTLS_NAME_DNS, remote_name, len) < 0 ||
		gnutls_credentials_set(session->session, GNUTLS_CRD_CERTIFICATE,
			sx_tls_credentials(session->identity)) < 0 ||
		ngtcp2_crypto_gnutls_configure_client_session(session->session) != 0) {
		return SX_ENOMEM;
	}
	return SX_OK;
}

void sx_tls_session_fini(struct sx_tls_session *session)
{
	if (session->session) {
		gnutls_deinit(session->session);
		session->session = NULL;
	}
	sx_tls_release(session->identity);
	session->identity = NULL;
}

void sx_tls_session_alpn(const struct sx_tls_session *session, char *out, size_t cap)
{
	gnutls_datum_t label;
	size_t len = 0;

	if (gnutls_alpn_get_selected_protocol(session->session, &label) == 0) {
		len = label.size < cap - 1 ? label.size : cap - 1;
		memcpy(out, label.data, len);
	}
	out[len] = '\0';
}

const char *sx_tls_session_cipher(const struct sx_tls_session *session)
{
	const char *name = gnutls_ciphersuite_get(session->session);

	return name ? name : "";
}

int sx_tls_session_certificate(
	const struct sx_tls_session *session, unsigned depth, struct sx_bytes *out)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session->session, &count);

	if (!chain || depth >= count) {
		return SX_ENOTFOUND;
	}
	*out = sx_bytes_of(chain[depth].data, chain[depth].size);
	return SX_OK;
}

int sx_tls_session_export(const struct sx_tls_session *session, const char *label,
	struct sx_bytes context, void *out, size_t len)
{
	int rc = gnutls_prf_rfc5705(session->session, strlen(label), label, context.len,
		(const char *)context.data, len, out);

	return rc < 0 ? SX_ETLS : SX_OK;
}
