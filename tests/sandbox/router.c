/* SPDX-License-Identifier: MIT */
#include "router.h"
#include "scion/scmp.h"
#include "scion/udp.h"

#define POINTER_DST_IA SX_PACKET_COMMON_BYTES
#define POINTER_SRC_IA (SX_PACKET_COMMON_BYTES + 8)

/* One packet on its way through. `packet` and `path` show it as changed so far. */
struct passage {
	struct sx_router *router;
	struct sx_verdict *verdict;
	uint64_t now;
	uint16_t ingress;         /* interface, 0: from inside */
	bool peering;             /* the current hop is one of the two at a peering link */
	bool crossed;             /* it has been moved to its next segment */
	struct sx_bytes datagram; /* router->packet */
	struct sx_packet packet;
	struct sx_path path;
};

static struct sx_info_field *info_of(struct passage *passage)
{
	return &passage->path.infos[passage->path.curr_inf];
}

static struct sx_hop_field *hop_of(struct passage *passage)
{
	return &passage->path.hops[passage->path.curr_hf];
}

static bool goes_with_construction(struct passage *passage)
{
	return info_of(passage)->flags & SX_INFO_CONS_DIR;
}

static bool is_cross_over(const struct sx_path *path)
{
	return path->curr_hf + 1 < path->hop_count &&
	       sx_path_info_index(path, (uint8_t)(path->curr_hf + 1)) != path->curr_inf;
}

static uint16_t hop_pointer(const struct passage *passage)
{
	size_t path_at = passage->packet.header.len - passage->packet.path.len;

	return (uint16_t)(path_at + sx_path_hop_offset(&passage->path, passage->path.curr_hf));
}

static uint16_t info_pointer(const struct passage *passage)
{
	size_t path_at = passage->packet.header.len - passage->packet.path.len;

	return (uint16_t)(path_at + sx_path_info_offset(passage->path.curr_inf));
}

/* Puts the path, as changed so far, back into the packet. */
static void store_path(struct passage *passage)
{
	size_t at = (size_t)(passage->packet.path.data - passage->router->packet);
	struct sx_writer writer =
		sx_writer_of(passage->router->packet + at, passage->packet.path.len);

	sx_path_write(&passage->path, &writer);
}

static bool drop(struct passage *passage, enum sx_drop reason)
{
	passage->verdict->action = SX_ACTION_DROP;
	passage->verdict->drop = reason;
	return false;
}

/* The way back from here: undoes a change of segment, and what the next router expects to be done when there is one. */
static int turn_path(const struct passage *passage, struct sx_path *back)
{
	bool peering;

	*back = passage->path;
	sx_path_reverse(back);
	peering = sx_path_is_peering_hop(back, back->curr_hf);
	if (is_cross_over(back) && !peering && sx_path_increment(back) < 0) {
		return SX_EPROTO;
	}
	if (passage->ingress == 0) {
		return SX_OK;
	}
	if ((back->infos[back->curr_inf].flags & SX_INFO_CONS_DIR) && !peering) {
		sx_info_chain(&back->infos[back->curr_inf], &back->hops[back->curr_hf]);
	}
	return sx_path_increment(back) < 0 ? SX_EPROTO : SX_OK;
}

static bool answer(struct passage *passage, const struct sx_scmp *scmp, enum sx_drop about)
{
	struct sx_writer writer =
		sx_writer_of(passage->router->answer, sizeof passage->router->answer);
	struct sx_packet reply = { .flow_id = passage->packet.flow_id,
		.traffic_class = passage->packet.traffic_class,
		.next_header = SX_PROTOCOL_SCMP,
		.path_type = SX_PATH_SCION,
		.dst = passage->packet.src,
		.src = { passage->router->as->ia, passage->router->as->router } };
	uint8_t bytes[SX_PATH_MAX];
	struct sx_writer path_writer = sx_writer_of(bytes, sizeof bytes);
	struct sx_path back;

	if (turn_path(passage, &back) < 0) {
		return drop(passage, about);
	}
	sx_path_write(&back, &path_writer);
	reply.path = sx_writer_bytes(&path_writer);
	if (sx_scmp_write(&writer, &reply, scmp) < 0) {
		return drop(passage, about);
	}
	passage->verdict->action = SX_ACTION_ANSWER;
	passage->verdict->drop = about;
	passage->verdict->packet = sx_writer_bytes(&writer);
	return false;
}

