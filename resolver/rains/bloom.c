/* SPDX-License-Identifier: MIT */
#include "rains/bloom.h"

#include <nettle/sha3.h>

#include "rains/name.h"
#include "rains/object.h"

#define FNV64_BASIS      UINT64_C(0xcbf29ce484222325)
#define FNV64_PRIME      UINT64_C(0x100000001b3)
#define FNV128_BASIS_HI  UINT64_C(0x6c62272e07bb0142)
#define FNV128_BASIS_LO  UINT64_C(0x62b821756295c58d)
#define FNV128_PRIME_LOW 315 /* the prime is 2^88 + 315 */

/* The two numbers from which all bit positions are made. */
struct hashes {
	uint64_t one;
	uint64_t two;
};

static struct hashes of_number(uint64_t value)
{
	return (struct hashes){ value, value >> 32 };
}

static struct hashes shake256(struct sx_bytes in)
{
	struct sha3_256_ctx ctx;
	uint8_t out[8];
	struct sx_reader reader = sx_reader_of(sx_bytes_of(out, sizeof out));

	sha3_256_init(&ctx);
	sha3_256_update(&ctx, in.len, in.data);
	sha3_256_shake(&ctx, sizeof out, out);
	return of_number(sx_read_u64(&reader));
}

static struct hashes fnv64(struct sx_bytes in)
{
	uint64_t value = FNV64_BASIS;

	for (size_t i = 0; i < in.len; i++) {
		value = value * FNV64_PRIME ^ in.data[i];
	}
	return of_number(value);
}

static struct hashes fnv128(struct sx_bytes in)
{
	uint64_t hi = FNV128_BASIS_HI;
	uint64_t lo = FNV128_BASIS_LO;

	for (size_t i = 0; i < in.len; i++) {
		uint64_t low = (lo & UINT32_MAX) * FNV128_PRIME_LOW;
		uint64_t high = (lo >> 32) * FNV128_PRIME_LOW + (low >> 32);

		hi = hi * FNV128_PRIME_LOW + (high >> 32) + (lo << 24);
		lo = (high << 32 | (low & UINT32_MAX)) ^ in.data[i];
	}
	return (struct hashes){ hi, lo };
}

static struct hashes (*const functions[])(struct sx_bytes in) = {
	[SX_RAINS_SHAKE256] = shake256,
	[SX_RAINS_FNV64] = fnv64,
	[SX_RAINS_FNV128] = fnv128,
};

static const unsigned rounds[] = { 0, 12, 16, 20, 24 };

static bool is_usable(const struct sx_rains_section *pshard)
{
	int64_t hash = pshard->bloom_hash;
	int64_t alg = pshard->bloom_alg;

	return pshard->bloom_bits.len > 0 && alg > 0 && alg < (int64_t)SX_COUNT(rounds) &&
	       hash > 0 && hash < (int64_t)SX_COUNT(functions) && functions[hash] != NULL;
}

bool sx_rains_bloom_denies(
	const struct sx_rains_section *pshard, struct sx_bytes subject, int64_t type)
{
	uint8_t in[4 * SX_RAINS_NAME_MOST];
	struct sx_writer writer = sx_writer_of(in, sizeof in);
	uint64_t bits = 8 * (uint64_t)pshard->bloom_bits.len;
	struct hashes hashes;

	sx_cbor_write_array(&writer, 4);
	sx_cbor_write_text(&writer, subject);
	sx_cbor_write_text(&writer, pshard->zone);
	sx_cbor_write_text(&writer, pshard->context);
	sx_cbor_write_int(&writer, type);
	if (!is_usable(pshard) || !sx_writer_ok(&writer)) {
		return false;
	}
	hashes = functions[pshard->bloom_hash](sx_writer_bytes(&writer));
	for (unsigned i = 1; i <= rounds[pshard->bloom_alg]; i++) {
		uint64_t bit = (hashes.one + i * hashes.two) % bits;

		if (!(pshard->bloom_bits.data[bit / 8] >> bit % 8 & 1)) {
			return true;
		}
	}
	return false;
}
