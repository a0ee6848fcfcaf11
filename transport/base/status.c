/* SPDX-License-Identifier: MIT */
#include "base/status.h"

static const struct {
	const char *name;
	const char *text;
} table[] = {
	{ "OK", "success" },
	{ "EAGAIN", "nothing now" },
	{ "ENOMEM", "out of memory" },
	{ "EINVAL", "not valid" },
	{ "EMALFORMED", "malformed" },
	{ "ESTALE", "stale handle" },
	{ "ELIMIT", "limit reached" },
	{ "ECLOSED", "closed" },
	{ "ERESET", "connection reset" },
	{ "ETIMEDOUT", "timed out" },
	{ "EUNREACH", "no usable SCION path" },
	{ "EREFUSED", "refused by the peer" },
	{ "ETLS", "TLS handshake failed" },
	{ "EIO", "operating system error" },
	{ "ENOTFOUND", "not found" },
	{ "EEXPIRED", "expired" },
	{ "EPROTO", "protocol violation" },
};

static int known(int status)
{
	return status <= 0 && -status < (int)SX_COUNT(table);
}

const char *sx_status_name(int status)
{
	return known(status) ? table[-status].name : "EUNKNOWN";
}

const char *sx_status_text(int status)
{
	return known(status) ? table[-status].text : "unknown error";
}
