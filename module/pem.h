/* SPDX-License-Identifier: MIT */
/* pem: a chain of certificates out of a text. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define SX_PEM_MOST 10

struct sx_pem {
	size_t count;
	struct sx_bytes certificates[SX_PEM_MOST]; /* DER, in the order of the text; owned */
};

/* Reads the certificates of a text, the first SX_PEM_MOST. SX_EMALFORMED: none, or one is damaged. SX_ENOMEM. */
SX_MUST_CHECK int sx_pem_read(struct sx_pem *out, const char *text);
void sx_pem_free(struct sx_pem *pem);
