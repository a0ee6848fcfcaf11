/* SPDX-License-Identifier: MIT */
/* c-ares 1.34 calls most of what 1.18 has deprecated, and caches answers of its own accord. */
#define CARES_NO_DEPRECATED

#include <ares.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "dns/dns.h"

#ifdef ARES_OPT_QUERY_CACHE
#define NO_CACHE ARES_OPT_QUERY_CACHE
#else
#define NO_CACHE 0
#endif

#define TRY_MS     400 /* the first try; each round over the servers takes twice as long */
#define TRIES      3
#define EDNS_BYTES 1232
#define SOCKETS_MOST \
	32 /* a socket beyond is not watched: its questions run into their time limit */
#define CLASS_IN 1

struct socket {
	struct sx_watch watch; /* fd is -1 while the place is free */
	struct sx_dns *dns;
};

struct sx_dns {
	struct sx_loop *outer;
	struct sx_loop *loop;
	struct sx_watch watch; /* of `loop`, in `outer` */
	ares_channel channel;
	size_t questions_most;
	size_t count;           /* of all questions */
	size_t forgotten;       /* those of them that nobody waits for, but c-ares holds */
	struct sx_list waiting; /* for c-ares or their deadline */
	struct sx_list finished;
	struct socket sockets[SOCKETS_MOST];
	struct sx_dns_answer answer; /* the one being handed over */
};

struct sx_dns_question {
	struct sx_list
		node; /* in `waiting` or `finished`; alone when nobody waits for it any more */
	struct sx_dns *dns;
	struct sx_dns_name name;
	enum sx_dns_type type;
	uint64_t deadline_ns;
	void (*done)(void *arg, const struct sx_dns_answer *answer); /* NULL: nobody waits */
	void *arg;
	bool is_asked;          /* c-ares holds the pointer and will call on_answer */
	struct sx_buf *message; /* the answer, or NULL: */
	int failure;            /* why there is none, as c-ares says it */
};

static const struct {
	int failure;
	int status;
	const char *reason;
} failures[] = {
	{ ARES_ETIMEOUT, SX_ETIMEDOUT, "no DNS server answered in time" },
	/* c-ares 1.18 says this also of a server that answered SERVFAIL or REFUSED. */
	{ ARES_ECONNREFUSED, SX_EREFUSED, "no DNS server is there, or all failed or refused" },
	{ ARES_ESERVFAIL, SX_EREFUSED, "the DNS server failed (SERVFAIL)" },
	{ ARES_EREFUSED, SX_EREFUSED, "the DNS server refused to answer" },
	{ ARES_ENOTIMP, SX_EPROTO, "the DNS server does not do such questions" },
	{ ARES_EFORMERR, SX_EPROTO, "the DNS server did not understand the question" },
	{ ARES_ENOTFOUND, SX_ENOTFOUND, "no such name in DNS" },
	{ ARES_ENOMEM, SX_ENOMEM, "out of memory" },
};

static void fail(struct sx_dns_answer *answer, int failure)
{
	for (size_t i = 0; i < SX_COUNT(failures); i++) {
		if (failures[i].failure == failure) {
			sx_dns_answer_fail(answer, failures[i].status, failures[i].reason);
			return;
		}
	}
	sx_dns_answer_fail(answer, SX_EMALFORMED, "the DNS answer is malformed");
}

static void question_free(struct sx_dns_question *question)
{
	sx_list_remove(&question->node);
	sx_buf_unref(question->message);
	question->dns->count--;
	free(question);
}

/* Nobody waits any more; c-ares may hold on to it. */
static void forget(struct sx_dns_question *question)
{
	sx_list_remove(&question->node);
	question->done = NULL;
	if (question->is_asked) {
		question->dns->forgotten++;
	} else {
		question_free(question);
	}
}

static void finish(struct sx_dns_question *question)
{
	struct sx_dns *dns = question->dns;

	sx_list_remove(&question->node);
	sx_list_append(&dns->finished, &question->node);
	sx_loop_wake(dns->loop);
}

/* Called by c-ares whenever it likes, even while it is being asked. */
static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct sx_dns_question *question = arg;

	(void)timeouts;
	question->is_asked = false;
	if (!question->done) {
		question->dns->forgotten--;
		question_free(question);
		return;
	}
	question->failure = status;
	if (bytes && len > 0) {
		if (sx_buf_new(&question->message, (size_t)len) == SX_OK) {
			(void)sx_buf_append(question->message, sx_bytes_of(bytes, (size_t)len));
		} else {
			question->failure = ARES_ENOMEM;
		}
	}
	finish(question);
}

