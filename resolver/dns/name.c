/* SPDX-License-Identifier: MIT */
#include "dns/name.h"

#define LABEL_MOST    63
#define POINTER       0xc0
#define POINTERS_MOST 32

static uint8_t lower(uint8_t c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_plain(uint8_t c)
{
	uint8_t folded = lower(c);

	return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The root label is the empty one. */
static bool append(struct sx_dns_name *name, struct sx_bytes label)
{
	if (label.len > LABEL_MOST || name->len + 1 + label.len > SX_DNS_NAME_MOST) {
		return false;
	}
	name->bytes[name->len++] = (uint8_t)label.len;
	for (size_t i = 0; i < label.len; i++) {
		name->bytes[name->len++] = lower(label.data[i]);
	}
	return true;
}

static bool is_plain_label(struct sx_bytes label)
{
	for (size_t i = 0; i < label.len; i++) {
		if (!is_plain(label.data[i])) {
			return false;
		}
	}
	return label.len > 0;
}

int sx_dns_name_parse(struct sx_dns_name *out, const char *text)
{
	struct sx_dns_name name = { .len = 0 };

	do {
		struct sx_bytes label = sx_bytes_of(text, strcspn(text, "."));

		if (!is_plain_label(label) || !append(&name, label)) {
			return SX_EINVAL;
		}
		text += label.len;
		text += *text == '.';
	} while (*text);
	if (!append(&name, sx_bytes_of(NULL, 0))) {
		return SX_EINVAL;
	}
	*out = name;
	return SX_OK;
}

struct walk {
	struct sx_reader at;
	size_t before; /* where a pointer must lead to before, so that no name is endless */
	size_t behind; /* the first pointer: the message goes on there */
	unsigned pointers;
};

static void jump(struct walk *walk, uint8_t high)
{
	size_t target = (size_t)(high & (POINTER ^ 0xffU)) << 8;

	target |= sx_read_u8(&walk->at);
	if (walk->pointers++ == 0) {
		walk->behind = walk->at.at;
	}
	if (target >= walk->before || walk->pointers > POINTERS_MOST) {
		walk->at.failed = true;
		return;
	}
	walk->at.at = target;
	walk->before = target;
}

static void read_label(struct walk *walk, uint8_t len, struct sx_dns_name *out)
{
	if (!append(out, sx_read_bytes(&walk->at, len))) {
		walk->at.failed = true;
	}
}

void sx_dns_name_read(struct sx_reader *reader, struct sx_dns_name *out)
{
	struct walk walk = { .at = *reader, .before = reader->at };
	uint8_t len;

	out->len = 0;
	do {
		len = sx_read_u8(&walk.at);
		if (len >= POINTER) {
			jump(&walk, len);
		} else {
			read_label(&walk, len, out);
		}
	} while (len != 0 && sx_reader_ok(&walk.at));
	reader->failed = walk.at.failed;
	reader->at = walk.pointers > 0 ? walk.behind : walk.at.at;
}

int sx_dns_name_write(const struct sx_dns_name *name, char out[SX_DNS_TEXT_BYTES])
{
	size_t at = 0;

	for (size_t i = 0; name->bytes[i] != 0; i += 1U + name->bytes[i]) {
		struct sx_bytes label = sx_bytes_of(name->bytes + i + 1, name->bytes[i]);

		if (!is_plain_label(label)) {
			return SX_EMALFORMED;
		}
		if (at > 0) {
			out[at++] = '.';
		}
		memcpy(out + at, label.data, label.len);
		at += label.len;
	}
	out[at] = '\0';
	return SX_OK;
}

bool sx_dns_name_equal(const struct sx_dns_name *a, const struct sx_dns_name *b)
{
	return sx_bytes_equal(sx_bytes_of(a->bytes, a->len), sx_bytes_of(b->bytes, b->len));
}