/* Answers with an error that quotes the packet as changed so far. */
static bool refuse(struct passage *passage, struct sx_scmp scmp, enum sx_drop about)
{
	const struct sx_packet *packet = &passage->packet;

	if (packet->protocol == SX_PROTOCOL_SCMP &&
		(packet->payload.len < 4 || packet->payload.data[0] < 128)) {
		return drop(passage, SX_DROP_ANSWER);
	}
	store_path(passage);
	scmp.data = passage->datagram;
	return answer(passage, &scmp, about);
}

static bool refuse_parameter(
	struct passage *passage, uint8_t code, uint16_t pointer, enum sx_drop about)
{
	return refuse(passage,
		(struct sx_scmp){
			.type = SX_SCMP_PARAMETER_PROBLEM, .code = code, .pointer = pointer },
		about);
}

static bool check_expiry(struct passage *passage)
{
	if (passage->now < sx_hop_expiry(info_of(passage), hop_of(passage))) {
		return true;
	}
	return refuse_parameter(
		passage, SX_SCMP_EXPIRED_HOP, hop_pointer(passage), SX_DROP_EXPIRED);
}

static bool check_ingress(struct passage *passage)
{
	bool with = goes_with_construction(passage);
	uint16_t expected = with ? hop_of(passage)->cons_ingress : hop_of(passage)->cons_egress;

	if (passage->ingress == 0 || passage->ingress == expected) {
		return true;
	}
	return refuse_parameter(passage, with ? SX_SCMP_UNKNOWN_INGRESS : SX_SCMP_UNKNOWN_EGRESS,
		hop_pointer(passage), SX_DROP_INGRESS);
}

static bool check_size(struct passage *passage)
{
	if (passage->packet.payload_len == passage->packet.rest.len) {
		return true;
	}
	return refuse_parameter(passage, SX_SCMP_INVALID_PACKET_SIZE, 0, SX_DROP_SIZE);
}

/* From inside only fresh packets come: there are no sibling routers. */
static bool check_transit(struct passage *passage)
{
	const struct sx_path *path = &passage->path;
	uint8_t hop = path->curr_hf;
	uint8_t info = path->curr_inf;
	bool after_switch =
		hop > 0 && sx_path_info_index(path, (uint8_t)(hop - 1)) != path->curr_inf;
	uint16_t entered;

	if (passage->ingress != 0 || hop == 0) {
		return true;
	}
	if (after_switch && !passage->peering) {
		hop--;
		info--;
	}
	entered = path->infos[info].flags & SX_INFO_CONS_DIR ? path->hops[hop].cons_ingress
							     : path->hops[hop].cons_egress;
	return entered == 0 || drop(passage, SX_DROP_TRANSIT);
}

static bool check_addresses(struct passage *passage)
{
	uint64_t local = passage->router->as->ia;
	bool from_us = passage->packet.src.ia == local;
	bool to_us = passage->packet.dst.ia == local;
	bool outside = passage->ingress != 0;
	bool first = passage->path.curr_hf == 0;
	bool last = passage->path.curr_hf + 1 == passage->path.hop_count;

	if (outside ? from_us : first && !from_us) {
		return refuse_parameter(
			passage, SX_SCMP_INVALID_SOURCE, POINTER_SRC_IA, SX_DROP_SOURCE);
	}
	if (outside ? last != to_us : to_us) {
		return refuse_parameter(
			passage, SX_SCMP_INVALID_DESTINATION, POINTER_DST_IA, SX_DROP_DESTINATION);
	}
	return true;
}

/* Whether a host is of a type that routers know, and not an IPv4 address in IPv6's clothes. */
static bool is_plain(const struct sx_host *host)
{
	struct sx_host ip;

	if (host->type == SX_HOST_SVC) {
		return true;
	}
	return (host->type == SX_HOST_IPV4 || host->type == SX_HOST_IPV6) &&
	       sx_host_of_ip(sx_host_bytes(host), &ip) == SX_OK && ip.type == host->type;
}

