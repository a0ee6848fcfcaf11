/* SPDX-License-Identifier: MIT */
#include <gnutls/gnutls.h>
#include <string.h>

#include "pem.h"
#include "rains/datum.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

static int read_one(struct sx_pem *pem, const char *begin, size_t len)
{
	const gnutls_datum_t text = sx_rains_datum(sx_bytes_of(begin, len));
	gnutls_datum_t der;
	int rc = gnutls_pem_base64_decode2("CERTIFICATE", &text, &der);

	if (rc < 0) {
		return rc == GNUTLS_E_MEMORY_ERROR ? SX_ENOMEM : SX_EMALFORMED;
	}
	pem->certificates[pem->count++] = sx_bytes_of(der.data, der.size);
	return SX_OK;
}

static int read_all(struct sx_pem *pem, const char *text)
{
	const char *begin;

	while (pem->count < SX_PEM_MOST && (begin = strstr(text, BEGIN))) {
		const char *end = strstr(begin, END);
		int rc;

		if (!end) {
			return SX_EMALFORMED;
		}
		text = end + strlen(END);
		rc = read_one(pem, begin, (size_t)(text - begin));
		if (rc < 0) {
			return rc;
		}
	}
	return pem->count > 0 ? SX_OK : SX_EMALFORMED;
}

int sx_pem_read(struct sx_pem *out, const char *text)
{
	struct sx_pem pem = { .count = 0 };
	int rc = read_all(&pem, text);

	if (rc < 0) {
		sx_pem_free(&pem);
		return rc;
	}
	*out = pem;
	return SX_OK;
}

void sx_pem_free(struct sx_pem *pem)
{
	for (size_t i = 0; i < pem->count; i++) {
		gnutls_free(sx_rains_datum(pem->certificates[i]).data);
	}
	pem->count = 0;
}
