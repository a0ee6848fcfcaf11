/* SPDX-License-Identifier: MIT */
/* ns_identity: a certificate that nobody but itself vouches for, as name servers have them. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/status.h"

/* Makes a key and a certificate, and writes the latter to the file `pem`. SX_EIO: see errno. */
SX_MUST_CHECK int sx_ns_identity_make(gnutls_certificate_credentials_t *out, const char *pem);
