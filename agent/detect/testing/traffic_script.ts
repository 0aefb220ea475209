/**
 * For tests of detectors: traffic written down as the moments that a detector sees, in any order, and played to it in
 * order of time with a tick for every second, as the pipeline would. Addresses are IPv4.
 */
import { Application, type ApplicationName, type Finding, Transport } from "../../records.ts";
import { Detection } from "../detection.ts";
import type { BlockLists } from "../blocklist/block_lists.ts";
import type { DetectorFactory } from "../detector.ts";
import {
  ARP_WORDS,
  CONTACT_WORDS,
  ICMP_ERROR_WORDS,
  LOGIN_WORDS,
  Mark,
  NAME_WORDS,
  ObservationKind,
  SHORT_WORDS,
} from "../observation.ts";

/** Traffic time at which scripts begin, in seconds. */
const epoch = 1_700_000_000;

interface ContactScript {
  /** Seconds since the script began. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly transport?: number;
  readonly marks: number;
  readonly flowId?: number;
  readonly tcpFlags?: number;
  readonly payloadLength?: number;
  readonly packets?: readonly [number, number];
  readonly bytes?: readonly [number, number];
  readonly duration?: number;
  readonly application?: ApplicationName;
  readonly mac?: number;
  readonly ttl?: number;
  readonly host?: string;
}

/** A TCP connection: SYN, what the client says first, what the server answers, its end. */
interface SessionScript {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** Payload of client and server. */
  readonly bytes: readonly [number, number];
  /** Seconds. */
  readonly lasts?: number;
  readonly application?: ApplicationName;
  /** That an HTTP request asks. */
  readonly host?: string;
}

/** What came of a login over SSH. */
interface LoginScript {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly port?: number;
  /** Tries; 1 unless told. */
  readonly refused?: number;
  /** One of LoginOutcome; refused unless told. */
  readonly outcome?: number;
  readonly isContinued?: boolean;
}

interface ArpScript {
  readonly at: number;
  readonly operation: "request" | "reply";
  readonly sender: string;
  readonly senderMac: number;
  readonly target: string;
  /** Of a reply. */
  readonly targetMac?: number;
  readonly isBroadcast?: boolean;
}

interface NameScript {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly port?: number;
  readonly name?: string;
  readonly ja4?: string;
}

interface DnsScript {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly type?: number;
  /** Of the response; without it the message is a question. */
  readonly answer?: DnsAnswer;
}

export interface DnsAnswer {
  readonly rcode?: number;
  readonly addresses?: readonly string[];
  /** Data of the first answer that is no address; a string is its text. */
  readonly data?: string | readonly number[];
  /** Bytes of all of it; default: as many as `data` has. */
  readonly dataBytes?: number;
}

export class TrafficScript {
  readonly #rows: { readonly at: number; readonly words: Int32Array }[] = [];
  #flowId = 0;

  contact(script: ContactScript): void {
    this.#rows.push({ at: script.at, words: contactWords(ObservationKind.contact, script) });
  }

  end(script: ContactScript): void {
    this.#rows.push({ at: script.at, words: contactWords(ObservationKind.end, script) });
  }

  session({ at, from, to, port, bytes, lasts = 0.2, application, host }: SessionScript): void {
    const flowId = ++this.#flowId;
    const fromPort = 32_768 + flowId % 28_000;
    const flow = { from, to, fromPort, toPort: port, flowId, ...(application && { application }) };
    const client = Mark.sentByOriginator | localMarks(from, to);
    this.contact({ ...flow, at, marks: Mark.isNew | Mark.isFirstOfSide | client, tcpFlags: 2 });
    const spoken = { bytes: [bytes[0], 0] as const, duration: lasts / 4, tcpFlags: 0x18 };
    this.contact({
      ...flow,
      ...spoken,
      at: at + lasts / 4,
      marks: Mark.isFirstPayload | client | (host ? Mark.hasHost : 0),
      payloadLength: bytes[0],
      ...(host && { host }),
    });
    this.contact({
      ...flow,
      ...spoken,
      at: at + lasts / 2,
      from: to,
      to: from,
      fromPort: port,
      toPort: fromPort,
      marks: Mark.isFirstPayload | localMarks(to, from),
      payloadLength: bytes[1],
      bytes,
    });
    this.end({ ...flow, at: at + lasts, marks: client | Mark.endedClosed, bytes, duration: lasts });
  }

