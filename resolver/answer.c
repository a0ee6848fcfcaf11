/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "answer.h"
#include "base/wire.h"

static size_t certs_len(const struct sx_finding *finding)
{
	size_t len = 0;

	for (size_t i = 0; i < finding->cert_count; i++) {
		len += finding->certs[i]->len;
	}
	return len;
}

static void write_certs(struct sx_writer *writer, const struct sx_finding *finding)
{
	for (size_t i = 0; i < finding->cert_count; i++) {
		const struct sx_buf *cert = finding->certs[i];

		sx_write_bytes(writer, sx_bytes_of(cert->data, cert->len));
	}
}

/* Adds a text with its NUL; where it is. */
static const char *write_text(struct sx_writer *writer, const char *text)
{
	const uint8_t *at = writer->out + writer->at;

	sx_write_bytes(writer, sx_bytes_of(text, strlen(text) + 1));
	return (const char *)at;
}

struct sx_answer *sx_answer_of(struct sx_buf *buf)
{
	return (struct sx_answer *)(void *)buf->data;
}

int sx_answer_new(struct sx_buf **out, const struct sx_finding *finding, const char *source,
	const char *trace)
{
	size_t targets = finding->target_count * sizeof *finding->targets;
	size_t certs = certs_len(finding);
	size_t rest = certs + strlen(finding->reason) + 1 + strlen(trace) + 1;
	struct sx_answer *answer;
	struct sx_writer writer;
	struct sx_buf *buf;

	if (sx_buf_new(&buf, sizeof *answer + targets + rest) < 0) {
		return SX_ENOMEM;
	}
	buf->len = buf->cap;
	answer = sx_answer_of(buf);
	*answer = (struct sx_answer){ .status = finding->status,
		.target_count = (uint32_t)finding->target_count,
		.cert_count = (uint32_t)finding->cert_count };
	(void)snprintf(answer->source, sizeof answer->source, "%s", source);
	memcpy(answer->targets, finding->targets, targets);
	writer = sx_writer_of((uint8_t *)answer->targets + targets, rest);
	write_certs(&writer, finding);
	answer->certs = sx_writer_bytes(&writer);
	answer->reason = write_text(&writer, finding->reason);
	answer->trace = write_text(&writer, trace);
	*out = buf;
	return SX_OK;
}
