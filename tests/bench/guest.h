/* SPDX-License-Identifier: MIT */
/*
 * guest: one XMPP client of a crowd, as cheap as it can be: it logs in, and then finds the few tags that matter in what
 * arrives, without an XML parser. Whatever fails ends the program with a line that says what.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <gnutls/gnutls.h>

enum guest_kind {
	GUEST_PLAIN,
	GUEST_TLS,
	GUEST_SMACKS, /* TLS, with stream management (XEP-0198), which it acknowledges */
};

/* What all guests of a crowd have received. `delays`: of messages, in the order of arrival, in nanoseconds. */
struct guest_tally {
	uint64_t presences, messages, bytes;
	uint64_t *delays;
	size_t delays_most;
};

/* `handled`: stanzas since stream management began. `rest`: what has arrived of a tag that is not complete. */
struct guest {
	gnutls_session_t tls;
	size_t rest_len;
	int fd;
	uint32_t handled;
	char jid[64];
	char rest[512];
};

/* Logs "NAME@DOMAIN/crowd" in at a port of 127.0.0.1, with the password "secret"; from then on it never blocks. */
void guest_login(struct guest *guest, const char *name, const char *domain, uint16_t port,
	enum guest_kind kind);

/* Sends all of it; a server that takes no more is an error. */
void guest_send(struct guest *guest, const char *data, size_t len);

/* Reads what has arrived. */
void guest_read(struct guest *guest, struct guest_tally *tally);

/* A body of `len` bytes that says when it was made. NUL-terminated: there are `len` + 1 bytes in `out`. */
void guest_stamp(char *out, size_t len);

/* Nanoseconds of a clock that only goes forward. */
uint64_t guest_now(void);

/* Ends the program with a line. */
_Noreturn void guest_fail(const char *what);

/* The same when `ok` is false. */
static inline void guest_require(int ok, const char *what)
{
	if (!ok) {
		guest_fail(what);
	}
}
