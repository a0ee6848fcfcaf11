/* SPDX-License-Identifier: MIT */
#include "scion/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

#define AS_DECIMAL_MAX 0xffffffffU

static const struct {
	const char *name;
	uint16_t svc;
} services[] = {
	{ "DS", SX_SVC_DS },
	{ "CS", SX_SVC_CS },
	{ "Wildcard", SX_SVC_WILDCARD },
};

static struct sx_bytes head_of(struct sx_bytes text, size_t len)
{
	return sx_bytes_of(text.data, len);
}

static struct sx_bytes tail_of(struct sx_bytes text, size_t from)
{
	return sx_bytes_of(text.data + from, text.len - from);
}

/* The place of the first `c`, or the length when there is none. */
static size_t index_of(struct sx_bytes text, char c)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == (uint8_t)c) {
			return i;
		}
	}
	return text.len;
}

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return 16;
}

/* A number of 1 to `digits_max` digits and nothing else; the digits keep it below 2^64. */
static int parse_number(struct sx_bytes text, unsigned base, size_t digits_max, uint64_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > digits_max) {
		return SX_EMALFORMED;
	}
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)digit_of(text.data[i]);

		if (digit >= base) {
			return SX_EMALFORMED;
		}
		value = value * base + digit;
	}
	*out = value;
	return SX_OK;
}

static int parse_u16(struct sx_bytes text, uint16_t *out)
{
	uint64_t value;

	if (parse_number(text, 10, 5, &value) < 0 || value > UINT16_MAX) {
		return SX_EMALFORMED;
	}
	*out = (uint16_t)value;
	return SX_OK;
}

static int parse_as_groups(struct sx_bytes text, uint64_t *out)
{
	uint64_t value = 0;

	for (int group = 0; group < 3; group++) {
		size_t end = index_of(text, ':');
		uint64_t part;

		/* The last group ends with the text, the others before a colon. */
		if ((end == text.len) != (group == 2)) {
			return SX_EMALFORMED;
		}
		if (parse_number(head_of(text, end), 16, 4, &part) < 0) {
			return SX_EMALFORMED;
		}
		value = value << 16 | part;
		text = tail_of(text, group == 2 ? end : end + 1);
	}
	*out = value;
	return SX_OK;
}

static int parse_as(struct sx_bytes text, uint64_t *out)
{
	uint64_t value;

	if (index_of(text, ':') < text.len) {
		return parse_as_groups(text, out);
	}
	if (parse_number(text, 10, 10, &value) < 0 || value > AS_DECIMAL_MAX) {
		return SX_EMALFORMED;
	}
	*out = value;
	return SX_OK;
}

static int parse_svc(struct sx_bytes text, struct sx_host *out)
{
	uint16_t flag = 0;
	size_t mark = index_of(text, '_');

	if (mark < text.len) {
		struct sx_bytes suffix = tail_of(text, mark);

		if (sx_bytes_equal(suffix, sx_bytes_text("_M"))) {
			flag = SX_SVC_MULTICAST;
		} else if (!sx_bytes_equal(suffix, sx_bytes_text("_A"))) {
			return SX_EMALFORMED;
		}
		text = head_of(text, mark);
	}
	for (size_t i = 0; i < SX_COUNT(services); i++) {
		if (sx_bytes_equal(text, sx_bytes_text(services[i].name))) {
			*out = sx_host_of_svc((uint16_t)(services[i].svc | flag));
			return SX_OK;
		}
	}
	return SX_EMALFORMED;
}

static int parse_ip(struct sx_bytes text, struct sx_host *out)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t ip[16];

	if (text.len >= sizeof copy || index_of(text, '\0') < text.len) {
		return SX_EMALFORMED;
	}
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, ip) == 1) {
		return sx_host_of_ip(sx_bytes_of(ip, 4), out);
	}
	if (inet_pton(AF_INET6, copy, ip) == 1) {
		return sx_host_of_ip(sx_bytes_of(ip, 16), out);
	}
	return SX_EMALFORMED;
}

static int parse_ip4(struct sx_bytes text, struct sx_host *out)
{
	struct sx_host host;

	if (index_of(text, ':') < text.len || parse_ip(text, &host) < 0) {
		return SX_EMALFORMED;
	}
	*out = host;
	return SX_OK;
}

/* "IA,host", where the host has no brackets. */
static int parse_plain(struct sx_bytes text, struct sx_addr *out)
{
	size_t comma = index_of(text, ',');
	struct sx_addr addr;

	if (comma == text.len || sx_ia_parse(head_of(text, comma), &addr.ia) < 0 ||
		sx_host_parse(tail_of(text, comma + 1), &addr.host) < 0) {
		return SX_EMALFORMED;
	}
	*out = addr;
	return SX_OK;
}

