/** Traffic for tests of the scan detector, told as the pipeline would tell it and fed row by row, in order of time. */
import { Application, type ApplicationName, type Finding, Transport } from "../../../records.ts";
import { Detection } from "../../detection.ts";
import {
  ARP_WORDS,
  CONTACT_WORDS,
  ICMP_ERROR_WORDS,
  Mark,
  ObservationKind,
  SHORT_WORDS,
} from "../../observation.ts";
import { TcpFlag } from "../probe_family.ts";
import { ScanDetector } from "../scan_detector.ts";

/** Traffic time at which scripts begin, in microseconds. */
export const START_US = 1_700_000_000_000_000;

/** What a contact's first packet looks like. */
interface FirstPacket {
  readonly fromPort?: number;
  /** IPv4 and TCP header of a scanner's SYN: 40 or 44; of a stack's: 52 to 60; of IPv6 20 more. */
  readonly headerLength?: number;
  readonly ttl?: number;
  readonly window?: number;
  readonly flags?: number;
  readonly identification?: number;
  readonly mac?: number;
  readonly payloadLength?: number;
  readonly marks?: number;
  readonly application?: ApplicationName;
}

/** One contact: who asks whom, on which port. */
export interface Contact extends FirstPacket {
  readonly from: string;
  readonly to: string;
  readonly port: number;
}

/** How a TCP contact goes on. */
export type Ending = "silent" | "refused" | "half open" | "used" | "closed unused";

/** With 20 bytes of TCP options. */
const stackHeaderLength = 60;
const stackHeaderLengthIpv6 = 80;

export class ScanScript {
  /** Every state of every finding, in order. */
  readonly told: Finding[] = [];
  readonly detector: ScanDetector;
  readonly #detection: Detection;
  readonly #words = new Int32Array(CONTACT_WORDS + 40);
  #detectorMade: ScanDetector | null = null;
  #nextTickUs = START_US;
  #nowUs = START_US;
  #flowId = 0;
  #newest: Contact | null = null;

