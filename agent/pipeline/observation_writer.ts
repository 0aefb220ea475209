/**
 * Writes what the detectors see, in the rows that agent/detect/observation.ts draws, and hands them on. The hot path writes
 * most rows itself (agent/hot/assembly/observations.ts): contacts and ends of flows, volumes of hosts; the others are here.
 */
import { readInt32 } from "../decode/bytes.ts";
import { decodePacket } from "../decode/decode.ts";
import {
  ARP_WORDS,
  ICMP_ERROR_WORDS,
  Mark,
  OBSERVATION_WORDS_MAX,
  ObservationKind,
  SHORT_WORDS,
} from "../detect/observation.ts";
import type { FlowTable } from "../flow/flow_table.ts";
import type { HotPath } from "../hot/hot_path.ts";
import {
  OBSERVATION_BUFFER_WORDS,
  OBSERVATIONS_AT,
  S_OBSERVATIONS_COUNT,
  S_OBSERVATIONS_LENGTH,
  S_OBSERVATIONS_SHED,
} from "../hot/layout.ts";
import { Linktype, Packet, type PacketBatch, Transport } from "../records.ts";
import { writeDnsObservation } from "./dns_observation.ts";

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

/** The flow that the packet was just taken into; one object is filled again for every packet. */
export interface FlowOfPacket {
  readonly flows: FlowTable;
  slot: number;
  /** Mark.isSourceLocal and Mark.isDestinationLocal. */
  local: number;
}

export class ObservationWriter {
  readonly #sink: ObservationSink;
  readonly #quoted = new Packet();
  readonly #state: Int32Array;
  /** The hot path's buffer, to which it adds its own rows. */
  readonly #words: Int32Array;
  /** What the sink gets next. */
  #outgoing = new Int32Array(observationBufferWords);

  constructor(sink: ObservationSink, hot: HotPath) {
    const from = OBSERVATIONS_AT / 4;
    this.#sink = sink;
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

  /** An ARP packet with IPv4 addresses (RFC 826). */
  arp(batch: PacketBatch, index: number, packet: Packet): void {
    const { bytes } = batch;
    const arp = packet.arpOffset;
    const isWhole = arp + 28 <= batch.offsets[index] + batch.capturedLengths[index];
    if (!isWhole || bytes[arp + 4] !== 6 || bytes[arp + 5] !== 4) return;
    const at = this.#begin(ARP_WORDS, ObservationKind.arp, Transport.arp);
    if (at < 0) return;
    const words = this.#words;
    this.#writeTime(at, batch.timestampsUs[index]);
    words.fill(0, at + 3, at + 13);
    words[at + 5] = 0xffff;
    words[at + 6] = readInt32(bytes, arp + 14);
    words[at + 9] = 0xffff;
    words[at + 10] = readInt32(bytes, arp + 24);
    words[at + 13] = marksOf(batch, index, packet);
    words[at + 14] = bytes[arp + 6] << 8 | bytes[arp + 7];
    words[at + 15] = 0;
    this.#writeMac(at + 16, bytes, arp + 8);
    this.#writeMac(at + 18, bytes, arp + 18);
    this.#writeMac(at + 20, bytes, packet.linkOffset < 0 ? -1 : packet.linkOffset + 6);
  }

  /** An ICMP or ICMPv6 message that quotes the packet it is about. */
  icmpError(batch: PacketBatch, index: number, packet: Packet): void {
    if (!isIcmpError(packet) || packet.payloadCapturedLength <= 0) return;
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
    words[at + 13] = marksOf(batch, index, packet);
    words[at + 14] = quoted.tcpFlags << 16;
    words[at + 15] = packet.sourcePort << 8 | packet.destinationPort;
    words[at + 16] = packet.source0;
    words[at + 17] = packet.source1;
    words[at + 18] = packet.source2;
    words[at + 19] = packet.source3;
  }

  /** A DNS message; what is no whole one is left out. */
  dns(batch: PacketBatch, index: number, packet: Packet, flow: FlowOfPacket): void {
    const at = this.#begin(SHORT_WORDS, ObservationKind.dns, packet.transport);
    if (at < 0) return;
    const words = this.#words;
    this.#writeTime(at, batch.timestampsUs[index]);
    this.#writeEnds(at, packet);
    words[at + 12] = flow.flows.id(flow.slot);
    words[at + 13] = flow.local | (flow.flows.isOriginator ? Mark.sentByOriginator : 0) |
      marksOf(batch, index, packet);
    const added = writeDnsObservation(batch.bytes, packet, words, at + SHORT_WORDS);
    if (added < 0) this.#length = at;
    else {
      words[at] += added << 16;
      this.#length = at + SHORT_WORDS + added;
    }
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

  /** `from` -1 stands for an address that is not there. */
  #writeMac(at: number, bytes: Uint8Array, from: number): void {
    this.#words[at] = from < 0 ? 0 : bytes[from] << 8 | bytes[from + 1];
    this.#words[at + 1] = from < 0 ? 0 : readInt32(bytes, from + 2);
  }
}

/** What the frame and the IP header add to a row's marks. */
function marksOf(batch: PacketBatch, index: number, packet: Packet): number {
  const { linkOffset } = packet;
  const isEthernet = batch.linktypes[index] === Linktype.ethernet && linkOffset >= 0;
  let marks = 0;
  if (isEthernet && (batch.bytes[linkOffset] & 1) !== 0) marks |= Mark.isLinkBroadcast;
  if (isToMany(packet)) marks |= Mark.isToMany;
  if (packet.isFragment !== 0) marks |= Mark.isFragment;
  if (packet.tunnelDepth > 0) marks |= Mark.isTunnelled;
  return marks;
}

function isToMany({ ipVersion, destination0, destination3 }: Packet): boolean {
  if (ipVersion === 4) return destination3 >>> 28 === 0xe || destination3 === -1;
  return ipVersion === 6 && destination0 >>> 24 === 0xff;
}

/** Unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792; RFC 4443 sections 3.1 to 3.4). */
function isIcmpError(packet: Packet): boolean {
  const type = packet.sourcePort;
  if (packet.transport === Transport.icmpv6) return type >= 1 && type <= 4;
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}