  login(script: LoginScript): void {
    const { at, from, to, port = 22, refused = 1, outcome = 0, isContinued = false } = script;
    const words = rowWords(LOGIN_WORDS, ObservationKind.login, Transport.tcp);
    if (!isContinued) this.#flowId++;
    writeTime(words, at);
    writeAddress(words, 3, from);
    writeAddress(words, 7, to);
    words[11] = (32_768 + this.#flowId % 28_000) << 16 | port;
    words[12] = this.#flowId;
    words[13] = Mark.sentByOriginator | (isContinued ? Mark.isContinued : 0);
    words[14] = outcome;
    words[15] = refused;
    this.#rows.push({ at, words });
  }

  arp(script: ArpScript): void {
    const { at, operation, sender, senderMac, target, targetMac = 0, isBroadcast } = script;
    const words = rowWords(ARP_WORDS, ObservationKind.arp, Transport.arp);
    writeTime(words, at);
    writeAddress(words, 3, sender);
    writeAddress(words, 7, target);
    words[13] = isBroadcast ?? operation === "request" ? Mark.isLinkBroadcast : 0;
    words[14] = operation === "request" ? 1 : 2;
    writeMac(words, 16, senderMac);
    writeMac(words, 18, targetMac);
    writeMac(words, 20, senderMac);
    this.#rows.push({ at, words });
  }

  dns({ at, from, to, name, type = 1, answer }: DnsScript): void {
    const { rcode = 0, addresses = [] } = answer ?? {};
    const nameWords = name.length + 3 >> 2;
    const dataAt = 16 + nameWords + addresses.length * 4;
    const data = dnsDataWords(answer);
    const words = rowWords(dataAt + data.length, ObservationKind.dns, Transport.udp);
    writeTime(words, at);
    writeAddress(words, 3, from);
    writeAddress(words, 7, to);
    words[11] = answer ? 53 << 16 | 40_000 : 40_000 << 16 | 53;
    words[13] = (answer ? 0 : Mark.sentByOriginator) | localMarks(from, to);
    words[14] = (answer ? 1 << 31 : 0) | rcode << 24 | name.length << 16 | type;
    words[15] = addresses.length | (data.length > 0 ? 0x100 : 0);
    for (let index = 0; index < name.length; index++) {
      words[16 + (index >> 2)] |= name.charCodeAt(index) << (index & 3) * 8;
    }
    addresses.forEach((address, index) => {
      writeAddress(words, 16 + nameWords + index * 4, address);
    });
    words.set(data, dataAt);
    this.#rows.push({ at, words });
  }

  /** What the client's first messages name. */
  name({ at, from, to, port = 443, name = "", ja4 = "" }: NameScript): void {
    const ja4At = NAME_WORDS + (name.length + 3 >> 2);
    const words = rowWords(ja4At + (ja4.length + 3 >> 2), ObservationKind.name, Transport.tcp);
    writeTime(words, at);
    writeAddress(words, 3, from);
    writeAddress(words, 7, to);
    words[11] = 40_000 << 16 | port;
    words[13] = Mark.sentByOriginator | localMarks(from, to);
    words[14] = name.length << 16 | ja4.length;
    for (const [text, textAt] of [[name, NAME_WORDS], [ja4, ja4At]] as const) {
      for (let index = 0; index < text.length; index++) {
        words[textAt + (index >> 2)] |= text.charCodeAt(index) << (index & 3) * 8;
      }
    }
    this.#rows.push({ at, words });
  }

  /** An ICMP port unreachable for a UDP packet from `from` to `to`. */
  refused(at: number, from: string, to: string, toPort: number): void {
    const words = rowWords(ICMP_ERROR_WORDS, ObservationKind.icmpError, Transport.udp);
    writeTime(words, at);
    writeAddress(words, 3, from);
    writeAddress(words, 7, to);
    words[11] = 40_000 << 16 | toPort;
    words[15] = 3 << 8 | 3;
    writeAddress(words, 16, to);
    this.#rows.push({ at, words });
  }

  /** Every state of every finding of the detectors, in order. `idle` seconds pass before the input ends. */
  play(
    make: DetectorFactory | readonly DetectorFactory[],
    idle = 0,
    blockLists: BlockLists | null = null,
  ): Finding[] {
    const told: Finding[] = [];
    const detection = new Detection({
      isLive: false,
      formatAddress: (_word0, _word1, _word2, word3) =>
        [word3 >>> 24, word3 >>> 16 & 255, word3 >>> 8 & 255, word3 & 255].join("."),
      model: null,
      blockLists: blockLists && (() => blockLists),
      anomalyQuantile: 0.995,
      seed: 1,
      note: () => {},
      onFinding: (finding) => told.push(finding),
      detectors: [make].flat(),
    });
    const rows = this.#rows.toSorted((a, b) => a.at - b.at);
    let second = 0;
    const passTo = (at: number) => {
      for (; second <= at; second++) {
        const words = rowWords(SHORT_WORDS, ObservationKind.tick, 0);
        writeTime(words, second);
        detection.take(words, words.length);
      }
    };
    for (const { at, words } of rows) {
      passTo(at);
      detection.take(words, words.length);
    }
    passTo(second + idle);
    detection.finish();
    return told;
  }
}

/** The marks that say on whose side the addresses are: 10.0.0.0/8 is local. */
export function localMarks(from: string, to: string): number {
  return (isLocal(from) ? Mark.isSourceLocal : 0) | (isLocal(to) ? Mark.isDestinationLocal : 0);
}

/** First states of the findings. */
export function opened(told: readonly Finding[]): Finding[] {
  const ids = new Set<number>();
  return told.filter(({ id }) => !ids.has(id) && ids.add(id));
}

/** Seconds since the script began. */
export function scriptTime(timestampUs: number): number {
  return timestampUs / 1e6 - epoch;
}

function contactWords(kind: number, script: ContactScript): Int32Array {
  const { transport = Transport.tcp, packets = [1, 0], bytes = [0, 0], duration = 0 } = script;
  const host = new TextEncoder().encode(script.host ?? "");
  const words = rowWords(CONTACT_WORDS + (host.length + 3 >> 2), kind, transport);
  writeTime(words, script.at);
  writeAddress(words, 3, script.from);
  writeAddress(words, 7, script.to);
  words[11] = (script.fromPort ?? 0) << 16 | (script.toPort ?? 0);
  words[12] = script.flowId ?? 0;
  words[13] = script.marks;
  words[14] = (script.tcpFlags ?? 0) << 16 | (script.ttl ?? 0);
  words[17] = script.payloadLength ?? 0;
  words[18] = packets[0];
  words[19] = packets[1];
  words[20] = bytes[0];
  words[21] = bytes[1];
  words[22] = duration * 1000;
  words[23] = Application[script.application ?? ""] << 16;
  writeMac(words, 24, script.mac ?? 0);
  host.forEach((byte, index) => words[CONTACT_WORDS + (index >> 2)] |= byte << (index & 3) * 8);
  return words;
}

function dnsDataWords({ data = [], dataBytes }: DnsAnswer = {}): Int32Array {
  const bytes = typeof data === "string" ? [...new TextEncoder().encode(data)] : data;
  if (bytes.length === 0) return new Int32Array(0);
  const shown = bytes.slice(0, 32);
  const words = new Int32Array(2 + (shown.length + 3 >> 2));
  words[0] = (dataBytes ?? bytes.length) << 16 | shown.length;
  words[1] = bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 1);
  shown.forEach((byte, index) => words[2 + (index >> 2)] |= byte << (index & 3) * 8);
  return words;
}

function rowWords(length: number, kind: number, transport: number): Int32Array {
  const words = new Int32Array(length);
  words[0] = length << 16 | transport << 8 | kind;
  return words;
}

function writeTime(words: Int32Array, at: number): void {
  words[1] = epoch + Math.floor(at);
  words[2] = Math.floor((at - Math.floor(at)) * 1e6);
}

function writeAddress(words: Int32Array, at: number, address: string): void {
  words[at + 2] = 0xffff;
  words[at + 3] = address.split(".").reduce((word, part) => word << 8 | Number(part), 0);
}

function writeMac(words: Int32Array, at: number, mac: number): void {
  words[at] = mac / 2 ** 32;
  words[at + 1] = mac;
}

function isLocal(address: string): boolean {
  return address.startsWith("10.");
}
