/**
 * Where things lie in the memory of the hot path: read by the AssemblyScript sources (assembly/) and by TypeScript, so
 * it holds numbers only, in the part of the language that both have. Addresses are bytes; offsets are words of 4 bytes
 * (F_ ones into a flow's slot, P_ into the packet, S_ into the state), those of doubles are even.
 *
 *     1024  packet        2048  state          4096  counters by application     65,536  rows of the batch
 *     1280  flow key      3072  tallies       10,240  ICMP pairs, server ports   524,288  rows for the detectors
 *                                             28,672  recent flows          786,432  UDP ports of tunnels
 *                                                                           794,624  a DNS message
 *                                                                           860,160  packets seen lately
 *                                                                           991,232  addresses named by DNS
 *                                                                         1,007,616  places counted out by setUp():
 *                                                                                    hosts, bytes, index, flows
 *
 * A flow's slot has 256 bytes. What nearly every packet touches are the first two lines of the processor's cache:
 *
 *      0 key: low address word 3, high one's, ports, meta      16 payload bytes originator, responder (doubles)
 *      4 TCP states, roles, length of the history, host        20 bytes on the wire, the same
 *        flags                                                 24 host rows of originator and responder (halves),
 *      5 letters seen, inspections                                epoch of the host table
 *      6 transport, timeout class, application                 26 copies originator, responder
 *      7 networks: what the low end sends, what the high one   28 highest TCP sequence number, originator, responder
 *      8 packets originator, responder                         30 length of the hole below it, the same; 0 is none
 *     10 last us    12 start us (doubles)
 *     14 links of the timeout list
 *
 *     32 id (double)                                           50 originator: TCP start sequence, hole start, number not
 *     34 words 0 to 2 of the low address, of the high one         believed yet, last FIN and RST (halves)
 *     40 interface, VLAN id                                    54 responder: the same
 *     41 name, JA4                                             58 retransmissions originator, responder
 *     43 hash, 44 history (24 letters)                         60 zero windows, gaps: originator << 16 | responder
 *                                                              62 last SYN, us after the start; SYN to SYN-ACK, us; -1
 */

/** The packet, one word for each field of Packet. */
export const PACKET_AT = 1024;
export const P_ETHER_TYPE = 0;
export const P_VLAN_ID = 1;
export const P_OUTER_IP_VERSION = 2;
export const P_OUTER_SOURCE_OFFSET = 3;
export const P_OUTER_DESTINATION_OFFSET = 4;
export const P_OUTER_IP_PROTOCOL = 5;
export const P_OUTER_SOURCE_PORT = 6;
export const P_OUTER_DESTINATION_PORT = 7;
export const P_OUTER_TCP_FLAGS = 8;
export const P_TUNNEL_DEPTH = 9;
export const P_IP_VERSION = 10;
export const P_SOURCE = 11;
export const P_DESTINATION = 15;
export const P_IP_PROTOCOL = 19;
export const P_IP_LENGTH = 20;
export const P_TTL = 21;
export const P_TRANSPORT = 22;
export const P_IS_LATER_FRAGMENT = 23;
export const P_IS_FRAGMENT = 24;
export const P_IP_IDENTIFICATION = 25;
export const P_SOURCE_PORT = 26;
export const P_DESTINATION_PORT = 27;
export const P_ICMP_IDENTIFIER = 28;
export const P_TCP_FLAGS = 29;
export const P_TCP_SEQUENCE = 30;
export const P_TCP_ACKNOWLEDGEMENT = 31;
export const P_TCP_WINDOW = 32;
export const P_PAYLOAD_OFFSET = 33;
export const P_PAYLOAD_CAPTURED_LENGTH = 34;
export const P_PAYLOAD_LENGTH = 35;
export const P_ARP_OFFSET = 36;
export const P_LINK_OFFSET = 37;
export const P_STOP_REASON = 38;
export const P_STOP_LAYER = 39;
export const P_STOP_NEEDED = 40;
export const P_STOP_AVAILABLE = 41;
/** The ports of the flow's key, which for a later fragment are those of its first. */
export const P_KEY_SOURCE_PORT = 42;
export const P_KEY_DESTINATION_PORT = 43;
/**
 * Who wrote the packet: decodeCommon(), which leaves out what is the same in all packets of a kind, and the outer protocol
 * and ports, which are the inner ones; or setPacket().
 */
