/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "answers.h"
#include "base/live.h"

void sx_answers_init(struct sx_answers *answers)
{
	sx_handles_init(&answers->handles);
	sx_list_init(&answers->ready);
}

static void set_ready(struct sx_reply *reply, int status)
{
	reply->ask = NULL;
	reply->status = status;
	sx_list_append(&reply->answers->ready, &reply->link);
}

static void on_done(void *arg, struct sx_buf *answer)
{
	struct sx_reply *reply = arg;

	reply->answer = answer ? sx_buf_ref(answer) : NULL;
	set_ready(reply, answer ? sx_answer_of(answer)->status : SX_ENOMEM);
}

/* Ends what is under way: the resolver goes. */
static void cancel_all(struct sx_answers *answers)
{
	struct sx_reply *reply = NULL;
	sx_handle previous = 0;

	while ((reply = sx_handles_next(&answers->handles, previous))) {
		previous = reply->handle;
		if (reply->ask) {
			sx_resolver_cancel(reply->ask);
			set_ready(reply, SX_ECLOSED);
		}
	}
}

void sx_answers_use(struct sx_answers *answers, struct sx_resolver *resolver)
{
	cancel_all(answers);
	sx_resolver_free(answers->resolver);
	answers->resolver = resolver;
}

void sx_answers_fini(struct sx_answers *answers)
{
	struct sx_reply *reply;

	sx_answers_use(answers, NULL);
	while ((reply = sx_handles_next(&answers->handles, 0))) {
		sx_answers_release(reply);
	}
	sx_handles_fini(&answers->handles);
}

static int reply_new(struct sx_reply **out, struct sx_answers *answers, uint64_t udata)
{
	struct sx_reply *reply;
	int rc;

	if (answers->count == SX_ANSWERS_MOST) {
		return SX_ELIMIT;
	}
	reply = calloc(1, sizeof *reply);
	if (!reply) {
		return SX_ENOMEM;
	}
	reply->answers = answers;
	reply->udata = udata;
	sx_list_init(&reply->link);
	rc = sx_handles_add(&answers->handles, reply, &reply->handle);
	if (rc < 0) {
		free(reply);
		return rc;
	}
	answers->count++;
	sx_live_add();
	*out = reply;
	return SX_OK;
}

int sx_answers_ask(struct sx_answers *answers, const struct sx_question *question, uint64_t now_ns,
	sx_handle *out)
{
	struct sx_wish wish = { .name = question->name,
		.want = question->flags & SX_ASK_CERTIFICATES ? SX_WANT_CERTIFICATES
							      : SX_WANT_ADDRESSES,
		.scion_only = question->flags & SX_ASK_SCION_ONLY,
		.fresh = question->flags & SX_ASK_FRESH,
		.done = on_done };
	struct sx_reply *reply;
	int rc;

	if (!answers->resolver) {
		return SX_EINVAL;
	}
	rc = reply_new(&reply, answers, question->udata);
	if (rc < 0) {
		return rc;
	}
	wish.arg = reply;
	(void)snprintf(reply->name, sizeof reply->name, "%s", question->name);
	rc = sx_resolver_ask(answers->resolver, &wish, now_ns, &reply->ask);
	if (rc < 0) {
		sx_answers_release(reply);
		return rc;
	}
	*out = reply->handle;
	return SX_OK;
}

struct sx_reply *sx_answers_find(const struct sx_answers *answers, sx_handle handle)
{
	return sx_handles_find(&answers->handles, handle);
}

int sx_answers_next(struct sx_answers *answers, struct sx_event *out)
{
	struct sx_reply *reply;

	if (sx_list_is_empty(&answers->ready)) {
		return SX_EAGAIN;
	}
	reply = sx_container_of(answers->ready.next, struct sx_reply, link);
	sx_list_remove(&reply->link);
	*out = (struct sx_event){ .kind = SX_EVENT_ANSWER,
		.status = reply->status,
		.handle = reply->handle,
		.udata = reply->udata };
	return SX_OK;
}

void sx_answers_release(struct sx_reply *reply)
{
	sx_resolver_cancel(reply->ask);
	sx_buf_unref(reply->answer);
	sx_list_remove(&reply->link);
	sx_handles_remove(&reply->answers->handles, reply->handle);
	reply->answers->count--;
	free(reply);
	sx_live_remove();
}
