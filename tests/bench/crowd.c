/* SPDX-License-Identifier: MIT */
/*
 * crowd: many XMPP clients in one process, to put a load on rooms. Listens on a port of 127.0.0.1 for the one who gives
 * it commands, a line each; answers each with "ok NAME=VALUE...", with its own CPU seconds among them, once it is done.
 * Ends with that connection, with that of a client, and with "late ..." when nothing has arrived for 60 seconds
 * where something should, or a command takes longer than LONGEST.
 *
 *   login KIND PORT DOMAIN FIRST COUNT   user<FIRST>... log in; KIND: plain, tls or smacks
 *   join ROOM FIRST COUNT TOTAL          they join at once, until all have received TOTAL presences together
 *   beside ROOM FIRST COUNT TOTAL ROOM2 PID
 *                                        the same, while user1 says something in ROOM2 every 5 ms for user2 and itself;
 *                                        "own": CPU that process PID has used between a message and its last recipient
 *   say ROOM COUNT WINDOW BYTES EACH     user1 says COUNT messages, at most WINDOW under way; EACH recipients for one;
 *                                        "last": how long each took to its last recipient
 *   await ROOM COUNT TOTAL SECONDS       user1 says COUNT messages, until all have received TOTAL presences together;
 *                                        nothing may arrive for so long
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define GUESTS_MOST    2001 /* the first one stays empty: users count from 1 */
#define DELAYS_MOST    4000000
#define WINDOW_MOST    64
#define LINE_BYTES     512
#define BODY_BYTES     200
#define ACCEPT_SECONDS 30
#define PATIENCE_NS    60000000000
#define LONGEST_NS     600000000000
#define PERIOD_NS      50000000 /* of messages beside a storm */
#define CHAT_MOST      (LONGEST_NS / PERIOD_NS)

static struct guest guests[GUESTS_MOST];
static struct guest_tally tally;
static int poll_fd, control_fd;
static bool has_command;
static uint64_t begun_at, patience_ns; /* of the command under way */

/* The next word of a command. */
static const char *next_word(char **line)
{
	const char *word = strsep(line, " \n");

	guest_require(word != NULL && *word, "a command is too short");
	return word;
}

static unsigned long next_number(char **line)
{
	char *end;
	unsigned long number = strtoul(next_word(line), &end, 10);

	guest_require(*end == '\0', "a number is none");
	return number;
}

/* Nanoseconds of a clock: CLOCK_PROCESS_CPUTIME_ID, or that of another process. */
static uint64_t cpu_now(clockid_t clock)
{
	struct timespec used;

	guest_require(clock_gettime(clock, &used) == 0, "the process that is measured has ended");
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* Waits at most so long for something to arrive, and takes it. */
static void turn(int timeout_ms)
{
	struct epoll_event events[256];
	int count = epoll_wait(poll_fd, events, 256, timeout_ms);

	for (int i = 0; i < count; i++) {
		struct guest *guest = events[i].data.ptr;

		if (!guest) {
			has_command = true;
		} else {
			guest_read(guest, &tally);
		}
	}
}

_Noreturn static void give_up(uint64_t count, uint64_t goal)
{
	(void)dprintf(control_fd, "late %llu of %llu came\n", (unsigned long long)count,
		(unsigned long long)goal);
	exit(1);
}

/* Until `count` has reached `goal`; `each` is called before every turn, where there is one. */
static void await(const uint64_t *count, uint64_t goal, void (*each)(void *), void *arg)
{
	uint64_t last = *count, since = guest_now();

	while (*count < goal) {
		if (each) {
			each(arg);
		}
		turn(each ? 1 : 1000);
		guest_require(!has_command, "who gives commands has gone");
		if (*count != last) {
			last = *count;
			since = guest_now();
		}
		if (guest_now() - since > patience_ns || guest_now() - begun_at > LONGEST_NS) {
			give_up(*count, goal);
		}
	}
}

static int compare(const void *one, const void *other)
{
	uint64_t x = *(const uint64_t *)one, y = *(const uint64_t *)other;

	return (x > y) - (x < y);
}

/* The value below which `share` of the list lies, in milliseconds; sorts it. */
static double quantile(uint64_t *list, size_t len, double share)
{
	if (len == 0) {
		return 0;
	}
	qsort(list, len, sizeof *list, compare);
	return (double)list[(size_t)((double)(len - 1) * share)] / 1e6;
}

/* What a command has measured besides: a value for each message, in nanoseconds. Has its list in the heap. */
struct sample {
	const char *name;
	uint64_t *list;
	size_t len;
};

static void answer(uint64_t cpu_used, const struct sample *sample)
{
	size_t len = tally.messages < DELAYS_MOST ? tally.messages : DELAYS_MOST;

	(void)dprintf(control_fd,
		"ok seconds=%.6f cpu=%.6f presences=%llu messages=%llu bytes=%llu p50=%.4f "
		"p99=%.4f %s50=%.4f %s99=%.4f\n",
		(double)(guest_now() - begun_at) / 1e9, (double)cpu_used / 1e9,
		(unsigned long long)tally.presences, (unsigned long long)tally.messages,
		(unsigned long long)tally.bytes, quantile(tally.delays, len, 0.5),
		quantile(tally.delays, len, 0.99), sample->name,
		quantile(sample->list, sample->len, 0.5), sample->name,
		quantile(sample->list, sample->len, 0.99));
}

/* Some of the users, by number. */
struct range {
	unsigned long first, end;
};

static struct range next_range(char **line)
{
	struct range range;

	range.first = next_number(line);
	range.end = range.first + next_number(line);
	guest_require(range.first > 0 && range.end <= GUESTS_MOST, "there are users 1 to 2000");
	return range;
}

static enum guest_kind kind_of(const char *word)
{
	if (strcmp(word, "plain") == 0) {
		return GUEST_PLAIN;
	}
	return strcmp(word, "tls") == 0 ? GUEST_TLS : GUEST_SMACKS;
}

static void login(char *line, struct sample *sample)
{
	enum guest_kind kind = kind_of(next_word(&line));
	uint16_t port = (uint16_t)next_number(&line);
	const char *domain = next_word(&line);
	struct range range = next_range(&line);
	char name[32];

	(void)sample;
	for (unsigned long i = range.first; i < range.end; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &guests[i] };

		(void)snprintf(name, sizeof name, "user%lu", i);
		guest_login(&guests[i], name, domain, port, kind);
		guest_require(
			epoll_ctl(poll_fd, EPOLL_CTL_ADD, guests[i].fd, &event) == 0, "no epoll");
		turn(0);
	}
}

