/**
 * Where things lie in the memory of ContactJudge: read by the AssemblyScript sources (assembly/) and by TypeScript, so it
 * holds numbers only, in the part of the language that both have. Addresses are bytes.
 *
 *          4608  the probe judged last         4736  what is known of each set
 *          8192  new contacts of each destination (65,536 cells)
 *        270,336  sets of a day, a week and half an hour, two generations each
 *      6,037,504  pending probes         11,280,384  their links          11,804,680  their index
 *     12,328,968  rows
 */

/** Rows of observations, whole ones, at most so many words at a time. */
export const ROWS_AT = 12_328_968;
export const ROW_WORDS_MAX = 16_384;

/** A pending probe, and the one judged: words from its start. */
export const P_SOURCE = 0;
export const P_DESTINATION = 4;
/** port << 16 | transport */
export const P_PORT = 8;
export const P_HASH = 9;
/** Four hashes: EndsHash. */
export const P_ENDS = 10;
/** A double. */
export const P_START_US = 14;
/** Family and Trait bits. */
export const P_TRAITS = 16;
export const P_SOURCE_PORT = 17;
export const P_FLOW = 18;
/** 1 when the port has accepted, or someone has answered. */
export const P_IS_ANSWERED = 19;
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
/** Places of a generation of each set, 4 bytes a place. */
export const DAY_PLACES = 524_288;
export const WEEK_PLACES = 131_072;
export const RECENT_PLACES = 65_536;

export const PRESSURE_AT = 8192;
export const PRESSURE_CELLS = 65_536;
export const DAY_AT = 270_336;
export const WEEK_AT = 4_464_640;
export const RECENT_AT = 5_513_216;

export const PENDING_MAX = 65_536;
export const PENDING_AT = 6_037_504;
export const LINKS_AT = 11_280_384;
export const INDEX_AT = 11_804_680;
/** Pages of 64 KiB in the whole memory. */
export const MEMORY_PAGES = 190;

/** Kinds, marks, protocols, families, traits, flags and outcomes, as in the modules that have them. */
export const KIND_CONTACT = 1;
export const KIND_ARP = 3;
export const KIND_ICMP_ERROR = 4;
export const KIND_DNS = 5;
export const MARK_IS_NEW = 0x1;
export const MARK_IS_FIRST_OF_SIDE = 0x2;
export const MARK_HAS_TCP_STATE_MOVED = 0x4;
export const MARK_IS_FIRST_PAYLOAD = 0x8;
export const MARK_IS_CONTINUED = 0x80;
export const MARK_SENT_BY_ORIGINATOR = 0x100;
export const MARK_IS_SOURCE_LOCAL = 0x200;
export const MARK_IS_DESTINATION_LOCAL = 0x400;
export const MARK_IS_LINK_BROADCAST = 0x800;
export const MARK_IS_TO_MANY = 0x1000;
export const MARK_IS_FRAGMENT = 0x2000;
export const MARK_IS_TUNNELLED = 0x4000;
export const TRANSPORT_TCP = 1;
export const TRANSPORT_UDP = 2;
export const TRANSPORT_ICMP = 3;
export const TRANSPORT_ICMPV6 = 4;
export const TRANSPORT_SCTP = 7;
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
export const FAMILY_MASK = 0xf;
export const TRAIT_IS_RAW = 0x10;
export const TRAIT_IS_ODD_PING = 0x20;
export const TRAIT_IS_NMAP_LIKE = 0x40;
export const TRAIT_IS_MASSCAN_LIKE = 0x80;
export const TRAIT_IS_ZMAP_LIKE = 0x100;
export const TRAIT_IS_SOURCE_LOCAL = 0x200;
export const TRAIT_IS_DESTINATION_LOCAL = 0x400;
export const TRAIT_IS_RESOLVED = 0x800;
export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;
export const TCP_URG = 32;
export const OUTCOME_FAILED = 0;
export const OUTCOME_ANSWERED = 1;
export const OUTCOME_NEUTRAL = 2;
export const OUTCOME_USED = 3;
