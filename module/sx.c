/* SPDX-License-Identifier: MIT */
/* The rest of the ABI: each function checks its handle, makes one call and returns its status. */
#include <stdio.h>

#include "base/live.h"
#include "context.h"

#ifndef SX_VERSION
#error "SX_VERSION comes from meson.build"
#endif

const char *sx_version(void)
{
	return SX_VERSION;
}

uint32_t sx_abi_version(void)
{
	return SX_ABI_VERSION;
}

const char *sx_strname(int status)
{
	return sx_status_name(status);
}

const char *sx_strerror(int status)
{
	return sx_status_text(status);
}

uint64_t sx_live_objects(void)
{
	return sx_live_count();
}

int sx_domain_set(
	struct sx_context *context, const struct sx_domain *domain, char *error, size_t error_cap)
{
	struct sx_identity identity;

	if (domain->size != sizeof *domain || !domain->name || !domain->certificate ||
		!domain->key) {
		(void)snprintf(error, error_cap, "a domain needs name, certificate and key");
		return SX_EINVAL;
	}
	identity = (struct sx_identity){ domain->name, domain->certificate, domain->key,
		domain->password, domain->cafile, domain->capath };
	return sx_tls_set(sx_transport_tls(context->transport), &identity, error, error_cap);
}

int sx_domain_remove(struct sx_context *context, const char *name)
{
	sx_tls_remove(sx_transport_tls(context->transport), name);
	return SX_OK;
}

int sx_dial(struct sx_context *context, const struct sx_target *target, sx_handle *out, char *error,
	size_t error_cap)
{
	struct sx_transport_target to;
	struct sx_channel *channel;
	int rc;

	if (target->size != sizeof *target || !target->local_name || !target->remote_name ||
		!target->address || !target->alpn) {
		(void)snprintf(error, error_cap,
			"a target needs local_name, remote_name, address and alpn");
		return SX_EINVAL;
	}
	to = (struct sx_transport_target){ target->local_name, target->remote_name, target->address,
		target->port, target->alpn };
	rc = sx_context_channel_new(context, &channel);
	if (rc < 0) {
		(void)snprintf(error, error_cap, "%s", sx_status_text(rc));
		return rc;
	}
	channel->udata = target->udata;
	rc = sx_transport_dial(context->transport, &to, channel, &channel->stream,
		(struct sx_problem){ error, error_cap });
	if (rc < 0) {
		sx_context_channel_free(channel);
		return rc;
	}
	*out = channel->handle;
	return SX_OK;
}

int sx_channel_set_udata(struct sx_context *context, sx_handle handle, uint64_t udata)
{
	struct sx_channel *channel = sx_context_channel(context, handle);

	if (!channel) {
		return SX_ESTALE;
	}
	channel->udata = udata;
	return SX_OK;
}

int sx_channel_send(struct sx_context *context, sx_handle handle, const char *data, size_t len)
{
	struct sx_channel *channel = sx_context_channel(context, handle);
	int rc;

	if (!channel) {
		return SX_ESTALE;
	}
	rc = sx_stream_write(channel->stream, sx_bytes_of(data, len));
	if (rc == SX_OK) {
		sx_transport_wake(context->transport);
	}
	return rc;
}

int sx_channel_receive(
	struct sx_context *context, sx_handle handle, char *out, size_t cap, size_t *len)
{
	struct sx_channel *channel = sx_context_channel(context, handle);
	int rc;

	if (!channel) {
		return SX_ESTALE;
	}
	rc = sx_stream_read(channel->stream, out, cap, len);
	if (rc == SX_OK) {
		sx_transport_wake(context->transport); /* new credit is to be told */
	}
	return rc;
}

int sx_channel_finish(struct sx_context *context, sx_handle handle)
{
	struct sx_channel *channel = sx_context_channel(context, handle);

	if (!channel) {
		return SX_ESTALE;
	}
	sx_stream_finish(channel->stream);
	sx_transport_wake(context->transport);
	return SX_OK;
}

int sx_channel_reset(struct sx_context *context, sx_handle handle)
{
	struct sx_channel *channel = sx_context_channel(context, handle);

	if (!channel) {
		return SX_ESTALE;
	}
	sx_stream_reset(channel->stream);
	sx_transport_wake(context->transport);
	return SX_OK;
}

int sx_channel_close(struct sx_context *context, sx_handle handle)
{
	struct sx_channel *channel = sx_context_channel(context, handle);

	if (!channel) {
		return SX_ESTALE;
	}
	sx_context_channel_free(channel);
	sx_transport_wake(context->transport);
	return SX_OK;
}

int sx_channel_pause(struct sx_context *context, sx_handle handle, uint32_t paused)
{
	struct sx_channel *channel = sx_context_channel(context, handle);

	if (!channel) {
		return SX_ESTALE;
	}
	sx_stream_pause(channel->stream, paused != 0);
	if (!paused) { /* the event may be due at once */
		sx_transport_wake(context->transport);
	}
	return SX_OK;
}

int sx_channel_hold(struct sx_context *context, sx_handle handle, uint32_t held)
{
	struct sx_channel *channel = sx_context_channel(context, handle);

	if (!channel) {
		return SX_ESTALE;
	}
	sx_stream_hold(channel->stream, held != 0);
	if (!held) {
		sx_transport_wake(context->transport);
	}
	return SX_OK;
}