static void enter(const char *room, struct range range)
{
	char stanza[LINE_BYTES];

	for (unsigned long i = range.first; i < range.end; i++) {
		int len = snprintf(stanza, sizeof stanza,
			"<presence to='%s/user%lu'><x xmlns='http://jabber.org/protocol/muc'/>"
			"</presence>",
			room, i);

		guest_send(&guests[i], stanza, (size_t)len);
	}
}

static void utter(const char *room, size_t bytes, unsigned long count)
{
	static char stanzas[WINDOW_MOST * (LINE_BYTES + 16384)];
	char body[16384];
	size_t len = 0;

	guest_require(bytes < sizeof body && count <= WINDOW_MOST, "too much to say");
	for (unsigned long i = 0; i < count; i++) {
		guest_stamp(body, bytes);
		len += (size_t)snprintf(stanzas + len, sizeof stanzas - len,
			"<message type='groupchat' to='%s'><body>%s</body></message>", room, body);
	}
	guest_send(&guests[1], stanzas, len);
}

static void join(char *line, struct sample *sample)
{
	const char *room = next_word(&line);

	(void)sample;
	enter(room, next_range(&line));
	await(&tally.presences, next_number(&line), NULL, NULL);
}

/* What is said beside a storm. `used`: CPU time of the server, first when a message was said, then what it took. */
struct chatter {
	const char *room;
	clockid_t clock;
	uint64_t next_at, said, heard, *used;
	bool is_over;
};

static void listen_to(struct chatter *chatter)
{
	while (chatter->heard < chatter->said && tally.messages >= 2 * (chatter->heard + 1)) {
		chatter->used[chatter->heard] =
			cpu_now(chatter->clock) - chatter->used[chatter->heard];
		chatter->heard++;
	}
}

static void chat(void *arg)
{
	struct chatter *chatter = arg;

	listen_to(chatter);
	if (!chatter->is_over && chatter->said < CHAT_MOST && guest_now() >= chatter->next_at) {
		chatter->next_at = guest_now() + PERIOD_NS;
		chatter->used[chatter->said++] = cpu_now(chatter->clock);
		utter(chatter->room, BODY_BYTES, 1);
	}
}