  constructor() {
    this.#detection = new Detection({
      isLive: false,
      formatAddress,
      model: null,
      anomalyQuantile: 0.995,
      seed: 1,
      note: () => {},
      onFinding: (finding) => this.told.push(finding),
      detectors: [(context) => this.#detectorMade = new ScanDetector(context)],
    });
    this.detector = this.#detectorMade!;
  }

  /** The addresses of the host that captures. */
  setOwn(addresses: readonly string[]): void {
    this.#detection.setOwn(addresses);
  }

  /** First states of the findings. */
  get opened(): Finding[] {
    const ids = new Set<number>();
    return this.told.filter(({ id }) => !ids.has(id) && ids.add(id));
  }

  /** Last states of the findings. */
  get latest(): Finding[] {
    return [...new Map(this.told.map((finding) => [finding.id, finding])).values()];
  }

  /** Lets time pass to `atS` seconds since the start; time never goes back. */
  passTo(atS: number): void {
    const untilUs = START_US + Math.round(atS * 1e6);
    for (; this.#nextTickUs <= untilUs; this.#nextTickUs += 1_000_000) {
      this.#begin(ObservationKind.tick, 0, SHORT_WORDS, this.#nextTickUs);
      this.#take(SHORT_WORDS);
    }
    this.#nowUs = Math.max(this.#nowUs, untilUs);
  }

  finish(): void {
    this.#detection.finish();
  }

  /** A TCP contact and what becomes of it, `answerS` later. */
  tcp(atS: number, contact: Contact, ending: Ending, answerS = 0.001): void {
    const flow = this.first(atS, Transport.tcp, { flags: TcpFlag.syn, ...contact });
    const later = (flags: number, isAsker: boolean, marks = 0, bytes = [0, 0]) =>
      this.#later(atS + answerS, Transport.tcp, contact, { flow, flags, isAsker, marks, bytes });
    const synAck = TcpFlag.syn | TcpFlag.ack;
    if (ending === "silent") return;
    if (ending === "refused") return later(TcpFlag.rst | TcpFlag.ack, false, Mark.isFirstOfSide);
    later(synAck, false, Mark.isFirstOfSide);
    if (ending === "half open") return later(TcpFlag.rst, true);
    if (ending === "closed unused") return later(TcpFlag.fin | TcpFlag.ack, true);
    later(TcpFlag.psh | TcpFlag.ack, true, Mark.isFirstPayload, [100, 0]);
    later(TcpFlag.psh | TcpFlag.ack, false, Mark.isFirstPayload, [100, 2000]);
  }

  /** A UDP contact, with its answer or without. */
  udp(atS: number, contact: Contact, isAnswered: boolean): void {
    const flow = this.first(atS, Transport.udp, { payloadLength: 40, ...contact });
    if (!isAnswered) return;
    const marks = Mark.isFirstOfSide | Mark.isFirstPayload;
    this.#later(atS + 0.001, Transport.udp, contact, {
      flow,
      flags: 0,
      isAsker: false,
      marks,
      bytes: [40, 40],
    });
  }

  /** Datagrams of one flow that nothing answers, 10 ms apart; `lengths` in turn. */
  stream(atS: number, contact: Contact, count: number, lengths: readonly number[] = [40]): void {
    const length = (index: number) => lengths[index % lengths.length];
    const flow = this.first(atS, Transport.udp, { ...contact, payloadLength: length(0) });
    let sent = length(0);
    for (let packets = 2; packets <= count; packets++) {
      sent += length(packets - 1);
      if (packets !== 4 && packets !== 8) continue;
      this.#later(atS + packets / 100, Transport.udp, contact, {
        flow,
        flags: 0,
        isAsker: true,
        marks: Mark.hasDoubled,
        bytes: [sent, 0],
        packets: [packets, 0],
        length: length(packets - 1),
      });
    }
  }

  /** The first packet of a flow, in whose marks the flow's originator need not be who sends it; returns the flow. */
  first(atS: number, transport: number, contact: Contact): number {
    this.passTo(atS);
    this.#newest = contact;
    const { from, to, port, fromPort = 40_000 + this.#flowId % 20_000 } = contact;
    const words = this.#contactRow(transport);
    writeAddress(words, 3, from);
    writeAddress(words, 7, to);
    words[11] = fromPort << 16 | port;
    words[12] = ++this.#flowId;
    words[13] = (contact.marks ?? Mark.sentByOriginator) | Mark.isNew | Mark.isFirstOfSide |
      localMarks(from, to);
    words[14] = (contact.flags ?? 0) << 16 | (contact.ttl ?? 64);
    words[15] = (contact.window ?? 64_240) << 16 | (contact.identification ?? 0);
    const usual = from.includes(":") ? stackHeaderLengthIpv6 : stackHeaderLength;
    words[16] = (contact.headerLength ?? usual) << 16;
    words[17] = contact.payloadLength ?? 0;
    words[18] = 1;
    words[23] = Application[contact.application ?? ""] << 16;
    words[24] = (contact.mac ?? 0) / 2 ** 32;
    words[25] = contact.mac ?? 0;
    this.#take(CONTACT_WORDS);
    return this.#flowId;
  }

  /** The asker of the newest silent TCP contact sends data, as where only its direction was captured. */
  goOn(atS: number): void {
    const contact = this.#newest!;
    this.#later(atS, Transport.tcp, contact, {
      flow: this.#flowId,
      flags: TcpFlag.psh | TcpFlag.ack,
      isAsker: true,
      marks: Mark.isFirstPayload,
      bytes: [100, 0],
      packets: [2, 0],
    });
  }

  /** An answer to the first packet of another transport: ICMP, SCTP. */
  answer(atS: number, transport: number, contact: Contact, payloadLength = 0): void {
    this.#later(atS, transport, contact, {
      flow: this.#flowId,
      flags: 0,
      isAsker: false,
      marks: Mark.isFirstOfSide,
      bytes: [0, payloadLength],
    });
  }

  /** An ICMP message about a contact; by default port unreachable. */
  icmpError(atS: number, transport: number, contact: Contact, type = 3, code = 3): void {
    this.passTo(atS);
    const words = this.#begin(ObservationKind.icmpError, transport, ICMP_ERROR_WORDS);
    writeAddress(words, 3, contact.from);
    writeAddress(words, 7, contact.to);
    words[11] = (contact.fromPort ?? 0) << 16 | contact.port;
    words[15] = type << 8 | code;
    writeAddress(words, 16, contact.to);
    this.#take(ICMP_ERROR_WORDS);
  }

  /** An ARP request (1) to all, or a reply (2). */
  /** An ARP packet, or for IPv6 one of neighbour discovery; to all, and a host's own, unless told otherwise. */
  neighbour(atS: number, operation: 1 | 2, from: string, to: string, marks?: number): void {
    this.passTo(atS);
    const isIpv6 = from.includes(":");
    const kind = isIpv6 ? ObservationKind.ndp : ObservationKind.arp;
    const words = this.#begin(kind, Transport.arp, ARP_WORDS);
    writeAddress(words, 3, from);
    writeAddress(words, 7, to);
    const toAll = isIpv6 ? Mark.isToMany | Mark.isLinkBroadcast : Mark.isLinkBroadcast;
    words[13] = marks ?? (operation === 1 ? toAll : 0);
    words[14] = operation;
    this.#take(ARP_WORDS);
  }

  /** A DNS answer that gives a client one address. */
  resolved(atS: number, client: string, address: string): void {
    this.passTo(atS);
    const words = this.#begin(ObservationKind.dns, Transport.udp, SHORT_WORDS + 6);
    writeAddress(words, 3, "10.0.0.53");
    writeAddress(words, 7, client);
    words[11] = 53 << 16 | 40_000;
    words[14] = -0x80000000 | 1;
    words[15] = 1;
    writeAddress(words, 16, address);
    this.#take(SHORT_WORDS + 6);
  }

  #later(
    atS: number,
    transport: number,
    { from, to, port, fromPort = 40_000 + (this.#flowId - 1) % 20_000, marks: firstMarks }: Contact,
    { flow, flags, isAsker, marks, bytes, packets = [isAsker ? 2 : 1, 1], length }: {
      readonly flow: number;
      readonly flags: number;
      readonly isAsker: boolean;
      readonly marks: number;
      readonly bytes: readonly number[];
      readonly packets?: readonly number[];
      readonly length?: number;
    },
  ): void {
    this.passTo(atS);
    const isReversed = firstMarks !== undefined && (firstMarks & Mark.sentByOriginator) === 0;
    const words = this.#contactRow(transport);
    writeAddress(words, 3, isAsker ? from : to);
    writeAddress(words, 7, isAsker ? to : from);
    words[11] = isAsker ? fromPort << 16 | port : port << 16 | fromPort;
    words[12] = flow;
    words[13] = marks | (transport === Transport.tcp ? Mark.hasTcpStateMoved : 0) |
      (isAsker === isReversed ? 0 : Mark.sentByOriginator) |
      (isAsker ? localMarks(from, to) : localMarks(to, from));
    words[14] = flags << 16 | 64;
    words[17] = length ?? bytes[isAsker ? 0 : 1];
    words[18] = packets[isReversed ? 1 : 0];
    words[19] = packets[isReversed ? 0 : 1];
    words[20] = bytes[isReversed ? 1 : 0];
    words[21] = bytes[isReversed ? 0 : 1];
    this.#take(CONTACT_WORDS);
  }

  #contactRow(transport: number): Int32Array {
    return this.#begin(ObservationKind.contact, transport, CONTACT_WORDS);
  }

  #begin(kind: number, transport: number, length: number, atUs = this.#nowUs): Int32Array {
    const words = this.#words.fill(0);
    words[0] = length << 16 | transport << 8 | kind;
    words[1] = Math.floor(atUs / 1e6);
    words[2] = atUs % 1e6;
    return words;
  }

  #take(length: number): void {
    this.#detection.take(this.#words, length);
  }
}

