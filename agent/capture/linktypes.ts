/**
 * What capture needs to know of link types: names for people, which ones the decoder reads, and the longest
 * captured length that is taken for a packet and not for damage.
 *
 * Numbers are LINKTYPE_ values of the file format (tcpdump.org/linktypes.html).
 */
import { Linktype } from "../records.ts";

const decoded: ReadonlySet<number> = new Set(Object.values(Linktype));

/** Names of link types that are met in practice; the decoder reads some of them. */
const names: Readonly<Record<number, string>> = {
  0: "BSD loopback",
  1: "Ethernet",
  6: "Token Ring",
  7: "ARCNET",
  8: "SLIP",
  9: "PPP",
  10: "FDDI",
  50: "PPP in HDLC framing",
  51: "PPPoE session",
  100: "RFC 1483 ATM",
  101: "raw IP",
  104: "Cisco HDLC",
  105: "IEEE 802.11",
  107: "Frame Relay",
  108: "OpenBSD loopback",
  113: "Linux cooked",
  114: "LocalTalk",
  117: "OpenBSD pflog",
  119: "IEEE 802.11 with Prism header",
  122: "IP over Fibre Channel",
  127: "IEEE 802.11 with radiotap header",
  129: "ARCNET Linux",
  138: "IP over IEEE 1394",
  143: "DOCSIS",
  144: "Linux IrDA",
  147: "user 0",
  149: "user 2, Apple PKTAP",
  163: "IEEE 802.11 with AVS header",
  165: "BACnet MS/TP",
  166: "PPP of Linux's pppd",
  187: "Bluetooth HCI H4",
  189: "Linux USB",
  192: "PPI",
  195: "IEEE 802.15.4",
  197: "ERF",
  201: "Bluetooth HCI H4 with direction",
  204: "PPP with direction",
  205: "Cisco HDLC with direction",
  220: "Linux USB, padded",
  224: "Fibre Channel FC-2",
  227: "CAN",
  228: "raw IPv4",
  229: "raw IPv6",
  231: "D-Bus",
  239: "Linux NFLOG",
  249: "USBPcap",
  251: "Bluetooth Low Energy",
  253: "Linux netlink",
  256: "Bluetooth Low Energy with PHDR",
  258: "Apple PKTAP",
  274: "Ethernet mPackets",
  276: "Linux cooked v2",
  279: "EBHSCR",
};

/** True when the decoder reads packets of this link type. */
export function isDecodedLinktype(linktype: number): boolean {
  return decoded.has(linktype);
}

/** As "127 (IEEE 802.11 with radiotap header)", or only the number. */
export function describeLinktype(linktype: number): string {
  const name = names[linktype];
  return name === undefined ? `${linktype}` : `${linktype} (${name})`;
}

/**
 * Longest captured length of one packet. libpcap's maximum (262,144) for nearly everything; 16 MiB for the three
 * kinds of message for which libpcap allows 8 or 128 MiB, so that two of them fit the memory that is promised.
 */
export function capturedLengthMax(linktype: number): number {
  return linktype === 231 || linktype === 249 || linktype === 279 ? 16 * 1024 * 1024 : 262_144;
}

/**
 * The link type in a pcap file header: its lower 16 bits, above which stand the length of the frame check sequence
 * and reserved bits. 12 and 14 are what raw IP was called on BSD systems before it got a number of its own.
 */
export function linktypeOfHeaderField(field: number): number {
  const linktype = field & 0xffff;
  return linktype === 12 || linktype === 14 ? Linktype.raw : linktype;
}
