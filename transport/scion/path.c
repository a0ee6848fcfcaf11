/* SPDX-License-Identifier: MIT */
#include "scion/path.h"

#include <nettle/sha2.h>

#define ONE_HOP_BYTES    (SX_PATH_INFO_BYTES + 2 * SX_PATH_HOP_BYTES)
#define EPIC_PREFIX      16
#define SEG_LENS_MASK    0x3ffffU
#define SECONDS_PER_DAY  86400
#define EXP_TIME_PER_DAY 256

static void read_info(struct sx_reader *reader, struct sx_info_field *info)
{
	info->flags = sx_read_u8(reader);
	info->reserved = sx_read_u8(reader);
	info->seg_id = sx_read_u16(reader);
	info->timestamp = sx_read_u32(reader);
}

static void read_hop(struct sx_reader *reader, struct sx_hop_field *hop)
{
	struct sx_bytes mac;

	hop->flags = sx_read_u8(reader);
	hop->exp_time = sx_read_u8(reader);
	hop->cons_ingress = sx_read_u16(reader);
	hop->cons_egress = sx_read_u16(reader);
	mac = sx_read_bytes(reader, SX_PATH_MAC_BYTES);
	if (mac.len > 0) {
		memcpy(hop->mac, mac.data, mac.len);
	}
}

static void write_info(struct sx_writer *writer, const struct sx_info_field *info)
{
	sx_write_u8(writer, info->flags);
	sx_write_u8(writer, info->reserved);
	sx_write_u16(writer, info->seg_id);
	sx_write_u32(writer, info->timestamp);
}

static void write_hop(struct sx_writer *writer, const struct sx_hop_field *hop)
{
	sx_write_u8(writer, hop->flags);
	sx_write_u8(writer, hop->exp_time);
	sx_write_u16(writer, hop->cons_ingress);
	sx_write_u16(writer, hop->cons_egress);
	sx_write_bytes(writer, sx_bytes_of(hop->mac, sizeof hop->mac));
}

static int read_meta(struct sx_reader *reader, struct sx_path *path)
{
	uint32_t meta = sx_read_u32(reader);

	path->curr_inf = (uint8_t)(meta >> 30);
	path->curr_hf = meta >> 24 & 0x3f;
	path->reserved = meta >> 18 & 0x3f;
	for (int i = 0; i < SX_PATH_INFOS_MAX; i++) {
		path->seg_len[i] = meta >> (12 - 6 * i) & 0x3f;
	}
	for (int i = 0; i < SX_PATH_INFOS_MAX; i++) {
		unsigned hops = path->hop_count + (unsigned)path->seg_len[i];

		if (path->seg_len[i] == 0) {
			continue;
		}
		if (path->info_count < i || hops > SX_PATH_HOPS_MAX) {
			return SX_EMALFORMED; /* a gap between segments, or too long */
		}
		path->info_count++;
		path->hop_count = (uint8_t)hops;
	}
	return path->info_count > 0 ? SX_OK : SX_EMALFORMED;
}

static bool is_sound(const struct sx_path *path)
{
	if (path->curr_hf >= path->hop_count ||
		path->curr_inf != sx_path_info_index(path, path->curr_hf)) {
		return false;
	}
	for (int i = 0; i < path->info_count; i++) {
		if (path->seg_len[i] == 1 && !(path->infos[i].flags & SX_INFO_PEERING)) {
			return false;
		}
	}
	return true;
}

static uint8_t first_hop_of(const struct sx_path *path, uint8_t info)
{
	uint8_t hop = 0;

	for (int i = 0; i < info; i++) {
		hop = (uint8_t)(hop + path->seg_len[i]);
	}
	return hop;
}

static void swap_ends(struct sx_path *path)
{
	uint8_t last = (uint8_t)(path->info_count - 1);
	struct sx_info_field info = path->infos[0];
	uint8_t len = path->seg_len[0];

	path->infos[0] = path->infos[last];
	path->infos[last] = info;
	path->seg_len[0] = path->seg_len[last];
	path->seg_len[last] = len;
}

static void store(const struct sx_path *path, struct sx_path_raw *out)
{
	struct sx_writer writer = sx_writer_of(out->bytes, sizeof out->bytes);

	sx_path_write(path, &writer);
	out->type = SX_PATH_SCION;
	out->len = (uint16_t)writer.at;
}

static int reply_scion(struct sx_bytes in, struct sx_path_raw *out)
{
	struct sx_path path;

	if (sx_path_parse(&path, in) < 0) {
		return SX_EMALFORMED;
	}
	if (path.curr_hf != path.hop_count - 1) {
		return SX_EPROTO;
	}
	sx_path_reverse(&path);
	store(&path, out);
	return SX_OK;
}

