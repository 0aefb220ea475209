/**
 * What the pipeline tells the detectors: not packets, but the moments of a flow that mean something, written as rows
 * of 32-bit words into one transferable buffer. A flow in full swing costs one row every ten seconds.
 *
 *     word 0        length of the row in words << 16 | transport << 8 | kind
 *     word 1, 2     time: seconds since 1970 (unsigned), microseconds
 *     word 3..6     source address       word 7..10    destination address
 *     word 11       source port << 16 | destination port
 *     word 12       Flow.id (low 32 bits, unsigned); 0 without a flow
 *     word 13       Mark bits
 *     then by kind:
 *
 *     contact, end  (end: of flows with payload, with 64 packets in a direction, or with several SYNs and no more)
 *                   14 tcpFlags << 16 | ttl        15 tcpWindow << 16 | IPv4 identification
 *                   16 header length << 16 | wire length (both cut off at 65,535)
 *                   17 payload length of the packet
 *                   18 packets of the originator   19 of the responder   (of the flow, this packet included)
 *                   20 payload bytes of the originator   21 of the responder   (cut off at 2^32 - 1)
 *                   22 milliseconds since the flow began (cut off at 2^32 - 1)
 *                   23 application << 16 | TCP end states (originator, responder << 6, see flow/conn_state.ts)
 *                   24 source MAC, upper 16 bits   25 lower 32 bits   (0 where there is none)
 *                   26..29 first 16 bytes of the payload (the first one lowest, zeros behind its end): only where a UDP
 *                   packet has doubled its direction's count
 *                   26.. (Mark.hasHost) the host that a client's first HTTP request to outside asks, in lower case, at most
 *                   64 bytes, zeros behind its end
 *     arp           14 operation   16, 17 sender's MAC   18, 19 target's MAC   20, 21 MAC the frame came from
 *                   (each: upper 16 bits, lower 32)
 *     ndp           as arp, of neighbour solicitations (operation 1, which asks for the destination) and advertisements
 *                   (operation 2, by which the source answers the destination); transport is that of arp
 *     login         what came of a login over SSH; source is the client, its time that of the newest packet:
 *                   14 LoginOutcome   15 tries that were refused
 *                   (Mark.isContinued: another row of the flow came before)
 *     icmpError     source, destination, ports, transport and word 14 (tcpFlags << 16) are those of the quoted packet;
 *                   15 ICMP type << 8 | code, 16..19 the address that reports
 *     dns           14 response << 31 | rcode << 24 | name length << 16 | query type
 *                   15 number of addresses that follow the name; bit 8: data follows those
 *                   16.. the queried name in lower case with dots, four bytes a word (the first one lowest), at most
 *                   255 bytes; then addresses of A and AAAA answers, four words each, at most 8; then the data of other
 *                   answers of the type asked for: its bytes << 16 | bytes shown, a hash of it all, the first bytes of the
 *                   first of them (TXT without the length before its text), at most 32
 *     name          (only where block lists are asked) what the first messages of a flow name; source is its originator
 *                   14 length of the name << 16 | length of the JA4
 *                   15.. the server's name (TLS, QUIC) or the host (HTTP) in lower case, four bytes a word (the first one
 *                   lowest), at most 255; then the JA4 in the same way
 *     hostWindow    one host's volumes in the window that ends: source is the host
 *                   14 packets out   15 packets in   16, 17 bytes out   18, 19 bytes in   (bytes: upper, lower 32 bits)
 *     windowEnd     all hostWindow rows of the window that began at the row's time have come
 *     tick          nothing happened up to this time; comes at least once a second of traffic time
 *
 * Addresses are four big-endian words, IPv4 as ::ffff:a.b.c.d, as in Packet.
 */

import { FlowTurn } from "../records.ts";

export const ObservationKind = {
  contact: 1,
  end: 2,
  arp: 3,
  icmpError: 4,
  dns: 5,
  hostWindow: 6,
  windowEnd: 7,
  tick: 8,
  ndp: 9,
  login: 10,
  name: 11,
} as const;

