/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

#define CLIENTS_MAX 16

struct client {
	struct sx_watch watch; /* fd is -1 while the place is free */
	struct sx_control *control;
	size_t len;
	char line[SX_COMMAND_BYTES];
};

struct sx_control {
	struct sx_control_owner owner;
	struct sx_watch watch;
	struct client
		clients[CLIENTS_MAX]; /* in fixed places, as the loop may still hold a pointer */
	struct sockaddr_un address;
};

static void hang_up(struct client *client)
{
	sx_loop_unwatch(client->control->owner.loop, &client->watch);
	(void)close(client->watch.fd);
	client->watch.fd = -1;
}

static bool send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

		if (sent <= 0) {
			return false;
		}
		text += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool answer(struct client *client, const char *line)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool sent;

	if (!out) {
		return false;
	}
	client->control->owner.run(client->control->owner.arg, line, out);
	sent = fclose(out) == 0 && send_all(client->watch.fd, text, len);
	free(text);
	return sent;
}

/* Answers all whole lines; keeps the rest. False: the client is gone, or says more in a line than a command has. */
static bool answer_lines(struct client *client)
{
	char *end;

	while ((end = memchr(client->line, '\n', client->len))) {
		size_t used = (size_t)(end - client->line) + 1;

		*end = '\0';
		if (!answer(client, client->line)) {
			return false;
		}
		client->len -= used;
		memmove(client->line, client->line + used, client->len);
	}
	return client->len < sizeof client->line;
}

static void client_ready(void *arg)
{
	struct client *client = arg;
	ssize_t len;

	if (client->watch.fd < 0) {
		return;
	}
	len = recv(client->watch.fd, client->line + client->len, sizeof client->line - client->len,
		MSG_DONTWAIT);
	if (len < 0 && errno == EAGAIN) {
		return;
	}
	if (len <= 0) {
		hang_up(client);
		return;
	}
	client->len += (size_t)len;
	if (!answer_lines(client)) {
		hang_up(client);
	}
}

static struct client *free_place(struct sx_control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].watch.fd < 0) {
			return &control->clients[i];
		}
	}
	return NULL;
}

static void listener_ready(void *arg)
{
	struct sx_control *control = arg;
	struct timeval patience = { .tv_sec = 1 };
	int fd = accept4(control->watch.fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *client = free_place(control);

	if (fd < 0) {
		return;
	}
	/* A client that does not read its answer must not stop the network. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (!client) {
		(void)close(fd);
		return;
	}
	*client = (struct client){ { client_ready, client, fd }, control, 0, "" };
	if (sx_loop_watch(control->owner.loop, &client->watch) < 0) {
		(void)close(fd);
		client->watch.fd = -1;
	}
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool listens;

	if (fd < 0) {
		return false;
	}
	listens = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
	(void)close(fd);
	return listens;
}

static int listen_at(struct sx_control *control, struct sx_topology_error *error)
{
	const struct sockaddr_un *address = &control->address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	control->watch = (struct sx_watch){ listener_ready, control, fd };
	if (somebody_listens(address)) {
		(void)snprintf(error->text, sizeof error->text,
			"%s: another sandbox runs there; end it, or choose another --run folder",
			address->sun_path);
		return SX_EIO;
	}
	(void)unlink(address->sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ||
		listen(fd, CLIENTS_MAX) < 0 ||
		sx_loop_watch(control->owner.loop, &control->watch) < 0) {
		(void)snprintf(error->text, sizeof error->text, "%s: %s", address->sun_path,
			strerror(errno));
		return SX_EIO;
	}
	return SX_OK;
}

int sx_control_open(struct sx_control **out, const struct sx_control_owner *owner, const char *path,
	struct sx_topology_error *error)
{
	struct sx_control *control = calloc(1, sizeof *control);
	int rc;

	if (!control || strlen(path) >= sizeof control->address.sun_path) {
		(void)snprintf(error->text, sizeof error->text, "%.300s: %s", path,
			control ? "too long for a socket's name" : "out of memory");
		free(control);
		return SX_EINVAL;
	}
	control->owner = *owner;
	control->address.sun_family = AF_UNIX;
	(void)snprintf(control->address.sun_path, sizeof control->address.sun_path, "%s", path);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		control->clients[i].watch.fd = -1;
	}
	rc = listen_at(control, error);
	if (rc < 0) {
		control->address.sun_path[0] = '\0'; /* not ours to remove */
		sx_control_close(control);
		return rc;
	}
	*out = control;
	return SX_OK;
}

void sx_control_close(struct sx_control *control)
{
	if (!control) {
		return;
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].watch.fd >= 0) {
			hang_up(&control->clients[i]);
		}
	}
	if (control->watch.fd >= 0) {
		sx_loop_unwatch(control->owner.loop, &control->watch);
		(void)close(control->watch.fd);
	}
	if (control->address.sun_path[0]) {
		(void)unlink(control->address.sun_path);
	}
	free(control);
}
