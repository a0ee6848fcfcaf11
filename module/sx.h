/* SPDX-License-Identifier: MIT */
/*
 * sx: the public C ABI of libsx.so: a SCION and QUIC endpoint behind one pollable descriptor, made for Lua hosts.
 *
 * The host polls sx_fd for reading; when it is readable, and once after own calls of a turn that wrote or dialled, it
 * calls sx_process and then takes events with sx_next_event until SX_EAGAIN. Nothing calls back. Streams are named by
 * handles, here called channels, that carry a generation: a handle of something gone yields SX_ESTALE, never a crash. All functions return
 * SX_OK or a negative status of enum sx_status unless they say otherwise. One thread per context.
 *
 * `lua/sx/cdef.lua` is generated from this file: plain C declarations only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Changes with every incompatible change of this file. */
#define SX_ABI_VERSION 1

#define SX_API __attribute__((visibility("default")))

/* Below 2^52, so that it survives as a Lua number: 24 bits index, 28 bits generation. 0 is never valid. */
typedef uint64_t sx_handle;

struct sx_context;

struct sx_options {
	uint32_t size; /* sizeof(struct sx_options): room to grow */
	uint16_t port; /* UDP port for SCION; 0: any (tests) */
	uint16_t reserved;
	const char *address; /* ours: "1-ff00:0:111,192.0.2.10" */
	const char *paths;   /* where paths come from: "file:NAME" */
	const char *alpn;    /* labels served, comma-separated; NULL: "xmpp-server" */
	uint32_t
		idle_timeout; /* seconds without a sign of life after which a connection is lost; 0: 180 */
	uint32_t dial_timeout; /* seconds a dial may take; 0: 4 */
	/* 32 characters, secret and the same after a crash: peers then redial at once; NULL: random ones */
	const char *secret;
};

/* A local domain (quic/tls.h, struct sx_identity, says more). Texts; NULL where not wanted. */
struct sx_domain {
	uint32_t size;
	uint32_t reserved;
	const char *name;
	const char *certificate;
	const char *key;
	const char *password;
	const char *cafile;
	const char *capath;
};

/* Where names come from. Texts; NULL where not wanted. Lists have one entry a line. */
struct sx_names {
	uint32_t size;
	uint32_t deadline_ms; /* for one name; 0: 2000 */
	uint64_t cache_bytes;
	uint32_t flags;      /* SX_NAMES_UNSIGNED */
	uint16_t scion_port; /* UDP port for RAINS servers on SCION; 0: any */
	uint16_t reserved;
	const char *order;   /* "static,hosts,rains,dns": who is asked, the preferred first */
	const char *statics; /* lines "DOMAIN ADDRESS...": the static map */
	const char *hosts;   /* names of hosts files */
	const char *roots;   /* RAINS root keys: "ed25519 PHASE HEX", or names of files with them */
	const char
		*servers; /* RAINS servers: "192.0.2.1:55553", "[1-ff00:0:110,192.0.2.1]:31468" */
	const char *dns;  /* DNS servers "192.0.2.1,127.0.0.1:5353"; NULL: the system's */
};

#define SX_NAMES_UNSIGNED 1 /* believe RAINS data that nobody signed: laboratories only */

struct sx_question {
	uint32_t size;
	uint32_t flags;   /* SX_ASK_... */
	const char *name; /* a domain, A-labels */
	uint64_t udata;   /* comes with the event */
};

#define SX_ASK_CERTIFICATES 1 /* what RAINS says about its certificates, instead of addresses */
#define SX_ASK_SCION_ONLY   2 /* no DNS query, no TCP connection for it */
#define SX_ASK_FRESH        4 /* past the cache */

struct sx_place {
	char address[80]; /* "2-ff00:0:211,192.0.2.20"; with `plain`: "192.0.2.20" */
	uint32_t plain;   /* 1: QUIC over UDP and IP, without SCION */
	uint16_t port;    /* 0: none was named */
	uint16_t priority;
};

