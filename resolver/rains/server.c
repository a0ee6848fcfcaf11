/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rains/server.h"

#define WORDS_MOST 4
#define PIN_DIGITS (2 * (size_t)SX_RAINS_SERVER_PIN_BYTES)

static int refuse(struct sx_rains_reason *reason, const char *text)
{
	sx_rains_reason_set(reason,
		"found \"%.120s\", expected a server such as \"192.0.2.1:55553\", "
		"\"192.0.2.1:55553 pin HEX\", "
		"\"192.0.2.1:55553 ca FILE NAME\" or \"[1-ff00:0:110,192.0.2.1]:31468\"",
		text);
	return SX_EMALFORMED;
}

/* "192.0.2.1", "192.0.2.1:55553", "[2001:db8::1]:55553" */
static int parse_ip(struct sx_rains_server *server, const char *word)
{
	struct sx_ip_port ip;
	int rc = sx_ip_port_parse(sx_bytes_text(word), &ip);

	if (rc == SX_OK) {
		server->addr.host = ip.host;
		server->port = ip.port;
		return SX_OK;
	}
	rc = sx_host_parse(sx_bytes_text(word), &server->addr.host);
	return rc == SX_OK && server->addr.host.type == SX_HOST_SVC ? SX_EMALFORMED : rc;
}

static int parse_place(struct sx_rains_server *server, const char *word)
{
	server->port = SX_RAINS_SERVER_PORT;
	server->over_scion = strchr(word, ',') != NULL;
	if (server->over_scion) {
		return sx_addr_parse_port(sx_bytes_text(word), &server->addr, &server->port);
	}
	return parse_ip(server, word);
}

static int parse_pin(struct sx_rains_server *server, const char *word)
{
	if (strlen(word) != PIN_DIGITS || strspn(word, "0123456789abcdefABCDEF") != PIN_DIGITS) {
		return SX_EMALFORMED;
	}
	for (size_t i = 0; i < sizeof server->pin; i++) {
		const char digits[] = { word[2 * i], word[2 * i + 1], '\0' };

		server->pin[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	server->is_pinned = true;
	return SX_OK;
}

/* What must be true of the server's certificate. */
static int parse_proof(struct sx_rains_server *server, char *const *words, size_t count)
{
	if (count == 0) {
		return SX_OK;
	}
	if (server->over_scion) {
		return SX_EMALFORMED;
	}
	if (count == 2 && strcmp(words[0], "pin") == 0) {
		return parse_pin(server, words[1]);
	}
	if (count == 3 && strcmp(words[0], "ca") == 0 && strlen(words[1]) < sizeof server->cafile &&
		strlen(words[2]) < sizeof server->name) {
		(void)snprintf(server->cafile, sizeof server->cafile, "%s", words[1]);
		(void)snprintf(server->name, sizeof server->name, "%s", words[2]);
		return SX_OK;
	}
	return SX_EMALFORMED;
}

static void write_text(struct sx_rains_server *server)
{
	char host[SX_HOST_TEXT_BYTES];

	if (server->over_scion) {
		sx_addr_write_port(&server->addr, server->port, server->text, sizeof server->text);
		return;
	}
	sx_host_write(&server->addr.host, host, sizeof host);
	(void)snprintf(server->text, sizeof server->text,
		server->addr.host.type == SX_HOST_IPV6 ? "[%s]:%u" : "%s:%u", host, server->port);
}

int sx_rains_server_parse(
	struct sx_rains_server *out, const char *text, struct sx_rains_reason *reason)
{
	char copy[2 * SX_RAINS_SERVER_TEXT_BYTES];
	struct sx_rains_server server = { .port = 0 };
	char *words[WORDS_MOST];
	char *rest = copy;
	size_t count = 0;

	if (strlen(text) >= sizeof copy) {
		return refuse(reason, text);
	}
	(void)snprintf(copy, sizeof copy, "%s", text);
	for (char *word; (word = strtok_r(rest, " \t", &rest));) {
		if (count == WORDS_MOST) {
			return refuse(reason, text);
		}
		words[count++] = word;
	}
	if (count == 0 || parse_place(&server, words[0]) < 0 || server.port == 0 ||
		parse_proof(&server, words + 1, count - 1) < 0) {
		return refuse(reason, text);
	}
	write_text(&server);
	*out = server;
	return SX_OK;
}

void sx_rains_server_at(struct sx_rains_server *out, const struct sx_addr *addr, uint16_t port)
{
	*out = (struct sx_rains_server){ .over_scion = addr->ia != 0, .addr = *addr, .port = port };
	write_text(out);
}
