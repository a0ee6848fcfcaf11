/* SPDX-License-Identifier: MIT */
/*
 * codec: what parsing and building a SCION packet costs with our codec. Takes a file of packets in hex, one a line, and
 * says lines "WHAT NANOSECONDS" for one packet each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scion/path.h"
#include "scion/template.h"
#include "scion/udp.h"

#define PACKETS_MAX  512
#define PACKET_BYTES 2048
#define RUN_NS       200000000ULL

struct sample {
	uint8_t bytes[PACKET_BYTES];
	size_t len;
	struct sx_packet packet;
	struct sx_udp udp;
	struct sx_template template;
};

static struct sample samples[PACKETS_MAX];
static size_t sample_count;
static uint8_t out[PACKET_BYTES];

static void require(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "%s\n", what);
		exit(1);
	}
}

static void unhex(const char *hex, struct sample *sample)
{
	for (; hex[0] != '\n' && hex[1] != '\0'; hex += 2) {
		char pair[3] = { hex[0], hex[1], '\0' };

		require(sample->len < PACKET_BYTES, "a packet is too long");
		sample->bytes[sample->len++] = (uint8_t)strtoul(pair, NULL, 16);
	}
}

static bool parse(struct sample *sample)
{
	return sx_packet_parse(&sample->packet, sx_bytes_of(sample->bytes, sample->len)) == SX_OK &&
	       sx_udp_parse(&sample->udp, &sample->packet) == SX_OK;
}

static bool parse_path(struct sample *sample)
{
	struct sx_path path;

	return sample->packet.path_type == SX_PATH_EMPTY ||
	       sx_path_parse(&path, sample->packet.path) == SX_OK;
}

static bool build(struct sample *sample)
{
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	return sx_udp_write(&writer, &sample->packet, &sample->udp) == SX_OK;
}

static bool fill_in(struct sample *sample)
{
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	sx_template_write(&sample->template, &writer, sample->udp.payload, 0);
	return sx_writer_ok(&writer);
}

static const struct {
	const char *name;
	bool (*run)(struct sample *sample);
} works[] = {
	{ "parse", parse },
	{ "path", parse_path },
	{ "build", build },
	{ "template", fill_in },
};

static void load(const char *name)
{
	FILE *file = fopen(name, "r");
	char line[2 * PACKET_BYTES + 2];

	require(file != NULL, name);
	while (fgets(line, sizeof line, file)) {
		struct sample *sample = &samples[sample_count++];

		require(sample_count < PACKETS_MAX, "too many packets");
		unhex(line, sample);
		require(parse(sample) && build(sample) &&
				memcmp(out, sample->bytes, sample->len) == 0 &&
				sx_template_init(
					&sample->template, &sample->packet, &sample->udp) == SX_OK,
			"a packet is not what it was");
	}
	(void)fclose(file);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static double measure(bool (*run)(struct sample *sample))
{
	uint64_t begin = now_ns(), took = 0, count = 0;

	while (took < RUN_NS) {
		for (size_t i = 0; i < sample_count; i++) {
			require(run(&samples[i]), "failed");
		}
		count += sample_count;
		took = now_ns() - begin;
	}
	return (double)took / (double)count;
}

int main(int argc, char **argv)
{
	require(argc == 2, "usage: codec FILE");
	load(argv[1]);
	for (size_t i = 0; i < SX_COUNT(works); i++) {
		(void)printf("%s %.1f\n", works[i].name, measure(works[i].run));
	}
	return 0;
}