enum sx_answer_text {
	SX_ANSWER_SOURCE,  /* who found it: "static", "hosts", "rains", "dns", or "" */
	SX_ANSWER_REASON,  /* why there is nothing, or "" */
	SX_ANSWER_TRACE,   /* each question asked on the way, line by line */
	SX_ANSWER_SECONDS, /* how long it still holds, a whole number */
};

struct sx_target {
	uint32_t size;
	uint16_t port;
	uint16_t reserved;
	const char *local_name;  /* our domain */
	const char *remote_name; /* the peer's domain */
	const char *address;     /* the peer's SCION address: "2-ff00:0:211,192.0.2.20" */
	const char *alpn;        /* "xmpp-server" or "xmpp-client" */
	uint64_t udata;          /* comes with the events of the stream */
};

enum sx_event_kind {
	SX_EVENT_NONE,
	SX_EVENT_ACCEPT,   /* the peer opened a stream; handle is new */
	SX_EVENT_OPEN,     /* a dialled stream is ready */
	SX_EVENT_READABLE, /* arg: bytes there now */
	SX_EVENT_WRITABLE, /* the send queue has run low */
	SX_EVENT_FINISH,   /* the peer sent its last byte */
	SX_EVENT_CLOSE, /* the stream is over: status says how, sx_channel_text(SX_TEXT_REASON) why; close it */
	SX_EVENT_ANSWER, /* the handle of sx_resolve has its answer: status says whether anything was found; release it */
};

struct sx_event {
	uint32_t kind;
	int32_t status;
	sx_handle handle;
	uint64_t udata; /* as set at dial or by sx_channel_set_udata */
	uint64_t arg;
};

enum sx_text {
	SX_TEXT_PEER, /* the peer's SCION address: "2-ff00:0:211,192.0.2.20" */
	SX_TEXT_PATH, /* our way there now: "1-ff00:0:111#1 > 1-ff00:0:110#3 > ...", "local" inside the AS */
	SX_TEXT_ALPN,
	SX_TEXT_LOCAL_NAME,
	SX_TEXT_REMOTE_NAME,
	SX_TEXT_CIPHER,
	SX_TEXT_VERIFY, /* "" when the peer's chain verifies, else why not */
	SX_TEXT_REASON, /* after SX_EVENT_CLOSE */
};

struct sx_channel_state {
	uint32_t dialled; /* 1: by us */
	uint32_t peer_port;
	int32_t verify_status; /* SX_OK: the peer's certificate chain verifies */
	uint32_t reserved;
	uint64_t connection; /* the same for streams of one QUIC connection, never reused */
	uint64_t handshake_ns;
	uint64_t rtt_ns;
	uint64_t readable; /* bytes */
	uint64_t unsent;   /* bytes */
	uint64_t unacked;  /* bytes */
};

/* Counters since sx_open; gauges are connections, streams, half_open, paths, names_cached and names_bytes. */
struct sx_counters {
	uint64_t datagrams_in;
	uint64_t datagrams_out;
	uint64_t dropped_quic;  /* not for a known connection, or not QUIC */
	uint64_t dropped_scion; /* no valid SCION packet, or not for us */
	uint64_t scmp_in;
	uint64_t scmp_echo; /* echo requests answered */
	uint64_t path_switches;
	uint64_t handshakes;
	uint64_t retries_sent;
	uint64_t resets_sent;
	uint64_t versions_sent;
	uint64_t refused;
	uint64_t stream_bytes_in;
	uint64_t stream_bytes_out;
	uint64_t connections;
	uint64_t streams;
	uint64_t half_open;
	uint64_t paths;
	uint64_t names_asked;
	uint64_t names_searched; /* of these, not answered by the cache alone */
	uint64_t names_cached;   /* answers in the cache */
	uint64_t names_bytes;    /* of the cache */
};

/* "0.1.0". Lends a static text. */
SX_API const char *sx_version(void);
SX_API uint32_t sx_abi_version(void);

