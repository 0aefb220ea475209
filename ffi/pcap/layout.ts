/**
 * Where the fields of libpcap's C structs are on 64-bit Linux and macOS, its constants, and how its DLT_ values
 * become the LINKTYPE_ values of capture files. `layout_test.ts` compares all of it with the C headers.
 *
 *     struct pcap_if      next 0 | name 8 | description 16 | addresses 24 | flags 32
 *     struct pcap_addr    next 0 | addr 8 | netmask 16 | broadaddr 24 | dstaddr 32
 *     struct pcap_pkthdr  ts.tv_sec 0 (64 bits) | ts.tv_usec 8 | caplen 16 | len 20
 *     struct pcap_stat    ps_recv 0 | ps_drop 4 | ps_ifdrop 8
 *     struct bpf_program  bf_len 0 | bf_insns 8
 */

/** `struct pcap_if`, a device (`pcap/pcap.h`). */
export const PcapIf = { next: 0, name: 8, description: 16, addresses: 24, flags: 32 } as const;

/** `struct pcap_addr`, an address of a device. */
export const PcapAddr = { next: 0, addr: 8, netmask: 16 } as const;

/**
 * `struct pcap_pkthdr`. `tv_usec` holds nanoseconds when the handle's precision says so; it is 64 bits wide on Linux,
 * 32 on macOS, and the low 32 are enough.
 */
export const PcapPkthdr = { tvSec: 0, tvUsec: 8, caplen: 16, len: 20, size: 24 } as const;

/** `struct pcap_stat`; 32-bit counters that wrap. */
export const PcapStat = { received: 0, dropped: 4, interfaceDropped: 8, size: 12 } as const;

/** `struct bpf_program`. */
export const BpfProgram = { size: 16 } as const;

/** PCAP_ERRBUF_SIZE */
export const errorBufferSize = 256;

/** PCAP_IF_ flags of a device. */
export const IfFlag = {
  loopback: 0x01,
  up: 0x02,
  running: 0x04,
  wireless: 0x08,
  connectionMask: 0x30,
} as const;

/** Return codes: PCAP_ERROR_ are negative, PCAP_WARNING_ positive. */
export const PcapCode = {
  error: -1,
  break: -2,
  noSuchDevice: -5,
  permissionDenied: -8,
  interfaceNotUp: -9,
  promiscuousDenied: -11,
  promiscuousNotSupported: 2,
} as const;

export const precisionNanosecond = 1;
export const netmaskUnknown = 0xffffffff;

/** Where DLT_ and LINKTYPE_ differ (libpcap's pcap-common.c); all other values are the same in both. */
const linktypeByDlt: ReadonlyMap<number, number> = new Map([
  [11, 100], // ATM_RFC1483
  [12, 101], // RAW
  [14, 101], // RAW on OpenBSD
  [15, 102], // SLIP_BSDOS
  [16, 103], // PPP_BSDOS
  [18, 246], // PFSYNC
  [19, 106], // ATM_CLIP
]);

/** The LINKTYPE_ value that a capture file holds for libpcap's `dlt`. */
export function linktypeOfDlt(dlt: number): number {
  return linktypeByDlt.get(dlt) ?? dlt;
}
