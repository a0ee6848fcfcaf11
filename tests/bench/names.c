/* SPDX-License-Identifier: MIT */
/*
 * names: what a name costs, asked with resolver.h of a RAINS server whose root key is known. Says lines "WHAT NUMBER".
 *
 * usage: names cold SERVER ROOT WANT NAME COUNT [ADDRESS PATHS]   ms to an answer, a new resolver for each
 *        names warm SERVER ROOT WANT NAME COUNT                   ms to an answer past the cache, one resolver for all
 *        names hit SERVER ROOT WANT NAME                          ns to an answer from the cache
 *        names fill SERVER ROOT SOCKET PREFIX BATCHES EACH        fills a cache: zone files PREFIX0, PREFIX1, ... of the
 *                                                                 server at SOCKET, with names n0.big, n1.big, ...
 *        names verify BYTES                                       signature checks a second
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rains/client.h"
#include "rains/sign.h"
#include "resolver.h"
#include "scion/pathsrc_file.h"
#include "scion/pathtable.h"

#define RUN_NS      UINT64_C(200000000)
#define CACHE_BYTES (64U << 20)
#define WINDOW      64 /* questions under way while a cache is filled */
#define COUNT_MOST  1000
#define STEP        7919 /* coprime to any number of names: visits all of them, out of order */

static struct sx_loop *loop;
static struct sx_resolver *resolver;
static struct sx_rains_scion scion;
static struct sx_resolver_config config = {
	.order = "rains", .cache_bytes = CACHE_BYTES, .hosts = ""
};
static unsigned answered;

static void require(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "names: %s\n", what);
		exit(1);
	}
}

static void open_resolver(void)
{
	char problem[512] = "";

	require(sx_resolver_new(&resolver, loop, &config, problem, sizeof problem) == SX_OK,
		problem);
}

static void take(void *arg, struct sx_buf *answer)
{
	(void)arg;
	require(answer && sx_answer_of(answer)->status == SX_OK,
		answer ? sx_answer_of(answer)->reason : "out of memory");
	answered++;
}

static void ask(const struct sx_wish *wish)
{
	struct sx_resolver_ask *under_way;

	require(sx_resolver_ask(resolver, wish, sx_loop_now_ns(), &under_way) == SX_OK,
		"a question was refused");
}

static void wait_until(unsigned wanted)
{
	while (answered < wanted) {
		sx_loop_run(loop, 100);
	}
}

static struct sx_wish wish_of(const char *want, const char *name)
{
	return (struct sx_wish){ .name = name,
		.want = strcmp(want, "addresses") == 0 ? SX_WANT_ADDRESSES : SX_WANT_CERTIFICATES,
		.done = take };
}