static void beside(char *line, struct sample *sample)
{
	const char *room = next_word(&line);
	struct chatter chatter = { .used = calloc(CHAT_MOST, sizeof *chatter.used) };
	struct range range = next_range(&line);
	uint64_t total = next_number(&line);

	chatter.room = next_word(&line);
	guest_require(
		chatter.used && clock_getcpuclockid((pid_t)next_number(&line), &chatter.clock) == 0,
		"there is no such process");
	enter(room, range);
	await(&tally.presences, total, chat, &chatter);
	chatter.is_over = true;
	await(&tally.messages, 2 * chatter.said, chat, &chatter);
	listen_to(&chatter);
	*sample = (struct sample){ "own", chatter.used, chatter.heard };
}

/* How far a talk is: what was said, and the lags of the last recipient of each message, in order. */
struct talk {
	const char *room;
	unsigned long count, window, bytes, each, said, done;
	uint64_t *said_at, *lasts;
};

static void talk_on(struct talk *talk)
{
	unsigned long under_way, more;

	while (talk->done < talk->said && tally.messages >= (talk->done + 1) * talk->each) {
		talk->lasts[talk->done] = guest_now() - talk->said_at[talk->done];
		talk->done++;
	}
	under_way = talk->said - talk->done;
	if (under_way > talk->window / 2 || talk->said == talk->count) {
		return;
	}
	more = talk->window - under_way;
	more = more < talk->count - talk->said ? more : talk->count - talk->said;
	for (unsigned long i = 0; i < more; i++) {
		talk->said_at[talk->said++] = guest_now();
	}
	utter(talk->room, talk->bytes, more);
}

static void say(char *line, struct sample *sample)
{
	struct talk talk = { .room = next_word(&line) };

	talk.count = next_number(&line);
	talk.window = next_number(&line);
	talk.bytes = next_number(&line);
	talk.each = next_number(&line);
	guest_require(talk.count > 0 && talk.window > 0, "nothing to say");
	talk.said_at = calloc(talk.count, sizeof *talk.said_at);
	talk.lasts = calloc(talk.count, sizeof *talk.lasts);
	guest_require(talk.said_at && talk.lasts, "no memory");
	while (talk.done < talk.count) {
		talk_on(&talk);
		if (talk.done < talk.count) {
			await(&tally.messages, (talk.done + 1) * talk.each, NULL, NULL);
		}
	}
	free(talk.said_at);
	*sample = (struct sample){ "last", talk.lasts, talk.count };
}

static void await_presences(char *line, struct sample *sample)
{
	const char *room = next_word(&line);
	unsigned long count = next_number(&line), total = next_number(&line);

	(void)sample;
	patience_ns = next_number(&line) * 1000000000;
	if (count > 0) {
		utter(room, BODY_BYTES, count);
	}
	await(&tally.presences, total, NULL, NULL);
}

static const struct {
	const char *name;
	void (*run)(char *line, struct sample *sample);
} commands[] = {
	{ "login", login },
	{ "join", join },
	{ "beside", beside },
	{ "say", say },
	{ "await", await_presences },
};

static void obey(char *line)
{
	const char *name = next_word(&line);
	uint64_t cpu = cpu_now(CLOCK_PROCESS_CPUTIME_ID);
	struct sample sample = { .name = "last" };

	begun_at = guest_now();
	patience_ns = PATIENCE_NS;
	tally.presences = tally.messages = tally.bytes = 0;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(name, commands[i].name) == 0) {
			commands[i].run(line, &sample);
			answer(cpu_now(CLOCK_PROCESS_CPUTIME_ID) - cpu, &sample);
			free(sample.list);
			return;
		}
	}
	guest_require(false, "there is no such command");
}

/* One command under way at a time, so that a read is a line. */
static bool read_command(void)
{
	char line[LINE_BYTES];
	ssize_t got = read(control_fd, line, sizeof line - 1);

	has_command = false;
	if (got <= 0) {
		return false;
	}
	line[got] = '\0';
	obey(line);
	return true;
}

static int accept_control(uint16_t port)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = ACCEPT_SECONDS };
	const int yes = 1;

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	(void)setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	guest_require(bind(listener, (struct sockaddr *)&here, sizeof here) == 0 &&
			      listen(listener, 1) == 0,
		"cannot listen");
	return accept(listener, NULL, NULL);
}

int main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN };

	guest_require(argc == 2, "usage: crowd PORT");
	tally.delays = malloc(DELAYS_MOST * sizeof *tally.delays);
	tally.delays_most = DELAYS_MOST;
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	control_fd = accept_control((uint16_t)strtoul(argv[1], NULL, 10));
	guest_require(tally.delays && control_fd >= 0, "nobody gives commands");
	guest_require(epoll_ctl(poll_fd, EPOLL_CTL_ADD, control_fd, &event) == 0, "epoll");
	do {
		while (!has_command) {
			turn(-1);
		}
	} while (read_command());
	return 0;
}