/** Bits of word 13: why a contact was told, and what else is known. */
export const Mark = {
  /** Bits 0 to 7. The sender of a new flow's first packet need not be its originator: see sentByOriginator. */
  ...FlowTurn,
  sentByOriginator: 1 << 8,
  isSourceLocal: 1 << 9,
  isDestinationLocal: 1 << 10,
  /** The frame went to a group or broadcast MAC address. */
  isLinkBroadcast: 1 << 11,
  /** The destination is a multicast or broadcast IP address. */
  isToMany: 1 << 12,
  isFragment: 1 << 13,
  isTunnelled: 1 << 14,
  /** Kind end: the connection was closed; evicted; cut off by the end of input. Otherwise idle. */
  endedClosed: 1 << 15,
  endedEvicted: 1 << 16,
  endedInput: 1 << 17,
  /** Kind contact: the row ends with the host that an HTTP request asks. */
  hasHost: 1 << 18,
  /** Kinds arp and ndp, and a flow's first packet: others' packets come through the sender's MAC address. */
  isSentByRouter: 1 << 19,
} as const;

/** Rows are never longer than this. */
export const OBSERVATION_WORDS_MAX = 16 + 64 + 8 * 4 + 2 + 8;
export const CONTACT_WORDS = 26;
export const ARP_WORDS = 22;
export const ICMP_ERROR_WORDS = 20;
export const HOST_WINDOW_WORDS = 20;
export const LOGIN_WORDS = 16;
export const SHORT_WORDS = 14;
/** Before the name and the JA4. */
export const NAME_WORDS = 15;

/**
 * Copies the whole rows from words[from] up to words[to] to the start of `room`, as many at a time as it holds, and has them
 * taken; `take` is told how many words there are, and says how many it took.
 */
export function copyRows(
  words: Int32Array,
  from: number,
  to: number,
  room: Int32Array,
  take: (length: number) => number,
): void {
  for (let at = from, taken = 1; at < to && taken > 0; at += taken) {
    const end = Math.min(to, at + room.length);
    room.set(words.subarray(at, end));
    // The last row may not have fitted: it is the first next time.
    taken = take(end - at);
  }
}

/**
 * One row, read in place; a single instance is filled again for every row. What most ask for is read by `read`, the rest
 * by getters over `words` from `at`.
 */
export class Observation {
  words: Int32Array = new Int32Array(0);
  /** Place of the row's first word. */
  at = 0;
  kind = 0;
  /** Index into TRANSPORT_NAMES. */
  transport = 0;
  timestampUs = 0;
  sourcePort = 0;
  destinationPort = 0;
  flowId = 0;
  marks = 0;

  /** Reads the row at `at`; returns the place of the next one. */
  read(words: Int32Array, at: number): number {
    const head = words[at];
    this.words = words;
    this.at = at;
    this.kind = head & 0xff;
    this.transport = head >>> 8 & 0xff;
    this.timestampUs = (words[at + 1] >>> 0) * 1e6 + words[at + 2];
    this.sourcePort = words[at + 11] >>> 16;
    this.destinationPort = words[at + 11] & 0xffff;
    this.flowId = words[at + 12] >>> 0;
    this.marks = words[at + 13];
    return at + (head >>> 16);
  }

  /** Last words of the addresses: IPv4 addresses. */
  get source3(): number {
    return this.words[this.at + 6];
  }
  get destination3(): number {
    return this.words[this.at + 10];
  }

  /** A word of the row, unsigned. */
  word(index: number): number {
    return this.words[this.at + index] >>> 0;
  }

  has(mark: number): boolean {
    return (this.marks & mark) !== 0;
  }

  // ------------------------------------------------ contact, end

  get tcpFlags(): number {
    return this.words[this.at + 14] >>> 16;
  }
  get ttl(): number {
    return this.words[this.at + 14] & 0xffff;
  }
  get tcpWindow(): number {
    return this.words[this.at + 15] >>> 16;
  }
  get ipIdentification(): number {
    return this.words[this.at + 15] & 0xffff;
  }
  /** IP and transport header of the packet. */
  get headerLength(): number {
    return this.words[this.at + 16] >>> 16;
  }
  get wireLength(): number {
    return this.words[this.at + 16] & 0xffff;
  }
  get payloadLength(): number {
    return this.word(17);
  }
  /** The host that an HTTP request asks; "" where the row has none. */
  get httpHost(): string {
    if (!this.has(Mark.hasHost)) return "";
    const from = this.at + CONTACT_WORDS;
    const words = this.words.slice(from, this.at + (this.words[this.at] >>> 16));
    return String.fromCharCode(...new Uint8Array(words.buffer)).replace(/\0+$/, "");
  }
  get origPackets(): number {
    return this.word(18);
  }
  get respPackets(): number {
    return this.word(19);
  }
  get origBytes(): number {
    return this.word(20);
  }
  get respBytes(): number {
    return this.word(21);
  }
  get durationMs(): number {
    return this.word(22);
  }
  /** Index into APPLICATION_NAMES. */
  get application(): number {
    return this.words[this.at + 23] >>> 16;
  }
  /** TcpEnd of the originator, see flow/conn_state.ts. */
  get originatorState(): number {
    return this.words[this.at + 23] & 0x3f;
  }
  get responderState(): number {
    return this.words[this.at + 23] >>> 6 & 0x3f;
  }
  /** MAC addresses are 48-bit numbers, 0 where there is none. */
  get sourceMac(): number {
    return this.#mac(24);
  }

