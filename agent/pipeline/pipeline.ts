/**
 * The one path of every packet, live or from a file: decode, count, find its flow, read names when the flow first shows
 * them, add it to its hosts, perhaps make a row. Per packet it allocates nothing; objects are made for rows, finished
 * flows and finished seconds. It knows no clock: time is the packets'.
 */
import { formatIpv4, formatIpWords, formatMac } from "../decode/addresses.ts";
import { ApplicationReader, identifyApplication } from "../decode/application.ts";
import { decodePacket } from "../decode/decode.ts";
import { FlowTable } from "../flow/flow_table.ts";
import {
  Application,
  APPLICATION_NAMES,
  type ApplicationDetails,
  type ApplicationTotals,
  type Flow,
  type FlowEndReason,
  type HostTotals,
  Packet,
  type PacketBatch,
  type PacketRow,
  type PipelineSnapshot,
  type ProtocolTotals,
  type StatsSecond,
  StopReason,
  Transport,
  TRANSPORT_NAMES,
  WINDOW_US,
} from "../records.ts";
import { KeyedSlots } from "../detect/keyed_slots.ts";
import { Mark } from "../detect/observation.ts";
import {
  type FlowOfPacket,
  type ObservationSink,
  ObservationWriter,
} from "./observation_writer.ts";
import { HostTable } from "./host_table.ts";
import { isLocalAddress, isUnicastAddress } from "./local_address.ts";
import { NameBook } from "./name_book.ts";
import { type AddressText, makePacketRow, type RowPolicy, RowSampler } from "./packet_rows.ts";
import { Direction, type DropTotals, SecondCounter } from "./second_counter.ts";

/** Where the pipeline's products go. Each is optional work: what nobody takes is not made. */
export interface PipelineSinks {
  readonly onRow?: (row: PacketRow) => void;
  readonly onFlow?: (flow: Flow) => void;
  readonly onSecond?: (second: StatsSecond) => void;
  /** Application details as they are read; `flow` makes the record of their flow. */
  readonly onDetails?: (details: ApplicationDetails, timestampUs: number, flow: () => Flow) => void;
  /** What the detectors are to see. */
  readonly observations?: ObservationSink;
}

/** What became of the packets that belong to flows. */
export interface FlowTotals {
  /** By TRANSPORT_NAMES; only those seen. */
  readonly flows: Readonly<Record<string, number>>;
  readonly flowsTotal: number;
  /** By APPLICATION_NAMES; only those seen. */
  readonly applications: Readonly<Record<string, ApplicationTotals>>;
  /** Hosts with most bytes, most first. */
  readonly busiestHosts: readonly HostTotals[];
}

export interface PipelineOptions extends PipelineSinks {
  /** Two random words against chosen collisions in the flow table (live); absent, files repeat exactly. */
  readonly hashSeed?: readonly [number, number];
  readonly flowCountMax: number;
  readonly rowPolicy: RowPolicy;
  /** The capturing host's own addresses count as local, whatever they are. */
  readonly isOwnAddress?: (word0: number, word1: number, word2: number, word3: number) => boolean;
}

const addressText: AddressText = { ipv4: formatIpv4, words: formatWords, mac: formatMac };
/** Rows that the dashboard can show without the database. */
const newestRowsMax = 100;
/** Rows a second made for the dashboard when the policy makes none. */
const shownRowsPerSecond = 20;
const talkersMax = 20;

