/**
 * The hot path: what nearly every packet needs, in WebAssembly (assembly/, decision 0006), and the door to it. One memory
 * holds the state (layout.ts); it has its whole size from the start, so that views on it stay valid, and the pages that
 * are never touched cost nothing.
 *
 * FlowTable and HostTable are the cold sides of that state; Pipeline hands whole batches to process(). What WebAssembly
 * cannot do alone it asks for through `calls`.
 */
import { createPacketBatch, type Packet, type PacketBatch } from "../records.ts";
import { hotModule } from "./hot_code.ts";
import {
  ICMP_PAIRS_AT,
  RECORDS_ARE_BIG_ENDIAN,
  RECORDS_ARE_NANOSECOND,
  ROW_CAPTURED_LENGTHS_AT,
  ROW_INTERFACE_IDS_AT,
  ROW_LINKTYPES_AT,
  ROW_NANOSECONDS_AT,
  ROW_OFFSETS_AT,
  ROW_TIMESTAMPS_AT,
  ROW_WIRE_LENGTHS_AT,
  ROWS_MAX,
  SERVER_PORTS_AT,
  STATE_AT,
  TUNNEL_PORTS_AT,
  TUNNEL_PORTS_BYTES,
} from "./layout.ts";
import { loadPacket, storePacket } from "./packet_words.ts";

export interface HotPathOptions {
  readonly flowCountMax: number;
  readonly hostCountMax: number;
  /** Bytes of the memory for a reader of files; see captureMemory. */
  readonly captureBytes?: number;
}

/** What WebAssembly asks of TypeScript. Rows count from the start of the batch that process() was given. */
export interface HotCalls {
  /**
   * Decodes a row that is no common packet, and puts it into the memory with setPacket(). Returns how many bytes are that
   * packet's when others share the frame with it, else 0.
   */
  decode(row: number): number;
  /** Goes on to the next packet of the same frame in the same way; returns its bytes, or 0 when there is none. */
  decodeFurther(row: number): number;
  /** Only when asked for (S_WANTS): a flow has begun with the packet in hand, and not as a further piece of one. */
  flowBegan(slot: number): void;
  /** A flow is about to leave its slot, or is cut; `reason` as END_ of layout.ts. Not all are told, see WANTS_FLOWS. */
  flowEnded(slot: number, reason: number): void;
  /** A host has been added; sets its flags. */
  hostAdded(row: number, timestampUs: number): void;
  /** Makes room in the host table. */
  hostsFull(): void;
  /** MAC addresses may tell something of the packet's hosts; `isAnswered`: both have sent in the flow. */
  macsSeen(row: number, source: number, destination: number, isAnswered: number): void;
  /**
   * Looks at the payload of a flow that may have more to tell. What TLS and HTTP tell is only asked for when details are
   * wanted (S_WANTS); of DNS over TCP every segment is shown.
   */
  inspect(row: number, slot: number): void;
  /**
   * A segment with payload of a flow of TCP that is followed (FlowTable.follow): its offset in its stream, its length, its
   * payload in the batch's bytes, and what it acknowledges as an offset of the other direction.
   */
  segmentSeen(
    slot: number,
    offset: number,
    length: number,
    payloadAt: number,
    captured: number,
    acknowledged: number,
    timestampUs: number,
  ): void;
  /** Only when rows are wanted (S_WANTS); slot -1 is no flow. */
  makeRow(row: number, slot: number): void;
  /** Only when observations are wanted: an ICMP message that quotes the packet it is about, and its marks (Mark). */
  icmpError(row: number, marks: number): void;
  /** Empties the buffer of observations. */
  observationsFull(): void;
  /** A packet does not belong to the second in progress. */
  secondOver(timestampUs: number): void;
  /** Traffic time has reached S_TICK_AT_US. */
  tick(): void;
}

interface HotExports {
  readonly memory: WebAssembly.Memory;
  setUp(flowCountMax: number, hostCountMax: number, freeBytes: number): number;
  decodeCommon(base: number, offset: number, capturedLength: number, wireLength: number): number;
  commonApplication(base: number): number;
  readKey(): void;
  hashKey(): number;
  isKeySwapped(): number;
  nextTcpStates(states: number, isOriginator: number, flags: number, hasPayload: number): number;
  isTcpAttempt(states: number): number;
  isTcpClosed(states: number): number;
  updateFlow(timestampUs: number, wireLength: number, interfaceId: number): number;
  advanceFlows(timestampUs: number): void;
  endFlows(countMax: number): number;
  takeInspection(slot: number): number;
  writeStreamDns(slot: number, length: number, timestampUs: number): void;
  flowSlotsAt(): number;
  findHost(word0: number, word1: number, word2: number, word3: number): number;
  hostRow(word0: number, word1: number, word2: number, word3: number, timestampUs: number): number;
  addSent(row: number, wireLength: number, timestampUs: number): void;
  addReceived(row: number, wireLength: number, timestampUs: number): void;
  indexHosts(): void;
  /** Answers of DNS are given to inspect() even if they name nothing new. */
  forgetAnswers(): void;
  hostRowsAt(): number;
  hostAddressesAt(): number;
  hostWindowTakenAt(): number;
  endHostWindow(startUs: number): void;
  processRows(base: number, from: number, to: number): void;
  takePcap(
    base: number,
    position: number,
    end: number,
    format: number,
    lengthMax: number,
    linktype: number,
  ): number;
}