  // ------------------------------------------------ arp

  get arpOperation(): number {
    return this.word(14);
  }
  get arpSenderMac(): number {
    return this.#mac(16);
  }
  get arpTargetMac(): number {
    return this.#mac(18);
  }
  get arpFrameMac(): number {
    return this.#mac(20);
  }

  // ------------------------------------------------ icmpError

  get icmpType(): number {
    return this.words[this.at + 15] >>> 8 & 0xff;
  }
  get icmpCode(): number {
    return this.words[this.at + 15] & 0xff;
  }

  // ------------------------------------------------ login

  get loginOutcome(): number {
    return this.word(14);
  }
  get loginsRefused(): number {
    return this.word(15);
  }

  // ------------------------------------------------ dns

  get isDnsResponse(): boolean {
    return this.words[this.at + 14] < 0;
  }
  get dnsRcode(): number {
    return this.words[this.at + 14] >>> 24 & 0xf;
  }
  get dnsNameLength(): number {
    return this.words[this.at + 14] >>> 16 & 0xff;
  }
  get dnsQueryType(): number {
    return this.words[this.at + 14] & 0xffff;
  }
  get dnsAddressCount(): number {
    return this.words[this.at + 15] & 0xff;
  }
  /** Byte `index` of the queried name. */
  dnsNameByte(index: number): number {
    return this.words[this.at + 16 + (index >> 2)] >>> (index & 3) * 8 & 0xff;
  }
  get dnsName(): string {
    let name = "";
    for (let index = 0; index < this.dnsNameLength; index++) {
      name += String.fromCharCode(this.dnsNameByte(index));
    }
    return name;
  }
  /** Place in `words` of the first of four words of an answered address. */
  dnsAddressAt(index: number): number {
    return this.at + 16 + (this.dnsNameLength + 3 >> 2) + index * 4;
  }

  /** Bytes of the answers' data, addresses apart; 0 without any. */
  get dnsDataBytes(): number {
    return this.#hasDnsData ? this.words[this.#dnsDataAt] >>> 16 : 0;
  }
  /** Of the first of them, how many bytes are shown. */
  get dnsDataShown(): number {
    return this.#hasDnsData ? this.words[this.#dnsDataAt] & 0xffff : 0;
  }
  get dnsDataHash(): number {
    return this.#hasDnsData ? this.words[this.#dnsDataAt + 1] : 0;
  }
  /** Byte `index` of those shown. */
  dnsDataByte(index: number): number {
    return this.words[this.#dnsDataAt + 2 + (index >> 2)] >>> (index & 3) * 8 & 0xff;
  }

  // ------------------------------------------------ name

  get serverName(): string {
    return this.#text(NAME_WORDS, this.word(14) >>> 16);
  }
  get ja4(): string {
    const length = this.word(14);
    return this.#text(NAME_WORDS + ((length >>> 16) + 3 >> 2), length & 0xffff);
  }

  // ------------------------------------------------ hostWindow

  get packetsOut(): number {
    return this.word(14);
  }
  get packetsIn(): number {
    return this.word(15);
  }
  get bytesOut(): number {
    return this.word(16) * 2 ** 32 + this.word(17);
  }
  get bytesIn(): number {
    return this.word(18) * 2 ** 32 + this.word(19);
  }

  get #hasDnsData(): boolean {
    return (this.words[this.at + 15] & 0x100) !== 0;
  }
  get #dnsDataAt(): number {
    return this.dnsAddressAt(this.dnsAddressCount);
  }

  /** Of so many bytes, four a word. */
  #text(index: number, length: number): string {
    let text = "";
    for (let byte = 0; byte < length; byte++) {
      text += String.fromCharCode(
        this.words[this.at + index + (byte >> 2)] >>> (byte & 3) * 8 & 0xff,
      );
    }
    return text;
  }

  #mac(index: number): number {
    return this.word(index) * 2 ** 32 + this.word(index + 1);
  }
}

/** Whether the row of a DNS message at `at` is a query's. */
export function isDnsQuery(words: Int32Array, at: number): boolean {
  return words[at + 14] >= 0;
}
