/* SPDX-License-Identifier: MIT */
/* status: the one table of results. 0 is success, every failure is negative. Stable across releases. */
#pragma once

#define SX_MUST_CHECK   __attribute__((warn_unused_result))
#define SX_COUNT(array) (sizeof(array) / sizeof *(array))

enum sx_status {
	SX_OK = 0,
	SX_EAGAIN = -1,     /* nothing now; try again after the next event */
	SX_ENOMEM = -2,     /* out of memory */
	SX_EINVAL = -3,     /* an argument or option is not valid */
	SX_EMALFORMED = -4, /* bytes or text from outside do not parse */
	SX_ESTALE = -5,     /* the handle is not, or no longer, valid */
	SX_ELIMIT = -6,     /* a configured bound would be exceeded */
	SX_ECLOSED = -7,    /* closed in order, by either side */
	SX_ERESET = -8,     /* the peer or the connection broke the stream off */
	SX_ETIMEDOUT = -9,  /* no answer in time */
	SX_EUNREACH = -10,  /* no usable path or route */
	SX_EREFUSED = -11,  /* the peer refused */
	SX_ETLS = -12,      /* the TLS handshake failed */
	SX_EIO = -13,       /* the operating system refused */
	SX_ENOTFOUND = -14, /* no such thing */
	SX_EEXPIRED = -15,  /* outside its validity */
	SX_EPROTO = -16,    /* the peer broke the protocol */
};

/* The name of a status ("ETIMEDOUT"), "EUNKNOWN" for other numbers. Lends a static string. */
const char *sx_status_name(int status);

/* A short English text for a status. Lends a static string. */
const char *sx_status_text(int status);