/* The name of a status ("ETIMEDOUT") and a text for it. Lend static texts. */
SX_API const char *sx_strname(int status);
SX_API const char *sx_strerror(int status);

/* Objects of this library alive in the process: 0 when all contexts are closed. For tests. */
SX_API uint64_t sx_live_objects(void);

/* Binds the socket and starts. On failure `error` tells the person who configured it what is wrong and where. */
SX_API int sx_open(
	const struct sx_options *options, struct sx_context **out, char *error, size_t error_cap);

/*
 * Ends all: no new streams, what is queued is sent until all is acknowledged or `timeout_ms` has passed, then every
 * peer is told and everything is freed. Accepts NULL.
 */
SX_API void sx_close(struct sx_context *context, uint32_t timeout_ms);

SX_API int sx_fd(const struct sx_context *context);

/* One bounded turn: reads, timers, writes. When work is left the descriptor stays readable. */
SX_API int sx_process(struct sx_context *context);

/* Takes the next event. SX_EAGAIN: none. */
SX_API int sx_next_event(struct sx_context *context, struct sx_event *out);

/* Takes the next log line into `out`, NUL-terminated; `level` 0 debug, 1 info, 2 warning, 3 error. SX_EAGAIN: none. */
SX_API int sx_next_log(struct sx_context *context, uint32_t *level, char *out, size_t cap);

/* Adds or replaces a local domain, or removes it. Live connections keep theirs. */
SX_API int sx_domain_set(
	struct sx_context *context, const struct sx_domain *domain, char *error, size_t error_cap);
SX_API int sx_domain_remove(struct sx_context *context, const char *name);

/*
 * Who is asked for names, and how, from now on; what was known before is forgotten, questions under way end with
 * SX_ECLOSED. On failure what was set before stays, and `error` names the option, what was found and what is expected.
 */
SX_API int sx_names_set(
	struct sx_context *context, const struct sx_names *names, char *error, size_t error_cap);

/* Forgets all answers, and which name servers have failed. */
SX_API int sx_names_flush(struct sx_context *context);

/* Asks for a domain. SX_EVENT_ANSWER follows. SX_EINVAL: no domain, or no sx_names_set before. SX_ELIMIT: too many. */
SX_API int sx_resolve(
	struct sx_context *context, const struct sx_question *question, sx_handle *out);

/* Where the domain of an answer can be reached, the best first. SX_ENOTFOUND: no more. */
SX_API int sx_answer_target(
	struct sx_context *context, sx_handle answer, uint32_t index, struct sx_place *out);

/* A text about an answer, NUL-terminated, cut at `cap`. */
SX_API int sx_answer_text(
	struct sx_context *context, sx_handle answer, uint32_t which, char *out, size_t cap);

/*
 * Whether an answer with certificates proves that a chain is the domain's. `*pem` holds the chain, leaf first, as PEM.
 * SX_OK: it does. SX_ENOTFOUND: RAINS says nothing about certificates of the domain. SX_EREFUSED: it names others, or
 * this one must not be used; `error` says why.
 */
SX_API int sx_answer_judge(struct sx_context *context, sx_handle answer, const char *pem,
	char *error, size_t error_cap);

/* Lets go of a question or its answer: no event follows, the handle is stale. */
SX_API int sx_answer_release(struct sx_context *context, sx_handle answer);

/* Opens a stream to a peer. SX_EVENT_OPEN or SX_EVENT_CLOSE follows. SX_EUNREACH: no path known, nothing follows. */
SX_API int sx_dial(struct sx_context *context, const struct sx_target *target, sx_handle *out,
	char *error, size_t error_cap);

SX_API int sx_channel_set_udata(struct sx_context *context, sx_handle channel, uint64_t udata);

/* Queues a copy of all of it and makes the descriptor readable. SX_ELIMIT: nothing taken, over the queue's bound. */
SX_API int sx_channel_send(
	struct sx_context *context, sx_handle channel, const char *data, size_t len);