static void hand_over(struct sx_dns *dns, struct sx_dns_question *question)
{
	void (*done)(void *arg, const struct sx_dns_answer *answer) = question->done;
	void *arg = question->arg;

	if (question->message) {
		struct sx_bytes message =
			sx_bytes_of(question->message->data, question->message->len);

		sx_dns_answer_parse(&dns->answer, message, &question->name, question->type);
	} else {
		fail(&dns->answer, question->failure);
	}
	forget(question);
	done(arg, &dns->answer);
}

/* Those that finish meanwhile have woken the loop: they come in the next turn. */
static void hand_over_finished(struct sx_dns *dns)
{
	struct sx_list batch;

	sx_list_init(&batch);
	while (!sx_list_is_empty(&dns->finished)) {
		struct sx_list *node = dns->finished.next;

		sx_list_remove(node);
		sx_list_append(&batch, node);
	}
	while (!sx_list_is_empty(&batch)) {
		hand_over(dns, sx_container_of(batch.next, struct sx_dns_question, node));
	}
}

static void expire(struct sx_dns *dns, uint64_t now_ns)
{
	sx_list_each (node, following, &dns->waiting) {
		struct sx_dns_question *question =
			sx_container_of(node, struct sx_dns_question, node);

		if (question->deadline_ns <= now_ns) {
			question->failure = ARES_ETIMEOUT;
			finish(question);
		}
	}
}

/* c-ares cannot drop one question, but all of them: that is done when nobody waits for any. */
static void sweep(struct sx_dns *dns)
{
	if (dns->forgotten > 0 && dns->forgotten == dns->count) {
		ares_cancel(dns->channel);
	}
}

static void set_deadline(struct sx_dns *dns)
{
	struct timeval left;
	uint64_t deadline_ns = SX_NEVER;

	if (ares_timeout(dns->channel, NULL, &left)) {
		deadline_ns = sx_loop_now_ns() + (uint64_t)left.tv_sec * 1000000000 +
			      (uint64_t)left.tv_usec * 1000;
	}
	sx_list_each (node, following, &dns->waiting) {
		const struct sx_dns_question *question =
			sx_container_of(node, struct sx_dns_question, node);

		if (question->deadline_ns < deadline_ns) {
			deadline_ns = question->deadline_ns;
		}
	}
	sx_loop_set_deadline(dns->loop, deadline_ns);
}

static void on_ready(void *arg)
{
	struct sx_dns *dns = arg;

	sx_loop_run(dns->loop, 0);
	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	expire(dns, sx_loop_now_ns());
	hand_over_finished(dns);
	sweep(dns);
	set_deadline(dns);
}

static void on_socket_ready(void *arg)
{
	struct socket *socket = arg;

	ares_process_fd(socket->dns->channel, socket->watch.fd, socket->watch.fd);
}

static struct socket *socket_of(struct sx_dns *dns, int fd)
{
	for (size_t i = 0; i < SOCKETS_MOST; i++) {
		if (dns->sockets[i].watch.fd == fd) {
			return &dns->sockets[i];
		}
	}
	return NULL;
}

/* c-ares says what it waits for; before it closes a socket, nothing. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct sx_dns *dns = arg;
	unsigned events = (readable ? SX_LOOP_READ : 0) | (writable ? SX_LOOP_WRITE : 0);
	struct socket *socket = socket_of(dns, fd);

	if (!socket && events) {
		socket = socket_of(dns, -1);
	}
	if (!socket) {
		return;
	}
	socket->watch.fd = fd;
	if (sx_loop_watch_for(dns->loop, &socket->watch, events) < 0 || !events) {
		socket->watch.fd = -1;
	}
}

/* The sockets are opened and written to here, since c-ares writes to TCP in a way that may raise SIGPIPE. */
static ares_socket_t open_socket(int domain, int type, int protocol, void *arg)
{
	(void)arg;
	return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *arg)
{
	(void)arg;
	return close(fd);
}

static int connect_socket(
	ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len, void *arg)
{
	(void)arg;
	return connect(fd, address, len);
}

/* NOLINTNEXTLINE(readability-function-size): c-ares's signature */
static ares_ssize_t receive(ares_socket_t fd, void *out, size_t cap, int flags,
	struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	(void)arg;
	return recvfrom(fd, out, cap, flags, from, from_len);
}