static bool check_source_host(struct passage *passage)
{
	if (passage->packet.src.ia != passage->router->as->ia ||
		is_plain(&passage->packet.src.host)) {
		return true;
	}
	return refuse_parameter(passage, SX_SCMP_INVALID_SOURCE, 0, SX_DROP_SOURCE);
}

static bool chain_on_entry(struct passage *passage)
{
	if (!goes_with_construction(passage) && passage->ingress != 0 && !passage->peering) {
		sx_info_chain(info_of(passage), hop_of(passage));
	}
	return true;
}

static bool check_mac(struct passage *passage)
{
	if (sx_hop_key_verify(passage->router->as->hop_key, info_of(passage), hop_of(passage))) {
		return true;
	}
	return refuse_parameter(passage, SX_SCMP_INVALID_MAC, hop_pointer(passage), SX_DROP_MAC);
}

/* Answers a traceroute request whose alert is for this interface; clears the alert first. */
static bool answer_alert(struct passage *passage, uint8_t alert, uint16_t interface)
{
	struct sx_scmp request;

	if (!(hop_of(passage)->flags & alert)) {
		return true;
	}
	hop_of(passage)->flags &= (uint8_t)~alert;
	if (passage->packet.protocol != SX_PROTOCOL_SCMP ||
		sx_scmp_parse(&request, &passage->packet) < 0 ||
		request.type != SX_SCMP_TRACEROUTE_REQUEST || request.code != 0) {
		return drop(passage, SX_DROP_ALERT);
	}
	return answer(passage,
		&(struct sx_scmp){ .type = SX_SCMP_TRACEROUTE_REPLY,
			.id = request.id,
			.sequence = request.sequence,
			.ia = passage->router->as->ia,
			.interface = interface },
		SX_DROP_NONE);
}

static bool answer_ingress_alert(struct passage *passage)
{
	if (passage->ingress == 0) {
		return true;
	}
	return answer_alert(passage,
		goes_with_construction(passage) ? SX_HOP_INGRESS_ALERT : SX_HOP_EGRESS_ALERT,
		passage->ingress);
}

/* The host's port that an SCMP error is for: the source of what it quotes. 0: there is none. */
static uint16_t quoted_port(struct sx_bytes quote)
{
	struct sx_packet packet;
	struct sx_reader reader;
	uint8_t type;

	if (sx_packet_parse_header(&packet, quote) < 0 || sx_packet_parse_rest(&packet) < 0) {
		return 0;
	}
	reader = sx_reader_of(packet.payload);
	if (packet.protocol == SX_PROTOCOL_UDP || packet.protocol == SX_PROTOCOL_TCP) {
		return sx_read_u16(&reader);
	}
	type = sx_read_u8(&reader);
	sx_read_skip(&reader, 3);
	return packet.protocol == SX_PROTOCOL_SCMP &&
			       (type == SX_SCMP_ECHO_REQUEST || type == SX_SCMP_TRACEROUTE_REQUEST)
		       ? sx_read_u16(&reader)
		       : 0;
}

/* The port in this AS that a packet is for; 0: none can be told. scion.md 2.2. */
static uint16_t destination_port(const struct sx_packet *packet)
{
	struct sx_reader reader = sx_reader_of(packet->payload);
	struct sx_scmp scmp;

	if (packet->protocol == SX_PROTOCOL_UDP || packet->protocol == SX_PROTOCOL_TCP) {
		sx_read_skip(&reader, 2);
		return sx_read_u16(&reader);
	}
	if (packet->protocol != SX_PROTOCOL_SCMP) {
		return SX_ENDHOST_PORT;
	}
	if (sx_scmp_parse(&scmp, packet) < 0) {
		return 0;
	}
	switch (scmp.type) {
	case SX_SCMP_ECHO_REQUEST:
	case SX_SCMP_TRACEROUTE_REQUEST:
		return SX_ENDHOST_PORT;
	case SX_SCMP_ECHO_REPLY:
	case SX_SCMP_TRACEROUTE_REPLY:
		return scmp.id;
	default:
		return sx_scmp_is_error(&scmp) ? quoted_port(scmp.data) : 0;
	}
}