/* Copies up to `cap` bytes. SX_EAGAIN: nothing there. Works until sx_channel_close, also after SX_EVENT_CLOSE. */
SX_API int sx_channel_receive(
	struct sx_context *context, sx_handle channel, char *out, size_t cap, size_t *len);

/* FIN after what is queued; the other direction stays open. */
SX_API int sx_channel_finish(struct sx_context *context, sx_handle channel);

/* Breaks off both directions; SX_EVENT_CLOSE follows. */
SX_API int sx_channel_reset(struct sx_context *context, sx_handle channel);

/* Lets go of the handle: no event follows, the handle is stale. What is still open is reset. */
SX_API int sx_channel_close(struct sx_context *context, sx_handle channel);

/* Reading paused (1) or resumed (0): bytes stay in C and with the peer. */
SX_API int sx_channel_pause(struct sx_context *context, sx_handle channel, uint32_t paused);

/* Sending held (1) or released (0): writes are taken but stay here. */
SX_API int sx_channel_hold(struct sx_context *context, sx_handle channel, uint32_t held);

SX_API int sx_channel_state(
	struct sx_context *context, sx_handle channel, struct sx_channel_state *out);

/* A text about the stream, NUL-terminated, cut at `cap`. */
SX_API int sx_channel_text(
	struct sx_context *context, sx_handle channel, uint32_t which, char *out, size_t cap);

/*
 * The peer's certificate at `depth` (0: its own), DER. `*len`: room there, then the
 * bytes written. SX_ENOTFOUND: none. SX_ELIMIT: too little room, `*len` says how much is needed.
 */
SX_API int sx_channel_certificate(
	struct sx_context *context, sx_handle channel, uint32_t depth, char *out, size_t *len);

/* Keying material of RFC 5705 (RFC 9266: label "EXPORTER-Channel-Binding", no context, 32 bytes). */
SX_API int sx_channel_export(
	struct sx_context *context, sx_handle channel, const char *label, char *out, size_t len);

/* The stream after `previous` (0: the first) in handle order; *out is 0 at the end. */
SX_API int sx_channel_next(struct sx_context *context, sx_handle previous, sx_handle *out);

SX_API int sx_counters(struct sx_context *context, struct sx_counters *out);

/* The path number `index` known to a destination ISD-AS, for people: hops, MTU, seconds left. SX_ENOTFOUND: no more. */
SX_API int sx_path_text(
	struct sx_context *context, const char *isd_as, uint32_t index, char *out, size_t cap);

/* Reads a SCION address in any spelling and writes the canonical one ("1-ff00:0:111,192.0.2.10"). */
SX_API int sx_address_normal(const char *text, char *out, size_t cap);

/*
 * Fan-out: stanzas that go to many. Each is written once, as a form: what stands before the recipient and what stands
 * behind. A form and an address that it goes to are an entry. Entries wait in one queue for each sink (a session, a
 * stream to a server) and leave as a batch, in order. No context is needed.
 */
struct sx_fan;

struct sx_fan_form {
	uint32_t size;
	uint32_t marks; /* bits of the caller's; a batch has those of all its forms */
	const char *head;
	size_t head_len;
	const char *tail;
	size_t tail_len;
};

struct sx_fan_batch {
	sx_handle batch;
	sx_handle sink;
	uint32_t count;   /* entries */
	uint32_t marks;   /* of these, and of those that left before them */
	uint64_t bytes;   /* of all entries, written */
	uint64_t largest; /* bytes of the largest one, or of one that left before */
	uint32_t bulk;    /* 1: nothing but bulk */
	uint32_t sharers; /* addresses besides its own that share the sink */
};

/* Some entries of a batch that follow each other. */
struct sx_fan_piece {
	uint32_t first; /* from 0 */
	uint32_t count;
	uint64_t bytes;
};

struct sx_fan_state {
	uint64_t batches; /* that wait and are not held */
	uint64_t entries; /* that wait or are under way */
	uint64_t bytes;   /* of their forms, each once, and of the entries themselves */
	uint64_t addresses;
	uint64_t forms;
};