/** How pcap records are written, as RecordLayout of pcap_records.ts has it. */
interface PcapLayout {
  readonly isLittleEndian: boolean;
  readonly isNanosecond: boolean;
  readonly headerLength: number;
  readonly linktype: number;
}

/** Records of the classic format in this memory; positions count from the start of `bytes`. */
export interface PcapRecords {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly end: number;
  readonly layout: PcapLayout;
  /** A record that claims more captured bytes is none. */
  readonly lengthMax: number;
}

/** Bytes of a foreign batch that are copied at a time. */
const stagingBytes = 4 * 1024 * 1024;
const none = () => {};

export class HotPath {
  readonly exports: HotExports;
  /** The owners of the state put in what they answer. */
  readonly calls: HotCalls = {
    decode: () => 0,
    decodeFurther: () => 0,
    flowBegan: none,
    flowEnded: none,
    hostAdded: none,
    hostsFull: none,
    macsSeen: none,
    inspect: none,
    segmentSeen: none,
    makeRow: none,
    icmpError: none,
    observationsFull: none,
    secondOver: none,
    tick: none,
  };
  /** Views on the whole memory, and on the state. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
  readonly state: Int32Array;
  readonly times: Float64Array;
  readonly #stagingAt: number;
  readonly #captureAt: number;
  readonly #captureBytes: number;
  #rows: PacketBatch | null = null;

  constructor({ flowCountMax, hostCountMax, captureBytes = 0 }: HotPathOptions) {
    const calls = this.calls;
    const env = {
      decode: (row: number) => calls.decode(row),
      decodeFurther: (row: number) => calls.decodeFurther(row),
      flowBegan: (slot: number) => calls.flowBegan(slot),
      flowEnded: (slot: number, reason: number) => calls.flowEnded(slot, reason),
      hostAdded: (row: number, timestampUs: number) => calls.hostAdded(row, timestampUs),
      hostsFull: () => calls.hostsFull(),
      macsSeen: (row: number, source: number, destination: number, isAnswered: number) =>
        calls.macsSeen(row, source, destination, isAnswered),
      inspect: (row: number, slot: number) => calls.inspect(row, slot),
      segmentSeen: (
        slot: number,
        offset: number,
        length: number,
        payloadAt: number,
        captured: number,
        acknowledged: number,
        timestampUs: number,
      ) => calls.segmentSeen(slot, offset, length, payloadAt, captured, acknowledged, timestampUs),
      makeRow: (row: number, slot: number) => calls.makeRow(row, slot),
      icmpError: (row: number, marks: number) => calls.icmpError(row, marks),
      observationsFull: () => calls.observationsFull(),
      secondOver: (timestampUs: number) => calls.secondOver(timestampUs),
      tick: () => calls.tick(),
    };
    const instance = new WebAssembly.Instance(hotModule(), { env });
    this.exports = instance.exports as unknown as HotExports;
    const at = this.exports.setUp(flowCountMax, hostCountMax, stagingBytes + captureBytes);
    if (at === 0) {
      throw new RangeError(`Cannot make hot path: no address space for ${flowCountMax} flows`);
    }
    this.#stagingAt = at;
    this.#captureAt = at + stagingBytes;
    this.#captureBytes = captureBytes;
    const { buffer } = this.exports.memory;
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.state = new Int32Array(buffer, STATE_AT, 64);
    this.times = new Float64Array(buffer, STATE_AT, 32);
  }

  /** Copies tables that the flow key and the roles need; see layout.ts. */
  setTables(icmpPairs: Int16Array, serverPorts: Uint8Array): void {
    new Int16Array(this.bytes.buffer, ICMP_PAIRS_AT, icmpPairs.length).set(icmpPairs);
    this.bytes.set(serverPorts, SERVER_PORTS_AT);
  }

  /** Which ports of UDP are not to be taken for common: those whose entry is not 0. */
  setTunnelPorts(entries: Uint8Array): void {
    const bits = this.bytes.subarray(TUNNEL_PORTS_AT, TUNNEL_PORTS_AT + TUNNEL_PORTS_BYTES).fill(0);
    // Nearly all are 0: four at a time.
    const fours = new Int32Array(entries.buffer, entries.byteOffset, entries.length >> 2);
    for (let four = 0, count = fours.length; four < count; four++) {
      if (fours[four] === 0) continue;
      for (let port = four * 4; port < four * 4 + 4; port++) {
        if (entries[port] !== 0) bits[port >> 3] |= 1 << (port & 7);
      }
    }
  }

