/**
 * Where things lie in the memory of Beats: read by the AssemblyScript sources (assembly/) and by TypeScript, so it
 * holds numbers only, in the part of the language that both have. Addresses are bytes.
 *
 *          4096  the key looked for      4160  what is known of the table
 *          4352  exempt applications     4608  series that have an episode
 *          8704  exempt ports (a byte each)
 *        74,240  rows of observations
 *       139,776  links of the series    172,552  their index
 *       205,320  series of beats
 */

export const KEY_AT = 4096;
export const SERIES_TABLE_AT = 4160;
/** 1 for each application, and each port of a server, that beacons do not use. */
export const EXEMPT_APPLICATIONS_AT = 4352;
export const APPLICATIONS = 256;
/** A byte for each series: 1 while it has an episode. */
export const OPEN_AT = 4608;
export const EXEMPT_PORTS_AT = 8704;
export const PORTS = 65_536;

/** Rows of observations, whole ones, at most so many words at a time. */
export const ROWS_AT = 74_240;
export const ROW_WORDS_MAX = 16_384;

/**
 * The beats of a client at a server's port: words from its start; the first ten are its key, the client's and the server's
 * address, transport << 16 | port, and the next one the hash of that.
 */
export const S_PORT = 8;
export const KEY_WORDS = 10;
/** All beats, and those in a connection that stayed open. */
export const S_BEATS = 11;
export const S_RESUMED = 16;
/** Doubles: when the newest beat was, or what came less than a second after it; all payload bytes the server sent. */
export const S_LAST_US = 12;
export const S_DOWN_BYTES = 14;
/** Calls of which a size is known, and those that the server answered. */
export const S_SIZES_KNOWN = 17;
export const S_REPLIES = 18;
/** The flow told of last, and what of the server's bytes came in it. */
export const S_FLOW = 19;
export const S_FLOW_BYTES = 20;
/** The newest beats and sizes, in rings: doubles; words. */
export const S_TIMES = 22;
export const S_SIZES = 86;
export const RING_LENGTH = 32;
export const SERIES_WORDS = 118;
export const SERIES_MAX = 4096;
export const LINKS_AT = 139_776;
export const INDEX_AT = 172_552;
export const SERIES_AT = 205_320;

/** Beats from which on a series is judged. */
export const BEATS_MIN = 9;

/** Pages of 64 KiB in the whole memory. */
export const MEMORY_PAGES = 33;
