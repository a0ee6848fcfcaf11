/* SPDX-License-Identifier: MIT */
#include "ns_command.h"

#include <inttypes.h>
#include <stdlib.h>

#include "control.h"

#define SLOW_MOST 60000

/* One command as it is carried out. */
struct order {
	struct sx_ns_process *process;
	FILE *out;
	const char *word; /* its argument; NULL when there is none */
	int64_t value;    /* from the table */
	bool failed;
};

static void fail(struct order *order, const char *problem, const char *word)
{
	(void)fprintf(order->out, "error: \"%s\": %s\n", word, problem);
	order->failed = true;
}

static void do_fault(struct order *order)
{
	order->process->ns->fault = (enum sx_ns_fault)order->value;
}

static void do_slow(struct order *order)
{
	char *end;
	long milliseconds = strtol(order->word, &end, 10);

	if (*end || end == order->word || milliseconds < 0 || milliseconds > SLOW_MOST) {
		fail(order, "must be milliseconds from 0 to 60000", order->word);
		return;
	}
	order->process->ns->slow_ms = (uint32_t)milliseconds;
}

static void do_chain(struct order *order)
{
	bool is_on = strcmp(order->word, "on") == 0;

	if (!is_on && strcmp(order->word, "off") != 0) {
		fail(order, "must be on or off", order->word);
		return;
	}
	order->process->ns->gives_chain = is_on;
}

static void do_heal(struct order *order)
{
	order->process->ns->fault = SX_NS_WELL;
	order->process->ns->slow_ms = 0;
	order->process->ns->gives_chain = false;
}

static void do_zone(struct order *order)
{
	struct sx_rains_reason reason;

	if (sx_ns_zones_reload(&order->process->ns->zones, order->word,
		    (int64_t)sx_loop_unix_time(), &reason) < 0) {
		fail(order, reason.text, "zone");
	}
}

static void do_counters(struct order *order)
{
	const struct sx_ns_process *process = order->process;
	const struct sx_ns_counters *counters = &process->ns->counters;
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {
		{ "connections", process->connections },
		{ "tls", process->tls_messages },
		{ "scion", process->scion_messages },
		{ "queries", counters->queries },
		{ "answers", counters->answers },
		{ "silences", counters->silences },
		{ "malformed", counters->malformed },
		{ "pushes", counters->pushes },
		{ "refused", counters->refused },
	};

	for (size_t i = 0; i < SX_COUNT(lines); i++) {
		(void)fprintf(order->out, "%s %" PRIu64 "\n", lines[i].name, lines[i].value);
	}
	for (size_t i = 0; i < counters->asked_count; i++) {
		const struct sx_ns_asked *asked = &counters->asked[i];

		(void)fprintf(order->out, "asked %.*s %" PRId64 " %" PRIu64 "\n",
			(int)asked->name.len, (const char *)asked->name.data, asked->type,
			asked->count);
	}
}

static void do_reset(struct order *order)
{
	order->process->ns->counters = (struct sx_ns_counters){ .queries = 0 };
	order->process->connections = 0;
	order->process->tls_messages = 0;
	order->process->scion_messages = 0;
}

static void do_help(struct order *order)
{
	sx_ns_command_help(order->out);
}

static void do_quit(struct order *order)
{
	order->process->quit = true;
}

static const struct command {
	const char *name;
	const char *argument; /* "": none */
	void (*run)(struct order *order);
	int64_t value;
	const char *help;
} commands[] = {
	{ "silence", "", do_fault, SX_NS_SILENCE, "no answers" },
	{ "garbage", "", do_fault, SX_NS_GARBAGE, "answers that are no CBOR" },
	{ "wrong-token", "", do_fault, SX_NS_WRONG_TOKEN, "answers to somebody else's question" },
	{ "forged", "", do_fault, SX_NS_FORGED, "signatures with one bit turned" },
	{ "expired", "", do_fault, SX_NS_EXPIRED, "signatures that ended an hour ago" },
	{ "huge", "", do_fault, SX_NS_HUGE, "answers of 70,000 bytes, over SCION of 8,000" },
	{ "truncated", "", do_fault, SX_NS_TRUNCATED, "the first half of an answer" },
	{ "close", "", do_fault, SX_NS_CLOSE, "an end of the connection for an answer" },
	{ "unsigned", "", do_fault, SX_NS_UNSIGNED, "answers without signatures" },
	{ "slow", "MS", do_slow, 0, "answers come so much later" },
	{ "chain", "on|off", do_chain, 0, "answers carry the delegations above the name" },
	{ "heal", "", do_heal, 0, "none of the above" },
	{ "zone", "FILE", do_zone, 0, "reads a zone again, signs it, serves it from now on" },
	{ "counters", "", do_counters, 0, "what has come, and \"asked NAME TYPE COUNT\"" },
	{ "reset", "", do_reset, 0, "counters to zero" },
	{ "help", "", do_help, 0, "this list" },
	{ "quit", "", do_quit, 0, "ends the name server" },
};

void sx_ns_command_help(FILE *out)
{
	for (size_t i = 0; i < SX_COUNT(commands); i++) {
		(void)fprintf(out, "  %-11s %-7s %s\n", commands[i].name, commands[i].argument,
			commands[i].help);
	}
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < SX_COUNT(commands); i++) {
		if (name && strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

void sx_ns_command_run(void *process, const char *line, FILE *out)
{
	struct order order = { .process = process, .out = out };
	char copy[SX_COMMAND_BYTES];
	char *rest = NULL;
	const char *name;
	const struct command *command;

	(void)snprintf(copy, sizeof copy, "%s", line);
	name = strtok_r(copy, " \t\r", &rest);
	command = find(name);
	order.word = strtok_r(NULL, " \t\r", &rest);
	if (!command) {
		fail(&order, "there is no such command, see help", name ? name : "");
	} else if (!order.word != !command->argument[0] || strtok_r(NULL, " \t\r", &rest)) {
		fail(&order, "wrong number of arguments, see help", line);
	} else {
		order.value = command->value;
		command->run(&order);
	}
	if (!order.failed) {
		(void)fprintf(out, "ok\n");
	}
}
