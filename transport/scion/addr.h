/* SPDX-License-Identifier: MIT */
/*
 * addr: who is meant on a SCION network. An ISD-AS is a plain uint64_t, ISD in the upper 16 bits; a host keeps the type
 * nibble of the wire, so that what was received can be written again.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/* Room for any text written below, with its NUL. */
#define SX_IA_TEXT_BYTES   24
#define SX_HOST_TEXT_BYTES 48
#define SX_ADDR_TEXT_BYTES 80

/* Type and length nibbles of the common header that have a meaning today; others are carried unread. */
enum sx_host_type {
	SX_HOST_IPV4 = 0x0,
	SX_HOST_IPV6 = 0x3,
	SX_HOST_SVC = 0x4,
};

enum sx_svc {
	SX_SVC_DS = 0x0001,
	SX_SVC_CS = 0x0002,
	SX_SVC_WILDCARD = 0x0010,
	SX_SVC_MULTICAST = 0x8000, /* a flag on the others */
};

struct sx_host {
	uint8_t type; /* T << 2 | L */
	uint8_t bytes
		[16]; /* in network order; those beyond the length are 0, so hosts compare by memcmp */
};

struct sx_addr {
	uint64_t ia;
	struct sx_host host;
};

/* An address below SCION: a router or a host of our AS. Its host is always of an IP type. */
struct sx_ip_port {
	struct sx_host host;
	uint16_t port;
};

/* An ISD-AS from its parts. */
static inline uint64_t sx_ia_of(uint16_t isd, uint64_t as)
{
	return (uint64_t)isd << 48 | as;
}

/* Reads "1-ff00:0:110" or "1-64512", nothing before or behind. SX_EMALFORMED: anything else. */
SX_MUST_CHECK int sx_ia_parse(struct sx_bytes text, uint64_t *out);

/* Writes an ISD-AS in its canonical form, NUL-terminated; cut when `cap` is below SX_IA_TEXT_BYTES. */
void sx_ia_write(uint64_t ia, char *out, size_t cap);

/* Bytes on the wire of a host with this type nibble: 4, 8, 12 or 16. */
static inline size_t sx_host_len(uint8_t type)
{
	return 4 * ((size_t)(type & 3) + 1);
}

/* A view of the host's bytes as they are on the wire; lends the host's own. */
static inline struct sx_bytes sx_host_bytes(const struct sx_host *host)
{
	return sx_bytes_of(host->bytes, sx_host_len(host->type));
}

/* A host from 4 or 16 address bytes; IPv4-mapped IPv6 becomes IPv4. SX_EINVAL: another length. */
SX_MUST_CHECK int sx_host_of_ip(struct sx_bytes ip, struct sx_host *out);

/* A host that names a service, such as SX_SVC_CS. */
struct sx_host sx_host_of_svc(uint16_t svc);

/* Reads an IPv4 or IPv6 address or a service ("CS", "DS_A", "Wildcard_M"). Zone ids are refused. */
SX_MUST_CHECK int sx_host_parse(struct sx_bytes text, struct sx_host *out);

/* Writes a host, NUL-terminated; a host of no known type as its type and bytes in hex. */
void sx_host_write(const struct sx_host *host, char *out, size_t cap);

bool sx_host_equal(const struct sx_host *a, const struct sx_host *b);
bool sx_addr_equal(const struct sx_addr *a, const struct sx_addr *b);

/* Reads an address without a port: "1-ff00:0:110,10.0.0.1", "IA,fd00::1", and legacy "IA,[ip]". */
SX_MUST_CHECK int sx_addr_parse(struct sx_bytes text, struct sx_addr *out);

/*
 * Reads an address with or without a port; `port` stays as it is when there is none. With one: "[IA,host]:port", and
 * legacy "IA,ip4:port", "IA,[ip]:port". "IA,ip6:port" cannot be told from an address and is read as one, or refused.
 */
SX_MUST_CHECK int sx_addr_parse_port(struct sx_bytes text, struct sx_addr *out, uint16_t *port);

/* Writes "1-ff00:0:110,10.0.0.1", NUL-terminated; cut when `cap` is below SX_ADDR_TEXT_BYTES. */
void sx_addr_write(const struct sx_addr *addr, char *out, size_t cap);

/* Writes "[1-ff00:0:110,10.0.0.1]:31467", NUL-terminated; cut when `cap` is below SX_ADDR_TEXT_BYTES. */
void sx_addr_write_port(const struct sx_addr *addr, uint16_t port, char *out, size_t cap);

/* Reads "10.0.0.1:30042" or "[fd00::1]:30042". */
SX_MUST_CHECK int sx_ip_port_parse(struct sx_bytes text, struct sx_ip_port *out);

bool sx_ip_port_equal(const struct sx_ip_port *a, const struct sx_ip_port *b);