/* What may stand behind a bracket: nothing, where that is allowed, or a colon and a port. */
static int parse_port_suffix(struct sx_bytes text, bool optional, uint16_t *port)
{
	if (text.len == 0 && optional) {
		return SX_OK;
	}
	if (text.len == 0 || text.data[0] != ':') {
		return SX_EMALFORMED;
	}
	return parse_u16(tail_of(text, 1), port);
}

/* "[IA,host]:port" */
static int parse_bracketed(struct sx_bytes text, struct sx_addr *out, uint16_t *port)
{
	size_t end = index_of(text, ']');

	if (end == text.len || parse_port_suffix(tail_of(text, end + 1), false, port) < 0) {
		return SX_EMALFORMED;
	}
	return parse_plain(sx_bytes_of(text.data + 1, end - 1), out);
}

/* What follows the comma of the legacy spellings: "ip", "svc", "ip4:port", "[ip]", "[ip]:port". */
static int parse_legacy_host(struct sx_bytes text, struct sx_host *out, uint16_t *port)
{
	size_t end = index_of(text, ']');
	size_t colon = index_of(text, ':');

	if (text.len > 0 && text.data[0] == '[') {
		if (end == text.len || parse_port_suffix(tail_of(text, end + 1), true, port) < 0) {
			return SX_EMALFORMED;
		}
		return parse_ip(sx_bytes_of(text.data + 1, end - 1), out);
	}
	if (colon < text.len && parse_ip4(head_of(text, colon), out) == SX_OK) {
		return parse_u16(tail_of(text, colon + 1), port);
	}
	return sx_host_parse(text, out);
}

static void write_hex_host(const struct sx_host *host, char *out, size_t cap)
{
	struct sx_bytes bytes = sx_host_bytes(host);
	size_t at = (size_t)snprintf(out, cap, "<%x:", host->type);

	for (size_t i = 0; i < bytes.len && at < cap; i++) {
		at += (size_t)snprintf(out + at, cap - at, "%02x", bytes.data[i]);
	}
	if (at < cap) {
		(void)snprintf(out + at, cap - at, ">");
	}
}

static void write_svc(const struct sx_host *host, char *out, size_t cap)
{
	uint16_t svc = (uint16_t)(host->bytes[0] << 8 | host->bytes[1]);
	const char *suffix = svc & SX_SVC_MULTICAST ? "_M" : "";

	for (size_t i = 0; i < SX_COUNT(services); i++) {
		if ((svc & ~SX_SVC_MULTICAST) == services[i].svc) {
			(void)snprintf(out, cap, "%s%s", services[i].name, suffix);
			return;
		}
	}
	write_hex_host(host, out, cap);
}

int sx_ia_parse(struct sx_bytes text, uint64_t *out)
{
	size_t dash = index_of(text, '-');
	uint16_t isd;
	uint64_t as;

	if (dash == text.len || parse_u16(head_of(text, dash), &isd) < 0 ||
		parse_as(tail_of(text, dash + 1), &as) < 0) {
		return SX_EMALFORMED;
	}
	*out = sx_ia_of(isd, as);
	return SX_OK;
}

void sx_ia_write(uint64_t ia, char *out, size_t cap)
{
	unsigned isd = (unsigned)(ia >> 48);
	uint64_t as = ia & 0xffffffffffff;

	if (as <= AS_DECIMAL_MAX) {
		(void)snprintf(out, cap, "%u-%u", isd, (unsigned)as);
		return;
	}
	(void)snprintf(out, cap, "%u-%x:%x:%x", isd, (unsigned)(as >> 32),
		(unsigned)(as >> 16 & 0xffff), (unsigned)(as & 0xffff));
}

int sx_host_of_ip(struct sx_bytes ip, struct sx_host *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sx_host host = { .type = SX_HOST_IPV4 };

	if (ip.len == 16 && memcmp(ip.data, mapped, sizeof mapped) == 0) {
		ip = tail_of(ip, sizeof mapped);
	}
	if (ip.len == 16) {
		host.type = SX_HOST_IPV6;
	} else if (ip.len != 4) {
		return SX_EINVAL;
	}
	memcpy(host.bytes, ip.data, ip.len);
	*out = host;
	return SX_OK;
}

struct sx_host sx_host_of_svc(uint16_t svc)
{
	struct sx_host host = { .type = SX_HOST_SVC };