/** Writes an IPv4 address, or an IPv6 one in full form, as four words. */
function writeAddress(words: Int32Array, at: number, text: string): void {
  if (text.includes(":")) {
    const parts = text.split(":").map((part) => Number.parseInt(part, 16));
    for (let word = 0; word < 4; word++) {
      words[at + word] = parts[word * 2] << 16 | parts[word * 2 + 1];
    }
    return;
  }
  words[at] = 0;
  words[at + 1] = 0;
  words[at + 2] = 0xffff;
  words[at + 3] = text.split(".").reduce((word, part) => word << 8 | Number(part), 0);
}

function formatAddress(word0: number, word1: number, word2: number, word3: number): string {
  if (word0 === 0 && word1 === 0 && word2 === 0xffff) {
    return [word3 >>> 24, word3 >>> 16 & 255, word3 >>> 8 & 255, word3 & 255].join(".");
  }
  return [word0, word1, word2, word3].flatMap((word) => [word >>> 16, word & 0xffff])
    .map((part) => part.toString(16)).join(":");
}

/** 10.0.0.0/8 and fd00::/8 are local. */
function localMarks(from: string, to: string): number {
  return (isLocal(from) ? Mark.isSourceLocal : 0) | (isLocal(to) ? Mark.isDestinationLocal : 0);
}

function isLocal(address: string): boolean {
  return address.startsWith("10.") || address.startsWith("fd");
}
