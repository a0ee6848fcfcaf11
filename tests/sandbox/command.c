/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "command.h"

#define WORDS_MAX     4
#define MS_MAX        60000
#define KBIT_MAX      100000000
#define AGE_MAX       86400
#define SHIFT_MAX     31536000
#define PATH_TEXT_MAX 4096

/* One command as it is carried out. After the first failure `failed` is set and the error has been written. */
struct order {
	struct sx_sandbox *sandbox;
	struct sx_network *network;
	FILE *out;
	char *words[WORDS_MAX]; /* the arguments; NULL when left out */
	bool failed;
};

static void fail(struct order *order, const char *text, const char *about)
{
	if (!order->failed) {
		(void)fprintf(order->out, "error: \"%s\": %s\n", about, text);
		order->failed = true;
	}
}

static double number(struct order *order, size_t word, double least, double most)
{
	const char *text = order->words[word];
	char expected[64];
	char *end;
	double value;

	if (!text) {
		return 0;
	}
	value = strtod(text, &end);
	if (*end || end == text || !isfinite(value) || value < least || value > most) {
		(void)snprintf(
			expected, sizeof expected, "must be a number from %g to %g", least, most);
		fail(order, expected, text);
		return 0;
	}
	return value;
}

/* The link that the first argument names by one of its ends; a link that nobody uses when there is none. */
static struct sx_link_faults *link_of(struct order *order, size_t *index)
{
	static struct sx_link_faults nobody;
	const struct sx_topology_as *as = NULL;
	const struct sx_topology_interface *interface = NULL;
	uint64_t ia = 0;
	uint16_t id = 0;

	if (sx_topology_parse_name(sx_bytes_text(order->words[0]), &ia, &id) == SX_OK) {
		as = sx_topology_find_as(order->network->topology, ia);
	}
	if (as) {
		interface = sx_topology_find_interface(as, id);
	}
	if (!interface) {
		fail(order, "must be an interface of the topology, such as 1-ff00:0:110#1",
			order->words[0]);
		return &nobody;
	}
	*index = interface->link;
	return &order->network->links[interface->link].faults;
}

static size_t as_of(struct order *order, size_t word)
{
	const struct sx_topology *topology = order->network->topology;
	const struct sx_topology_as *as = NULL;
	uint64_t ia;

	if (sx_ia_parse(sx_bytes_text(order->words[word]), &ia) == SX_OK) {
		as = sx_topology_find_as(topology, ia);
	}
	if (!as) {
		fail(order, "must be an AS of the topology, such as 1-ff00:0:110",
			order->words[word]);
		return 0;
	}
	return sx_topology_as_index(topology, as);
}

static void do_link(struct order *order)
{
	size_t link = 0;
	bool down = strcmp(order->words[1], "down") == 0;

	(void)link_of(order, &link);
	if (!down && strcmp(order->words[1], "up") != 0) {
		fail(order, "must be up or down", order->words[1]);
	}
	if (!order->failed) {
		sx_network_set_down(order->network, link, down);
	}
}

static void do_delay(struct order *order)
{
	size_t link;
	struct sx_link_faults *faults = link_of(order, &link);
	double delay = number(order, 1, 0, MS_MAX);
	double jitter = number(order, 2, 0, MS_MAX);

	if (!order->failed) {
		faults->delay_ms = delay;
		faults->jitter_ms = jitter;
	}
}

static void set_number(struct order *order, size_t offset, double most)
{
	size_t link;
	struct sx_link_faults *faults = link_of(order, &link);
	double value = number(order, 1, 0, most);

	if (!order->failed) {
		memcpy((char *)faults + offset, &value, sizeof value);
	}
}

static void do_loss(struct order *order)
{
	set_number(order, offsetof(struct sx_link_faults, loss), 100);
}

static void do_reorder(struct order *order)
{
	set_number(order, offsetof(struct sx_link_faults, reorder), 100);
}

static void do_duplicate(struct order *order)
{
	set_number(order, offsetof(struct sx_link_faults, duplicate), 100);
}

static void do_corrupt(struct order *order)
{
	set_number(order, offsetof(struct sx_link_faults, corrupt), 100);
}

static void do_rate(struct order *order)
{
	set_number(order, offsetof(struct sx_link_faults, rate_kbit), KBIT_MAX);
}

