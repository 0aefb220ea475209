/**
 * Writes what the detectors see, in the rows that agent/detect/observation.ts draws, and hands them on. The hot path writes
 * most rows itself (agent/hot/assembly/observations.ts): contacts and ends of flows, ARP packets, DNS messages, volumes of
 * hosts; the others are here.
 */
import { decodePacket } from "../decode/decode.ts";
import {
  ICMP_ERROR_WORDS,
  LOGIN_WORDS,
  Mark,
  NAME_WORDS,
  OBSERVATION_WORDS_MAX,
  ObservationKind,
  SHORT_WORDS,
} from "../detect/observation.ts";
import type { HotPath } from "../hot/hot_path.ts";
import {
  DNS_MESSAGE_AT,
  DNS_MESSAGE_BYTES,
  OBSERVATION_BUFFER_WORDS,
  OBSERVATIONS_AT,
  S_OBSERVATIONS_COUNT,
  S_OBSERVATIONS_LENGTH,
  S_OBSERVATIONS_SHED,
} from "../hot/layout.ts";
import type { LoginVerdict } from "../decode/ssh_login.ts";
import { Linktype, Packet, type PacketBatch, Transport } from "../records.ts";

/** What came of a login over SSH, and where. */
export interface LoginRow extends LoginVerdict {
  readonly timestampUs: number;
  /** Words of the client's address, then the server's. */
  readonly addresses: ArrayLike<number>;
  /** Client's << 16 | server's. */
  readonly ports: number;
  readonly flowId: number;
  /** The flow has had one before. */
  readonly isContinued: boolean;
}

/** What the first messages of a flow name, in lower case; "" where they do not. */
export interface NameRow {
  readonly timestampUs: number;
  /** Words of the originator's address, then the responder's. */
  readonly addresses: Int32Array;
  /** Originator's << 16 | responder's. */
  readonly ports: number;
  readonly flowId: number;
  readonly transport: number;
  readonly name: string;
  readonly ja4: string;
}

/** Takes full buffers. */
export interface ObservationSink {
  /** Between batches a buffer with fewer words is not handed on; 0 where the rows are waited for. */
  readonly wordsMin: number;
  /**
   * Takes `count` rows, in the first `length` words, and returns the buffer to go on with, which may be the same; or null when
   * it has no room, and then the buffer stays the caller's.
   */
  exchange(
    words: Int32Array<ArrayBuffer>,
    length: number,
    count: number,
  ): Int32Array<ArrayBuffer> | null;
}

/** Words of a buffer. */
export const observationBufferWords = OBSERVATION_BUFFER_WORDS;

export class ObservationWriter {
  readonly #sink: ObservationSink;
  readonly #hot: HotPath;
  readonly #quoted = new Packet();
  readonly #state: Int32Array;
  /** The hot path's buffer, to which it adds its own rows. */
  readonly #words: Int32Array;
  /** What the sink gets next. */
  #outgoing = new Int32Array(observationBufferWords);

  constructor(sink: ObservationSink, hot: HotPath) {
    const from = OBSERVATIONS_AT / 4;
    this.#sink = sink;
    this.#hot = hot;
    this.#state = hot.state;
    this.#words = hot.words.subarray(from, from + observationBufferWords);
    hot.calls.observationsFull = () => this.flush();
  }

  /** Rows that found no room. */
  get shedCount(): number {
    return this.#state[S_OBSERVATIONS_SHED];
  }

