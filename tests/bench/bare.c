/* SPDX-License-Identifier: MIT */
/*
 * bare: the price of one write to a client and nothing else, the unit of what a delivery costs. Writes COUNT times so many
 * bytes to SINKS connections in turn, over loopback TCP, that another process reads; on "tls" each is a TLS record.
 * Says microseconds of CPU for one. With PAUSE it does something else for so many microseconds after each, which are not
 * counted: the reader has fallen asleep until the next, and is woken by it.
 *
 * usage: bare plain|tls BYTES SINKS COUNT [PAUSE]
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define SINKS_MOST 1000
#define BYTES_MOST 16384
#define PRIORITY   "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH"

static struct sink {
	int fd;
	gnutls_session_t tls;
} sinks[SINKS_MOST];

static size_t sinks_len;

static void connect_pair(int listener, int *near, int *far)
{
	struct sockaddr_in address;
	socklen_t len = sizeof address;
	const int yes = 1;

	guest_require(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "no address");
	*near = socket(AF_INET, SOCK_STREAM, 0);
	guest_require(connect(*near, (struct sockaddr *)&address, len) == 0, "no connection");
	*far = accept(listener, NULL, NULL);
	guest_require(*far >= 0, "no connection");
	(void)setsockopt(*near, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* An anonymous key exchange will do: only records are measured. */
static void shake_hands(struct sink *sink, int fd, unsigned side)
{
	static gnutls_anon_client_credentials_t client;
	static gnutls_anon_server_credentials_t server;

	if (!client) {
		guest_require(gnutls_anon_allocate_client_credentials(&client) == 0 &&
				      gnutls_anon_allocate_server_credentials(&server) == 0,
			"no memory");
	}
	guest_require(gnutls_init(&sink->tls, side) == 0 &&
			      gnutls_priority_set_direct(sink->tls, PRIORITY, NULL) == 0 &&
			      gnutls_credentials_set(sink->tls, GNUTLS_CRD_ANON,
				      side == GNUTLS_CLIENT ? (void *)client : (void *)server) == 0,
		"GnuTLS does not work");
	gnutls_transport_set_int(sink->tls, fd);
	guest_require(gnutls_handshake(sink->tls) == 0, "no TLS handshake");
}

/* The other process: takes what comes, undeciphered. Ends with the one that writes. */
static void drain(const int *fds, int with_tls)
{
	static char data[65536];
	int poll = epoll_create1(0);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sinks_len; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fds[i] };
		struct sink end;

		if (with_tls) {
			shake_hands(&end, fds[i], GNUTLS_CLIENT);
		}
		(void)epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event);
	}
	for (;;) {
		struct epoll_event events[64];
		int count = epoll_wait(poll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			(void)!read(events[i].data.fd, data, sizeof data);
		}
	}
}

static void write_one(struct sink *sink, const char *data, size_t len)
{
	ssize_t sent =
		sink->tls ? gnutls_record_send(sink->tls, data, len) : write(sink->fd, data, len);

	guest_require(sent == (ssize_t)len, "a write failed");
}

static double cpu_seconds(void)
{
	struct timespec used;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* What that has taken. */
static double be_busy(double seconds)
{
	double before = cpu_seconds(), now = before;

	while (now - before < seconds) {
		now = cpu_seconds();
	}
	return now - before;
}

static double measure(size_t bytes, size_t count, double pause)
{
	static char data[BYTES_MOST];
	double before, busy = 0;

	memset(data, 'x', bytes);
	before = cpu_seconds();
	for (size_t i = 0, at = 0; i < count; i++) {
		write_one(&sinks[at], data, bytes);
		busy += pause > 0 ? be_busy(pause) : 0;
		at = at + 1 < sinks_len ? at + 1 : 0;
	}
	return (cpu_seconds() - before - busy) / (double)count * 1e6;
}

int main(int argc, char **argv)
{
	static int far[SINKS_MOST];
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in here = { .sin_family = AF_INET };
	int with_tls;
	pid_t child;

	guest_require(argc == 5 || argc == 6, "usage: bare plain|tls BYTES SINKS COUNT [PAUSE]");
	with_tls = strcmp(argv[1], "tls") == 0;
	sinks_len = strtoul(argv[3], NULL, 10);
	guest_require(sinks_len > 0 && sinks_len <= SINKS_MOST, "from 1 to 1000 sinks");
	guest_require(strtoul(argv[2], NULL, 10) <= BYTES_MOST, "at most 16384 bytes");
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	guest_require(bind(listener, (struct sockaddr *)&here, sizeof here) == 0 &&
			      listen(listener, 16) == 0,
		"cannot listen");
	for (size_t i = 0; i < sinks_len; i++) {
		connect_pair(listener, &sinks[i].fd, &far[i]);
	}
	child = fork();
	if (child == 0) {
		drain(far, with_tls);
	}
	for (size_t i = 0; with_tls && i < sinks_len; i++) {
		shake_hands(&sinks[i], sinks[i].fd, GNUTLS_SERVER);
	}
	(void)measure(strtoul(argv[2], NULL, 10), sinks_len, 0);
	(void)printf("%.3f\n", measure(strtoul(argv[2], NULL, 10), strtoul(argv[4], NULL, 10),
				       argc == 6 ? strtod(argv[5], NULL) / 1e6 : 0));
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return 0;
}
