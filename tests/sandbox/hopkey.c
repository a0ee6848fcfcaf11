/* SPDX-License-Identifier: MIT */
#include <nettle/cmac.h>
#include <nettle/memops.h>
#include <nettle/pbkdf2.h>

#include "hopkey.h"

#define ITERATIONS 1000

void sx_hop_key_derive(const uint8_t master[SX_HOP_KEY_BYTES], uint8_t out[SX_HOP_KEY_BYTES])
{
	static const uint8_t salt[] = "Derive OF Key";

	pbkdf2_hmac_sha256(
		SX_HOP_KEY_BYTES, master, ITERATIONS, sizeof salt - 1, salt, SX_HOP_KEY_BYTES, out);
}

void sx_hop_key_mac(const uint8_t key[SX_HOP_KEY_BYTES], const struct sx_info_field *info,
	const struct sx_hop_field *hop, uint8_t out[16])
{
	struct cmac_aes128_ctx ctx;
	uint8_t input[16];

	sx_hop_mac_input(info, hop, input);
	cmac_aes128_set_key(&ctx, key);
	cmac_aes128_update(&ctx, sizeof input, input);
	cmac_aes128_digest(&ctx, 16, out);
}

void sx_hop_key_sign(const uint8_t key[SX_HOP_KEY_BYTES], const struct sx_info_field *info,
	struct sx_hop_field *hop)
{
	uint8_t mac[16];

	sx_hop_key_mac(key, info, hop, mac);
	memcpy(hop->mac, mac, SX_PATH_MAC_BYTES);
}

bool sx_hop_key_verify(const uint8_t key[SX_HOP_KEY_BYTES], const struct sx_info_field *info,
	const struct sx_hop_field *hop)
{
	uint8_t mac[16];

	sx_hop_key_mac(key, info, hop, mac);
	return memeql_sec(mac, hop->mac, SX_PATH_MAC_BYTES);
}