export const P_KIND = 44;
export const KIND_FOREIGN = 0;
export const KIND_IPV4 = 1;
export const KIND_IPV6 = 2;
/** Together with one of these: behind a VLAN tag. */
export const KIND_TAGGED = 4;
/** The virtual network, see Packet. */
export const P_NETWORK = 45;
export const PACKET_WORDS = 46;

/** The key of the packet in hand: the first words of a slot, then words 0 to 2 of both addresses. */
export const KEY_AT = 1280;
export const KEY_REST = 4;

/** State that TypeScript reads or sets. Doubles first. */
export const STATE_AT = 2048;
/** Traffic time, and the newest time seen; see assembly/traffic_clock.ts. */
export const S_NOW_US = 0;
export const S_WINDOW_START_US = 2;
/** Flows begun. */
export const S_TOTAL_COUNT = 4;
export const S_EVICTED_COUNT = 6;
/** Of the packets in batches. */
export const S_NEWEST_US = 8;
export const S_OLDEST_US = 10;
export const S_CAPTURED_BYTES = 12;
/** A packet at or after it ends the second; traffic time at or after it is told to TypeScript. */
export const S_SECOND_END_US = 14;
export const S_TICK_AT_US = 16;
export const S_ACTIVE_US = 18;
/** About the last packet: began its flow; comes from the originator; FlowTurn bits. */
export const S_IS_NEW = 20;
export const S_IS_ORIGINATOR = 21;
export const S_TURN = 22;
/** What TypeScript wants to be asked for: WANTS_ bits. */
export const S_WANTS = 23;
export const S_SEED_0 = 24;
export const S_SEED_1 = 25;
export const S_HOST_COUNT = 26;
export const S_HOST_EPOCH = 27;
export const S_ACTIVE_COUNT = 28;
/** Words of rows in the buffer at OBSERVATIONS_AT, rows that found no room, and the number of those in the buffer. */
export const S_OBSERVATIONS_LENGTH = 29;
export const S_OBSERVATIONS_SHED = 30;
export const S_OBSERVATIONS_COUNT = 31;
/** The shortest of the silences at TIMEOUTS_AT, in us. */
export const S_TIMEOUT_MIN_US = 32;
/** Places used at KNOWN_MACS_AT. */
export const S_KNOWN_MACS = 34;
/** Packets that were copies of others (a double). */
export const S_COPIES = 36;
/** Flows cut, a double: S_TOTAL_COUNT counts their pieces. */
export const S_CUT_COUNT = 38;
/** Doubles: a flow's id is its number among S_TOTAL_COUNT times the first, plus the second. */
export const S_FLOW_ID_STEP = 40;
export const S_FLOW_ID_BASE = 42;
export const STATE_WORDS = 44;
export const WANTS_ROWS = 1;
export const WANTS_OBSERVATIONS = 2;
/** Ends of all flows; else only of those that inspect() was called for, which may have left something behind. */
export const WANTS_FLOWS = 4;
/** What payloads tell besides their application. */
export const WANTS_DETAILS = 8;
/** Flows that begin. */
export const WANTS_BEGINNINGS = 16;

/**
 * What is known of MAC addresses, two words each: MAC_ flags << 16 | upper 16 bits, lower 32. Nothing more is to be learnt of
 * what is behind it; packets from elsewhere come through it.
 */
export const KNOWN_MACS_AT = 2304;
export const KNOWN_MACS_MAX = 32;
export const MAC_IS_SETTLED = 1;
export const MAC_IS_ROUTER = 2;

