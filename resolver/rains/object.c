/* SPDX-License-Identifier: MIT */
#include "rains/object.h"

#include "rains/name.h"

#define TYPE_SCION_TEXT 15 /* of 2019: IPv4, while 14 was IPv6 */
#define TYPE_SCION_IP4  22 /* draft-trammell-rains-scion */
#define TYPE_SCION_IP6  23

#define IA_BYTES     8
#define IP4_BYTES    4
#define IP6_BYTES    16
#define MAPPED_BYTES 12 /* in front of an IPv4 address in IPv6 */

static struct sx_bytes read_full_name(struct sx_reader *reader)
{
	struct sx_bytes name = sx_cbor_read_text(reader);

	reader->failed |= sx_rains_name_check(name) < 0;
	return name;
}

static void read_alias(struct sx_reader *reader, struct sx_rains_object *object)
{
	object->text = read_full_name(reader);
	object->types = sx_cbor_read_ints(reader);
}

static void read_name(struct sx_reader *reader, struct sx_rains_object *object)
{
	object->text = read_full_name(reader);
}

static void read_text(struct sx_reader *reader, struct sx_rains_object *object)
{
	object->text = sx_cbor_read_text(reader);
}

static void take_ip(struct sx_reader *reader, struct sx_bytes ip, struct sx_host *host)
{
	reader->failed |= sx_host_of_ip(ip, host) < 0;
}

static void read_ip6(struct sx_reader *reader, struct sx_rains_object *object)
{
	struct sx_bytes ip = sx_cbor_read_bytes(reader);

	reader->failed |= ip.len != IP6_BYTES;
	take_ip(reader, ip, &object->addr.host);
}

/* Four bytes, or sixteen that map them. */
static void read_ip4(struct sx_reader *reader, struct sx_rains_object *object)
{
	take_ip(reader, sx_cbor_read_bytes(reader), &object->addr.host);
	reader->failed |= object->addr.host.type != SX_HOST_IPV4;
}

static void read_key(struct sx_reader *reader, struct sx_rains_object *object)
{
	object->key.alg = sx_cbor_read_int(reader);
	object->key.phase = sx_cbor_read_int(reader);
	object->key.data = sx_cbor_read_bytes(reader);
}

static void read_next(struct sx_reader *reader, struct sx_rains_object *object)
{
	read_key(reader, object);
	object->key.since = sx_cbor_read_time(reader);
	object->key.until = sx_cbor_read_time(reader);
}

static void read_cert(struct sx_reader *reader, struct sx_rains_object *object)
{
	object->cert.protocol = sx_cbor_read_int(reader);
	object->cert.usage = sx_cbor_read_int(reader);
	object->cert.hash = sx_cbor_read_int(reader);
	object->cert.data = sx_cbor_read_bytes(reader);
}

static uint16_t read_u16(struct sx_reader *reader)
{
	int64_t value = sx_cbor_read_int(reader);

	reader->failed |= value < 0 || value > UINT16_MAX;
	return (uint16_t)value;
}

static void read_srv(struct sx_reader *reader, struct sx_rains_object *object)
{
	object->text = read_full_name(reader);
	object->port = read_u16(reader);
	object->priority = read_u16(reader);
}

static void read_scion(struct sx_reader *reader, struct sx_rains_object *object)
{
	struct sx_reader value;

	if (sx_cbor_peek(reader) == SX_CBOR_TEXT) {
		reader->failed |= sx_addr_parse(sx_cbor_read_text(reader), &object->addr) < 0;
	} else {
		value = sx_reader_of(sx_cbor_read_bytes(reader));
		object->addr.ia = sx_read_u64(&value);
		take_ip(reader, sx_read_rest(&value), &object->addr.host);
		reader->failed |= !sx_reader_ok(&value);
	}
	object->type = SX_RAINS_SCION;
}

static void read_draft_scion(struct sx_reader *reader, struct sx_rains_object *object)
{
	uint16_t isd = read_u16(reader);
	int64_t as = sx_cbor_read_int(reader);

	reader->failed |= as < 0 || as >> 48 != 0;
	object->addr.ia = reader->failed ? 0 : sx_ia_of(isd, (uint64_t)as);
	take_ip(reader, sx_cbor_read_bytes(reader), &object->addr.host);
	object->type = SX_RAINS_SCION;
}

