/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "finding.h"

void sx_finding_init(struct sx_finding *finding)
{
	finding->status = SX_EAGAIN;
	finding->ttl = UINT32_MAX;
	finding->reason[0] = '\0';
	finding->target_count = 0;
	finding->cert_count = 0;
	finding->trace_len = 0;
	finding->trace[0] = '\0';
}

void sx_finding_fini(struct sx_finding *finding)
{
	for (size_t i = 0; i < finding->cert_count; i++) {
		sx_buf_unref(finding->certs[i]);
	}
	finding->cert_count = 0;
}

static bool is_known(const struct sx_finding *finding, const struct sx_found_target *target)
{
	for (size_t i = 0; i < finding->target_count; i++) {
		const struct sx_found_target *known = &finding->targets[i];

		if (known->port == target->port && sx_addr_equal(&known->addr, &target->addr)) {
			return true;
		}
	}
	return false;
}

void sx_finding_add_target(struct sx_finding *finding, const struct sx_found_target *target)
{
	size_t at = finding->target_count;

	if (at == SX_FINDING_TARGETS_MOST || is_known(finding, target)) {
		return;
	}
	for (; at > 0 && finding->targets[at - 1].priority > target->priority; at--) {
		finding->targets[at] = finding->targets[at - 1];
	}
	finding->targets[at] = *target;
	finding->target_count++;
}

static bool has_port(const struct sx_finding *finding)
{
	for (size_t i = 0; i < finding->target_count; i++) {
		if (finding->targets[i].addr.ia && finding->targets[i].port) {
			return true;
		}
	}
	return false;
}

void sx_finding_prefer_ports(struct sx_finding *finding)
{
	size_t kept = 0;

	if (!has_port(finding)) {
		return;
	}
	for (size_t i = 0; i < finding->target_count; i++) {
		if (finding->targets[i].port) {
			finding->targets[kept++] = finding->targets[i];
		}
	}
	finding->target_count = kept;
}

int sx_finding_add_cert(struct sx_finding *finding, struct sx_bytes object)
{
	struct sx_buf *copy;

	if (finding->cert_count == SX_FINDING_CERTS_MOST) {
		return SX_OK;
	}
	if (sx_buf_new(&copy, object.len) < 0) {
		return SX_ENOMEM;
	}
	(void)sx_buf_append(copy, object);
	finding->certs[finding->cert_count++] = copy;
	return SX_OK;
}

void sx_finding_limit(struct sx_finding *finding, uint32_t ttl)
{
	if (ttl < finding->ttl) {
		finding->ttl = ttl;
	}
}

/* Whether the last line of the trace, which begins at `last`, stands above it already. */
static bool is_told(const struct sx_finding *finding, const char *last)
{
	const char *at = finding->trace;

	while ((at = strstr(at, last)) && at < last) {
		if (at == finding->trace || at[-1] == '\n') {
			return true;
		}
		at++;
	}
	return false;
}

void sx_finding_trace(struct sx_finding *finding, const char *format, ...)
{
	char *line = finding->trace + finding->trace_len;
	size_t room = sizeof finding->trace - finding->trace_len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len + 1 >= room) {
		line[0] = '\0'; /* whole lines only */
		return;
	}
	line[len] = '\n';
	line[len + 1] = '\0';
	if (is_told(finding, line)) {
		line[0] = '\0';
	} else {
		finding->trace_len += (size_t)len + 1;
	}
}

void sx_finding_fail(struct sx_finding *finding, int status, const char *format, ...)
{
	va_list args;

	finding->status = status;
	va_start(args, format);
	(void)vsnprintf(finding->reason, sizeof finding->reason, format, args);
	va_end(args);
}
