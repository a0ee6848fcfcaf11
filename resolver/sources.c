/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "dns_source.h"
#include "hosts_source.h"
#include "rains_source.h"
#include "sources.h"

#define FILES_MOST 16

static int open_static(const struct sx_sources_opening *opening, struct sx_source **out)
{
	const char *statics = opening->config->statics;
	struct sx_hosts *hosts;
	int rc = sx_hosts_new_text(
		&hosts, "the static map", statics ? statics : "", opening->config->log);

	return rc < 0 ? rc : sx_hosts_source_new(out, "static", hosts);
}

static int open_files(const struct sx_sources_opening *opening, char *names, struct sx_source **out)
{
	const char *files[FILES_MOST];
	struct sx_hosts *hosts;
	size_t count = 0;
	int rc;

	for (char *name; (name = strtok_r(names, "\n", &names));) {
		if (count == FILES_MOST) {
			(void)snprintf(opening->problem, opening->cap, "hosts: more than %d files",
				FILES_MOST);
			return SX_ELIMIT;
		}
		files[count++] = name;
	}
	rc = sx_hosts_new(&hosts, files, count, opening->config->log);
	return rc < 0 ? rc : sx_hosts_source_new(out, "hosts", hosts);
}

static int open_hosts(const struct sx_sources_opening *opening, struct sx_source **out)
{
	const char *hosts = opening->config->hosts;
	char *names = strdup(hosts ? hosts : "");
	int rc = names ? open_files(opening, names, out) : SX_ENOMEM;

	free(names);
	return rc;
}

static int open_rains(const struct sx_sources_opening *opening, struct sx_source **out)
{
	const struct sx_resolver_config *config = opening->config;
	struct sx_rains_config rains = { .roots = config->roots,
		.servers = config->servers,
		.unsigned_too = config->unsigned_too,
		.scion = config->scion,
		.log = config->log };
	struct sx_rains_reason reason;
	int rc = sx_rains_source_new(out, opening->loop, &rains, &reason);

	if (rc < 0) {
		(void)snprintf(opening->problem, opening->cap, "rains.%s", reason.text);
	}
	return rc;
}

static int open_dns(const struct sx_sources_opening *opening, struct sx_source **out)
{
	int rc = sx_dns_source_new(out, opening->loop, opening->config->dns);

	if (rc == SX_EINVAL) {
		(void)snprintf(opening->problem, opening->cap,
			"dns: found \"%s\", expected servers such as "
			"\"192.0.2.1,[2001:db8::1]:53\"",
			opening->config->dns);
	}
	return rc;
}

static const struct {
	const char *name;
	int (*open)(const struct sx_sources_opening *opening, struct sx_source **out);
} kinds[] = {
	{ "static", open_static },
	{ "hosts", open_hosts },
	{ "rains", open_rains },
	{ "dns", open_dns },
};

_Static_assert(SX_COUNT(kinds) <= SX_SOURCES_MOST, "all kinds fit");

static bool is_open(const struct sx_sources *sources, const char *name)
{
	for (size_t i = 0; i < sources->count; i++) {
		if (strcmp(sources->list[i]->ops->name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Opens the source of a name in the order; as none may be there twice, all that are known fit. */
static int add(
	struct sx_sources *sources, const struct sx_sources_opening *opening, const char *name)
{
	for (size_t i = 0; i < SX_COUNT(kinds); i++) {
		int rc;

		if (strcmp(kinds[i].name, name) != 0 || is_open(sources, name)) {
			continue;
		}
		rc = kinds[i].open(opening, &sources->list[sources->count]);
		if (rc == SX_OK && kinds[i].open == open_dns) {
			sources->dns = sources->list[sources->count];
		}
		sources->count += rc == SX_OK;
		return rc;
	}
	(void)snprintf(opening->problem, opening->cap,
		"order: found \"%s\", expected static, hosts, rains or dns, each once", name);
	return SX_EINVAL;
}

int sx_sources_open(struct sx_sources *sources, const struct sx_sources_opening *opening)
{
	char *order = strdup(opening->config->order);
	char *rest = order;
	int rc = order ? SX_OK : SX_ENOMEM;

	for (char *name; rc == SX_OK && (name = strtok_r(rest, ",", &rest));) {
		rc = add(sources, opening, name);
	}
	free(order);
	if (rc < 0) {
		sx_sources_close(sources);
	}
	return rc;
}

void sx_sources_close(struct sx_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		sources->list[i]->ops->free(sources->list[i]);
	}
	*sources = (struct sx_sources){ .count = 0 };
}
