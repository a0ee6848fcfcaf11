/* SPDX-License-Identifier: MIT */
#include "rains/name.h"

#include "base/wire.h"

#define LABEL_MOST  63
#define LABELS_MOST 128

static bool is_root(struct sx_bytes name)
{
	return name.len == 1 && name.data[0] == '.';
}

static bool is_printable(uint8_t byte)
{
	return byte > ' ' && byte != 0x7f;
}

/* Bytes of the label that begins at `at`; 0 when it is empty, too long or not printable, or has no dot behind it. */
static size_t label_len(struct sx_bytes name, size_t at)
{
	size_t end = at;

	while (end < name.len && name.data[end] != '.' && is_printable(name.data[end])) {
		end++;
	}
	if (end == name.len || name.data[end] != '.' || end - at > LABEL_MOST) {
		return 0;
	}
	return end - at;
}

/* 0: one of them is none. */
static size_t count_labels(struct sx_bytes name)
{
	size_t labels = 0;

	for (size_t at = 0; at < name.len; labels++) {
		size_t len = label_len(name, at);

		if (len == 0) {
			return 0;
		}
		at += len + 1;
	}
	return labels;
}

int sx_rains_name_check(struct sx_bytes name)
{
	size_t labels;

	if (is_root(name)) {
		return SX_OK;
	}
	if (name.len > SX_RAINS_NAME_MOST) {
		return SX_EMALFORMED;
	}
	labels = count_labels(name);
	return labels > 0 && labels <= LABELS_MOST ? SX_OK : SX_EMALFORMED;
}

int sx_rains_name_join(struct sx_rains_name *out, struct sx_bytes subject, struct sx_bytes zone)
{
	struct sx_rains_name name;
	struct sx_writer writer = sx_writer_of(name.data, sizeof name.data);

	if (subject.len == 0 || sx_rains_name_check(zone) < 0) {
		return SX_EMALFORMED;
	}
	if (!sx_bytes_equal(subject, sx_bytes_text("@"))) {
		sx_write_bytes(&writer, subject);
		sx_write_bytes(&writer, sx_bytes_of(".", is_root(zone) ? 0 : 1));
	}
	sx_write_bytes(&writer, zone);
	name.len = writer.at;
	if (!sx_writer_ok(&writer) || sx_rains_name_check(sx_rains_name_bytes(&name)) < 0) {
		return SX_EMALFORMED;
	}
	*out = name;
	return SX_OK;
}

bool sx_rains_name_is_below(struct sx_bytes name, struct sx_bytes zone)
{
	struct sx_bytes end;

	if (is_root(zone)) {
		return !is_root(name);
	}
	if (name.len < zone.len + 2 || name.data[name.len - zone.len - 1] != '.') {
		return false;
	}
	end = sx_bytes_of(name.data + name.len - zone.len, zone.len);
	return sx_bytes_equal(end, zone);
}

int sx_rains_name_subject(struct sx_bytes name, struct sx_bytes zone, struct sx_bytes *out)
{
	if (sx_bytes_equal(name, zone)) {
		*out = sx_bytes_text("@");
		return SX_OK;
	}
	if (!sx_rains_name_is_below(name, zone)) {
		return SX_ENOTFOUND;
	}
	*out = sx_bytes_of(name.data, name.len - (is_root(zone) ? 0 : zone.len) - 1);
	return SX_OK;
}

int sx_rains_context_check(struct sx_bytes context)
{
	bool is_local = context.len >= 3 && context.len <= SX_RAINS_NAME_MOST &&
			memmem(context.data, context.len, "cx-", 3);

	for (size_t i = 0; i < context.len; i++) {
		is_local = is_local && is_printable(context.data[i]);
	}
	return is_root(context) || is_local ? SX_OK : SX_EMALFORMED;
}

bool sx_rains_name_is_service(struct sx_bytes name)
{
	return name.len > 0 && name.data[0] == '_';
}