static ares_ssize_t send_vector(ares_socket_t fd, const struct iovec *vector, int count, void *arg)
{
	/* The system takes the vector by a pointer that is not const, and does not write to it. */
	union {
		const struct iovec *read_only;
		struct iovec *vector;
	} parts = { .read_only = vector };
	struct msghdr message = { .msg_iov = parts.vector, .msg_iovlen = (size_t)count };

	(void)arg;
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
	.asocket = open_socket,
	.aclose = close_socket,
	.aconnect = connect_socket,
	.arecvfrom = receive,
	.asendv = send_vector,
};

static int status_of(int failure)
{
	if (failure == ARES_SUCCESS) {
		return SX_OK;
	}
	return failure == ARES_ENOMEM ? SX_ENOMEM : SX_EINVAL;
}

static int open_channel(struct sx_dns *dns, const char *servers)
{
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS,
		.ednspsz = EDNS_BYTES,
		.timeout = TRY_MS,
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = dns,
	};
	int rc = ares_init_options(&dns->channel, &options,
		ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			ARES_OPT_SOCK_STATE_CB | NO_CACHE);

	if (rc != ARES_SUCCESS) {
		dns->channel = NULL;
		return rc == ARES_ENOMEM ? SX_ENOMEM : SX_EIO;
	}
	ares_set_socket_functions(dns->channel, &socket_functions, NULL);
	if (!servers) {
		return SX_OK;
	}
	return *servers ? status_of(ares_set_servers_ports_csv(dns->channel, servers)) : SX_EINVAL;
}

static int open_loop(struct sx_dns *dns)
{
	int rc = sx_loop_new(&dns->loop);

	if (rc < 0) {
		return rc;
	}
	dns->watch = (struct sx_watch){ on_ready, dns, sx_loop_fd(dns->loop) };
	return sx_loop_watch(dns->outer, &dns->watch);
}

int sx_dns_new(struct sx_dns **out, struct sx_loop *loop, const struct sx_dns_config *config)
{
	struct sx_dns *dns = calloc(1, sizeof *dns);
	int rc;

	if (!dns) {
		return SX_ENOMEM;
	}
	dns->outer = loop;
	dns->questions_most =
		config->questions_most ? config->questions_most : SX_DNS_QUESTIONS_MOST;
	sx_list_init(&dns->waiting);
	sx_list_init(&dns->finished);
	for (size_t i = 0; i < SOCKETS_MOST; i++) {
		dns->sockets[i].watch = (struct sx_watch){ on_socket_ready, &dns->sockets[i], -1 };
		dns->sockets[i].dns = dns;
	}
	rc = open_loop(dns);
	if (rc < 0) {
		goto fail;
	}
	rc = open_channel(dns, config->servers);
	if (rc < 0) {
		goto fail;
	}
	*out = dns;
	return SX_OK;

fail:
	sx_dns_free(dns);
	return rc;
}

static void forget_all(struct sx_list *questions)
{
	sx_list_each (node, following, questions) {
		forget(sx_container_of(node, struct sx_dns_question, node));
	}
}

void sx_dns_free(struct sx_dns *dns)
{
	if (!dns) {
		return;
	}
	forget_all(&dns->waiting);
	forget_all(&dns->finished);
	if (dns->channel) {
		ares_destroy(dns->channel);
	}
	if (dns->loop) {
		sx_loop_unwatch(dns->outer, &dns->watch);
	}
	sx_loop_free(dns->loop);
	free(dns);
}

int sx_dns_ask(
	struct sx_dns *dns, const struct sx_dns_request *request, struct sx_dns_question **out)
{
	struct sx_dns_question *question;
	struct sx_dns_name name;
	int rc = sx_dns_name_parse(&name, request->name);

	if (rc < 0) {
		return rc;
	}
	if (dns->count >= dns->questions_most) {
		return SX_ELIMIT;
	}
	question = calloc(1, sizeof *question);
	if (!question) {
		return SX_ENOMEM;
	}
	question->dns = dns;
	question->name = name;
	question->type = request->type;
	question->deadline_ns = request->deadline_ns;
	question->done = request->done;
	question->arg = request->arg;
	question->is_asked = true;
	dns->count++;
	sx_list_append(&dns->waiting, &question->node);
	ares_query(dns->channel, request->name, CLASS_IN, (int)request->type, on_answer, question);
	set_deadline(dns);
	*out = question;
	return SX_OK;
}

void sx_dns_cancel(struct sx_dns_question *question)
{
	struct sx_dns *dns;

	if (!question) {
		return;
	}
	dns = question->dns;
	forget(question);
	sweep(dns);
}
