/**
 * Where things lie in the memory of Arrivals: read by the AssemblyScript sources (assembly/) and by TypeScript, so it
 * holds numbers only, in the part of the language that both have. Addresses are bytes.
 *
 *          4096  limits            4128  the key looked for      4160  what is known of each table
 *          4352  ICMP types        4608  destinations that have an episode
 *          8192  collectors' ports (a byte each)
 *        73,728  rows of observations
 *       139,264  flows in swing      163,840  their links     172,040  their index
 *       180,232  links of the destinations                    196,624  their index
 *       213,008  destinations
 */

/** By FloodKind, two words each: so many a second, in so many seconds. */
export const LIMITS_AT = 4096;
export const KEY_AT = 4128;
export const DESTINATION_TABLE_AT = 4160;
export const FLOW_TABLE_AT = 4224;
/** 1 for each ICMP(v6) type that counts. */
export const ICMP_TYPES_AT = 4352;
export const ICMP_TYPES = 256;
/** A byte for each destination: 1 while it has an episode. */
export const OPEN_AT = 4608;
/** 1 for each port of collectors. */
export const COLLECTORS_AT = 8192;
export const PORTS = 65_536;

/** Rows of observations, whole ones, at most so many words at a time. */
export const ROWS_AT = 73_728;
export const ROW_WORDS_MAX = 16_384;

/** A flow in swing: words from its start; the first two are its key, its id, and the next one the hash of that. */
export const FLOW_KEY_WORDS = 2;
/** Packets of its originator up to its newest row, and (a double) when that came. */
export const L_PACKETS = 3;
export const L_LAST_US = 4;
export const FLOW_WORDS = 6;
export const FLOWS_MAX = 1024;
export const FLOWS_AT = 139_264;
export const FLOW_LINKS_AT = 163_840;
export const FLOW_INDEX_AT = 172_040;

/**
 * A destination and kind of flood: words from its start; the first six are its key, address (DHCP: 0, 0, the sender's MAC)
 * and kind, and the next one the hash of that.
 */
export const D_KIND = 4;
export const KEY_WORDS = 6;
/** In the present second: arrived, and arrived of which something came; a double: that second. */
export const D_ARRIVED = 7;
export const D_DONE = 18;
export const D_SECOND = 8;
/** Doubles since the run began: all that arrived, when it began; its newest moment above the limit. */
export const D_TOTAL = 10;
export const D_FIRST_US = 12;
export const D_HOT_US = 14;
/** A double: the second in which a packet to the destination was last refused by ICMP. */
export const D_REFUSED_SECOND = 16;
/** Seconds on end before this one that were above the limit, and the most in one of the run. */
export const D_HOT_SECONDS = 19;
export const D_PEAK = 20;
/** The commonest port and source, and their votes (Boyer and Moore). */
export const D_PORT = 21;
export const D_PORT_VOTES = 22;
export const D_SOURCE_VOTES = 23;
export const D_SOURCE = 26;
/** Linear counting of the sources: bits that are set, and the bits. */
export const D_BITS_SET = 24;
export const D_BITS = 30;
export const BIT_COUNT = 512;
/** So many bits are set by 64 sources, about; with fewer it may be a scan. */
export const FORGED_BITS_MIN = 60;
/** Addresses of the sources that set the first bits. */
export const D_SAMPLES = 46;
export const SAMPLES_MAX = 16;
export const DESTINATION_WORDS = 110;
export const DESTINATIONS_MAX = 2048;
export const LINKS_AT = 180_232;
export const INDEX_AT = 196_624;
export const DESTINATIONS_AT = 213_008;

/** Pages of 64 KiB in the whole memory. */
export const MEMORY_PAGES = 18;

/** As FloodKind. */
export const FLOOD_SYN = 0;
export const FLOOD_UDP = 1;
export const FLOOD_ICMP = 2;
export const FLOOD_DHCP = 3;