int sx_channel_state(struct sx_context *context, sx_handle handle, struct sx_channel_state *out)
{
	struct sx_channel *channel = sx_context_channel(context, handle);
	struct sx_stream_info info;

	if (!channel) {
		return SX_ESTALE;
	}
	sx_stream_info(channel->stream, &info);
	*out = (struct sx_channel_state){
		.dialled = info.dialled,
		.peer_port = info.peer_port,
		.verify_status = info.verify_status,
		.connection = info.connection_id,
		.handshake_ns = info.handshake_ns,
		.rtt_ns = info.rtt_ns,
		.readable = sx_stream_readable_bytes(channel->stream),
		.unsent = sx_stream_unsent_bytes(channel->stream),
		.unacked = sx_stream_unacked_bytes(channel->stream),
	};
	return SX_OK;
}

static int way_text(const struct sx_channel *channel, uint32_t which, char *out, size_t cap)
{
	char other[SX_PEER_TEXT_BYTES];

	if (which == SX_TEXT_PEER) {
		sx_stream_describe(channel->stream, out, cap, other, sizeof other);
	} else {
		sx_stream_describe(channel->stream, other, sizeof other, out, cap);
	}
	return SX_OK;
}

int sx_channel_text(
	struct sx_context *context, sx_handle handle, uint32_t which, char *out, size_t cap)
{
	struct sx_channel *channel = sx_context_channel(context, handle);
	struct sx_stream_info info;

	if (!channel) {
		return SX_ESTALE;
	}
	if (which == SX_TEXT_PEER || which == SX_TEXT_PATH) {
		return way_text(channel, which, out, cap);
	}
	sx_stream_info(channel->stream, &info);
	const char *const texts[] = {
		[SX_TEXT_ALPN] = info.alpn,
		[SX_TEXT_LOCAL_NAME] = info.local_name,
		[SX_TEXT_REMOTE_NAME] = info.remote_name,
		[SX_TEXT_CIPHER] = info.cipher,
		[SX_TEXT_VERIFY] = info.verify_status == SX_OK ? "" : info.verify_text,
		[SX_TEXT_REASON] = channel->reason,
	};
	if (which >= SX_COUNT(texts)) {
		return SX_EINVAL;
	}
	(void)snprintf(out, cap, "%s", texts[which]);
	return SX_OK;
}

int sx_channel_certificate(
	struct sx_context *context, sx_handle handle, uint32_t depth, char *out, size_t *len)
{
	size_t cap = *len;
	struct sx_channel *channel = sx_context_channel(context, handle);
	struct sx_bytes der;
	int rc;

	if (!channel) {
		return SX_ESTALE;
	}
	rc = sx_stream_certificate(channel->stream, depth, &der);
	if (rc < 0) {
		return rc;
	}
	*len = der.len;
	if (der.len > cap) {
		return SX_ELIMIT;
	}
	memcpy(out, der.data, der.len);
	return SX_OK;
}

int sx_channel_export(
	struct sx_context *context, sx_handle handle, const char *label, char *out, size_t len)
{
	struct sx_channel *channel = sx_context_channel(context, handle);

	if (!channel) {
		return SX_ESTALE;
	}
	return sx_stream_export(channel->stream, label, sx_bytes_of(NULL, 0), out, len);
}

int sx_channel_next(struct sx_context *context, sx_handle previous, sx_handle *out)
{
	const struct sx_channel *channel = sx_handles_next(&context->handles, previous);

	*out = channel ? channel->handle : 0;
	return SX_OK;
}

int sx_counters(struct sx_context *context, struct sx_counters *out)
{
	struct sx_transport_stats stats;
	struct sx_resolver_stats names = { .asked = 0 };

	sx_transport_stats(context->transport, &stats);
	if (context->answers.resolver) {
		sx_resolver_stats(context->answers.resolver, &names);
	}
	*out = (struct sx_counters){
		.datagrams_in = stats.quic.datagrams_in,
		.datagrams_out = stats.quic.datagrams_out,
		.dropped_quic = stats.quic.dropped,
		.dropped_scion = stats.dropped_scion,
		.scmp_in = stats.scmp_in,
		.scmp_echo = stats.scmp_echo,
		.path_switches = stats.path_switches,
		.handshakes = stats.quic.handshakes,
		.retries_sent = stats.quic.retries_sent,
		.resets_sent = stats.quic.resets_sent,
		.versions_sent = stats.quic.versions_sent,
		.refused = stats.quic.refused,
		.stream_bytes_in = stats.quic.bytes_read,
		.stream_bytes_out = stats.quic.bytes_written,
		.connections = stats.quic.connections,
		.streams = stats.quic.streams,
		.half_open = stats.quic.half_open,
		.paths = stats.paths,
		.names_asked = names.asked,
		.names_searched = names.searches,
		.names_cached = names.cache_entries,
		.names_bytes = names.cache_bytes,
	};
	return SX_OK;
}

int sx_path_text(
	struct sx_context *context, const char *isd_as, uint32_t index, char *out, size_t cap)
{
	uint64_t ia;
	int rc = sx_ia_parse(sx_bytes_text(isd_as), &ia);

	return rc < 0 ? rc : sx_transport_path_text(context->transport, ia, index, out, cap);
}

int sx_address_normal(const char *text, char *out, size_t cap)
{
	struct sx_addr addr;
	int rc = sx_addr_parse(sx_bytes_text(text), &addr);

	if (rc == SX_OK) {
		sx_addr_write(&addr, out, cap);
	}
	return rc;
}