static void (*const bodies[])(struct sx_reader *reader, struct sx_rains_object *object) = {
	[SX_RAINS_NAME] = read_alias,
	[SX_RAINS_IP6] = read_ip6,
	[SX_RAINS_IP4] = read_ip4,
	[SX_RAINS_REDIR] = read_name,
	[SX_RAINS_DELEG] = read_key,
	[SX_RAINS_NAMESET] = read_text,
	[SX_RAINS_CERT] = read_cert,
	[SX_RAINS_SRV] = read_srv,
	[SX_RAINS_REGR] = read_text,
	[SX_RAINS_REGT] = read_text,
	[SX_RAINS_INFRA] = read_key,
	[SX_RAINS_EXTRA] = read_key,
	[SX_RAINS_NEXT] = read_next,
	[SX_RAINS_SCION] = read_scion,
	[TYPE_SCION_TEXT] = read_scion,
	[TYPE_SCION_IP4] = read_draft_scion,
	[TYPE_SCION_IP6] = read_draft_scion,
};

/* One object, all of it. */
static bool read_object(struct sx_bytes item, struct sx_rains_object *out)
{
	struct sx_reader reader = sx_reader_of(item);
	struct sx_rains_object object = { 0 };
	int64_t type;

	(void)sx_cbor_read_array(&reader);
	type = sx_cbor_read_int(&reader);
	if (type < 0 || type >= (int64_t)SX_COUNT(bodies) || !bodies[type]) {
		return false;
	}
	object.type = (enum sx_rains_object_type)type;
	bodies[type](&reader, &object);
	if (!sx_reader_ok(&reader) || sx_reader_left(&reader) > 0) {
		return false;
	}
	*out = object;
	return true;
}

bool sx_rains_next_object(struct sx_reader *walk, struct sx_rains_object *out)
{
	while (sx_reader_left(walk) > 0 && sx_reader_ok(walk)) {
		if (read_object(sx_cbor_read_item(walk), out)) {
			return true;
		}
	}
	return false;
}

static void begin(struct sx_writer *writer, size_t count, enum sx_rains_object_type type)
{
	sx_cbor_write_array(writer, count);
	sx_cbor_write_int(writer, type);
}

/* An ISD-AS if there is one, and sixteen bytes of address. */
static void write_addr(struct sx_writer *writer, const struct sx_rains_object *object)
{
	uint8_t out[IA_BYTES + IP6_BYTES];
	struct sx_writer value = sx_writer_of(out, sizeof out);
	struct sx_bytes ip = sx_host_bytes(&object->addr.host);
	static const uint8_t mapped[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

	if (object->type == SX_RAINS_SCION) {
		sx_write_u64(&value, object->addr.ia);
	}
	sx_write_bytes(&value, sx_bytes_of(mapped, ip.len == IP4_BYTES ? sizeof mapped : 0));
	sx_write_bytes(&value, ip);
	begin(writer, 2, object->type);
	sx_cbor_write_bytes(writer, sx_writer_bytes(&value));
}

static void write_key(struct sx_writer *writer, const struct sx_rains_object *object)
{
	bool is_next = object->type == SX_RAINS_NEXT;

	begin(writer, is_next ? 6 : 4, object->type);
	sx_cbor_write_int(writer, object->key.alg);
	sx_cbor_write_int(writer, object->key.phase);
	sx_cbor_write_bytes(writer, object->key.data);
	if (is_next) {
		sx_cbor_write_int(writer, object->key.since);
		sx_cbor_write_int(writer, object->key.until);
	}
}

static void write_cert(struct sx_writer *writer, const struct sx_rains_object *object)
{
	begin(writer, 5, object->type);
	sx_cbor_write_int(writer, object->cert.protocol);
	sx_cbor_write_int(writer, object->cert.usage);
	sx_cbor_write_int(writer, object->cert.hash);
	sx_cbor_write_bytes(writer, object->cert.data);
}

static void write_srv(struct sx_writer *writer, const struct sx_rains_object *object)
{
	begin(writer, 4, object->type);
	sx_cbor_write_text(writer, object->text);
	sx_cbor_write_int(writer, object->port);
	sx_cbor_write_int(writer, object->priority);
}

void sx_rains_object_write(struct sx_writer *writer, const struct sx_rains_object *object)
{
	switch (object->type) {
	case SX_RAINS_NAME:
		begin(writer, 3, object->type);
		sx_cbor_write_text(writer, object->text);
		sx_cbor_write_list(writer, object->types);
		break;
	case SX_RAINS_IP4:
	case SX_RAINS_IP6:
	case SX_RAINS_SCION:
		write_addr(writer, object);
		break;
	case SX_RAINS_DELEG:
	case SX_RAINS_INFRA:
	case SX_RAINS_EXTRA:
	case SX_RAINS_NEXT:
		write_key(writer, object);
		break;
	case SX_RAINS_CERT:
		write_cert(writer, object);
		break;
	case SX_RAINS_SRV:
		write_srv(writer, object);
		break;
	default:
		begin(writer, 2, object->type);
		sx_cbor_write_text(writer, object->text);
		break;
	}
}
