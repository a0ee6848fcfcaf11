/* SPDX-License-Identifier: MIT */
/* datum: bytes as GnuTLS takes them. It does not say so, but it only reads them. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/bytes.h"

static inline gnutls_datum_t sx_rains_datum(struct sx_bytes bytes)
{
	union {
		const uint8_t *read;
		unsigned char *data;
	} pointer = { bytes.data };

	return (gnutls_datum_t){ pointer.data, (unsigned)bytes.len };
}
