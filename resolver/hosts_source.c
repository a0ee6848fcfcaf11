/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/list.h"
#include "hosts_source.h"

struct hosts_source {
	struct sx_source source;
	struct sx_source_ops ops;
	struct sx_hosts *hosts;
};

static struct hosts_source *of(struct sx_source *source)
{
	return sx_container_of(source, struct hosts_source, source);
}

static void add_all(struct sx_finding *finding, const struct sx_hosts *hosts, const char *name)
{
	struct sx_found_target target = { .port = 0 };

	for (size_t i = 0; sx_hosts_find(hosts, name, i, &target.addr) == SX_OK; i++) {
		sx_finding_add_target(finding, &target);
	}
}

static void hosts_ask(struct sx_source *source, struct sx_query *query, uint64_t now_ns)
{
	struct hosts_source *self = of(source);
	struct sx_finding *finding = &query->finding;

	if (query->want == SX_WANT_ADDRESSES) {
		sx_hosts_refresh(self->hosts, now_ns);
		add_all(finding, self->hosts, query->name);
	}
	finding->status = SX_OK;
	if (finding->target_count == 0) {
		sx_finding_fail(finding, SX_ENOTFOUND, "not listed");
	} else {
		sx_finding_limit(finding, 0); /* asked each time, so that changes are seen */
	}
	sx_finding_trace(finding, "%s: %zu addresses", self->ops.name, finding->target_count);
	query->done(query);
}

static bool hosts_knows(struct sx_source *source, const char *name, uint64_t now_ns)
{
	struct hosts_source *self = of(source);
	struct sx_addr addr;

	sx_hosts_refresh(self->hosts, now_ns);
	return sx_hosts_find(self->hosts, name, 0, &addr) == SX_OK;
}

static void hosts_cancel(struct sx_source *source, struct sx_query *query)
{
	(void)source;
	(void)query;
}

static void hosts_flush(struct sx_source *source)
{
	(void)source;
}

static void hosts_free(struct sx_source *source)
{
	struct hosts_source *self = of(source);

	sx_hosts_free(self->hosts);
	free(self);
}

int sx_hosts_source_new(struct sx_source **out, const char *name, struct sx_hosts *hosts)
{
	struct hosts_source *self = calloc(1, sizeof *self);

	if (!self) {
		sx_hosts_free(hosts);
		return SX_ENOMEM;
	}
	self->ops = (struct sx_source_ops){ .name = name,
		.ask = hosts_ask,
		.cancel = hosts_cancel,
		.knows = hosts_knows,
		.flush = hosts_flush,
		.free = hosts_free };
	self->source.ops = &self->ops;
	self->hosts = hosts;
	*out = &self->source;
	return SX_OK;
}