/** Heads of the timeout lists (previous and next, as addresses), and silence allowed in us, by timeout class. */
export const HEADS_AT = 2560;
export const TIMEOUTS_AT = 2624;
/** Doubles: packets by transport, bytes by transport, bytes by direction, of the second in progress. */
export const TALLY_AT = 3072;
export const TRANSPORT_COUNT = 15;
export const TALLY_PLACES = 34;
/** Doubles: flows by transport; packets by stop reason. */
export const TRANSPORT_FLOWS_AT = 3584;
export const STOPS_AT = 3712;
/** Doubles by application: packets, bytes, flows. */
export const APPLICATIONS_AT = 4096;
export const APPLICATION_PLACES = 256;

/** Answer to each ICMP type, -1 when nothing answers (16-bit words): ICMP, then ICMPv6. */
export const ICMP_PAIRS_AT = 10_240;
/** A bit for each port: TCP, then UDP. */
export const SERVER_PORTS_AT = 12_288;
export const SERVER_PORTS_BYTES = 8192;
/** Address of the flow where a key was found last. */
export const RECENT_AT = 28_672;
export const RECENT_BITS = 13;

/** The index of a batch (PacketBatch), one array after the other. */
export const ROWS_MAX = 16_384;
export const ROW_TIMESTAMPS_AT = 65_536;
export const ROW_OFFSETS_AT = 196_608;
export const ROW_CAPTURED_LENGTHS_AT = 262_144;
export const ROW_WIRE_LENGTHS_AT = 327_680;
export const ROW_NANOSECONDS_AT = 393_216;
export const ROW_LINKTYPES_AT = 425_984;
export const ROW_INTERFACE_IDS_AT = 458_752;

/** How pcap records are written; the low byte is the length of a record's header. */
export const RECORDS_ARE_BIG_ENDIAN = 0x100;
export const RECORDS_ARE_NANOSECOND = 0x200;

/** Rows for the detectors (agent/detect/observation.ts), until they are handed on. */
export const OBSERVATIONS_AT = 524_288;
export const OBSERVATION_BUFFER_WORDS = 65_536;

/** A bit for each port of UDP by which tunnels are told. */
export const TUNNEL_PORTS_AT = 786_432;
export const TUNNEL_PORTS_BYTES = 8192;

/** A DNS message that came over TCP. */
export const DNS_MESSAGE_AT = 794_624;
export const DNS_MESSAGE_BYTES = 65_536;

/** Packets seen lately, see assembly/copies.ts: places of 64 bytes. */
export const COPIES_AT = 860_160;
export const COPIES_BITS = 11;

/** How DNS answers named addresses, see assembly/known_answers.ts: places of 8 bytes. */
export const KNOWN_ANSWERS_AT = 991_232;
export const KNOWN_ANSWERS_BITS = 11;

export const DYNAMIC_AT = 1_007_616;

/** A flow's slot. */
export const SLOT_BYTES = 256;
export const SLOT_SHIFT = 8;
export const SLOT_WORDS = 64;
export const F_LOW_3 = 0;
export const F_HIGH_3 = 1;
export const F_PORTS = 2;
export const F_META = 3;
export const F_STATE = 4;
export const F_SEEN = 5;
export const F_KIND = 6;
export const F_NETWORKS = 7;
export const F_PACKETS = 8;
export const F_LAST_US = 10;
export const F_START_US = 12;
/** Addresses of the links before and after; a free slot has the next free one's number + 1. */
export const F_PREVIOUS = 14;
export const F_NEXT = 15;
export const F_BYTES = 16;
export const F_WIRE_BYTES = 20;
export const F_HOSTS = 24;
export const F_HOST_EPOCH = 25;
export const F_COPIES = 26;
export const F_HIGHEST = 28;
export const F_HOLE_LENGTH = 30;
export const F_ID = 32;
export const F_LOW_REST = 34;
export const F_HIGH_REST = 37;
export const F_INTERFACE = 40;
export const F_NAME = 41;
export const F_JA4 = 42;
export const F_HASH = 43;
export const F_HISTORY = 44;
/** Of a direction: four words from here, the responder's after the originator's. */
export const F_TCP_START = 50;
export const F_HOLE_START = 51;
export const F_FAR = 52;
export const F_LAST_FIN_RST = 53;
export const F_RETRANSMISSIONS = 58;
export const F_ZERO_WINDOWS = 60;
export const F_GAPS = 61;
export const F_SYN_DELTA = 62;
export const F_RTT = 63;

