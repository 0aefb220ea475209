/**
 * Where things lie in the memory of ContactJudge: read by the AssemblyScript sources (assembly/) and by TypeScript, so it
 * holds numbers only, in the part of the language that both have. Addresses are bytes.
 *
 *          4096  options         4608  the probe judged last         4736  what is known of each set and table
 *          8192  new contacts of each destination (65,536 cells)
 *        270,336  sets of a day, a week and half an hour, two generations each
 *      6,037,504  pending probes         11,280,384  their links          11,804,680  their index
 *     12,328,968  targets of scans, two generations
 *     13,377,544  sources                13,967,368  their links          14,032,912  their index
 *     14,098,448  probes kept of each source
 *     21,962,768  scans under way
 *     27,869,200  rows of observations
 *     27,934,736  ports to be listed     27,942,928  the list
 *     27,945,344  hosts reached and missed
 *     28,207,488  connections through routers              28,219,776  whose IPv4 and IPv6 addresses go together
 */

/** What ScanOptions come to: doubles, by number. */
export const OPTIONS_AT = 4096;
export const O_ANSWER_TIMEOUT_US = 0;
export const O_FLOOD_CONTACT_MAX = 1;
export const O_HALF_LIFE_US = 2;
/** What a failure adds, what a use takes off, and from where on the sum decides. */
export const O_FAILURE_STEP = 3;
export const O_SUCCESS_STEP = 4;
export const O_THRESHOLD = 5;
export const O_INBOUND_MIN = 6;
export const O_INTERNAL_MIN = 7;
export const O_OUTBOUND_MIN = 8;
export const O_SWEEP_MIN = 9;
export const O_ROUTER_FACTOR = 10;
export const O_SILENT_UDP_WEIGHT = 11;
export const O_BARE_ACK_WEIGHT = 12;
export const O_RESOLVED_WEIGHT = 13;
export const OPTION_COUNT = 14;

/** A pending probe, and the one judged: words from its start. */
export const P_SOURCE = 0;
export const P_DESTINATION = 4;
/** port << 16 | transport */
export const P_PORT = 8;
export const P_HASH = 9;
/** Four hashes: two of the source, two of the destination. */
export const P_ENDS = 10;
/** A double. */
export const P_START_US = 14;
/** Family and Trait bits. */
export const P_TRAITS = 16;
export const P_SOURCE_PORT = 17;
export const P_FLOW = 18;
/** A hash of the MAC address that it came from; 0 without one. */
export const P_MAC = 19;
export const PROBE_WORDS = 20;
/** Of the one judged only; the first is a double. */
export const P_AT_US = 20;
export const P_OUTCOME = 22;
export const P_IS_SILENT = 23;
export const JUDGED_WORDS = 24;
export const JUDGED_AT = 4608;

export const DAY_SET_AT = 4736;
export const WEEK_SET_AT = 4800;
export const RECENT_SET_AT = 4864;
export const TARGET_SET_AT = 4928;
export const PENDING_TABLE_AT = 4992;
export const SOURCE_TABLE_AT = 5056;
/** Places of a generation of each set, 4 bytes a place. */
export const DAY_PLACES = 524_288;
export const WEEK_PLACES = 131_072;
export const RECENT_PLACES = 65_536;
export const TARGET_PLACES = 131_072;

export const PRESSURE_AT = 8192;
export const PRESSURE_CELLS = 65_536;
export const DAY_AT = 270_336;
export const WEEK_AT = 4_464_640;
export const RECENT_AT = 5_513_216;

export const PENDING_MAX = 65_536;
export const PENDING_AT = 6_037_504;
export const LINKS_AT = 11_280_384;
export const INDEX_AT = 11_804_680;
export const TARGETS_AT = 12_328_968;

/** A source and family of probes: words from its start; the first ones are its address. */
export const S_FAMILY = 4;
export const S_HASH = 5;
/** Probes kept so far; the newest RING_LENGTH are there. */
export const S_KEPT = 6;
/** Scans of the source that are over, at most 255. */
export const S_SCANS_OVER = 7;
/** Doubles: the sum that decides, what is withheld from it, when it last changed, failures; but for the time they decay. */
export const S_SUM = 8;
export const S_WITHHELD = 10;
export const S_LAST_US = 12;
export const S_FAILURES = 14;
/** Its scan under way; 0 without one. */
export const S_EPISODE = 16;
/** Contacts that a server might have with its clients; no failures. */
export const S_REPLIES = 17;
export const SOURCE_WORDS = 18;
export const SOURCES_MAX = 8192;
export const SOURCES_AT = 13_377_544;
export const SOURCE_LINKS_AT = 13_967_368;
export const SOURCE_INDEX_AT = 14_032_912;

/** A probe kept of a source: words from its start; the first ones are its target. */
export const K_PORTS = 4;
export const K_FLOW = 5;
export const K_TRAITS = 6;
export const K_OUTCOME = 7;
/** A double. */
export const K_START_US = 8;
export const K_BYTES = 40;
/** Probes kept of each source. */
export const RING_LENGTH = 24;
export const RING_AT = 14_098_448;

