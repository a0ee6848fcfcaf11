/* SPDX-License-Identifier: MIT */
#include "rains/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <nettle/base16.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "rains/words.h"

#define FILE_MOST 4096
#define HEX_BYTES ((size_t)2 * SX_RAINS_KEY_BYTES + 1)
#define HEADER    "# A secret key of RAINS: who has it can speak for the zone.\n"

static int complain(
	struct sx_rains_reason *reason, int status, const char *path, const char *problem)
{
	sx_rains_reason_set(reason, "%.250s: %s", path, problem);
	return status;
}

/* A regular file that nobody else can read. */
static int check_file(int fd, const char *path, struct sx_rains_reason *reason)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		return complain(reason, SX_EMALFORMED, path, "this is no file");
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		return complain(
			reason, SX_EREFUSED, path, "others can read this secret; chmod 600 it");
	}
	if (st.st_size > FILE_MOST) {
		return complain(reason, SX_EMALFORMED, path,
			"too large for a key; expected a line \"ed25519 PHASE SEED\"");
	}
	return SX_OK;
}

/* The file without its comments; what is more than it should be is cut, and refused as malformed. */
static size_t read_all(int fd, uint8_t *out)
{
	size_t len = 0;
	ssize_t got;
	bool in_comment = false;

	while (len < FILE_MOST && (got = read(fd, out + len, FILE_MOST - len)) > 0) {
		len += (size_t)got;
	}
	for (size_t i = 0; i < len; i++) {
		bool is_start = i == 0 || out[i - 1] == '\n';

		in_comment = (in_comment && !is_start) || (is_start && out[i] == '#');
		out[i] = in_comment && out[i] != '\n' ? ' ' : out[i];
	}
	return len;
}

static int parse(struct sx_rains_keyfile *out, struct sx_bytes text, const char *path,
	struct sx_rains_reason *reason)
{
	struct sx_rains_reason problem;
	struct sx_rains_words words = sx_rains_words_of(text, &problem);

	sx_rains_words_expect(&words, "ed25519");
	out->phase = sx_rains_words_take_int(&words, INT32_MAX, "a key phase");
	if (words.word.len != (size_t)2 * SX_RAINS_SEED_BYTES) {
		sx_rains_words_refuse(
			&words, words.line, "expected a seed of 64 hex digits"); /* found: secret */
	}
	(void)sx_rains_words_take_hex(
		&words, out->seed, sizeof out->seed, "a seed of 64 hex digits");
	if (words.word.len > 0) {
		sx_rains_words_refuse(&words, words.line, "expected nothing behind the seed");
	}
	return words.status == SX_OK ? SX_OK : complain(reason, SX_EMALFORMED, path, problem.text);
}

int sx_rains_keyfile_read(
	struct sx_rains_keyfile *out, const char *path, struct sx_rains_reason *reason)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t text[FILE_MOST];
	int rc;

	if (fd < 0) {
		return complain(
			reason, errno == ENOENT ? SX_ENOTFOUND : SX_EIO, path, strerror(errno));
	}
	rc = check_file(fd, path, reason);
	if (rc == SX_OK) {
		rc = parse(out, sx_bytes_of(text, read_all(fd, text)), path, reason);
	}
	(void)close(fd);
	gnutls_memset(text, 0, sizeof text);
	return rc == SX_OK ? sx_rains_public_key(out->seed, out->key) : rc;
}

static void write_hex(const uint8_t *bytes, char out[HEX_BYTES])
{
	base16_encode_update(out, SX_RAINS_KEY_BYTES, bytes);
	out[HEX_BYTES - 1] = '\0';
}

static bool write_file(int fd, const struct sx_rains_keyfile *keyfile)
{
	char hex[HEX_BYTES];
	char text[sizeof HEADER + SX_RAINS_ANCHOR_TEXT_BYTES];
	bool written;
	int len;

	write_hex(keyfile->seed, hex);
	len = snprintf(text, sizeof text, HEADER "ed25519 %" PRId64 " %s\n", keyfile->phase, hex);
	written = write(fd, text, (size_t)len) == len && fsync(fd) == 0;
	gnutls_memset(hex, 0, sizeof hex);
	gnutls_memset(text, 0, sizeof text);
	return written;
}

int sx_rains_keyfile_create(struct sx_rains_keyfile *out, const char *path, int64_t phase,
	struct sx_rains_reason *reason)
{
	struct sx_rains_keyfile keyfile = { .phase = phase };
	int fd, rc;

	sx_random_bytes(keyfile.seed, sizeof keyfile.seed);
	rc = sx_rains_public_key(keyfile.seed, keyfile.key);
	if (rc < 0) {
		return complain(reason, rc, path, "the library could not make a key");
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (fd < 0) {
		return complain(reason, SX_EIO, path, strerror(errno));
	}
	if (!write_file(fd, &keyfile)) {
		rc = complain(reason, SX_EIO, path, strerror(errno));
		(void)unlink(path);
	}
	(void)close(fd);
	if (rc == SX_OK) {
		*out = keyfile;
	}
	return rc;
}

void sx_rains_keyfile_anchor(
	const struct sx_rains_keyfile *keyfile, char out[SX_RAINS_ANCHOR_TEXT_BYTES])
{
	char hex[HEX_BYTES];

	write_hex(keyfile->key, hex);
	(void)snprintf(
		out, SX_RAINS_ANCHOR_TEXT_BYTES, "ed25519 %" PRId64 " %s", keyfile->phase, hex);
}

void sx_rains_keyfile_delegation(const struct sx_rains_keyfile *keyfile, struct sx_bytes zone,
	char out[SX_RAINS_DELEGATION_TEXT_BYTES])
{
	const uint8_t *dot = memchr(zone.data, '.', zone.len);
	size_t label = dot ? (size_t)(dot - zone.data) : zone.len;
	char hex[HEX_BYTES];

	write_hex(keyfile->key, hex);
	(void)snprintf(out, SX_RAINS_DELEGATION_TEXT_BYTES,
		":A: %.*s [ :deleg: :ed25519: %" PRId64 " %s ]", (int)(label > 0 ? label : 1),
		label > 0 ? (const char *)zone.data : "@", keyfile->phase, hex);
}
