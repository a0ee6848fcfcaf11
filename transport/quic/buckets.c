/* SPDX-License-Identifier: MIT */
#include "quic/buckets.h"
#include "base/map.h"
#include "base/random.h"

#define ALL_INTERVAL_NS   UINT64_C(20000000) /* 50 a second */
#define ALL_BURST         50
#define HOST_INTERVAL_NS  UINT64_C(1000000000)
#define HOST_BURST        4
#define HELLO_INTERVAL_NS UINT64_C(5000000) /* 200 a second */
#define HELLO_BURST       16

void sx_buckets_init(struct sx_buckets *buckets)
{
	*buckets = (struct sx_buckets){ 0 };
	sx_random_bytes(buckets->seed, sizeof buckets->seed);
}

static size_t index_of(const struct sx_buckets *buckets, const struct sx_peer *peer)
{
	const struct in6_addr *host = &peer->address.sin6_addr;

	return sx_siphash(buckets->seed, sx_bytes_of(host, sizeof *host)) % SX_BUCKETS;
}

static bool has_token(
	const struct sx_bucket *bucket, uint64_t interval_ns, unsigned burst, uint64_t now_ns)
{
	return bucket->full_ns <= now_ns || bucket->full_ns - now_ns <= (burst - 1) * interval_ns;
}

static void take_token(struct sx_bucket *bucket, uint64_t interval_ns, uint64_t now_ns)
{
	bucket->full_ns = (bucket->full_ns > now_ns ? bucket->full_ns : now_ns) + interval_ns;
}

bool sx_buckets_take(struct sx_buckets *buckets, const struct sx_peer *peer, uint64_t now_ns)
{
	struct sx_bucket *host = &buckets->hosts[index_of(buckets, peer)];

	if (!has_token(&buckets->all, ALL_INTERVAL_NS, ALL_BURST, now_ns) ||
		!has_token(host, HOST_INTERVAL_NS, HOST_BURST, now_ns)) {
		return false;
	}
	take_token(&buckets->all, ALL_INTERVAL_NS, now_ns);
	take_token(host, HOST_INTERVAL_NS, now_ns);
	return true;
}

bool sx_buckets_take_hello(struct sx_buckets *buckets, uint64_t now_ns)
{
	if (!has_token(&buckets->hellos, HELLO_INTERVAL_NS, HELLO_BURST, now_ns)) {
		return false;
	}
	take_token(&buckets->hellos, HELLO_INTERVAL_NS, now_ns);
	return true;
}

struct sx_bucket_counts *sx_buckets_counts(struct sx_buckets *buckets, const struct sx_peer *peer)
{
	return &buckets->counts[index_of(buckets, peer)];
}