/** A scan under way: words from its start. */
export const I_ID = 0;
export const I_SOURCE = 1;
export const I_FAMILY = 2;
/** Trait bits of the probe that was seen last. */
export const I_TRAITS = 3;
export const I_ATTEMPTS = 4;
export const I_ANSWERED = 5;
export const I_TARGET_COUNT = 6;
/** Probes of a scanner's making, and those in the shape of a tool. */
export const I_RAW = 7;
export const I_NMAP = 8;
export const I_MASSCAN = 9;
export const I_ZMAP = 10;
export const I_FLOW_COUNT = 11;
export const I_FOUND_COUNT = 12;
export const I_CAME_BACK = 13;
export const CAME_BACK_MAX = 16;
/** Other sources that probed the same at the same time. */
export const I_DECOYS = 14;
/** Attempts from which the growth is told again. */
export const I_TELL_AT = 15;
/** Doubles: when the first and the last probe began, and when the outcome of the last was known. */
export const I_FIRST_US = 16;
export const I_LAST_US = 18;
export const I_JUDGED_US = 20;
/** A double: when the newest probe began; then the gaps between probes, counted as by Tempo. */
export const I_TEMPO_LAST_US = 22;
export const I_TEMPO = 24;
export const TEMPO_BUCKETS = 48;
/** Addresses, flows, ports found (address and port, five words each), and a bit for each port. */
export const I_TARGETS = 72;
export const TARGETS_LISTED_MAX = 64;
export const I_FLOWS = 328;
export const FLOWS_MAX = 64;
export const I_FOUND = 392;
export const FOUND_MAX = 256;
export const I_PORTS = 1672;
export const I_ANSWERED_PORTS = 3720;
export const EPISODE_WORDS = 5768;
/** Open at a time; what comes beyond is counted, not told. */
export const EPISODES_MAX = 256;
export const EPISODES_AT = 21_962_768;

/** Bits of ports to be listed, and the list: at most 200 ranges of at most 12 bytes, and what says that there are more. */
export const PORT_WORDS = 2048;
export const LISTED_PORTS_AT = 27_934_736;
export const PORT_TEXT_AT = 27_942_928;
export const PORT_TEXT_BYTES = 2408;

/** Hosts reached and missed by each source on a port, within its own networks and outside. */
export const INSIDE_PEERS_AT = 27_945_344;
export const OUTSIDE_PEERS_AT = 28_076_416;
/** Two rows of cells of 4 bytes. */
export const PEER_CELLS = 16_384;

/** The newest connections whose machine no MAC address tells (a ring), and the other address of such machines. */
export const CONNECTIONS_AT = 28_207_488;
export const CONNECTIONS_MAX = 512;
export const COMPANIONS_AT = 28_219_776;
export const COMPANIONS_MAX = 1024;

/** The small tables of the sets, an eighth of the places of each. */
export const DAY_SMALL_AT = 28_246_016;
export const WEEK_SMALL_AT = 28_770_304;
export const RECENT_SMALL_AT = 28_901_376;
export const TARGETS_SMALL_AT = 28_966_912;

/** Rows of observations, whole ones, at most so many words at a time. */
export const ROWS_AT = 27_869_200;
export const ROW_WORDS_MAX = 16_384;
/** Pages of 64 KiB in the whole memory. */
export const MEMORY_PAGES = 444;

/** As in records.ts. */
export const APPLICATION_BJNP = 47;

/** Families, traits, flags and outcomes, as in the modules that have them. */
export const FAMILY_NONE = 0;
export const FAMILY_TCP = 1;
export const FAMILY_FIN = 2;
export const FAMILY_NULL = 3;
export const FAMILY_XMAS = 4;
export const FAMILY_ACK = 5;
export const FAMILY_MAIMON = 6;
export const FAMILY_UDP = 7;
export const FAMILY_ICMP = 8;
export const FAMILY_ARP = 9;
export const FAMILY_SCTP = 10;
export const FAMILY_ODD = 11;
export const FAMILY_ODD_ACK = 12;
export const FAMILY_NDP = 13;
export const FAMILY_MASK = 0xf;
export const TRAIT_IS_RAW = 0x10;
export const TRAIT_IS_ODD_PING = 0x20;
export const TRAIT_IS_NMAP_LIKE = 0x40;
export const TRAIT_IS_MASSCAN_LIKE = 0x80;
export const TRAIT_IS_ZMAP_LIKE = 0x100;
export const TRAIT_IS_SOURCE_LOCAL = 0x200;
export const TRAIT_IS_DESTINATION_LOCAL = 0x400;
export const TRAIT_IS_RESOLVED = 0x800;
export const TRAIT_IS_REVERSED = 0x10000;
export const TRAIT_IS_REPLY_LIKE = 0x20000;
export const TRAIT_HAS_PAYLOAD = 0x40000;
export const TRAIT_IS_ANSWERED = 0x80000;
export const TRAIT_IS_CLIENT_LIKE = 0x100000;
export const TRAIT_IS_DISCOVERY = 0x200000;
export const TRAIT_IS_REFUSED = 0x400000;
export const TRAIT_IS_WITHIN_HOST = 0x800000;
export const TRAIT_IS_ON_CABLE = 0x1000000;
export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;
export const TCP_URG = 32;
export const TCP_ECE = 64;
export const TCP_CWR = 128;
export const OUTCOME_FAILED = 0;
export const OUTCOME_ANSWERED = 1;
export const OUTCOME_NEUTRAL = 2;
export const OUTCOME_USED = 3;
