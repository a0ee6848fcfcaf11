/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S      1000000000ULL
#define LOGIN_SECONDS 30
#define LOGIN_BYTES   16384
#define READ_BYTES    65536
#define DECIDED_BYTES 48 /* a tag with so many bytes after its "<" can be told from others */
#define STAMP         "t=%020llu;"
#define STAMP_BYTES   23

void guest_fail(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(1);
}

uint64_t guest_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void guest_stamp(char *out, size_t len)
{
	guest_require(len >= DECIDED_BYTES, "a body is too short for its time");
	memset(out, 'x', len);
	(void)snprintf(out, len, STAMP, (unsigned long long)guest_now());
	out[STAMP_BYTES] = 'x';
	out[len] = '\0';
}

/* Bytes, 0 when there are none now, -1 when the other side has closed. */
static ssize_t receive(struct guest *guest, char *out, size_t most)
{
	ssize_t got = guest->tls ? gnutls_record_recv(guest->tls, out, most)
				 : recv(guest->fd, out, most, 0);

	if (got > 0) {
		return got;
	}
	if (guest->tls ? got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED
		       : got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	return -1;
}

void guest_send(struct guest *guest, const char *data, size_t len)
{
	ssize_t sent = guest->tls ? gnutls_record_send(guest->tls, data, len)
				  : send(guest->fd, data, len, MSG_NOSIGNAL);

	guest_require(sent == (ssize_t)len, "a server does not take what a guest says");
}

static void say(struct guest *guest, const char *text)
{
	guest_send(guest, text, strlen(text));
}

/* Reads until `what` has come; what comes after it is kept. */
static void expect(struct guest *guest, const char *what)
{
	char data[LOGIN_BYTES + 1];
	uint64_t deadline = guest_now() + LOGIN_SECONDS * NS_PER_S;
	size_t len = guest->rest_len;
	char *found;

	memcpy(data, guest->rest, len);
	data[len] = '\0';
	while (!(found = strstr(data, what))) {
		ssize_t got = receive(guest, data + len, LOGIN_BYTES - len);

		if (got < 0 || guest_now() > deadline) {
			(void)fprintf(stderr, "%s: no %s in: %s\n", guest->jid, what, data);
			exit(1);
		}
		len += (size_t)got;
		data[len] = '\0';
	}
	found += strlen(what);
	guest->rest_len = len - (size_t)(found - data);
	guest_require(guest->rest_len <= sizeof guest->rest, "too much at once at login");
	memcpy(guest->rest, found, guest->rest_len);
}

static void begin_stream(struct guest *guest, const char *domain)
{
	char header[256];

	(void)snprintf(header, sizeof header,
		"<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' "
		"xmlns:stream='http://etherx.jabber.org/streams'>",
		domain);
	guest->rest_len = 0;
	say(guest, header);
	expect(guest, "</stream:features>");
}

/* Nobody's certificate is looked at: this is a load, not a user. */
static void begin_tls(struct guest *guest)
{
	static gnutls_certificate_credentials_t credentials;
	int status;

	if (!credentials) {
		guest_require(
			gnutls_certificate_allocate_credentials(&credentials) == 0, "no memory");
	}
	say(guest, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	expect(guest, "<proceed");
	guest_require(gnutls_init(&guest->tls, GNUTLS_CLIENT) == 0 &&
			      gnutls_set_default_priority(guest->tls) == 0 &&
			      gnutls_credentials_set(
				      guest->tls, GNUTLS_CRD_CERTIFICATE, credentials) == 0,
		"GnuTLS does not work");
	gnutls_transport_set_int(guest->tls, guest->fd);
	gnutls_handshake_set_timeout(guest->tls, LOGIN_SECONDS * 1000);
	do {
		status = gnutls_handshake(guest->tls);
	} while (status < 0 && !gnutls_error_is_fatal(status));
	guest_require(status == 0, "no TLS handshake");
}

/* SASL PLAIN (RFC 4616). */
static void authenticate(struct guest *guest, const char *name)
{
	char plain[64], message[256];
	size_t name_len = strlen(name);
	gnutls_datum_t raw = { (unsigned char *)plain, (unsigned)(name_len + 8) }, encoded;

	plain[0] = '\0';
	(void)snprintf(plain + 1, sizeof plain - 1, "%s", name);
	memcpy(plain + name_len + 2, "secret", 6);
	guest_require(gnutls_base64_encode2(&raw, &encoded) == 0, "no memory");
	(void)snprintf(message, sizeof message,
		"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%.*s</auth>",
		(int)encoded.size, encoded.data);
	gnutls_free(encoded.data);
	say(guest, message);
	expect(guest, "<success");
}

static int connect_to(uint16_t port)
{
	const struct timeval patience = { .tv_sec = LOGIN_SECONDS };
	const int yes = 1;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	guest_require(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0,
		"no connection to the server");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	return fd;
}

void guest_login(struct guest *guest, const char *name, const char *domain, uint16_t port,
	enum guest_kind kind)
{
	*guest = (struct guest){ .fd = connect_to(port) };
	(void)snprintf(guest->jid, sizeof guest->jid, "%s@%s", name, domain);
	begin_stream(guest, domain);
	if (kind != GUEST_PLAIN) {
		begin_tls(guest);
		begin_stream(guest, domain);
	}
	authenticate(guest, name);
	begin_stream(guest, domain);
	say(guest, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		   "<resource>crowd</resource></bind></iq>");
	expect(guest, "</iq>");
	if (kind == GUEST_SMACKS) {
		say(guest, "<enable xmlns='urn:xmpp:sm:3'/>");
		expect(guest, "<enabled");
	}
	guest_require(fcntl(guest->fd, F_SETFL, O_NONBLOCK) == 0, "no O_NONBLOCK");
}

static void acknowledge(struct guest *guest)
{
	char answer[64];

	(void)snprintf(answer, sizeof answer, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", guest->handled);
	say(guest, answer);
}

static void note_message(struct guest_tally *tally, const char *body)
{
	uint64_t sent_at = strtoull(body + 2, NULL, 10);

	if (tally->messages < tally->delays_most) {
		tally->delays[tally->messages] = guest_now() - sent_at;
	}
	tally->messages++;
}

/* `at` is after a "<". Bodies without a time are those of somebody else. */
static void note_tag(struct guest *guest, struct guest_tally *tally, const char *at)
{
	if (strncmp(at, "body>t=", 7) == 0) {
		note_message(tally, at + 5);
	} else if (strncmp(at, "presence ", 9) == 0) {
		tally->presences++;
		guest->handled++;
	} else if (strncmp(at, "message ", 8) == 0 || strncmp(at, "iq ", 3) == 0) {
		guest->handled++;
	} else if (strncmp(at, "r ", 2) == 0) {
		acknowledge(guest);
	}
}

/* Notes the tags in some bytes, after which there are DECIDED_BYTES of 0; keeps what cannot be told yet. */
static void note_tags(struct guest *guest, struct guest_tally *tally, const char *data, size_t len)
{
	const char *at = data, *end = data + len;

	while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
		size_t left = (size_t)(end - at);

		if (left < DECIDED_BYTES &&
			(!memchr(at, '>', left) || strncmp(at, "<body>", 6) == 0)) {
			memcpy(guest->rest, at, left);
			guest->rest_len = left;
			return;
		}
		at++;
		note_tag(guest, tally, at);
	}
}

void guest_read(struct guest *guest, struct guest_tally *tally)
{
	static char data[sizeof guest->rest + READ_BYTES + DECIDED_BYTES];

	do {
		size_t len = guest->rest_len;
		ssize_t got;

		memcpy(data, guest->rest, len);
		got = receive(guest, data + len, READ_BYTES);
		if (got < 0) {
			(void)fprintf(stderr, "%s was disconnected\n", guest->jid);
			exit(1);
		}
		tally->bytes += (uint64_t)got;
		len += (size_t)got;
		memset(data + len, 0, DECIDED_BYTES);
		guest->rest_len = 0;
		note_tags(guest, tally, data, len);
	} while (guest->tls && gnutls_record_check_pending(guest->tls) > 0);
}
