/* SPDX-License-Identifier: MIT */
/* hostport: to which UDP port of its host a border router gives a packet that has arrived. */
#pragma once

#include "scion/packet.h"

#define SX_ENDHOST_PORT 30041 /* where hosts take what names no port */

/* The port; 0 when the packet is for none and must be dropped. */
uint16_t sx_hostport_of(const struct sx_packet *packet);
