/**
 * Where things lie in the memory of HostActivity: read by the AssemblyScript sources (assembly/) and by TypeScript, so it
 * holds numbers only, in the part of the language that both have. Addresses are bytes. What belongs to a host stands
 * under its slot; the slot after the last one is that of all hosts together.
 *
 *          4096  sets of fingerprints     8,192  who has FTP with whom    65,536  rows of observations taken up at a time
 *        327,680  counters (doubles)          1,966,280  numbers of flows       4,063,688  main peers
 *      4,719,128  flows kept (bytes)          4,727,328  tenants                4,760,104  slots of the hosts of the window
 *      4,792,872  window of each slot         4,825,640  bits of the door
 *      4,956,712  slots by address: keys, hashes, index, links, free slots
 *      5,284,400  fingerprints of what is different in the window
 *      7,381,552  fingerprints of who has met whom, two generations          9,478,704  room to enlarge a set of them
 */

/** Counters of a host, as Count of host_activity.ts. */
export const C_PACKETS_OUT = 0;
export const C_PACKETS_IN = 1;
export const C_BYTES_OUT = 2;
export const C_BYTES_IN = 3;
export const C_ARP_OUT = 4;
export const C_ARP_IN = 5;
export const C_OPENED = 6;
export const C_ACCEPTED = 7;
export const C_REFUSED = 8;
export const C_PEERS_OUT = 9;
export const C_PORTS_OUT = 10;
export const C_TARGETS_OUT = 11;
export const C_FIRST_CONTACTS = 12;
export const C_RECEIVED = 13;
export const C_ACCEPTED_IN = 14;
export const C_REFUSED_IN = 15;
export const C_PEERS_IN = 16;
export const C_PORTS_IN = 17;
export const C_ARP_ASKED = 18;
export const C_ARP_ANSWERED = 19;
export const C_DNS_QUERIES = 20;
export const C_DNS_RESPONSES = 21;
export const C_DNS_NXDOMAIN = 22;
export const C_DNS_NAMES = 23;
export const C_DNS_NAME_BYTES = 24;
export const COUNT_WIDTH = 25;

/** Hosts known by a slot. */
export const HOSTS_MAX = 8192;
/** Hosts with fewer packets in a window are not judged. */
export const PACKETS_MIN = 8;
/** Flows and peers kept of each host. */
export const FLOWS_KEPT = 64;
export const PEERS_KEPT = 4;
/** Address, connections. */
export const PEER_WORDS = 5;
/** Fingerprints in the set of the window, and in each generation of who has met whom; powers of two. */
export const DISTINCT_MAX = 131_072;
export const PAIRS_MAX = 65_536;
export const DOOR_BYTES = 131_072;

/** What assembly/fingerprints.ts knows of each set. */
export const DISTINCT_SET_AT = 4096;
export const YOUNGER_SET_AT = 4112;
export const ELDER_SET_AT = 4128;

/** Who has lately had an FTP connection with whom, see assembly/ftp.ts. */
export const FTP_AT = 8192;
export const FTP_PAIRS_MAX = 1024;

/** Rows taken up at a time, words. */
export const ROWS_AT = 65_536;
export const ROW_WORDS_MAX = 65_536;

export const COUNTS_AT = 327_680;
export const FLOW_IDS_AT = 1_966_280;
export const PEERS_AT = 4_063_688;
export const FLOW_COUNTS_AT = 4_719_128;
export const TENANTS_AT = 4_727_328;
export const ACTIVE_AT = 4_760_104;
export const BEGUN_IN_AT = 4_792_872;
export const DOOR_AT = 4_825_640;
export const SLOT_KEYS_AT = 4_956_712;
export const SLOT_HASHES_AT = 5_087_784;
export const SLOT_INDEX_AT = 5_120_552;
export const SLOT_LINKS_AT = 5_186_088;
export const SLOT_FREE_AT = 5_251_632;
export const DISTINCT_AT = 5_284_400;
export const YOUNGER_AT = 7_381_552;
export const ELDER_AT = 8_430_128;
export const SCRATCH_AT = 9_478_704;
/** Pages of 64 KiB in the whole memory. */
export const MEMORY_PAGES = 161;
