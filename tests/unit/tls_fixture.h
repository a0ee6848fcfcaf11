/* SPDX-License-Identifier: MIT */
/* tls_fixture: keys and certificates made once per test program, as PEM files in a folder that goes with it. */
#pragma once

#include "quic/tls.h"

enum fixture_kind {
	FIXTURE_VALID,
	FIXTURE_EXPIRED,
	FIXTURE_EARLY, /* not yet valid */
	FIXTURE_SELF_SIGNED,
	FIXTURE_WRONG_CA,    /* signed by an authority that nobody trusts */
	FIXTURE_CLIENT_ONLY, /* extended key usage: clientAuth */
	FIXTURE_CODE_ONLY,   /* extended key usage: codeSigning */
	FIXTURE_LONG, /* valid, with so much in it that the server's flight takes several datagrams */
};

/* Makes the folder, the authorities and the usual identities. Call it in main, before check forks. */
void fixture_init(void);

/* The folder, and the file of the trusted authority. */
const char *fixture_folder(void);
const char *fixture_ca(void);

/* Makes NAME.crt and NAME.key. */
void fixture_make(const char *name, enum fixture_kind kind);

/* Adds NAME with its files to `tls`, trusting the fixture's authority. */
void fixture_add(struct sx_tls *tls, const char *name);

/* A `struct sx_tls` with the given names, NULL-terminated. */
struct sx_tls *fixture_tls(const char *const *names);
