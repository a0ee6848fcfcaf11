/* SPDX-License-Identifier: MIT */
/* hopkey: the key of an AS for its hop fields, and what it makes of them, as scionproto does. */
#pragma once

#include "scion/path.h"

#define SX_HOP_KEY_BYTES 16

/* The hop key that an AS derives from its master key: PBKDF2-HMAC-SHA256 with scionproto's salt. */
void sx_hop_key_derive(const uint8_t master[SX_HOP_KEY_BYTES], uint8_t out[SX_HOP_KEY_BYTES]);

/* The whole AES-CMAC of a hop; its first SX_PATH_MAC_BYTES are the hop's MAC, all of it the EPIC authenticator. */
void sx_hop_key_mac(const uint8_t key[SX_HOP_KEY_BYTES], const struct sx_info_field *info,
	const struct sx_hop_field *hop, uint8_t out[16]);

/* Fills `hop->mac`. */
void sx_hop_key_sign(const uint8_t key[SX_HOP_KEY_BYTES], const struct sx_info_field *info,
	struct sx_hop_field *hop);

/* Whether `hop->mac` is right; takes the same time for every wrong one. */
bool sx_hop_key_verify(const uint8_t key[SX_HOP_KEY_BYTES], const struct sx_info_field *info,
	const struct sx_hop_field *hop);