/* The neighbour has filled in the second hop, so this is a segment of two ASes like any other. */
static int reply_one_hop(struct sx_bytes in, struct sx_path_raw *out)
{
	struct sx_reader reader = sx_reader_of(in);
	struct sx_path path = { .seg_len = { 2 }, .info_count = 1, .hop_count = 2, .curr_hf = 1 };

	if (in.len != ONE_HOP_BYTES) {
		return SX_EMALFORMED;
	}
	read_info(&reader, &path.infos[0]);
	read_hop(&reader, &path.hops[0]);
	read_hop(&reader, &path.hops[1]);
	if (path.hops[1].cons_ingress == 0) {
		return SX_EPROTO;
	}
	sx_path_reverse(&path);
	store(&path, out);
	return SX_OK;
}

static int reply_epic(struct sx_bytes in, struct sx_path_raw *out)
{
	if (in.len < EPIC_PREFIX) {
		return SX_EMALFORMED;
	}
	return reply_scion(sx_bytes_of(in.data + EPIC_PREFIX, in.len - EPIC_PREFIX), out);
}

/* How many info fields a meta header announces. */
static int info_count_of(uint32_t meta)
{
	int count = 0;

	while (count < SX_PATH_INFOS_MAX && (meta >> (12 - 6 * count) & 0x3f) > 0) {
		count++;
	}
	return count;
}

int sx_path_parse(struct sx_path *path, struct sx_bytes in)
{
	struct sx_reader reader = sx_reader_of(in);
	struct sx_path found = { 0 };

	if (read_meta(&reader, &found) < 0) {
		return SX_EMALFORMED;
	}
	for (int i = 0; i < found.info_count; i++) {
		read_info(&reader, &found.infos[i]);
	}
	for (int i = 0; i < found.hop_count; i++) {
		read_hop(&reader, &found.hops[i]);
	}
	if (!sx_reader_ok(&reader) || sx_reader_left(&reader) > 0 || !is_sound(&found)) {
		return SX_EMALFORMED;
	}
	*path = found;
	return SX_OK;
}

void sx_path_write(const struct sx_path *path, struct sx_writer *writer)
{
	uint32_t meta = (uint32_t)path->curr_inf << 30 | (uint32_t)path->curr_hf << 24 |
			(uint32_t)path->reserved << 18;

	for (int i = 0; i < SX_PATH_INFOS_MAX; i++) {
		meta |= (uint32_t)path->seg_len[i] << (12 - 6 * i);
	}
	sx_write_u32(writer, meta);
	for (int i = 0; i < path->info_count; i++) {
		write_info(writer, &path->infos[i]);
	}
	for (int i = 0; i < path->hop_count; i++) {
		write_hop(writer, &path->hops[i]);
	}
}

size_t sx_path_len(const struct sx_path *path)
{
	return sx_path_hop_offset(path, path->hop_count);
}

uint8_t sx_path_info_index(const struct sx_path *path, uint8_t hop)
{
	uint8_t info = 0;

	while (info + 1 < path->info_count && hop >= first_hop_of(path, (uint8_t)(info + 1))) {
		info++;
	}
	return info;
}

size_t sx_path_info_offset(uint8_t info)
{
	return SX_PATH_META_BYTES + (size_t)info * SX_PATH_INFO_BYTES;
}

size_t sx_path_hop_offset(const struct sx_path *path, uint8_t hop)
{
	return sx_path_info_offset(path->info_count) + (size_t)hop * SX_PATH_HOP_BYTES;
}

int sx_path_increment(struct sx_path *path)
{
	if (path->curr_hf + 1 >= path->hop_count) {
		return SX_EINVAL;
	}
	path->curr_hf++;
	path->curr_inf = sx_path_info_index(path, path->curr_hf);
	return SX_OK;
}

bool sx_path_is_peering_hop(const struct sx_path *path, uint8_t hop)
{
	uint8_t info = sx_path_info_index(path, hop);

	return (path->infos[info].flags & SX_INFO_PEERING) && path->info_count == 2 &&
	       (hop + 1 == path->seg_len[0] || hop == path->seg_len[0]);
}

void sx_info_chain(struct sx_info_field *info, const struct sx_hop_field *hop)
{
	info->seg_id = (uint16_t)(info->seg_id ^ (hop->mac[0] << 8 | hop->mac[1]));
}

void sx_hop_mac_input(
	const struct sx_info_field *info, const struct sx_hop_field *hop, uint8_t out[16])
{
	struct sx_writer writer = sx_writer_of(out, 16);

	sx_write_u16(&writer, 0);
	sx_write_u16(&writer, info->seg_id);
	sx_write_u32(&writer, info->timestamp);
	sx_write_u8(&writer, 0);
	sx_write_u8(&writer, hop->exp_time);
	sx_write_u16(&writer, hop->cons_ingress);
	sx_write_u16(&writer, hop->cons_egress);
	sx_write_u16(&writer, 0);
}

