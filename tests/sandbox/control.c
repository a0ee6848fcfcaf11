/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "control.h"

#define CLIENTS_MAX 16

/* Either waits for lines, or for room for its answer: no more than one answer is kept for it. */
struct client {
	struct sx_watch
		watch; /* fd is -1 while the place is free; watched while there is no answer */
	struct sx_control *control;
	char *answer; /* what the client has not taken yet; NULL: nothing */
	size_t answer_len;
	size_t answer_sent;
	size_t len;
	char line[SX_COMMAND_BYTES];
};

struct sx_control {
	struct sx_sandbox *sandbox;
	struct sx_watch watch;
	struct sx_watch
		room; /* an epoll of its own: readable when a client with an answer has room for it */
	struct client
		clients[CLIENTS_MAX]; /* in fixed places, as the loop may still hold a pointer */
	struct sockaddr_un address;
};

static void hang_up(struct client *client)
{
	sx_loop_unwatch(sx_sandbox_loop(client->control->sandbox), &client->watch);
	(void)close(client->watch.fd);
	client->watch.fd = -1;
	free(client->answer);
	client->answer = NULL;
}

/* Sends what the client takes now. False: it is gone. */
static bool send_some(struct client *client)
{
	while (client->answer_sent < client->answer_len) {
		ssize_t sent = send(client->watch.fd, client->answer + client->answer_sent,
			client->answer_len - client->answer_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0) {
			return errno == EAGAIN;
		}
		client->answer_sent += (size_t)sent;
	}
	free(client->answer);
	client->answer = NULL;
	return true;
}

static bool answer(struct client *client, const char *line)
{
	FILE *out = open_memstream(&client->answer, &client->answer_len);

	if (!out) {
		return false;
	}
	sx_command_run(client->control->sandbox, line, out);
	client->answer_sent = 0;
	return fclose(out) == 0 && send_some(client);
}

/* From lines to room: the network goes on while a client does not read. */
static bool wait_for_room(struct client *client)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = client };

	sx_loop_unwatch(sx_sandbox_loop(client->control->sandbox), &client->watch);
	return epoll_ctl(client->control->room.fd, EPOLL_CTL_ADD, client->watch.fd, &event) == 0;
}

static bool wait_for_lines(struct client *client)
{
	(void)epoll_ctl(client->control->room.fd, EPOLL_CTL_DEL, client->watch.fd, NULL);
	return sx_loop_watch(sx_sandbox_loop(client->control->sandbox), &client->watch) == SX_OK;
}

/*
 * Answers whole lines, until the client does not take an answer; keeps the rest. False: the client is gone, or says
 * more in a line than a command has.
 */
static bool answer_lines(struct client *client)
{
	char *end;

	while (!client->answer && (end = memchr(client->line, '\n', client->len))) {
		size_t used = (size_t)(end - client->line) + 1;

		*end = '\0';
		if (!answer(client, client->line)) {
			return false;
		}
		client->len -= used;
		memmove(client->line, client->line + used, client->len);
	}
	if (client->answer) {
		return wait_for_room(client);
	}
	return client->len < sizeof client->line;
}

static void room_ready(void *arg)
{
	struct sx_control *control = arg;
	struct epoll_event event;
	struct client *client;

	if (epoll_wait(control->room.fd, &event, 1, 0) != 1) {
		return;
	}
	client = event.data.ptr;
	if (!send_some(client) ||
		(!client->answer && (!wait_for_lines(client) || !answer_lines(client)))) {
		hang_up(client);
	}
}

static void client_ready(void *arg)
{
	struct client *client = arg;
	ssize_t len;

	if (client->watch.fd < 0 || client->answer) {
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
	static const char full[] = "error: too many others are connected\n";
	int fd = accept4(control->watch.fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *client = free_place(control);

	if (fd < 0) {
		return;
	}
	if (!client) {
		(void)send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)close(fd);
		return;
	}
	*client = (struct client){ .watch = { client_ready, client, fd }, .control = control };
	if (sx_loop_watch(sx_sandbox_loop(control->sandbox), &client->watch) < 0) {
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
	struct sx_loop *loop = sx_sandbox_loop(control->sandbox);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	control->watch = (struct sx_watch){ listener_ready, control, fd };
	if (somebody_listens(address)) {
		(void)snprintf(error->text, sizeof error->text,
			"%s: another sandbox runs there; end it, or choose another --run folder",
			address->sun_path);
		return SX_EIO;
	}
	(void)unlink(address->sun_path);
	control->room.fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ||
		listen(fd, CLIENTS_MAX) < 0 || sx_loop_watch(loop, &control->watch) < 0 ||
		control->room.fd < 0 || sx_loop_watch(loop, &control->room) < 0) {
		(void)snprintf(error->text, sizeof error->text, "%s: %s", address->sun_path,
			strerror(errno));
		return SX_EIO;
	}
	return SX_OK;
}

int sx_control_open(struct sx_control **out, struct sx_sandbox *sandbox, const char *path,
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
	control->sandbox = sandbox;
	control->watch.fd = -1;
	control->room = (struct sx_watch){ room_ready, control, -1 };
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

static void stop_watching(struct sx_control *control, struct sx_watch *watch)
{
	if (watch->fd >= 0) {
		sx_loop_unwatch(sx_sandbox_loop(control->sandbox), watch);
		(void)close(watch->fd);
	}
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
	stop_watching(control, &control->watch);
	stop_watching(control, &control->room);
	if (control->address.sun_path[0]) {
		(void)unlink(control->address.sun_path);
	}
	free(control);
}
