/* SPDX-License-Identifier: MIT */
/* The part of the ABI that looks names up, with a static map and answers made here. */
#include <gnutls/crypto.h>
#include <stdio.h>

#include "alloc_fail.h"
#include "base/file.h"
#include "context.h"
#include "path_file.h"
#include "pem.h"
#include "rains/object.h"
#include "tap.h"
#include "tls_fixture.h"

#define KNOWN    "a.example.org"
#define ADDRESS  "1-ff00:0:111,10.0.0.1"
#define NOBODY   "the peer's certificate cannot be read"
#define PEM_MOST 65536

static struct sx_context *context;
static char error[512];

static struct sx_names good_names(void)
{
	return (struct sx_names){ .size = sizeof(struct sx_names),
		.order = "static",
		.deadline_ms = 100,
		.cache_bytes = 65536,
		.statics = KNOWN " " ADDRESS };
}

static void start(void)
{
	struct sx_options options = {
		.size = sizeof options, .address = "1-ff00:0:111,127.0.0.1", .paths = path_option
	};
	struct sx_names names = good_names();

	ck_assert_msg(sx_open(&options, &context, error, sizeof error) == SX_OK, "%s", error);
	ck_assert_int_eq(sx_names_set(context, &names, error, sizeof error), SX_OK);
}

static void stop(void)
{
	sx_close(context, 0);
	ck_assert_uint_eq(sx_live_objects(), 0);
}

/* Asks, and takes the event of what is at hand. */
static sx_handle ask(const char *name, int status)
{
	const struct sx_question question = { .size = sizeof question, .name = name, .udata = 9 };
	struct sx_event event;
	sx_handle handle;

	ck_assert_int_eq(sx_resolve(context, &question, &handle), SX_OK);
	ck_assert_int_eq(sx_process(context), SX_OK);
	ck_assert_int_eq(sx_next_event(context, &event), SX_OK);
	ck_assert_int_eq(event.kind, SX_EVENT_ANSWER);
	ck_assert_uint_eq(event.handle, handle);
	ck_assert_uint_eq(event.udata, 9);
	ck_assert_int_eq(event.status, status);
	return handle;
}

/* Puts an answer of the test's in the place of the one that came. */
static void put(sx_handle handle, const struct sx_finding *finding)
{
	struct sx_reply *reply = sx_answers_find(&context->answers, handle);

	sx_buf_unref(reply->answer);
	ck_assert_int_eq(sx_answer_new(&reply->answer, finding, "rains", "a trace\n"), SX_OK);
}

static void expect_text(sx_handle handle, enum sx_answer_text which, const char *text)
{
	char found[256];

	ck_assert_int_eq(sx_answer_text(context, handle, which, found, sizeof found), SX_OK);
	ck_assert_str_eq(found, text);
}

START_TEST(a_place_is_read_by_its_handle)
{
	struct sx_place place;
	sx_handle handle;

	start();
	handle = ask(KNOWN, SX_OK);
	ck_assert_int_eq(sx_answer_target(context, handle, 0, &place), SX_OK);
	ck_assert_str_eq(place.address, ADDRESS);
	ck_assert_uint_eq(place.plain, 0);
	ck_assert_int_eq(sx_answer_target(context, handle, 1, &place), SX_ENOTFOUND);
	expect_text(handle, SX_ANSWER_SOURCE, "static");
	expect_text(handle, SX_ANSWER_REASON, "");
	ck_assert_int_eq(sx_answer_release(context, handle), SX_OK);
	ck_assert_int_eq(sx_answer_release(context, handle), SX_ESTALE);
	ck_assert_int_eq(sx_answer_target(context, handle, 0, &place), SX_ESTALE);
	ck_assert_int_eq(sx_answer_text(context, handle, 0, error, sizeof error), SX_ESTALE);
	ck_assert_int_eq(sx_answer_judge(context, handle, "", error, sizeof error), SX_ESTALE);
	stop();
}
END_TEST

START_TEST(all_of_an_answer_is_told)
{
	static struct sx_finding finding;
	struct sx_place place;
	sx_handle handle;
	char seconds[32];

	start();
	handle = ask("nobody.example.org", SX_ENOTFOUND);
	sx_finding_init(&finding);
	finding.status = SX_OK;
	ck_assert_int_eq(sx_addr_parse(sx_bytes_text(ADDRESS), &finding.targets[1].addr), SX_OK);
	ck_assert_int_eq(
		sx_host_parse(sx_bytes_text("192.0.2.1"), &finding.targets[0].addr.host), SX_OK);
	finding.targets[0].port = 5;
	finding.targets[0].priority = 6;
	finding.target_count = 2;
	put(handle, &finding);
	ck_assert_int_eq(sx_answer_target(context, handle, 0, &place), SX_OK);
	ck_assert_str_eq(place.address, "192.0.2.1");
	ck_assert_uint_eq(place.plain, 1);
	ck_assert_uint_eq(place.port, 5);
	ck_assert_uint_eq(place.priority, 6);
	expect_text(handle, SX_ANSWER_TRACE, "a trace\n");
	ck_assert_int_eq(
		sx_answer_text(context, handle, SX_ANSWER_SECONDS, seconds, sizeof seconds), SX_OK);
	ck_assert_int_eq(sx_answer_text(context, handle, 99, seconds, sizeof seconds), SX_EINVAL);
	ck_assert_int_eq(sx_answer_text(context, handle, SX_ANSWER_TRACE, seconds, 3), SX_OK);
	ck_assert_str_eq(seconds, "a "); /* cut to its room */
	stop();
}
END_TEST