/** F_META: the IP protocol is the low byte. */
export const META_IS_IPV6 = 0x100;
export const META_HAS_PORTS = 0x200;
/** An ICMP message without counterpart: the ends are source and destination, never swapped. */
export const META_IS_ONE_WAY = 0x400;

/** F_STATE: endpoint states (assembly/tcp_states.ts) are the low twelve bits. */
export const STATE_TCP_MASK = 0xfff;
/** The originator is the low end. */
export const STATE_ORIGINATOR_IS_LOW = 0x1000;
/** The originator was not the sender of the first packet: `^` in the history. */
export const STATE_IS_FLIPPED = 0x2000;
/** The third byte is the length of the history, the fourth are host flags. */
export const STATE_HISTORY_SHIFT = 16;
export const STATE_HOST_FLAGS_SHIFT = 24;

/** A half of F_NETWORKS while the end has sent nothing. */
export const NETWORK_UNKNOWN = 0xffff;

/** F_SEEN: letters seen are the low sixteen bits, the inspections left the high eight. */
export const SEEN_BUDGET_SHIFT = 24;
/** TypeScript has looked at a payload of the flow, and may hold something for it. */
export const SEEN_IS_INSPECTED = 0x10000;
/** What stands is not the flow's beginning: it was cut. */
export const SEEN_IS_CONTINUED = 0x20000;
/** Its segments with payload are told, see segmentSeen() of HotCalls. */
export const SEEN_IS_FOLLOWED = 0x40000;

/** F_KIND: transport in the low byte, timeout class in the next, application in the upper half. */
export const KIND_CLASS_SHIFT = 8;
export const KIND_APPLICATION_SHIFT = 16;

/** History letters kept of a flow; later ones are not recorded. */
export const HISTORY_LENGTH_MAX = 24;

/** Host flags of a flow. */
export const ORIGINATOR_IS_LOCAL = 1;
export const RESPONDER_IS_LOCAL = 2;
export const ORIGINATOR_MAC_SEEN = 4;
export const RESPONDER_MAC_SEEN = 8;

/** A host's row of 64 bytes: doubles last seen, packets and bytes sent, packets and bytes received; a word of flags, a MAC address. */
export const HOST_BYTES = 64;
export const H_LAST_SEEN_US = 0;
export const H_PACKETS_OUT = 2;
export const H_BYTES_OUT = 4;
export const H_PACKETS_IN = 6;
export const H_BYTES_IN = 8;
export const H_FLAGS = 10;
/** Upper 16 bits, lower 32; 0 while unknown. */
export const H_MAC = 12;
export const HOST_IS_LOCAL = 1;
/** Not a group or broadcast. */
export const HOST_IS_LISTED = 2;
/** All that MAC addresses tell of it is known: of what it sends, and of what it gets. */
export const HOST_IS_SENDER_KNOWN = 4;
export const HOST_IS_RECEIVER_KNOWN = 8;
/** Has become local, or outside, since it was last taken. */
export const HOST_IS_RELABELLED = 16;
/** It is local by a guess, which sure signs may still confirm. */
export const HOST_IS_GUESSED = 32;
/** One look at MAC addresses that did not tell all: of what it sent, and of what it got; a byte each. */
export const HOST_SENDER_LOOK = 0x100;
export const HOST_RECEIVER_LOOK = 0x10000;
/** The row's four counters, from H_PACKETS_OUT on, are kept a second time: as the last hostWindow row left them. */
export const HOST_COUNTERS_BYTES = 32;