const tickUs = 1_000_000;
const suspectsMax = 1024;
const flowHostWords = 4;
const originatorLocal = 1;
const responderLocal = 2;
const originatorMacSeen = 4;
const responderMacSeen = 8;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #packet = new Packet();
  readonly #reader = new ApplicationReader();
  readonly #flows: FlowTable;
  readonly #hosts: HostTable;
  readonly #names = new NameBook();
  readonly #sampler: RowSampler;
  readonly #second = new SecondCounter();
  readonly #applicationPackets = new Float64Array(APPLICATION_NAMES.length);
  readonly #applicationBytes = new Float64Array(APPLICATION_NAMES.length);
  readonly #applicationFlows = new Float64Array(APPLICATION_NAMES.length);
  readonly #transportFlows = new Float64Array(TRANSPORT_NAMES.length);
  readonly #stops = new Float64Array(4);
  /** For each flow slot: host row of originator and responder, epoch of the host table, flags. */
  #flowHosts = new Int32Array(0);
  readonly #observer: ObservationWriter | null;
  /** Addresses whose packets become rows under the policy "anomalous". */
  readonly #suspects = new KeyedSlots({ capacity: suspectsMax, keyWords: 4 });
  readonly #suspectKey = new Int32Array(4);
  readonly #flowOfPacket: FlowOfPacket;
  /** Traffic time of the next tick, and start of the detectors' window in progress. */
  #tickAtUs = -Infinity;
  #windowStartUs = -Infinity;
  #newest: PacketRow[] = [];
  #shownThisSecond = 0;
  #lastFlowCount = 0;
  readonly #makesRows: boolean;
  #capturedBytes = 0;
  #newestUs = -Infinity;
  #oldestUs = Infinity;
  /** Set by the owner before a batch; goes into the seconds. */
  drops: DropTotals = { kernel: 0, interface: 0, queue: 0 };

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#makesRows = options.onRow !== undefined;
    this.#sampler = new RowSampler(options.rowPolicy);
    this.#flows = new FlowTable({
      flowCountMax: options.flowCountMax,
      ...(options.hashSeed && { hashSeed: options.hashSeed }),
      onEnd: (slot, reason) => this.#flowEnded(slot, reason),
    });
    this.#flowOfPacket = { flows: this.#flows, slot: -1, local: 0 };
    this.#observer = options.observations ? new ObservationWriter(options.observations) : null;
    this.#hosts = new HostTable({
      isLocal: (word0, word1, word2, word3) =>
        isLocalAddress(word0, word1, word2, word3) ||
        (options.isOwnAddress?.(word0, word1, word2, word3) ?? false),
      isListed: isUnicastAddress,
      formatAddress: formatWords,
      nameOf: (address, mac) => this.#names.nameOf(address, mac),
    });
  }

  /** Observations that found no room. */
  get observationsShed(): number {
    return this.#observer?.shedCount ?? 0;
  }

  get packets(): number {
    return this.#second.totals().packets;
  }

  get bytes(): number {
    return this.#second.totals().bytes;
  }

  get capturedBytes(): number {
    return this.#capturedBytes;
  }

  /** Traffic time of the oldest and newest packet; null before the first. */
  get span(): { readonly oldestUs: number; readonly newestUs: number } | null {
    return this.#newestUs === -Infinity
      ? null
      : { oldestUs: this.#oldestUs, newestUs: this.#newestUs };
  }

  /** Takes all packets of a batch, in order. */
  process(batch: PacketBatch): void {
    const { bytes, count, offsets, capturedLengths, wireLengths, timestampsUs, linktypes } = batch;
    const packet = this.#packet;
    const second = this.#second;
    for (let index = 0; index < count; index++) {
      const wireLength = wireLengths[index];
      const capturedLength = capturedLengths[index];
      const timestampUs = timestampsUs[index];
      decodePacket(bytes, offsets[index], capturedLength, wireLength, linktypes[index], packet);
      if (timestampUs >= second.endUs) this.#rollSecond(timestampUs);
      if (timestampUs > this.#newestUs) this.#newestUs = timestampUs;
      if (timestampUs < this.#oldestUs) this.#oldestUs = timestampUs;
      if (packet.stopReason !== 0) this.#stops[packet.stopReason] += 1;
      this.#capturedBytes += capturedLength;
      const direction = this.#track(batch, index, timestampUs, wireLength);
      second.add(packet.transport, wireLength, direction);
    }
    if (count === 0) return;
    this.#flows.advance(this.#newestUs);
    if (this.#observer === null) return;
    // Files may be joined whose times go back.
    if (this.#flows.nowUs < this.#tickAtUs - 2 * tickUs) this.#passTime(this.#flows.nowUs);
    this.#observer.flush();
  }

  /** Lets traffic time pass without a packet, so that idle flows end on a quiet live link. */
  advance(timestampUs: number): void {
    if (timestampUs <= this.#newestUs) return;
    this.#flows.advance(timestampUs);
    if (this.#second.startUs >= 0 && timestampUs >= this.#second.endUs) {
      this.#rollSecond(timestampUs);
    }
    if (this.#observer !== null && this.#flows.nowUs >= this.#tickAtUs) {
      this.#passTime(this.#flows.nowUs);
      this.#observer.flush();
    }
  }

  /** Ends flows, all or at most `countMax`, and after the last one the second in progress; returns whether more stand. */
  finish(countMax = Infinity): boolean {
    if (this.#flows.end(countMax)) return true;
    if (this.#second.startUs >= 0) this.#rollSecond(this.#second.startUs + 1e6);
    this.#second.stop();
    if (this.#observer !== null && this.#windowStartUs !== -Infinity) {
      this.#endWindow();
      this.#windowStartUs = -Infinity;
      this.#observer.flush();
    }
    return false;
  }

  /** Words of the addresses whose packets become rows under the policy "anomalous"; replaces those set before. */
  setSuspects(addresses: readonly (readonly number[])[]): void {
    while (this.#suspects.oldest >= 0) this.#suspects.remove(this.#suspects.oldest);
    for (const words of addresses) this.#suspects.add(Int32Array.from(words));
  }

  /** Hosts that changed since they were last taken, as increments. */
  takeChangedHosts(countMax: number): HostTotals[] {
    return this.#hosts.takeChanged(countMax);
  }

  /** Flows, their applications, and the `hostCount` hosts with most bytes, since the start. */
  flowTotals(hostCount: number): FlowTotals {
    return {
      flows: named(TRANSPORT_NAMES, (index) => this.#transportFlows[index], (flows) => flows > 0),
      flowsTotal: this.#flows.totalCount,
      applications: this.applicationTotals(),
      busiestHosts: this.#hosts.busiest(hostCount, "total"),
    };
  }

  get hasChangedHosts(): boolean {
    return this.#hosts.hasChanged;
  }

  protocolTotals(): Record<string, ProtocolTotals> {
    return named(TRANSPORT_NAMES, (index) => ({
      packets: this.#second.packets(index),
      bytes: this.#second.bytes(index),
    }), ({ packets }) => packets > 0);
  }

  applicationTotals(): Record<string, ApplicationTotals> {
    return named(APPLICATION_NAMES, (index) => ({
      packets: this.#applicationPackets[index],
      bytes: this.#applicationBytes[index],
      flows: this.#applicationFlows[index],
    }), ({ packets }, name) => name !== "" && packets > 0);
  }

  decodeStops(): PipelineSnapshot["decodeStops"] {
    return {
      truncated: this.#stops[StopReason.truncated],
      malformed: this.#stops[StopReason.malformed],
      unsupported: this.#stops[StopReason.unsupported],
    };
  }

  /** Everything but what only the worker around it knows. */
  snapshot(): Omit<
    PipelineSnapshot,
    "packetRows" | "packetRowsShed" | "flowRowsShed" | "recorderDrops" | "observationsShed"
  > {
    const tsUs = this.#newestUs === -Infinity ? 0 : this.#newestUs;
    const { packets, bytes } = this.#second.totals();
    this.#hosts.advance(tsUs);
    return {
      tsUs,
      packets,
      bytes,
      capturedBytes: this.#capturedBytes,
      protocols: this.protocolTotals(),
      applications: this.applicationTotals(),
      decodeStops: this.decodeStops(),
      flowsActive: this.#flows.activeCount,
      flowsTotal: this.#flows.totalCount,
      flowsEvicted: this.#flows.evictedCount,
      flowsMax: this.#options.flowCountMax,
      hostsActive: this.#hosts.activeCount(tsUs),
      hostsTotal: this.#hosts.totalCount,
      topTalkers: this.#hosts.busiest(talkersMax, "recent"),
      newestPackets: this.#newest.slice(-newestRowsMax),
      sampleK: this.#sampler.sampleK,
    };
  }

  /** Takes the packet into its flow and to its hosts; returns its Direction. */
  #track(batch: PacketBatch, index: number, timestampUs: number, wireLength: number): number {
    const packet = this.#packet;
    const flows = this.#flows;
    const slot = flows.update(packet, timestampUs, wireLength, batch.interfaceIds[index]);
    if (this.#observer !== null && flows.nowUs >= this.#tickAtUs) this.#passTime(flows.nowUs);
    if (slot < 0) {
      if (packet.arpOffset >= 0) this.#observer?.arp(batch, index, packet);
      if (this.#makesRows) this.#row(batch, index, 0, 0, null);
      return Direction.passing;
    }
    if (flows.isNew) this.#transportFlows[packet.transport] += 1;
    const direction = this.#countHosts(batch.bytes, slot, timestampUs, wireLength);
    const known = flows.application(slot);
    const details = packet.payloadCapturedLength > 0 && flows.takeInspection(slot)
      ? this.#inspect(batch.bytes, slot, timestampUs)
      : null;
    if (known !== 0) {
      this.#applicationPackets[known] += 1;
      this.#applicationBytes[known] += wireLength;
    } else if (packet.payloadCapturedLength > 0) this.#chargeApplication(slot);
    if (this.#makesRows) this.#row(batch, index, slot, flows.application(slot), details);
    if (this.#observer !== null) this.#observe(batch, index, slot, known);
    return direction;
  }

  /** Tells the detectors what the packet meant, if it meant anything. */
  #observe(batch: PacketBatch, index: number, slot: number, known: number): void {
    const packet = this.#packet;
    const isDns = known === Application.dns ||
      this.#flows.turn !== 0 && this.#flows.application(slot) === Application.dns;
    const isIcmp = packet.transport === Transport.icmp || packet.transport === Transport.icmpv6;
    if (this.#flows.turn === 0 && !isDns && !isIcmp) return;
    const flow = this.#flowOfPacket;
    flow.slot = slot;
    flow.local = localMarks(this.#flowHosts[slot * flowHostWords + 3], this.#flows.isOriginator);
    const observer = this.#observer!;
    if (this.#flows.turn !== 0) observer.contact(batch, index, packet, flow);
    if (isDns && packet.payloadCapturedLength > 0) observer.dns(batch, index, packet, flow);
    if (isIcmp) observer.icmpError(batch, index, packet);
  }

  /** A second of traffic time has passed, and perhaps a window. */
  #passTime(nowUs: number): void {
    const windowStartUs = Math.floor(nowUs / WINDOW_US) * WINDOW_US;
    if (windowStartUs !== this.#windowStartUs) {
      if (this.#windowStartUs !== -Infinity) this.#endWindow();
      this.#windowStartUs = windowStartUs;
    }
    this.#observer!.tick(nowUs);
    this.#tickAtUs = Math.floor(nowUs / tickUs) * tickUs + tickUs;
  }

  #endWindow(): void {
    const observer = this.#observer!;
    const startUs = this.#windowStartUs;
    this.#hosts.takeWindow((words, at, volumes) =>
      observer.hostWindow(startUs, words, at, volumes)
    );
    observer.windowEnd(startUs);
  }

  /** Counts what a flow brought before its application was known, this packet included. */
  #chargeApplication(slot: number): void {
    const application = this.#flows.application(slot);
    if (application === 0) return;
    this.#applicationFlows[application] += 1;
    this.#applicationPackets[application] += this.#flows.packets(slot);
    this.#applicationBytes[application] += this.#flows.wireBytes(slot);
  }

  #inspect(bytes: Uint8Array, slot: number, timestampUs: number): ApplicationDetails | null {
    const flows = this.#flows;
    let application = flows.application(slot);
    if (application === 0) {
      application = identifyApplication(bytes, this.#packet);
      if (application === 0) return null;
      flows.setApplication(slot, application);
    }
    const details = this.#reader.read(bytes, this.#packet, application, slot);
    if (details === null) return null;
    if (details.name !== undefined && flows.name(slot) === "") flows.setName(slot, details.name);
    if (details.tls?.ja4 !== undefined) flows.setJa4(slot, details.tls.ja4);
    if (details.dns) this.#names.learn(details.dns);
    else if (details.isComplete && (details.name !== undefined || !details.http)) {
      flows.markSettled(slot);
    }
    if (details.dhcpHostName !== undefined) this.#nameSender(bytes, details.dhcpHostName);
    this.#options.onDetails?.(details, timestampUs, () => flows.flow(slot));
    return details;
  }

  /** A DHCP client names itself; before it has an address, its name waits under its MAC. */
  #nameSender(bytes: Uint8Array, name: string): void {
    const packet = this.#packet;
    if (packet.linkOffset >= 0) {
      this.#names.setMacName(formatMac(bytes, packet.linkOffset + 6), name);
    }
  }

  /** Adds the packet to its two hosts; returns its Direction. */
  #countHosts(bytes: Uint8Array, slot: number, timestampUs: number, wireLength: number): number {
    const base = slot * flowHostWords;
    if (base >= this.#flowHosts.length) this.#growFlowHosts(base);
    const flowHosts = this.#flowHosts;
    const hosts = this.#hosts;
    const isOriginator = this.#flows.isOriginator;
    if (this.#flows.isNew || flowHosts[base + 2] !== hosts.epoch) {
      this.#findHosts(base, isOriginator, timestampUs);
    }
    const source = isOriginator ? flowHosts[base] : flowHosts[base + 1];
    const destination = isOriginator ? flowHosts[base + 1] : flowHosts[base];
    hosts.addSent(source, wireLength, timestampUs);
    hosts.addReceived(destination, wireLength, timestampUs);
    const flags = flowHosts[base + 3];
    if ((flags & (isOriginator ? originatorMacSeen : responderMacSeen)) === 0) {
      this.#readHostMac(bytes, base, isOriginator, source);
    }
    return directionOf(flags, isOriginator);
  }

  /** Looks both hosts up and remembers their rows, the table's epoch, and which of them are local. */
  #findHosts(base: number, isOriginator: boolean, timestampUs: number): void {
    const p = this.#packet;
    const hosts = this.#hosts;
    // The second look-up may evict and move the first row, so the first is looked up again.
    hosts.row(p.source0, p.source1, p.source2, p.source3, timestampUs);
    const destination = hosts.row(
      p.destination0,
      p.destination1,
      p.destination2,
      p.destination3,
      timestampUs,
    );
    const source = hosts.row(p.source0, p.source1, p.source2, p.source3, timestampUs);
    const originator = isOriginator ? source : destination;
    const responder = isOriginator ? destination : source;
    this.#flowHosts[base] = originator;
    this.#flowHosts[base + 1] = responder;
    this.#flowHosts[base + 2] = hosts.epoch;
    this.#flowHosts[base + 3] = (hosts.isLocal(originator) ? originatorLocal : 0) |
      (hosts.isLocal(responder) ? responderLocal : 0);
  }

  /** Takes the sender's MAC address the first time the flow shows it. */
  #readHostMac(bytes: Uint8Array, base: number, isOriginator: boolean, row: number): void {
    const { linkOffset, tunnelDepth } = this.#packet;
    this.#flowHosts[base + 3] |= isOriginator ? originatorMacSeen : responderMacSeen;
    if (linkOffset < 0 || tunnelDepth > 0 || !this.#hosts.needsMac(row)) return;
    this.#hosts.setMac(row, readMac(bytes, linkOffset + 6));
  }

  #growFlowHosts(base: number): void {
    const length = 2 ** Math.ceil(Math.log2(base + flowHostWords));
    const hosts = new Int32Array(Math.max(4096, length));
    hosts.set(this.#flowHosts);
    this.#flowHosts = hosts;
  }

  #row(
    batch: PacketBatch,
    index: number,
    slot: number,
    application: number,
    details: ApplicationDetails | null,
  ): void {
    const isTaken = this.#options.rowPolicy === "anomalous"
      ? this.#isOfSuspect()
      : this.#sampler.takes(batch.timestampsUs[index]);
    if (!isTaken && this.#shownThisSecond >= shownRowsPerSecond) return;
    const row = makePacketRow(batch, index, this.#packet, {
      application,
      flowId: this.#packet.ipVersion === 0 ? 0 : this.#flows.id(slot),
      sampleK: this.#sampler.sampleK,
      details,
      text: addressText,
    });
    this.#shownThisSecond++;
    this.#newest.push(row);
    if (this.#newest.length >= 2 * newestRowsMax) this.#newest = this.#newest.slice(-newestRowsMax);
    if (isTaken) this.#options.onRow?.(row);
  }

  #isOfSuspect(): boolean {
    if (this.#suspects.count === 0 || this.#packet.ipVersion === 0) return false;
    const p = this.#packet;
    const key = this.#suspectKey;
    key[0] = p.source0;
    key[1] = p.source1;
    key[2] = p.source2;
    key[3] = p.source3;
    if (this.#suspects.find(key) >= 0) return true;
    key[0] = p.destination0;
    key[1] = p.destination1;
    key[2] = p.destination2;
    key[3] = p.destination3;
    return this.#suspects.find(key) >= 0;
  }

  #rollSecond(timestampUs: number): void {
    const second = this.#second.roll(timestampUs, {
      newFlows: this.#flows.totalCount - this.#lastFlowCount,
      activeFlows: this.#flows.activeCount,
      activeHosts: this.#options.onSecond ? this.#hosts.activeCount(timestampUs) : 0,
      drops: this.drops,
    });
    this.#lastFlowCount = this.#flows.totalCount;
    this.#shownThisSecond = 0;
    if (second !== null) this.#options.onSecond?.(second);
  }

  #flowEnded(slot: number, reason: FlowEndReason): void {
    this.#reader.forget(slot);
    if (this.#observer !== null) {
      const flags = this.#flowHosts[slot * flowHostWords + 3];
      this.#observer.end(this.#flows, slot, reason, localMarks(flags, true));
    }
    this.#options.onFlow?.(this.#flows.flow(slot));
  }
}

/** A record by name of those values that are worth listing. */
function named<T>(
  names: readonly string[],
  valueAt: (index: number) => T,
  isListed: (value: T, name: string) => boolean,
): Record<string, T> {
  return Object.fromEntries(
    names.map((name, index) => [name, valueAt(index)] as const).filter(([name, value]) =>
      isListed(value, name)
    ),
  );
}

/** Marks of a packet by whether the originator sent it; `flags` as in #flowHosts. */
function localMarks(flags: number, isOriginator: boolean): number {
  const isOriginatorLocal = (flags & originatorLocal) !== 0;
  const isResponderLocal = (flags & responderLocal) !== 0;
  const isSourceLocal = isOriginator ? isOriginatorLocal : isResponderLocal;
  const isDestinationLocal = isOriginator ? isResponderLocal : isOriginatorLocal;
  return (isSourceLocal ? Mark.isSourceLocal : 0) |
    (isDestinationLocal ? Mark.isDestinationLocal : 0);
}

function directionOf(flags: number, isOriginator: boolean): number {
  const areLocal = flags & (originatorLocal | responderLocal);
  if (areLocal === 0) return Direction.passing;
  if (areLocal === (originatorLocal | responderLocal)) return Direction.internal;
  return (areLocal === originatorLocal) === isOriginator ? Direction.out : Direction.in;
}

function readMac(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] << 8) | bytes[offset + 1]) * 2 ** 32 +
    ((bytes[offset + 2] << 24 | bytes[offset + 3] << 16 | bytes[offset + 4] << 8 |
      bytes[offset + 5]) >>> 0);
}

function formatWords(word0: number, word1: number, word2: number, word3: number): string {
  const isIpv4 = word0 === 0 && word1 === 0 && word2 === 0xffff;
  return formatIpWords(isIpv4 ? 4 : 6, [word0, word1, word2, word3]);
}