	host.bytes[0] = (uint8_t)(svc >> 8);
	host.bytes[1] = (uint8_t)svc;
	return host;
}

int sx_host_parse(struct sx_bytes text, struct sx_host *out)
{
	if (parse_svc(text, out) == SX_OK) {
		return SX_OK;
	}
	return parse_ip(text, out);
}

void sx_host_write(const struct sx_host *host, char *out, size_t cap)
{
	char text[INET6_ADDRSTRLEN];
	struct sx_host ip;

	switch (host->type) {
	case SX_HOST_IPV4:
	case SX_HOST_IPV6:
		/* A mapped address may have come off the wire; it is shown as what it means. */
		if (sx_host_of_ip(sx_host_bytes(host), &ip) < 0) {
			ip = *host;
		}
		(void)inet_ntop(
			ip.type == SX_HOST_IPV4 ? AF_INET : AF_INET6, ip.bytes, text, sizeof text);
		(void)snprintf(out, cap, "%s", text);
		return;
	case SX_HOST_SVC:
		write_svc(host, out, cap);
		return;
	default:
		write_hex_host(host, out, cap);
	}
}

bool sx_host_equal(const struct sx_host *a, const struct sx_host *b)
{
	return a->type == b->type && sx_bytes_equal(sx_host_bytes(a), sx_host_bytes(b));
}

bool sx_addr_equal(const struct sx_addr *a, const struct sx_addr *b)
{
	return a->ia == b->ia && sx_host_equal(&a->host, &b->host);
}

int sx_addr_parse_port(struct sx_bytes text, struct sx_addr *out, uint16_t *port)
{
	size_t comma = index_of(text, ',');
	struct sx_addr addr;
	uint16_t found = *port;
	int rc;

	if (text.len > 0 && text.data[0] == '[') {
		rc = parse_bracketed(text, &addr, &found);
	} else if (comma == text.len || sx_ia_parse(head_of(text, comma), &addr.ia) < 0) {
		rc = SX_EMALFORMED;
	} else {
		rc = parse_legacy_host(tail_of(text, comma + 1), &addr.host, &found);
	}
	if (rc < 0) {
		return rc;
	}
	*out = addr;
	*port = found;
	return SX_OK;
}

int sx_addr_parse(struct sx_bytes text, struct sx_addr *out)
{
	size_t comma = index_of(text, ',');

	/* The one legacy spelling without a port: "IA,[ip]". */
	if (comma + 2 < text.len && text.data[comma + 1] == '[' && text.data[text.len - 1] == ']') {
		struct sx_addr addr;

		if (sx_ia_parse(head_of(text, comma), &addr.ia) < 0 ||
			parse_ip(sx_bytes_of(text.data + comma + 2, text.len - comma - 3),
				&addr.host) < 0) {
			return SX_EMALFORMED;
		}
		*out = addr;
		return SX_OK;
	}
	return parse_plain(text, out);
}

void sx_addr_write(const struct sx_addr *addr, char *out, size_t cap)
{
	char ia[SX_IA_TEXT_BYTES];
	char host[SX_HOST_TEXT_BYTES];

	sx_ia_write(addr->ia, ia, sizeof ia);
	sx_host_write(&addr->host, host, sizeof host);
	(void)snprintf(out, cap, "%s,%s", ia, host);
}

void sx_addr_write_port(const struct sx_addr *addr, uint16_t port, char *out, size_t cap)
{
	char text[SX_ADDR_TEXT_BYTES];

	sx_addr_write(addr, text, sizeof text);
	(void)snprintf(out, cap, "[%s]:%u", text, port);
}

int sx_ip_port_parse(struct sx_bytes text, struct sx_ip_port *out)
{
	bool bracketed = text.len > 0 && text.data[0] == '[';
	size_t end = index_of(text, bracketed ? ']' : ':');
	struct sx_bytes ip = bracketed ? sx_bytes_of(text.data + 1, end - 1) : head_of(text, end);
	struct sx_ip_port found;

	if (end == text.len || parse_ip(ip, &found.host) < 0) {
		return SX_EMALFORMED;
	}
	text = tail_of(text, bracketed ? end + 1 : end);
	if (parse_port_suffix(text, false, &found.port) < 0) {
		return SX_EMALFORMED;
	}
	*out = found;
	return SX_OK;
}

bool sx_ip_port_equal(const struct sx_ip_port *a, const struct sx_ip_port *b)
{
	return a->port == b->port && sx_host_equal(&a->host, &b->host);
}