static void do_clock(struct order *order)
{
	size_t as = as_of(order, 0);
	double shift = number(order, 1, -SHIFT_MAX, SHIFT_MAX);

	if (!order->failed) {
		order->network->ases[as].clock_shift = (int64_t)shift;
	}
}

static void do_heal(struct order *order)
{
	sx_network_heal(order->network);
}

static void do_reset(struct order *order)
{
	sx_network_reset_counters(order->network);
}

static void do_quit(struct order *order)
{
	sx_sandbox_quit(order->sandbox);
}

static void do_write(struct order *order)
{
	struct sx_topology_error error;
	double age = number(order, 0, 0, AGE_MAX);

	if (!order->failed && sx_sandbox_write_paths(order->sandbox, (uint32_t)age, &error) < 0) {
		fail(order, error.text, "write");
	}
}

static void do_paths(struct order *order)
{
	struct sx_combined_list list = { 0 };
	size_t src = as_of(order, 0);
	size_t dst = as_of(order, 1);

	if (!order->failed && src == dst) {
		fail(order, "must be two different ASes", order->words[1]);
	}
	if (order->failed) {
		return;
	}
	if (sx_sandbox_paths(order->sandbox, src, dst, &list) < 0) {
		fail(order, "out of memory", "paths");
	}
	for (size_t i = 0; i < list.count; i++) {
		char text[PATH_TEXT_MAX];

		sx_hops_write(
			list.items[i].interfaces, list.items[i].interface_count, text, sizeof text);
		(void)fprintf(order->out, "%s mtu %u expiry %" PRIu64 "\n", text,
			(unsigned)list.items[i].mtu, sx_path_expiry(&list.items[i].path));
	}
	sx_combined_list_fini(&list);
}

/* An address to look for; `wanted` stays empty when the argument is left out. */
static void read_filter(struct order *order, size_t word, struct sx_addr *wanted, bool *given)
{
	*given = order->words[word];
	if (*given && sx_addr_parse(sx_bytes_text(order->words[word]), wanted) < 0) {
		fail(order, "must be an address such as 1-ff00:0:113,127.0.0.1",
			order->words[word]);
	}
}

static void print_flow(struct order *order, const struct sx_flow *flow)
{
	char src[SX_ADDR_TEXT_BYTES], dst[SX_ADDR_TEXT_BYTES], text[PATH_TEXT_MAX];

	sx_addr_write(&flow->identity.src, src, sizeof src);
	sx_addr_write(&flow->identity.dst, dst, sizeof dst);
	sx_hops_write(
		flow->identity.trace.interfaces, flow->identity.trace.count, text, sizeof text);
	(void)fprintf(order->out, "%s %s packets %" PRIu64 " bytes %" PRIu64 " path %s\n", src, dst,
		flow->packets, flow->bytes, text);
}

static void do_flows(struct order *order)
{
	const struct sx_flows *flows = &order->network->flows;
	struct sx_addr a = { 0 }, b = { 0 };
	bool has_a, has_b;

	read_filter(order, 0, &a, &has_a);
	read_filter(order, 1, &b, &has_b);
	for (size_t i = 0; !order->failed && i < flows->count; i++) {
		const struct sx_addr *src = &flows->flows[i]->identity.src;
		const struct sx_addr *dst = &flows->flows[i]->identity.dst;
		bool forth =
			(!has_a || sx_addr_equal(src, &a)) && (!has_b || sx_addr_equal(dst, &b));
		bool back =
			(!has_a || sx_addr_equal(dst, &a)) && (!has_b || sx_addr_equal(src, &b));

		if (forth || back) {
			print_flow(order, flows->flows[i]);
		}
	}
	if (!order->failed && flows->uncounted > 0) {
		(void)fprintf(order->out, "uncounted packets %" PRIu64 "\n", flows->uncounted);
	}
}

static void print_counters(
	struct order *order, uint64_t ia, uint16_t id, const struct sx_interface_counters *counters)
{
	char name[SX_TOPOLOGY_NAME_BYTES];
	const char *separator = " ";

