/* SPDX-License-Identifier: MIT */
/*
 * ngtcp2_compat: ngtcp2 0.12 (Debian 12) under the names of ngtcp2 1.x (Debian 13). The only file that knows two APIs;
 * the rest of this folder is written for 1.x, includes ngtcp2 through here and uses the SX_* macros where renaming
 * does not do.
 */
#pragma once

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#if NGTCP2_VERSION_NUM < 0x010000

#define ngtcp2_ccerr                       ngtcp2_connection_close_error
#define ngtcp2_ccerr_default               ngtcp2_connection_close_error_default
#define ngtcp2_ccerr_set_liberr            ngtcp2_connection_close_error_set_transport_error_liberr
#define ngtcp2_ccerr_set_tls_alert         ngtcp2_connection_close_error_set_transport_error_tls_alert
#define ngtcp2_ccerr_set_application_error ngtcp2_connection_close_error_set_application_error
#define ngtcp2_conn_info                   ngtcp2_conn_stat
#define ngtcp2_conn_get_conn_info          ngtcp2_conn_get_conn_stat

#define ngtcp2_conn_shutdown_stream(conn, flags, id, code) \
	((void)(flags), (ngtcp2_conn_shutdown_stream)((conn), (id), (code)))

typedef int sx_cid_status_type; /* ngtcp2's name for it came later */

#define SX_SET_ORIGINAL_DCID(params, cid) ((params)->original_dcid = *(cid))
#define SX_SET_TOKEN(settings, data, size) \
	((settings)->token = (ngtcp2_vec){ .base = (data), .len = (size) })
#define SX_TOKEN_DATA(header) ((header)->token.base)
#define SX_TOKEN_LEN(header)  ((header)->token.len)

static inline void sx_conn_get_ccerr(ngtcp2_conn *conn, ngtcp2_ccerr *out)
{
	ngtcp2_conn_get_connection_close_error(conn, out);
}

#else

typedef ngtcp2_connection_id_status_type sx_cid_status_type;

#define SX_SET_ORIGINAL_DCID(params, cid) \
	((params)->original_dcid = *(cid), (params)->original_dcid_present = 1)
#define SX_SET_TOKEN(settings, data, size) \
	((settings)->token = (data), (settings)->tokenlen = (size), \
		(settings)->token_type = NGTCP2_TOKEN_TYPE_RETRY)
#define SX_TOKEN_DATA(header) ((header)->token)
#define SX_TOKEN_LEN(header)  ((header)->tokenlen)

static inline void sx_conn_get_ccerr(ngtcp2_conn *conn, ngtcp2_ccerr *out)
{
	*out = *ngtcp2_conn_get_ccerr(conn);
}

#endif