  /** `count` doubles from the address `at`. */
  doublesAt(at: number, count: number): Float64Array {
    return this.doubles.subarray(at / 8, at / 8 + count);
  }

  /** Makes `packet` the packet in hand. The ports of its flow's key may be others, see FragmentCache. */
  setPacket(packet: Packet, keySourcePort: number, keyDestinationPort: number): void {
    storePacket(this.words, packet, keySourcePort, keyDestinationPort);
  }

  /** Copies the packet in hand. */
  getPacket(packet: Packet): void {
    loadPacket(this.words, packet);
  }

  /** The batch, and room for bytes, that lie in this memory: what is read into them is not copied. */
  get captureMemory(): { readonly batch: PacketBatch; readonly bytes: Uint8Array } {
    const at = this.#captureAt;
    return { batch: this.#batch(), bytes: this.bytes.subarray(at, at + this.#captureBytes) };
  }

  /**
   * Takes the packets of whole records, in order, and returns how many. The one that a call is about has place 0 of the
   * batch that lies in this memory, where the last one stays.
   */
  takePcap({ bytes, position, end, layout, lengthMax }: PcapRecords): number {
    const format = layout.headerLength | (layout.isLittleEndian ? 0 : RECORDS_ARE_BIG_ENDIAN) |
      (layout.isNanosecond ? RECORDS_ARE_NANOSECOND : 0);
    const { takePcap } = this.exports;
    return takePcap(bytes.byteOffset, position, end, format, lengthMax, layout.linktype);
  }

  /**
   * Takes all packets of a batch, in order. A batch from elsewhere is copied here in pieces; `begin` is told the row of the
   * batch that the next calls count from.
   */
  process(batch: PacketBatch, begin: (firstRow: number) => void): void {
    const { buffer } = this.bytes;
    const areRowsHere = batch.offsets.buffer === buffer;
    if (areRowsHere && batch.bytes.buffer === buffer) {
      begin(0);
      this.exports.processRows(batch.bytes.byteOffset, 0, batch.count);
      return;
    }
    for (let from = 0; from < batch.count;) {
      const to = this.#copyBytes(batch, from);
      if (!areRowsHere) this.#copyRows(batch, from, to);
      const firstRow = areRowsHere ? 0 : from;
      begin(firstRow);
      // Offsets count from the batch's own first byte, which may lie before the memory: addresses wrap.
      const base = this.#stagingAt - batch.offsets[from] | 0;
      this.exports.processRows(base, from - firstRow, to - firstRow);
      from = to;
    }
  }

  /** Copies as many packets from row `from` on as there is room for; returns the row after them. */
  #copyBytes({ bytes, offsets, capturedLengths, count }: PacketBatch, from: number): number {
    const start = offsets[from];
    const rowMax = Math.min(count, from + ROWS_MAX);
    let to = from + 1;
    let end = start + capturedLengths[from];
    for (; to < rowMax; to++) {
      const rowEnd = offsets[to] + capturedLengths[to];
      if (offsets[to] < start || rowEnd - start > stagingBytes) break;
      end = Math.max(end, rowEnd);
    }
    // Of a packet that is longer than all the room only the headers matter.
    this.bytes.set(bytes.subarray(start, Math.min(end, start + stagingBytes)), this.#stagingAt);
    return to;
  }

  #copyRows(batch: PacketBatch, from: number, to: number): void {
    const rows = this.#batch();
    rows.offsets.set(batch.offsets.subarray(from, to));
    rows.capturedLengths.set(batch.capturedLengths.subarray(from, to));
    rows.wireLengths.set(batch.wireLengths.subarray(from, to));
    rows.timestampsUs.set(batch.timestampsUs.subarray(from, to));
    rows.linktypes.set(batch.linktypes.subarray(from, to));
    rows.interfaceIds.set(batch.interfaceIds.subarray(from, to));
  }

  #batch(): PacketBatch {
    return this.#rows ??= this.#makeBatch();
  }

  #makeBatch(): PacketBatch {
    const { buffer } = this.bytes;
    return {
      ...createPacketBatch(0),
      offsets: new Uint32Array(buffer, ROW_OFFSETS_AT, ROWS_MAX),
      capturedLengths: new Uint32Array(buffer, ROW_CAPTURED_LENGTHS_AT, ROWS_MAX),
      wireLengths: new Uint32Array(buffer, ROW_WIRE_LENGTHS_AT, ROWS_MAX),
      timestampsUs: new Float64Array(buffer, ROW_TIMESTAMPS_AT, ROWS_MAX),
      nanoseconds: new Uint16Array(buffer, ROW_NANOSECONDS_AT, ROWS_MAX),
      linktypes: new Uint16Array(buffer, ROW_LINKTYPES_AT, ROWS_MAX),
      interfaceIds: new Uint16Array(buffer, ROW_INTERFACE_IDS_AT, ROWS_MAX),
    };
  }
}