static bool is_unspecified(const struct sx_host *host)
{
	static const uint8_t zero[16];

	return memcmp(host->bytes, zero, sizeof zero) == 0;
}

/* The end of the way: a packet for this AS. */
static bool deliver(struct passage *passage)
{
	const struct sx_host *host = &passage->packet.dst.host;

	if (passage->packet.dst.ia != passage->router->as->ia) {
		return true;
	}
	if (!is_plain(host) || is_unspecified(host)) {
		return refuse_parameter(
			passage, SX_SCMP_INVALID_DESTINATION, 0, SX_DROP_DESTINATION);
	}
	if (host->type == SX_HOST_SVC) {
		return refuse(passage, (struct sx_scmp){ .type = SX_SCMP_DESTINATION_UNREACHABLE },
			SX_DROP_SERVICE);
	}
	passage->verdict->port = destination_port(&passage->packet);
	if (passage->verdict->port == 0) {
		return drop(passage, SX_DROP_MALFORMED);
	}
	store_path(passage);
	passage->verdict->action = SX_ACTION_DELIVER;
	passage->verdict->host = *host;
	passage->verdict->packet = passage->datagram;
	return false;
}

static bool cross_over(struct passage *passage)
{
	if (!is_cross_over(&passage->path) || passage->peering) {
		return true;
	}
	if (sx_path_increment(&passage->path) < 0) {
		return drop(passage, SX_DROP_MALFORMED);
	}
	passage->crossed = true;
	return check_expiry(passage) && check_mac(passage);
}

static const struct sx_topology_interface *egress_of(struct passage *passage)
{
	return sx_topology_find_interface(passage->router->as,
		goes_with_construction(passage) ? hop_of(passage)->cons_egress
						: hop_of(passage)->cons_ingress);
}

static enum sx_link_to link_to(
	const struct sx_router *router, const struct sx_topology_interface *interface)
{
	return sx_topology_link_to(&router->topology->links[interface->link], interface->end);
}

/* Which links a packet may take one after the other. */
static bool may_follow(bool crossed, enum sx_link_to in, enum sx_link_to out)
{
	static const struct {
		bool crossed;
		enum sx_link_to in, out;
	} allowed[] = {
		{ false, SX_LINK_TO_CORE, SX_LINK_TO_CORE },
		{ false, SX_LINK_TO_CHILD, SX_LINK_TO_PARENT },
		{ false, SX_LINK_TO_PARENT, SX_LINK_TO_CHILD },
		{ false, SX_LINK_TO_CHILD, SX_LINK_TO_PEER },
		{ false, SX_LINK_TO_PEER, SX_LINK_TO_CHILD },
		{ true, SX_LINK_TO_CORE, SX_LINK_TO_CHILD },
		{ true, SX_LINK_TO_CHILD, SX_LINK_TO_CORE },
		{ true, SX_LINK_TO_CHILD, SX_LINK_TO_CHILD },
	};

	for (size_t i = 0; i < SX_COUNT(allowed); i++) {
		if (allowed[i].crossed == crossed && allowed[i].in == in && allowed[i].out == out) {
			return true;
		}
	}
	return false;
}

static bool check_egress(struct passage *passage)
{
	const struct sx_router *router = passage->router;
	const struct sx_topology_interface *out = egress_of(passage);
	const struct sx_topology_interface *in =
		sx_topology_find_interface(router->as, passage->ingress);

	if (!out) {
		return refuse_parameter(passage,
			goes_with_construction(passage) ? SX_SCMP_UNKNOWN_EGRESS
							: SX_SCMP_UNKNOWN_INGRESS,
			hop_pointer(passage), SX_DROP_EGRESS);
	}
	if (in ? may_follow(passage->crossed, link_to(router, in), link_to(router, out))
	       : !passage->crossed) {
		return true;
	}
	return passage->crossed ? refuse_parameter(passage, SX_SCMP_INVALID_SEGMENT_CHANGE,
					  info_pointer(passage), SX_DROP_SEGMENT)
				: refuse_parameter(passage, SX_SCMP_INVALID_PATH,
					  hop_pointer(passage), SX_DROP_SEGMENT);
}