  get #length(): number {
    return this.#state[S_OBSERVATIONS_LENGTH];
  }

  set #length(words: number) {
    this.#state[S_OBSERVATIONS_LENGTH] = words;
  }

  /** A batch is over: hands on what has been written, if that is enough for the sink. */
  batchOver(): void {
    if (this.#length >= this.#sink.wordsMin) this.flush();
  }

  /** Hands on what has been written, unless the sink has no room. */
  flush(): void {
    const length = this.#length;
    if (length === 0) return;
    this.#outgoing.set(this.#words.subarray(0, length));
    const next = this.#sink.exchange(this.#outgoing, length, this.#state[S_OBSERVATIONS_COUNT]);
    if (next === null) return;
    this.#outgoing = next;
    this.#length = 0;
    this.#state[S_OBSERVATIONS_COUNT] = 0;
  }

  /** An ICMP or ICMPv6 message that quotes the packet it is about. */
  icmpError(batch: PacketBatch, index: number, packet: Packet, marks: number): void {
    if (packet.payloadCapturedLength <= 0) return;
    const quoted = this.#quoted;
    const length = packet.payloadCapturedLength;
    const offset = packet.payloadOffset;
    decodePacket(batch.bytes, offset, length, packet.payloadLength, Linktype.raw, quoted);
    if (quoted.ipVersion === 0) return;
    const at = this.#begin(ICMP_ERROR_WORDS, ObservationKind.icmpError, quoted.transport);
    if (at < 0) return;
    const words = this.#words;
    this.#writeTime(at, batch.timestampsUs[index]);
    this.#writeEnds(at, quoted);
    words[at + 12] = 0;
    words[at + 13] = marks;
    words[at + 14] = quoted.tcpFlags << 16;
    words[at + 15] = packet.sourcePort << 8 | packet.destinationPort;
    words[at + 16] = packet.source0;
    words[at + 17] = packet.source1;
    words[at + 18] = packet.source2;
    words[at + 19] = packet.source3;
  }

  /** What came of a login. */
  login(row: LoginRow): void {
    const at = this.#begin(LOGIN_WORDS, ObservationKind.login, Transport.tcp);
    if (at < 0) return;
    const words = this.#words;
    this.#writeTime(at, row.timestampUs);
    words.set(row.addresses, at + 3);
    words[at + 11] = row.ports;
    words[at + 12] = row.flowId;
    words[at + 13] = Mark.sentByOriginator | (row.isContinued ? Mark.isContinued : 0);
    words[at + 14] = row.outcome;
    words[at + 15] = row.refused;
  }

  /** What the first messages of a flow name. */
  name({ timestampUs, addresses, ports, flowId, transport, name, ja4 }: NameRow): void {
    const nameLength = Math.min(name.length, 255);
    const ja4At = NAME_WORDS + (nameLength + 3 >> 2);
    const length = ja4At + (ja4.length + 3 >> 2);
    const at = this.#begin(length, ObservationKind.name, transport);
    if (at < 0) return;
    const words = this.#words;
    this.#writeTime(at, timestampUs);
    words.set(addresses, at + 3);
    words[at + 11] = ports;
    words[at + 12] = flowId;
    words[at + 13] = Mark.sentByOriginator;
    words[at + 14] = nameLength << 16 | ja4.length;
    words.fill(0, at + NAME_WORDS, at + length);
    const write = (text: string, count: number, from: number) => {
      for (let byte = 0; byte < count; byte++) {
        words[from + (byte >> 2)] |= (text.charCodeAt(byte) & 0xff) << (byte & 3) * 8;
      }
    };
    write(name, nameLength, at + NAME_WORDS);
    write(ja4, ja4.length, at + ja4At);
  }

  /** A DNS message that the segment in hand, of the flow in a slot, has completed. */
  dns(message: Uint8Array, slot: number, timestampUs: number): void {
    const length = Math.min(message.length, DNS_MESSAGE_BYTES);
    this.#hot.bytes.set(message.subarray(0, length), DNS_MESSAGE_AT);
    this.#hot.exports.writeStreamDns(slot, length, timestampUs);
  }

  /** All host windows of the window that began at `startUs` have been written. */
  windowEnd(startUs: number): void {
    this.#short(ObservationKind.windowEnd, startUs);
  }

  /** Traffic time has reached `nowUs`. */
  tick(nowUs: number): void {
    this.#short(ObservationKind.tick, nowUs);
  }

  #short(kind: number, timestampUs: number): void {
    const at = this.#begin(SHORT_WORDS, kind, 0);
    if (at < 0) return;
    this.#writeTime(at, timestampUs);
    this.#words.fill(0, at + 3, at + SHORT_WORDS);
  }

  /** Makes room for a row, with slack for the longest, and writes its head; -1 when there is none. */
  #begin(length: number, kind: number, transport: number): number {
    if (this.#length > observationBufferWords - OBSERVATION_WORDS_MAX) this.flush();
    const at = this.#length;
    if (at > observationBufferWords - OBSERVATION_WORDS_MAX) {
      this.#state[S_OBSERVATIONS_SHED]++;
      return -1;
    }
    this.#words[at] = length << 16 | transport << 8 | kind;
    this.#length = at + length;
    this.#state[S_OBSERVATIONS_COUNT]++;
    return at;
  }

  #writeTime(at: number, timestampUs: number): void {
    const seconds = Math.floor(timestampUs / 1e6);
    this.#words[at + 1] = seconds;
    this.#words[at + 2] = timestampUs - seconds * 1e6;
  }

  #writeEnds(at: number, packet: Packet): void {
    const words = this.#words;
    words[at + 3] = packet.source0;
    words[at + 4] = packet.source1;
    words[at + 5] = packet.source2;
    words[at + 6] = packet.source3;
    words[at + 7] = packet.destination0;
    words[at + 8] = packet.destination1;
    words[at + 9] = packet.destination2;
    words[at + 10] = packet.destination3;
    words[at + 11] = packet.sourcePort < 0
      ? 0
      : packet.sourcePort << 16 | packet.destinationPort & 0xffff;
  }
}
