/**
 * Where things lie in the memory of Arrivals: read by the AssemblyScript sources (assembly/) and by TypeScript, so it
 * holds numbers only, in the part of the language that both have. Addresses are bytes.
 *
 *          4096  limits            4160  the key looked for      4192  what is known of each table
 *          4352  ICMP types        4608  destinations that have an episode
 *          8192  what ports are known for (a byte each)
 *        73,728  rows of observations
 *       139,264  who talks with whom
 *       270,336  flows in swing      532,480  their links     565,256  their index
 *       598,024  links of the destinations                    614,416  their index
 *       630,800  destinations
 */

/** By FloodKind, two words each: so many a second, in so many seconds. */
export const LIMITS_AT = 4096;
export const KEY_AT = 4160;
export const DESTINATION_TABLE_AT = 4192;
export const FLOW_TABLE_AT = 4256;
/** 1 for each ICMP(v6) type that counts. */
export const ICMP_TYPES_AT = 4352;
export const ICMP_TYPES = 256;
/** A byte for each destination: 1 while it has an episode. */
export const OPEN_AT = 4608;
/** A byte for each port: whether collectors have it, and whether services that answer questions have. */
export const PORTS_AT = 8192;
export const PORTS = 65_536;
export const PORT_IS_COLLECTOR = 1;
export const PORT_IS_ANSWERING = 2;

/** Rows of observations, whole ones, at most so many words at a time. */
export const ROWS_AT = 73_728;
export const ROW_WORDS_MAX = 16_384;

/** Who has lately sent something to whom: places of two words each, see assembly/talks.ts. */
export const TALKS_AT = 139_264;
export const TALKS_MAX = 16_384;

/** A flow in swing: words from its start; the first two are its key, its id, and the next one the hash of that. */
export const FLOW_KEY_WORDS = 2;
/** Packets of its originator that have been judged, and (a double) up to when. */
export const L_PACKETS = 3;
export const L_LAST_US = 4;
/** 1 when what was judged last was above the limit; 1 when it is known to be no flood. */
export const L_IS_HOT = 6;
export const L_IS_EXCUSED = 7;
/** First bytes of a payload, whose number it was, and the places at which the payloads have counted up with the packets. */
export const L_SAMPLE = 8;
export const L_SAMPLE_PACKETS = 12;
export const L_PLACES = 13;
/** Samples compared. */
export const L_COMPARED = 14;
/** Payload bytes of what has been judged, in flows of answers; 1 in flows of answers to connections. */
export const L_BYTES = 15;
export const L_IS_HANDSHAKES = 15;
export const FLOW_WORDS = 16;
export const FLOWS_MAX = 4096;
export const FLOWS_AT = 270_336;
export const FLOW_LINKS_AT = 532_480;
export const FLOW_INDEX_AT = 565_256;

/**
 * A destination and kind of flood: words from its start; the first six are its key, address (DHCP: 0, 0, the sender's MAC;
 * backscatter: where it comes from), kind and, where it is of one service, the service's port; and the next one the hash.
 */
export const D_KIND = 4;
export const D_SERVICE = 5;
export const KEY_WORDS = 6;
/** In the present second: arrived, and arrived of which something came; a double: that second. */
export const D_ARRIVED = 7;
export const D_DONE = 18;
export const D_SECOND = 8;
/**
 * Doubles since the run began: all that arrived, when it began; its newest moment above the limit, and
 * what came last, less than a second after that.
 */
export const D_TOTAL = 10;
export const D_FIRST_US = 12;
export const D_HOT_US = 14;
export const D_LAST_US = 128;
/** A double: the second in which a packet to the destination was last refused by ICMP, and to which port. */
export const D_REFUSED_SECOND = 16;
export const D_REFUSED_PORT = 25;
/** Seconds on end before this one that were above the limit, and the most in one of the run: counted, or a flow's rate. */
export const D_HOT_SECONDS = 19;
export const D_PEAK = 20;
export const D_IS_PEAK_RATE = 126;
/** A double: payload bytes since the run began. Of the connections answered, those that were refused. */
export const D_BYTES = 130;
export const D_REFUSALS = 127;
/** A double: since when first packets are counted in the run. */
export const D_BEGUN_US = 132;
/** 1 when what arrived last was of an application that is known. */
export const D_IS_KNOWN = 134;
/** The commonest port and source, and their votes (Boyer and Moore). */
export const D_PORT = 21;
export const D_PORT_VOTES = 22;
export const D_SOURCE_VOTES = 23;
export const D_SOURCE = 26;
/** Linear counting of the sources: bits that are set, and the bits. */
export const D_BITS_SET = 24;
export const D_BITS = 30;
export const BIT_COUNT = 1024;
/** So many bits are set by 64 sources, about; with fewer it may be a scan. */
export const FORGED_BITS_MIN = 62;
/** Addresses of the sources that set the first bits. */
export const D_SAMPLES = 62;
export const SAMPLES_MAX = 16;
export const DESTINATION_WORDS = 136;
export const DESTINATIONS_MAX = 2048;
export const LINKS_AT = 598_024;
export const INDEX_AT = 614_416;
export const DESTINATIONS_AT = 630_800;

/** Pages of 64 KiB in the whole memory. */
export const MEMORY_PAGES = 27;

/** As FloodKind. */
export const FLOOD_SYN = 0;
export const FLOOD_UDP = 1;
export const FLOOD_ICMP = 2;
export const FLOOD_DHCP = 3;
export const FLOOD_ANSWERS = 4;
export const FLOOD_HANDSHAKES = 5;
export const FLOOD_BACKSCATTER = 6;
export const FLOOD_REFLECTOR = 7;