static void time_one(const struct sx_wish *wish)
{
	unsigned before = answered;

	ask(wish);
	wait_until(before + 1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static size_t number(const char *word)
{
	long value = strtol(word, NULL, 10);

	require(value > 0, "a number is wanted");
	return (size_t)value;
}

static void open_scion(char **words)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";

	require(sx_addr_parse(sx_bytes_text(words[0]), &scion.local) == SX_OK, "no SCION address");
	require(sx_pathsrc_file_open(&scion.paths, words[1], &config.log, problem) == SX_OK,
		problem);
	config.scion = &scion;
}

/* A question is asked `count` times, each by a resolver of its own or all by one; the middle of the times is said. */
static void measure_asking(char **words, bool is_cold)
{
	size_t count = number(words[2]);
	struct sx_wish wish = wish_of(words[0], words[1]);
	double took[COUNT_MOST];

	require(count <= COUNT_MOST, "too many");
	wish.fresh = true;
	if (!is_cold) {
		open_resolver();
		time_one(&wish);
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t begin = sx_loop_now_ns();

		if (is_cold) {
			open_resolver();
		}
		time_one(&wish);
		took[i] = (double)(sx_loop_now_ns() - begin) / 1e6;
		if (is_cold) {
			sx_resolver_free(resolver);
		}
	}
	if (!is_cold) {
		sx_resolver_free(resolver);
	}
	qsort(took, count, sizeof *took, compare);
	(void)printf("ms %.3f\n", took[count / 2]);
}

static void run_cold(int argc, char **argv)
{
	if (argc == 5) {
		open_scion(argv + 3);
	}
	measure_asking(argv, true);
	if (scion.paths) {
		scion.paths->ops->free(scion.paths);
	}
}

static void run_warm(int argc, char **argv)
{
	(void)argc;
	measure_asking(argv, false);
}

static void big_name(char out[32], size_t i)
{
	(void)snprintf(out, 32, "n%zu.big", i);
}

static void say_stats(void)
{
	struct sx_resolver_stats stats;

	sx_resolver_stats(resolver, &stats);
	(void)printf("entries %llu\n", (unsigned long long)stats.cache_entries);
	(void)printf("counted %.0f\n", (double)stats.cache_bytes / (double)stats.cache_entries);
}

/* One name again and again. */
static void run_hit(int argc, char **argv)
{
	struct sx_wish wish = wish_of(argv[0], argv[1]);
	uint64_t count = 0, begin, took = 0;

	(void)argc;
	open_resolver();
	time_one(&wish);
	begin = sx_loop_now_ns();
	while (took < RUN_NS) {
		ask(&wish);
		count++;
		took = sx_loop_now_ns() - begin;
	}
	require(answered == count + 1, "not from the cache");
	(void)printf("hit %.1f\n", (double)took / (double)count);
	say_stats();
	sx_resolver_free(resolver);
}

/* All names of a cache, out of order. */
static void measure_spread(size_t names)
{
	static char texts[65536][32];
	struct sx_wish wish = wish_of("certificates", NULL);
	uint64_t begin, took = 0, count = 0;
	unsigned before = answered;

	require(names <= SX_COUNT(texts), "too many names");
	for (size_t i = 0; i < names; i++) {
		big_name(texts[i], i);
	}
	begin = sx_loop_now_ns();
	while (took < RUN_NS || count < names) {
		wish.name = texts[count * STEP % names];
		ask(&wish);
		count++;
		took = sx_loop_now_ns() - begin;
	}
	require(answered == before + count, "not from the cache");
	(void)printf("spread %.1f\n", (double)took / (double)count);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	require(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0,
		"the server's socket");
	return fd;
}

/* The server serves another zone file. */
static void serve_zone(int fd, const char *prefix, size_t batch)
{
	char line[512], answer[512];
	int len = snprintf(line, sizeof line, "zone %.400s%zu\n", prefix, batch);
	ssize_t got;

	require(write(fd, line, (size_t)len) == len, "the server's socket");
	got = read(fd, answer, sizeof answer);
	require(got >= 2 && memcmp(answer, "ok", 2) == 0, "the server does not take a zone");
}

static void resolve_batch(size_t first, size_t each)
{
	for (size_t i = first; i < first + each; i++) {
		char name[32];
		struct sx_wish wish;

		big_name(name, i);
		wish = wish_of("certificates", name);
		ask(&wish);
		if (i + 1 > WINDOW) {
			wait_until((unsigned)(i + 1 - WINDOW));
		}
	}
	wait_until((unsigned)(first + each));
}

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void run_fill(int argc, char **argv)
{
	size_t batches = number(argv[2]), each = number(argv[3]), before;
	uint64_t took = 0;
	int fd = connect_to(argv[0]);

	(void)argc;
	open_resolver();
	before = allocated();
	for (size_t i = 0; i < batches; i++) {
		uint64_t begin;

		serve_zone(fd, argv[1], i);
		begin = sx_loop_now_ns();
		resolve_batch(i * each, each);
		took += sx_loop_now_ns() - begin;
	}
	(void)close(fd);
	sx_loop_run(loop, 0);
	say_stats();
	(void)printf("malloc %.0f\n", (double)(allocated() - before) / (double)(batches * each));
	(void)printf("rate %.0f\n", (double)(batches * each) / ((double)took / 1e9));
	measure_spread(batches * each);
	sx_resolver_free(resolver);
}

static void verify(size_t bytes)
{
	const uint8_t seed[SX_RAINS_SEED_BYTES] = { 1 };
	uint8_t key[SX_RAINS_KEY_BYTES], signature[SX_RAINS_SIGNATURE_BYTES];
	uint8_t *message = calloc(1, bytes);
	struct sx_bytes signed_bytes = sx_bytes_of(message, bytes);
	uint64_t begin, took = 0, count = 0;

	require(message && sx_rains_public_key(seed, key) == SX_OK &&
			sx_rains_sign(seed, signed_bytes, signature) == SX_OK,
		"cannot sign");
	begin = sx_loop_now_ns();
	while (took < RUN_NS) {
		require(sx_rains_verify(sx_bytes_of(key, sizeof key), signed_bytes,
				sx_bytes_of(signature, sizeof signature)) == SX_OK,
			"a good signature was refused");
		count++;
		took = sx_loop_now_ns() - begin;
	}
	(void)printf("checks %.0f\n", (double)count / ((double)took / 1e9));
	free(message);
}

static const struct {
	const char *name;
	int words; /* after SERVER and ROOT, at least */
	void (*run)(int argc, char **argv);
} modes[] = {
	{ "cold", 3, run_cold },
	{ "warm", 3, run_warm },
	{ "hit", 2, run_hit },
	{ "fill", 4, run_fill },
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "verify") == 0) {
		verify(number(argv[2]));
		return 0;
	}
	require(argc > 3, "see its source for its words");
	require(sx_loop_new(&loop) == SX_OK, "out of memory");
	config.servers = argv[2];
	config.roots = argv[3];
	for (size_t i = 0; i < SX_COUNT(modes); i++) {
		if (strcmp(argv[1], modes[i].name) == 0) {
			require(argc - 4 >= modes[i].words, "words are missing");
			modes[i].run(argc - 4, argv + 4);
			sx_loop_free(loop);
			return 0;
		}
	}
	require(false, "no such mode");
}
