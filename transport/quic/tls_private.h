/* SPDX-License-Identifier: MIT */
/* tls_private: what tls.c and tls_session.c share. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/list.h"
#include "quic/tls.h"

/* One local domain; sessions hold references, so it may be replaced under them. */
struct sx_tls_identity {
	struct sx_list link;
	unsigned refs;
	char *name;
	gnutls_certificate_credentials_t credentials;
};

struct sx_tls {
	gnutls_priority_t priority;
	struct sx_list identities;
};

/* The identity of a domain, case ignored, or NULL. */
struct sx_tls_identity *sx_tls_identity_find(const struct sx_tls *tls, const char *name);
void sx_tls_identity_unref(struct sx_tls_identity *identity);