/** Why a flow ended: index into FLOW_END_REASONS. */
export const END_CLOSED = 0;
export const END_IDLE = 1;
export const END_ACTIVE = 2;
export const END_EVICTED = 3;
export const END_INPUT = 4;

/** Timeout classes: index of the lists. */
export const CLASS_TCP_ATTEMPT = 0;
export const CLASS_TCP_IDLE = 1;
export const CLASS_TCP_CLOSED = 2;
export const CLASS_UDP = 3;
export const CLASS_ICMP = 4;
export const CLASS_OTHER = 5;
export const CLASS_COUNT = 6;

/** Steps of traffic time up to this size are ordinary. */
export const JUMP_US = 60_000_000;
/** Length of the windows in which hosts' behaviour is summed up (WINDOW_US of records.ts). */
export const HOT_WINDOW_US = 10_000_000;

// What follows is said elsewhere in TypeScript; layout_test.ts holds both together.

/** Of TRANSPORT_NAMES and APPLICATION_NAMES. */
export const TRANSPORT_TCP = 1;
export const TRANSPORT_UDP = 2;
export const TRANSPORT_ICMP = 3;
export const TRANSPORT_ICMPV6 = 4;
export const TRANSPORT_ARP = 5;
export const APPLICATION_DNS = 1;
export const APPLICATION_TLS = 5;
export const APPLICATION_HTTP = 7;
export const LINKTYPE_ETHERNET = 1;

/** Of FlowTurn. */
export const TURN_IS_NEW = 1;
export const TURN_IS_FIRST_OF_SIDE = 2;
export const TURN_HAS_TCP_STATE_MOVED = 4;
export const TURN_IS_FIRST_PAYLOAD = 8;
export const TURN_IS_FIRST_IN_WINDOW = 16;
export const TURN_IS_RESUMED = 32;
export const TURN_HAS_DOUBLED = 64;
export const TURN_IS_CONTINUED = 128;

/** Of ObservationKind and Mark, and lengths of rows. */
export const O_KIND_CONTACT = 1;
export const O_KIND_END = 2;
export const O_KIND_ARP = 3;
export const O_KIND_DNS = 5;
export const O_KIND_HOST_WINDOW = 6;
export const O_KIND_NDP = 9;
export const O_MARK_SENT_BY_ORIGINATOR = 0x100;
export const O_MARK_IS_SOURCE_LOCAL = 0x200;
export const O_MARK_IS_DESTINATION_LOCAL = 0x400;
export const O_MARK_IS_LINK_BROADCAST = 0x800;
export const O_MARK_IS_TO_MANY = 0x1000;
export const O_MARK_IS_FRAGMENT = 0x2000;
export const O_MARK_IS_TUNNELLED = 0x4000;
export const O_MARK_ENDED_CLOSED = 0x8000;
export const O_MARK_ENDED_EVICTED = 0x10000;
export const O_MARK_ENDED_INPUT = 0x20000;
export const O_MARK_HAS_HOST = 0x40000;
export const O_MARK_IS_SENT_BY_ROUTER = 0x80000;
export const O_CONTACT_WORDS = 26;
/** Behind those, where a UDP packet has doubled its direction's count: first bytes of its payload. */
export const O_SAMPLE_WORDS = 4;
/** Or, of an HTTP request to outside, the host that it asks: at most so many bytes. */
export const O_HOST_BYTES_MAX = 64;
export const O_ARP_WORDS = 22;
/** Without name, addresses and data. */
export const O_DNS_WORDS = 16;
export const O_HOST_WINDOW_WORDS = 20;
export const O_WORDS_MAX = 122;