/* SX_ENOMEM. */
SX_API int sx_fan_new(struct sx_fan **out);

/* Frees it with all that waits. Accepts NULL. */
SX_API void sx_fan_free(struct sx_fan *fan);

/* A new form; copies both parts. It lives until sx_fan_reap names it. SX_ENOMEM, SX_ELIMIT. */
SX_API int sx_fan_form_new(struct sx_fan *fan, const struct sx_fan_form *form, sx_handle *out);

/*
 * A new address; `to` is copied and stands in stanzas as it is, so it has to be escaped. `beside` is the address whose
 * sink it shares; 0: it is a sink itself. SX_ENOMEM, SX_ELIMIT, SX_ESTALE.
 */
SX_API int sx_fan_address_new(
	struct sx_fan *fan, const char *to, size_t len, sx_handle beside, sx_handle *out);

/* Forgets an address. SX_EAGAIN: entries are for it, or others share its sink. */
SX_API int sx_fan_address_free(struct sx_fan *fan, sx_handle address);

/*
 * Appends an entry to the queue of the address's sink. Queues with `bulk` entries alone leave after the others.
 * SX_ENOMEM, SX_ESTALE: nothing is appended.
 */
SX_API int sx_fan_put(struct sx_fan *fan, sx_handle form, sx_handle address, uint32_t bulk);

/* Takes the queue whose turn it is. sx_fan_done has to follow. SX_EAGAIN: nothing waits. */
SX_API int sx_fan_next(struct sx_fan *fan, struct sx_fan_batch *out);

/* Takes the queue of a sink out of turn, held or not. */
SX_API int sx_fan_take(struct sx_fan *fan, sx_handle sink, struct sx_fan_batch *out);

/* What waits for a sink: `out->batch` is 0, nothing is taken. */
SX_API int sx_fan_look(struct sx_fan *fan, sx_handle sink, struct sx_fan_batch *out);

/* While a sink is held (1) its queue grows and has no turn; then (0) it is the last in line. */
SX_API int sx_fan_hold(struct sx_fan *fan, sx_handle sink, uint32_t held);

/* An entry of a batch. SX_ENOTFOUND: there are fewer. */
SX_API int sx_fan_entry(const struct sx_fan *fan, sx_handle batch, uint32_t index, sx_handle *form,
	sx_handle *address);

/* How many entries from `piece->first` on are written in at most `most` bytes: one at least. SX_ENOTFOUND: none. */
SX_API int sx_fan_measure(
	const struct sx_fan *fan, sx_handle batch, uint64_t most, struct sx_fan_piece *piece);

/* Writes the piece that was measured; `out` has room for it. */
SX_API int sx_fan_write(
	const struct sx_fan *fan, sx_handle batch, const struct sx_fan_piece *piece, char *out);

/* Queues the piece that was measured on a stream of ours. SX_ELIMIT: nothing is taken, over the queue's bound. */
SX_API int sx_fan_send(const struct sx_fan *fan, sx_handle batch, const struct sx_fan_piece *piece,
	struct sx_context *context, sx_handle channel);

/*
 * A batch has been delivered up to entry `first`, not included: the rest comes back to the front of its sink's queue.
 * SX_ENOMEM: nothing has changed.
 */
SX_API int sx_fan_give_back(struct sx_fan *fan, sx_handle batch, uint32_t first);

/* A batch has been delivered. */
SX_API int sx_fan_done(struct sx_fan *fan, sx_handle batch);

/*
 * Frees a form that no entry needs, the one that has not been needed for longest, while such forms have more than
 * `keep` bytes, and says which. SX_EAGAIN: there is none.
 */
SX_API int sx_fan_reap(struct sx_fan *fan, uint64_t keep, sx_handle *form);

SX_API int sx_fan_state(const struct sx_fan *fan, struct sx_fan_state *out);
