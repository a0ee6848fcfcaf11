/* SPDX-License-Identifier: MIT */
/* endpoint_receive: whose datagram it is, and what strangers get: a connection, a Retry, a refusal, or silence. */
#pragma once

#include "quic/endpoint_core.h"

void sx_endpoint_demux(struct sx_endpoint *endpoint, const struct sx_datagram *datagram);