	sx_topology_name(ia, id, name);
	(void)fprintf(order->out, "%s in %" PRIu64 " %" PRIu64 " out %" PRIu64 " %" PRIu64 " drop",
		name, counters->in_packets, counters->in_bytes, counters->out_packets,
		counters->out_bytes);
	for (unsigned i = SX_DROP_NONE + 1; i < SX_DROP_COUNT; i++) {
		if (counters->drops[i] > 0) {
			(void)fprintf(order->out, "%s%s=%" PRIu64, separator,
				sx_drop_name((enum sx_drop)i), counters->drops[i]);
			separator = ",";
		}
	}
	(void)fprintf(order->out, "%s\n", *separator == ' ' ? " -" : "");
}

static void do_counters(struct order *order)
{
	const struct sx_network *network = order->network;

	for (size_t i = 0; i < network->topology->as_count; i++) {
		const struct sx_topology_as *as = &network->topology->ases[i];

		print_counters(order, as->ia, 0, &network->ases[i].inside);
		for (size_t j = 0; j < as->interface_count; j++) {
			print_counters(order, as->ia, as->interfaces[j].id,
				&network->ases[i].interfaces[j]);
		}
	}
}

static void do_help(struct order *order)
{
	sx_command_help(order->out);
}

static const struct command {
	const char *name;
	const char *arguments;
	size_t needed;
	size_t allowed;
	void (*run)(struct order *order);
	const char *help;
} commands[] = {
	{ "link", "A#I up|down", 2, 2, do_link,
		"cuts a link; both routers know and say so by SCMP" },
	{ "delay", "A#I MS [JITTER]", 2, 3, do_delay,
		"each packet takes so long, and up to so much more" },
	{ "loss", "A#I PERCENT", 2, 2, do_loss,
		"packets vanish; 100: a cut that nobody is told of" },
	{ "reorder", "A#I PERCENT", 2, 2, do_reorder,
		"packets come up to 5 ms and the delay later" },
	{ "duplicate", "A#I PERCENT", 2, 2, do_duplicate, "packets come twice" },
	{ "corrupt", "A#I PERCENT", 2, 2, do_corrupt, "one bit of a packet is turned" },
	{ "rate", "A#I KBIT", 2, 2, do_rate, "kbit/s each way, with 200 ms of queue; 0: no limit" },
	{ "clock", "A SECONDS", 2, 2, do_clock,
		"the router of an AS has its clock ahead, or behind" },
	{ "heal", "", 0, 0, do_heal, "all links and clocks as at the start" },
	{ "counters", "", 0, 0, do_counters,
		"A#I in PACKETS BYTES out PACKETS BYTES drop REASON=N,...; #0 is inside" },
	{ "flows", "[HOST [HOST]]", 0, 2, do_flows,
		"which way packets between hosts went, both directions" },
	{ "reset", "", 0, 0, do_reset, "counters and flows to zero" },
	{ "paths", "A B", 2, 2, do_paths, "all paths from one AS to another" },
	{ "write", "[AGE]", 0, 1, do_write, "path files anew, of segments made AGE seconds ago" },
	{ "help", "", 0, 0, do_help, "this list" },
	{ "quit", "", 0, 0, do_quit, "ends the sandbox" },
};

void sx_command_help(FILE *out)
{
	for (size_t i = 0; i < SX_COUNT(commands); i++) {
		(void)fprintf(out, "  %-9s %-16s %s\n", commands[i].name, commands[i].arguments,
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

void sx_command_run(struct sx_sandbox *sandbox, const char *line, FILE *out)
{
	struct order order = {
		.sandbox = sandbox, .network = sx_sandbox_network(sandbox), .out = out
	};
	char copy[SX_COMMAND_BYTES];
	char *rest = NULL;
	char *name, *word;
	const struct command *command;
	size_t count = 0;

	(void)snprintf(copy, sizeof copy, "%s", line);
	name = strtok_r(copy, " \t\r", &rest);
	command = find(name);
	while ((word = strtok_r(NULL, " \t\r", &rest))) {
		if (count < WORDS_MAX) {
			order.words[count] = word;
		}
		count++;
	}
	if (!command) {
		fail(&order, "there is no such command, see help", name ? name : "");
	} else if (count < command->needed || count > command->allowed) {
		fail(&order, "wrong number of arguments, see help", line);
	} else {
		command->run(&order);
	}
	if (!order.failed) {
		(void)fprintf(out, "ok\n");
	}
}