static bool answer_egress_alert(struct passage *passage)
{
	return answer_alert(passage,
		goes_with_construction(passage) ? SX_HOP_EGRESS_ALERT : SX_HOP_INGRESS_ALERT,
		egress_of(passage)->id);
}

static bool check_link(struct passage *passage)
{
	const struct sx_router *router = passage->router;
	const struct sx_topology_interface *out = egress_of(passage);
	uint16_t mtu = router->topology->links[out->link].mtu;

	if (router->down[out - router->as->interfaces]) {
		return refuse(passage,
			(struct sx_scmp){ .type = SX_SCMP_EXTERNAL_INTERFACE_DOWN,
				.ia = router->as->ia,
				.interface = out->id },
			SX_DROP_LINK_DOWN);
	}
	if (passage->datagram.len > mtu) {
		return refuse(passage,
			(struct sx_scmp){ .type = SX_SCMP_PACKET_TOO_BIG, .mtu = mtu },
			SX_DROP_TOO_BIG);
	}
	return true;
}

static bool forward(struct passage *passage)
{
	passage->verdict->egress = egress_of(passage)->id;
	if (goes_with_construction(passage) && !passage->peering) {
		sx_info_chain(info_of(passage), hop_of(passage));
	}
	if (sx_path_increment(&passage->path) < 0) {
		return drop(passage, SX_DROP_MALFORMED);
	}
	store_path(passage);
	passage->verdict->action = SX_ACTION_FORWARD;
	passage->verdict->packet = passage->datagram;
	return false;
}

static bool parse(struct passage *passage)
{
	struct sx_packet *packet = &passage->packet;

	if (sx_packet_parse_header(packet, passage->datagram) < 0 ||
		sx_packet_parse_rest(packet) < 0) {
		return drop(passage, SX_DROP_MALFORMED);
	}
	if (packet->path_type != SX_PATH_SCION) {
		return drop(passage, SX_DROP_PATH_TYPE);
	}
	if (sx_path_parse(&passage->path, packet->path) < 0) {
		return drop(passage, SX_DROP_MALFORMED);
	}
	/* Peering joins exactly two segments. */
	if ((info_of(passage)->flags & SX_INFO_PEERING) && passage->path.info_count != 2) {
		return drop(passage, SX_DROP_MALFORMED);
	}
	passage->peering = sx_path_is_peering_hop(&passage->path, passage->path.curr_hf);
	return true;
}

void sx_router_process(struct sx_router *router, struct sx_bytes datagram, uint16_t ingress,
	uint64_t unix_time, struct sx_verdict *out)
{
	/* scion.md 1.5, in its order. */
	static bool (*const steps[])(struct passage *) = { parse, check_expiry, check_ingress,
		check_size, check_transit, check_addresses, check_source_host, chain_on_entry,
		check_mac, answer_ingress_alert, deliver, cross_over, check_egress,
		answer_egress_alert, check_link, forward };
	struct passage passage = {
		.router = router, .verdict = out, .now = unix_time, .ingress = ingress
	};

	*out = (struct sx_verdict){ 0 };
	if (datagram.len > sizeof router->packet) {
		out->drop = SX_DROP_MALFORMED;
		return;
	}
	memcpy(router->packet, datagram.data, datagram.len);
	passage.datagram = sx_bytes_of(router->packet, datagram.len);
	for (size_t i = 0; i < SX_COUNT(steps); i++) {
		if (!steps[i](&passage)) {
			return;
		}
	}
}

const char *sx_drop_name(enum sx_drop drop)
{
	static const char *const names[SX_DROP_COUNT] = { "none", "malformed", "path_type",
		"transit", "alert", "answer", "expired", "ingress", "size", "source", "destination",
		"mac", "service", "egress", "segment", "link_down", "too_big", "loss", "queue",
		"host" };

	return names[drop];
}