uint64_t sx_hop_expiry(const struct sx_info_field *info, const struct sx_hop_field *hop)
{
	return info->timestamp + ((uint64_t)hop->exp_time + 1) * SECONDS_PER_DAY / EXP_TIME_PER_DAY;
}

uint64_t sx_path_expiry(const struct sx_path *path)
{
	uint64_t least = UINT64_MAX;

	for (uint8_t i = 0; i < path->hop_count; i++) {
		uint64_t expiry =
			sx_hop_expiry(&path->infos[sx_path_info_index(path, i)], &path->hops[i]);

		least = expiry < least ? expiry : least;
	}
	return least;
}

void sx_path_reverse(struct sx_path *path)
{
	swap_ends(path);
	for (int i = 0; i < path->info_count; i++) {
		path->infos[i].flags ^= SX_INFO_CONS_DIR;
	}
	for (int i = 0, j = path->hop_count - 1; i < j; i++, j--) {
		struct sx_hop_field hop = path->hops[i];

		path->hops[i] = path->hops[j];
		path->hops[j] = hop;
	}
	for (int i = 0; i < path->hop_count; i++) {
		path->hops[i].flags &= (uint8_t) ~(SX_HOP_EGRESS_ALERT | SX_HOP_INGRESS_ALERT);
	}
	path->curr_inf = (uint8_t)(path->info_count - 1 - path->curr_inf);
	path->curr_hf = (uint8_t)(path->hop_count - 1 - path->curr_hf);
}

int sx_path_reply(uint8_t type, struct sx_bytes path, struct sx_path_raw *out)
{
	switch (type) {
	case SX_PATH_EMPTY:
		if (path.len > 0) {
			return SX_EMALFORMED;
		}
		out->type = SX_PATH_EMPTY;
		out->len = 0;
		return SX_OK;
	case SX_PATH_SCION:
		return reply_scion(path, out);
	case SX_PATH_ONE_HOP:
		return reply_one_hop(path, out);
	case SX_PATH_EPIC:
		return reply_epic(path, out);
	default:
		return SX_EMALFORMED;
	}
}

bool sx_path_is_same_way(uint8_t type, struct sx_bytes a, struct sx_bytes b)
{
	struct sx_reader readers[2] = { sx_reader_of(a), sx_reader_of(b) };
	uint32_t metas[2] = { sx_read_u32(&readers[0]), sx_read_u32(&readers[1]) };

	if (type != SX_PATH_SCION) {
		return sx_bytes_equal(a, b);
	}
	if ((metas[0] ^ metas[1]) & SEG_LENS_MASK) {
		return false;
	}
	for (int i = 0; i < info_count_of(metas[0]); i++) {
		struct sx_info_field infos[2];

		read_info(&readers[0], &infos[0]);
		read_info(&readers[1], &infos[1]);
		if (infos[0].flags != infos[1].flags || infos[0].timestamp != infos[1].timestamp) {
			return false;
		}
	}
	return sx_reader_ok(&readers[0]) && sx_reader_ok(&readers[1]) &&
	       sx_bytes_equal(sx_read_rest(&readers[0]), sx_read_rest(&readers[1]));
}

size_t sx_path_interface_ids(const struct sx_path *path, uint16_t out[2 * SX_PATH_HOPS_MAX])
{
	size_t count = 0;

	for (uint8_t i = 0; i < path->hop_count; i++) {
		const struct sx_hop_field *hop = &path->hops[i];
		uint8_t info = sx_path_info_index(path, i);
		bool forth = path->infos[info].flags & SX_INFO_CONS_DIR;
		bool peering = sx_path_is_peering_hop(path, i);
		uint8_t first = first_hop_of(path, info);

		/* Where segments meet, the same AS leaves by the second hop field: inner ends count only at peerings. */
		if (i > 0 && (i > first || peering)) {
			out[count++] = forth ? hop->cons_ingress : hop->cons_egress;
		}
		if (i + 1 < path->hop_count && (i + 1 < first + path->seg_len[info] || peering)) {
			out[count++] = forth ? hop->cons_egress : hop->cons_ingress;
		}
	}
	return count;
}

void sx_path_fingerprint(
	const struct sx_interface *interfaces, size_t count, uint8_t out[SX_PATH_FINGERPRINT_BYTES])
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[16];
		struct sx_writer writer = sx_writer_of(bytes, sizeof bytes);

		sx_write_u64(&writer, interfaces[i].ia);
		sx_write_u64(&writer, interfaces[i].id);
		sha256_update(&hash, sizeof bytes, bytes);
	}
	sha256_digest(&hash, SX_PATH_FINGERPRINT_BYTES, out);
}