START_TEST(what_is_wrong_is_refused)
{
	struct sx_question question = { .size = sizeof question - 1, .name = KNOWN };
	struct sx_names names = good_names();
	sx_handle handle;

	start();
	ck_assert_int_eq(sx_resolve(context, &question, &handle), SX_EINVAL);
	question = (struct sx_question){ .size = sizeof question };
	ck_assert_int_eq(sx_resolve(context, &question, &handle), SX_EINVAL);
	names.size--;
	ck_assert_int_eq(sx_names_set(context, &names, error, sizeof error), SX_EINVAL);
	ck_assert_str_eq(error, "names need an order");
	names = good_names();
	names.order = "static,mdns";
	ck_assert_int_eq(sx_names_set(context, &names, error, sizeof error), SX_EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "mdns"));
	(void)ask(KNOWN, SX_OK); /* what was set before stays */
	ck_assert_int_eq(sx_names_flush(context), SX_OK);
	(void)ask(KNOWN, SX_OK);
	stop();
}
END_TEST

START_TEST(without_names_nothing_is_found)
{
	struct sx_options options = {
		.size = sizeof options, .address = "1-ff00:0:111,127.0.0.1", .paths = path_option
	};
	const struct sx_question question = { .size = sizeof question, .name = KNOWN };
	sx_handle handle;

	ck_assert_int_eq(sx_open(&options, &context, error, sizeof error), SX_OK);
	ck_assert_int_eq(sx_names_flush(context), SX_OK);
	ck_assert_int_eq(sx_resolve(context, &question, &handle), SX_EINVAL);
	stop();
}
END_TEST

/* NAME.crt of the fixture. */
static char *pem_of(const char *name)
{
	char path[4096];
	struct sx_file file = { .name = path, .most = PEM_MOST };
	char *text;
	size_t len;

	(void)snprintf(path, sizeof path, "%s/%s.crt", fixture_folder(), name);
	ck_assert_int_eq(sx_file_read(&file, sx_loop_now_ns(), &text, &len), SX_OK);
	return text;
}

/* An answer that names one certificate by its SHA-256. */
static void name_certificate(sx_handle handle, const uint8_t *digest)
{
	static struct sx_finding finding;
	struct sx_rains_object object = { .type = SX_RAINS_CERT,
		.cert = { 1, SX_RAINS_END_ENTITY, SX_RAINS_SHA256, sx_bytes_of(digest, 32) } };
	uint8_t bytes[128];
	struct sx_writer writer = sx_writer_of(bytes, sizeof bytes);

	sx_rains_object_write(&writer, &object);
	sx_finding_init(&finding);
	finding.status = SX_OK;
	ck_assert_int_eq(sx_finding_add_cert(&finding, sx_writer_bytes(&writer)), SX_OK);
	put(handle, &finding);
	sx_finding_fini(&finding);
}

static int judge(sx_handle handle, const char *pem)
{
	error[0] = '\0';
	return sx_answer_judge(context, handle, pem, error, sizeof error);
}

START_TEST(a_certificate_is_judged_by_what_rains_says)
{
	char *own = pem_of("own.example.org"), *other = pem_of("other.example.org");
	uint8_t digest[32];
	struct sx_pem pem;
	sx_handle handle;

	start();
	handle = ask("nobody.example.org", SX_ENOTFOUND);
	ck_assert_int_eq(judge(handle, own), SX_ENOTFOUND); /* nothing is said */
	ck_assert_str_ne(error, "");
	ck_assert_int_eq(sx_pem_read(&pem, own), SX_OK);
	ck_assert_int_ge(gnutls_hash_fast(GNUTLS_DIG_SHA256, pem.certificates[0].data,
				 pem.certificates[0].len, digest),
		0);
	sx_pem_free(&pem);
	name_certificate(handle, digest);
	ck_assert_int_eq(judge(handle, own), SX_OK);
	ck_assert_int_eq(judge(handle, other), SX_EREFUSED);
	ck_assert_str_ne(error, "");
	ck_assert_int_eq(judge(handle, "no certificate"), SX_EMALFORMED);
	ck_assert_str_eq(error, NOBODY);
	free(own);
	free(other);
	stop();
}
END_TEST

static int set_names(void *arg)
{
	return sx_names_set(context, arg, error, sizeof error);
}

/* What was set before serves until all of the new is there. */
START_TEST(names_without_memory_are_refused)
{
	struct sx_names names = good_names();

	start();
	names.order = "static,hosts,dns";
	names.hosts = "/nonexistent/hosts";
	names.dns = "127.0.0.1:1";
	ck_assert_uint_gt(sx_each_allocation_fails(set_names, &names), 5);
	(void)ask(KNOWN, SX_OK);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("names");
	TCase *tcase = tcase_create("abi");

	tcase_add_checked_fixture(tcase, make_path_file, remove_path_file);
	tcase_add_test(tcase, a_place_is_read_by_its_handle);
	tcase_add_test(tcase, all_of_an_answer_is_told);
	tcase_add_test(tcase, what_is_wrong_is_refused);
	tcase_add_test(tcase, without_names_nothing_is_found);
	tcase_add_test(tcase, a_certificate_is_judged_by_what_rains_says);
	tcase_add_test(tcase, names_without_memory_are_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	fixture_init();
	fixture_make("own.example.org", FIXTURE_VALID);
	fixture_make("other.example.org", FIXTURE_VALID);
	return sx_tap_run(suite());
}
