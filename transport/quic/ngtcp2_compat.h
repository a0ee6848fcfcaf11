/* SPDX-License-Identifier: MIT */
/*
 * ngtcp2_compat: one spelling for ngtcp2 0.12 (Debian 12) and 1.x (Debian 13). The code is written against the names
 * of 1.x; what 0.12 calls otherwise is renamed here, what differs in shape gets an SX_QUIC_* macro or function. Error
 * numbers differ too: never keep them, never show them.
 */
#pragma once

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#if NGTCP2_VERSION_NUM < 0x010000

#define ngtcp2_ccerr                         ngtcp2_connection_close_error
#define ngtcp2_ccerr_default                 ngtcp2_connection_close_error_default
#define ngtcp2_ccerr_set_liberr              ngtcp2_connection_close_error_set_transport_error_liberr
#define ngtcp2_ccerr_set_tls_alert           ngtcp2_connection_close_error_set_transport_error_tls_alert
#define ngtcp2_ccerr_set_application_error   ngtcp2_connection_close_error_set_application_error
#define NGTCP2_CCERR_TYPE_TRANSPORT          NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_TRANSPORT
#define ngtcp2_conn_info                     ngtcp2_conn_stat
#define ngtcp2_conn_get_conn_info(conn, out) ngtcp2_conn_get_conn_stat((conn), (out))
#define ngtcp2_conn_shutdown_stream(conn, flags, id, code) \
	((void)(flags), (ngtcp2_conn_shutdown_stream)((conn), (id), (code)))

/* The type of the second parameter of callbacks.dcid_status; GCC 14 takes no other. */
#define SX_QUIC_DCID_STATUS_TYPE int

/* The token of a client's Initial. */
#define SX_QUIC_HEADER_TOKEN(header) sx_bytes_of((header)->token.base, (header)->token.len)

static inline void sx_quic_set_token(ngtcp2_settings *settings, const ngtcp2_pkt_hd *header)
{
	settings->token = header->token;
}

static inline void sx_quic_set_original_dcid(ngtcp2_transport_params *params, const ngtcp2_cid *cid)
{
	params->original_dcid = *cid;
}

/* Why the peer closed; `out->reason` is lent until the connection goes. */
static inline void sx_quic_peer_error(ngtcp2_conn *conn, ngtcp2_ccerr *out)
{
	ngtcp2_conn_get_connection_close_error(conn, out);
}

#else

#define SX_QUIC_DCID_STATUS_TYPE     ngtcp2_connection_id_status_type
#define SX_QUIC_HEADER_TOKEN(header) sx_bytes_of((header)->token, (header)->tokenlen)

static inline void sx_quic_set_token(ngtcp2_settings *settings, const ngtcp2_pkt_hd *header)
{
	settings->token = header->token;
	settings->tokenlen = header->tokenlen;
	settings->token_type = NGTCP2_TOKEN_TYPE_RETRY;
}

static inline void sx_quic_set_original_dcid(ngtcp2_transport_params *params, const ngtcp2_cid *cid)
{
	params->original_dcid = *cid;
	params->original_dcid_present = 1;
}

static inline void sx_quic_peer_error(ngtcp2_conn *conn, ngtcp2_ccerr *out)
{
	*out = *ngtcp2_conn_get_ccerr(conn);
}

#endif
