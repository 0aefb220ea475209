/**
 * The one path of every packet, live or from a file: decode, count, find its flow, read names when the flow first shows
 * them, add it to its hosts, perhaps make a row. Per packet it allocates nothing; objects are made for rows, finished
 * flows and finished seconds. It knows no clock: time is the packets'.
 */
import { formatAddressWords, formatIpv4, formatMac } from "../decode/addresses.ts";
import { decodePacket, furtherPacketAt } from "../decode/decode.ts";
import { FURTHER_PACKET } from "../decode/step.ts";
import { tunnelPorts } from "../decode/tunnel_ports.ts";
import { FlowTable } from "../flow/flow_table.ts";
import { DEFAULT_TIMEOUTS } from "../flow/timeouts.ts";
import { HotPath, type PcapRecords } from "../hot/hot_path.ts";
import {
  APPLICATION_PLACES,
  APPLICATIONS_AT,
  S_CAPTURED_BYTES,
  S_COPIES,
  S_NEWEST_US,
  S_OLDEST_US,
  S_SECOND_END_US,
  S_TICK_AT_US,
  S_WANTS,
  STOPS_AT,
  TALLY_AT,
  TALLY_PLACES,
  TRANSPORT_FLOWS_AT,
  WANTS_BEGINNINGS,
  WANTS_DETAILS,
  WANTS_FLOWS,
  WANTS_OBSERVATIONS,
  WANTS_ROWS,
} from "../hot/layout.ts";
import {
  APPLICATION_NAMES,
  type ApplicationDetails,
  type ApplicationTotals,
  createPacketBatch,
  type DecodeStop,
  type Flow,
  type FlowEndReason,
  type Hearsay,
  type HostTotals,
  Packet,
  type PacketBatch,
  type PacketRow,
  type PipelineSnapshot,
  type ProtocolTotals,
  type StatsSecond,
  StopReason,
  TRANSPORT_NAMES,
  WINDOW_US,
} from "../records.ts";
import type { OpenFlows, OpenFlowsQuery } from "../search/open_flows.ts";
import { KeyedSlots } from "../detect/common/keyed_slots.ts";
import { type ObservationSink, ObservationWriter } from "./observation_writer.ts";
import { DecodeStops } from "./decode_stops.ts";
import { type ApplicationCounts, FlowInspector } from "./flow_inspector.ts";
import { FlowProcesses } from "./flow_processes.ts";
import { hostCountDefault, HostTable } from "./host_table.ts";
import { HomeNetwork, isUnicastAddress } from "./home_network.ts";
import { LinkWatch } from "./link_watch.ts";
import { LoginWatch } from "./login_watch.ts";
import { MacBook } from "./mac_book.ts";
import { NameBook } from "./name_book.ts";
import { nameRow } from "./name_row.ts";
import { openFlows } from "./open_flows.ts";
import {
  type AddressText,
  makePacketRow,
  type RowPolicy,
  RowSampler,
  sampledRowsPerSecond,
} from "./packet_rows.ts";
import { type DropTotals, type SecondContext, SecondCounter } from "./second_counter.ts";

/** Where the pipeline's products go. Each is optional work: what nobody takes is not made. */
export interface PipelineSinks {
  readonly onRow?: (row: PacketRow) => void;
  /** `isContinued`: a later piece of a flow that was cut at its longest age. */
  readonly onFlow?: (flow: Flow, isContinued: boolean) => void;
  readonly onSecond?: (second: StatsSecond) => void;
  /** Traffic of another hour begins; none of it has been counted. */
  readonly onHour?: () => void;
  /** Application details as they are read; `flow` makes the record of their flow. */
  readonly onDetails?: (details: ApplicationDetails, timestampUs: number, flow: () => Flow) => void;
  /** What the detectors are to see. */
  readonly observations?: ObservationSink;
  /** What pipelines that share the traffic have to tell each other, see hear(). */
  readonly onHearsay?: (hearsay: Hearsay) => void;
}

/** What became of the packets that belong to flows. */
export interface FlowTotals {
  /** By TRANSPORT_NAMES; only those seen. */
  readonly flows: Readonly<Record<string, number>>;
  readonly flowsTotal: number;
  /** Ended early because the table was full. */
  readonly flowsEvicted: number;
  /** Packets that were copies of others. */
  readonly copies: number;
  /** By APPLICATION_NAMES; only those seen. */
  readonly applications: Readonly<Record<string, ApplicationTotals>>;
  /** Hosts with most bytes, most first. */
  readonly busiestHosts: readonly HostTotals[];
}

interface PipelinePart {
  readonly index: number;
  readonly count: number;
}

interface PipelineOptions extends PipelineSinks {
  /** Two random words against chosen collisions in the flow table (live); absent, files repeat exactly. */
  readonly hashSeed?: readonly [number, number];
  readonly flowCountMax: number;
  /** Which of how many pipelines that share the traffic this is; the only one unless told. */
  readonly part?: PipelinePart;
  /** Age at which a flow is cut, see FlowTimeouts; half an hour unless told. */
  readonly flowActiveUs?: number;
  /** Bytes of captureMemory. */
  readonly captureBytes?: number;
  readonly rowPolicy: RowPolicy;
  /** UDP ports of VXLAN besides the usual ones. */
  readonly vxlanPorts?: readonly number[];
  /** What is local, as --home-net says it. */
  readonly homeNets?: readonly string[];
  /** The detectors are told what flows name, too. */
  readonly observesNames?: boolean;
}

const addressText: AddressText = { ipv4: formatIpv4, words: formatAddressWords, mac: formatMac };
/** Rows that the dashboard can show without the database. */
const newestRowsMax = 100;
/** Rows a second made for the dashboard when the policy makes none. */
const shownRowsPerSecond = 20;
const talkersMax = 20;

const tickUs = 1_000_000;
/** After a tick by which more flows than this have ended, they are ended in steps, so that a flood does not hold the thread up. */
const endedMany = 5000;
const stepsPerTick = 16;
const hourUs = 3_600_000_000;
/** In place of a first row: every row is at place 0 in its turn. */
const inTurn = -1;
const suspectsMax = 1024;

/** From the oldest to the newest packet, in traffic time. */
interface TimeSpan {
  readonly oldestUs: number;
  readonly newestUs: number;
}

/** See CaptureMemory in file_reader.ts. */
export interface CaptureMemory {
  readonly batch: PacketBatch;
  readonly bytes: Uint8Array;
  readsUnderWay: number;
  takePcap(records: PcapRecords): number;
}

export class Pipeline {
  /** Memory for a reader of files: what lies in it is not copied. */
  readonly captureMemory: CaptureMemory;
  /** Of what was taken before takeSpan(). */
  #spanBefore: TimeSpan = { oldestUs: Infinity, newestUs: -Infinity };
  readonly #options: PipelineOptions;
  readonly #packet = new Packet();
  readonly #inspector: FlowInspector;
  readonly #hot: HotPath;
  readonly #flows: FlowTable;
  readonly #hosts: HostTable;
  #hour = -1;
  readonly #home: HomeNetwork;
  readonly #link: LinkWatch;
  readonly #names: NameBook;
  readonly #sampler: RowSampler;
  readonly #second: SecondCounter;
  readonly #applications: ApplicationCounts;
  readonly #transportFlows: Float64Array;
  readonly #stops: Float64Array;
  readonly #tunnelPorts: Uint8Array;
  readonly #stopPlaces = new DecodeStops();
  readonly #observer: ObservationWriter | null;
  readonly #logins: LoginWatch | null;
  /** Once somebody answers. */
  #processes: FlowProcesses | null = null;
  /** Addresses whose packets become rows under the policy "anomalous". */
  readonly #suspects = new KeyedSlots({ capacity: suspectsMax, keyWords: 4 });
  readonly #suspectKey = new Int32Array(4);
  /** Start of the detectors' window in progress. */
  #windowStartUs = -Infinity;
  #wholeTickAtUs = -Infinity;
  #stepUs = tickUs;
  #endedSinceTick = 0;
  #newest: PacketRow[] = [];
  #shownThisSecond = 0;
  #lastFlowCount = 0;
  /** The batch being processed, the row of it that the hot path's rows count from, and the row that is in #packet. */
  #batch: PacketBatch = createPacketBatch(0);
  #firstRow = 0;
  #packetRow = -1;
  /** Where another packet begins that shares a frame with the one in hand; -1 when there is none. */
  #furtherAt = -1;
  /** Somebody takes what flows tell besides their application. */
  readonly #readsDetails: boolean;
  /** What the packet in hand has told. */
  #details: ApplicationDetails | null = null;
  /** As PipelineOptions has it; may change where rows, flows or details are taken, for only then are names read. */
  observesNames: boolean;
  /** Set by the owner before a batch; goes into the seconds. */
  drops: DropTotals = { kernel: 0, interface: 0, queue: 0 };

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.observesNames = options.observesNames ?? false;
    this.#readsDetails = Boolean(options.onRow ?? options.onFlow ?? options.onDetails) ||
      this.observesNames;
    const share = sampledRowsPerSecond / (options.part?.count ?? 1);
    this.#sampler = new RowSampler(options.rowPolicy, share);
    const { flowCountMax, onHearsay } = options;
    const hot = this.#hot = new HotPath({
      flowCountMax,
      hostCountMax: hostCountDefault,
      captureBytes: options.captureBytes ?? 0,
    });
    this.#names = new NameBook(
      onHearsay && ((news) => onHearsay({ kind: "name", news })),
      () => hot.exports.forgetAnswers(),
    );
    this.#tunnelPorts = tunnelPorts(options.vxlanPorts);
    hot.setTunnelPorts(this.#tunnelPorts);
    this.#second = new SecondCounter(hot.doublesAt(TALLY_AT, TALLY_PLACES));
    const [packets, bytes, flows] = [0, 1, 2].map((place) =>
      hot.doublesAt(APPLICATIONS_AT + 8 * place * APPLICATION_PLACES, APPLICATION_PLACES)
    );
    this.#applications = { packets, bytes, flows };
    this.#transportFlows = hot.doublesAt(TRANSPORT_FLOWS_AT, TRANSPORT_NAMES.length);
    this.#stops = hot.doublesAt(STOPS_AT, 4);
    this.#flows = new FlowTable({
      hot,
      flowCountMax,
      ...(options.flowActiveUs !== undefined && {
        timeouts: { ...DEFAULT_TIMEOUTS, activeUs: options.flowActiveUs },
      }),
      ...(options.hashSeed && { hashSeed: options.hashSeed }),
      ...(options.part && { part: options.part }),
      onEnd: (slot, reason) => this.#flowEnded(slot, reason),
    });
    this.captureMemory = {
      ...hot.captureMemory,
      readsUnderWay: 0,
      takePcap: (records) => this.#takePcap(records),
    };
    this.#observer = options.observations ? new ObservationWriter(options.observations, hot) : null;
    this.#inspector = new FlowInspector({
      flows: this.#flows,
      names: this.#names,
      counts: this.#applications,
      isForHosts: !this.#readsDetails,
      onDetails: this.#readsDetails
        ? (details, timestampUs, flow) => this.#tellDetails(details, timestampUs, flow)
        : undefined,
      onStreamDns: (message, slot, timestampUs) => this.#observer?.dns(message, slot, timestampUs),
    });
    const observer = this.#observer;
    this.#logins = observer === null ? null : new LoginWatch({
      flows: this.#flows,
      tell: (row) => observer.login(row),
    });
    const home = this.#home = new HomeNetwork({
      homeNets: options.homeNets,
      onChange: (network) => this.#hosts.relabel(network),
    });
    const macs = new MacBook();
    this.#hosts = new HostTable({
      hot,
      isLocal: (word0, word1, word2, word3) => home.isLocal(word0, word1, word2, word3),
      isGuessed: (word0, word1, word2, word3) => home.isGuessed(word0, word1, word2, word3),
      isListed: isUnicastAddress,
      formatAddress: formatAddressWords,
      namesOf: (address, mac) => this.#names.namesOf(address, mac),
      macs,
    });
    this.#link = new LinkWatch(hot, home, macs);
    this.#answerCalls();
  }

  #tellDetails(details: ApplicationDetails, timestampUs: number, flow: () => Flow): void {
    this.#options.onDetails?.(details, timestampUs, flow);
    if (!this.observesNames) return;
    const row = nameRow(details, timestampUs, flow);
    if (row !== null) this.#observer?.name(row);
  }

  /** What the hot path leaves to others, besides the two tables. */
  #answerCalls(): void {
    const { calls, state, times } = this.#hot;
    calls.decode = (row) => this.#decode(row);
    calls.decodeFurther = (row) => this.#decodeFurther(row);
    calls.macsSeen = (row, source, destination, isAnswered) => {
      const hosts = { source, destination, isAnswered: isAnswered !== 0 };
      this.#hosts.noteLook(hosts, this.#link.seeMacs(this.#batch, this.#placeOf(row), hosts));
    };
    calls.inspect = (row, slot) => this.#inspectRow(row, slot);
    calls.segmentSeen = (slot, offset, length, payloadAt, captured, acknowledged, timestampUs) =>
      this.#logins!.take(
        this.#batch.bytes,
        slot,
        offset,
        length,
        payloadAt,
        captured,
        acknowledged,
        timestampUs,
      );
    calls.makeRow = (row, slot) => this.#makeRow(row, slot);
    calls.icmpError = (row, marks) =>
      this.#observer!.icmpError(this.#batch, this.#take(row), this.#packet, marks);
    calls.secondOver = (timestampUs) => this.#rollSecond(timestampUs);
    calls.tick = () => this.#passTime(this.#flows.nowUs);
    state[S_WANTS] = (this.#options.onRow ? WANTS_ROWS : 0) |
      (this.#options.onFlow ? WANTS_FLOWS : 0) | (this.#observer ? WANTS_OBSERVATIONS : 0) |
      (this.#readsDetails ? WANTS_DETAILS : 0);
    times[S_TICK_AT_US / 2] = -Infinity;
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
    return this.#hot.times[S_CAPTURED_BYTES / 2];
  }

  /** Traffic time of the oldest and newest packet; null before the first. */
  get span(): TimeSpan | null {
    const newestUs = this.#newestUs;
    if (newestUs === -Infinity) return null;
    const oldestUs = Math.min(this.#spanBefore.oldestUs, this.#hot.times[S_OLDEST_US / 2]);
    return { oldestUs, newestUs };
  }

  /** As `span`, of the packets since the last call of this; null without one. */
  takeSpan(): TimeSpan | null {
    const { times } = this.#hot;
    const taken = { oldestUs: times[S_OLDEST_US / 2], newestUs: times[S_NEWEST_US / 2] };
    if (taken.newestUs === -Infinity) return null;
    this.#spanBefore = this.span!;
    times[S_OLDEST_US / 2] = Infinity;
    times[S_NEWEST_US / 2] = -Infinity;
    return taken;
  }

  get #newestUs(): number {
    return Math.max(this.#spanBefore.newestUs, this.#hot.times[S_NEWEST_US / 2]);
  }

  /** Takes all packets of a batch, in order. */
  process(batch: PacketBatch): void {
    if (batch.count === 0) return;
    this.#batch = batch;
    this.#hot.process(batch, (firstRow) => {
      this.#firstRow = firstRow;
      this.#packetRow = -1;
    });
    this.#batchOver();
  }

  #takePcap(records: PcapRecords): number {
    const { batch } = this.captureMemory;
    batch.bytes = records.bytes;
    this.#batch = batch;
    this.#firstRow = inTurn;
    this.#packetRow = -1;
    const count = this.#hot.takePcap(records);
    if (count > 0) this.#batchOver();
    return count;
  }

  #batchOver(): void {
    this.#observer?.batchOver();
  }

  /** Traffic time of the next tick, or step of one. */
  get #tickAtUs(): number {
    return this.#hot.times[S_TICK_AT_US / 2];
  }

  /** Lets traffic time pass without a packet, so that idle flows end on a quiet live link. */
  advance(timestampUs: number): void {
    if (timestampUs <= this.#newestUs) return;
    this.#flows.advance(timestampUs);
    if (this.#second.startUs >= 0 && timestampUs >= this.#second.endUs) {
      this.#rollSecond(timestampUs);
    }
    if (this.#flows.nowUs < this.#tickAtUs) return;
    this.#passTime(this.#flows.nowUs);
    this.#observer?.flush();
  }

  /** Ends flows, all or at most `countMax`, and after the last one the second in progress; returns whether more stand. */
  finish(countMax = Infinity): boolean {
    if (this.#flows.end(countMax)) return true;
    if (this.#second.startUs >= 0) this.#rollSecond(this.#second.startUs + 1e6);
    this.#second.stop();
    this.#hot.times[S_SECOND_END_US / 2] = this.#second.endUs;
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

  /** The networks of the capturing host's interfaces, now that they are known or have changed. */
  setOwnNetworks(networks: readonly string[]): void {
    this.#home.setOwn(networks);
  }

  /** Flows of this host are asked for from now on: what is to be asked is with the one that is returned, which takes the answers. */
  askProcesses(): FlowProcesses {
    const processes = new FlowProcesses(this.#hot);
    this.#hot.calls.flowBegan = (slot) => processes.began(slot);
    this.#hot.state[S_WANTS] |= WANTS_BEGINNINGS;
    return this.#processes = processes;
  }

  /** Takes what another pipeline has seen of the link and of names; counts nothing. */
  hear(hearsay: Hearsay): void {
    if (hearsay.kind === "name") return this.#names.take(hearsay.news);
    const { frame, linktype } = hearsay;
    const packet = this.#packet;
    decodePacket(frame, 0, frame.length, frame.length, linktype, packet, this.#tunnelPorts);
    this.#packetRow = -1;
    this.#link.hear(frame, packet, frame.length);
  }

  /** Hosts that changed since they were last taken, as increments. */
  takeChangedHosts(countMax: number): HostTotals[] {
    return this.#hosts.takeChanged(countMax);
  }

  /** Flows under way that fit. */
  openFlows(query: OpenFlowsQuery, nowMs: () => number): OpenFlows {
    return openFlows(this.#flows, query, nowMs, (slot) => this.#flow(slot));
  }

  /** Flows, their applications, and the `hostCount` hosts with most bytes, since the start. */
  flowTotals(hostCount: number): FlowTotals {
    return {
      flows: named(TRANSPORT_NAMES, (index) => this.#transportFlows[index], (flows) => flows > 0),
      flowsTotal: this.#flows.totalCount,
      flowsEvicted: this.#flows.evictedCount,
      copies: this.#hot.times[S_COPIES / 2],
      applications: this.applicationTotals(),
      busiestHosts: this.#hosts.busiest(hostCount, "total"),
    };
  }

  /** The name that traffic gave an address; "" without one. */
  hostName(address: string): string {
    return this.#names.nameOf(address, "");
  }

  get hasChangedHosts(): boolean {
    return this.#hosts.hasChanged;
  }

  /** The second in progress as it is by now; null before the first. */
  secondSoFar(): StatsSecond | null {
    return this.#second.soFar(this.#secondContext(this.#newestUs));
  }

  protocolTotals(): Record<string, ProtocolTotals> {
    return named(TRANSPORT_NAMES, (index) => ({
      packets: this.#second.packets(index),
      bytes: this.#second.bytes(index),
    }), ({ packets }) => packets > 0);
  }

  applicationTotals(): Record<string, ApplicationTotals> {
    return named(APPLICATION_NAMES, (index) => ({
      packets: this.#applications.packets[index],
      bytes: this.#applications.bytes[index],
      flows: this.#applications.flows[index],
    }), ({ packets }, name) => name !== "" && packets > 0);
  }

  decodeStops(): PipelineSnapshot["decodeStops"] {
    return {
      truncated: this.#stops[StopReason.truncated],
      malformed: this.#stops[StopReason.malformed],
      unsupported: this.#stops[StopReason.unsupported],
    };
  }

  /** Packets of which nothing was seen that detection could judge, see DecodeStop. */
  get unreadPackets(): number {
    return this.#stopPlaces.unreadPackets;
  }

  /** Where packets were not decoded to the end, most first. */
  decodeStopList(): DecodeStop[] {
    return this.#stopPlaces.list();
  }

  /** Everything but what only the worker around it knows. */
  snapshot(): Omit<
    PipelineSnapshot,
    | "packetRows"
    | "packetRowsShed"
    | "flowRowsShed"
    | "flowsSummed"
    | "recorderDrops"
    | "observationsShed"
  > {
    const tsUs = this.#newestUs === -Infinity ? 0 : this.#newestUs;
    const { packets, bytes } = this.#second.totals();
    this.#hosts.advance(tsUs);
    return {
      tsUs,
      packets,
      bytes,
      capturedBytes: this.capturedBytes,
      protocols: this.protocolTotals(),
      applications: this.applicationTotals(),
      decodeStops: this.decodeStops(),
      unreadPackets: this.unreadPackets,
      decodeStopList: this.decodeStopList(),
      flowsActive: this.#flows.activeCount,
      flowsTotal: this.#flows.totalCount,
      flowsEvicted: this.#flows.evictedCount,
      copies: this.#hot.times[S_COPIES / 2],
      flowsMax: this.#options.flowCountMax,
      flowNamesDropped: this.#flows.namesDroppedCount,
      hostsActive: this.#hosts.activeCount(tsUs),
      hostsTotal: this.#hosts.totalCount,
      topTalkers: this.#hosts.busiest(talkersMax, "recent"),
      newestPackets: this.#newest.slice(-newestRowsMax),
      sampleK: this.#sampler.sampleK,
    };
  }

  /** Decodes a packet that the hot path does not read itself; returns as HotCalls.decode(). */
  #decode(row: number): number {
    const index = this.#placeOf(row);
    const start = this.#batch.offsets[index];
    this.#decodeAt(row, start, this.#batch.linktypes[index]);
    return this.#furtherAt < 0 ? 0 : this.#furtherAt - start;
  }

  /** As #decode(), the next packet of the same frame. */
  #decodeFurther(row: number): number {
    const start = this.#furtherAt;
    if (start < 0) return 0;
    const index = this.#placeOf(row);
    this.#decodeAt(row, start, FURTHER_PACKET);
    const { offsets, capturedLengths, wireLengths } = this.#batch;
    const end = offsets[index] + Math.max(capturedLengths[index], wireLengths[index]);
    return (this.#furtherAt < 0 ? end : this.#furtherAt) - start;
  }

  /** Decodes the packet that begins at `start` in a row. */
  #decodeAt(row: number, start: number, linktype: number): void {
    const { bytes, offsets, capturedLengths, wireLengths, timestampsUs } = this.#batch;
    const index = this.#placeOf(row);
    const before = start - offsets[index];
    const captured = Math.max(capturedLengths[index] - before, 0);
    const wire = wireLengths[index] - before;
    const packet = this.#packet;
    decodePacket(bytes, start, captured, wire, linktype, packet, this.#tunnelPorts);
    this.#furtherAt = furtherPacketAt();
    if (packet.stopReason !== StopReason.complete) this.#stopPlaces.add(packet);
    this.#packetRow = row;
    const isLinkSpeech = this.#link.hear(bytes, packet, offsets[index] + capturedLengths[index]);
    if (isLinkSpeech && before === 0) {
      this.#options.onHearsay?.({
        kind: "frame",
        linktype,
        frame: bytes.slice(start, start + captured),
      });
    }
    this.#flows.setPacket(packet, timestampsUs[index]);
  }

  /** Sees to it that #packet is the packet of `row`, which the hot path has in hand. */
  #take(row: number): number {
    if (this.#packetRow !== row) this.#hot.getPacket(this.#packet);
    this.#packetRow = row;
    return this.#placeOf(row);
  }

  /** Where a row of the hot path is in the batch. */
  #placeOf(row: number): number {
    return this.#firstRow === inTurn ? 0 : this.#firstRow + row;
  }

  /**
   * A second of traffic time has passed, and perhaps a window. What time brings happens here and not at the end of a batch, so
   * that the size of batches makes no difference.
   */
  #passTime(nowUs: number): void {
    const before = this.#flows.activeCount;
    this.#flows.advance(nowUs);
    this.#endedSinceTick += before - this.#flows.activeCount;
    const isStep = nowUs >= this.#tickAtUs && nowUs < this.#wholeTickAtUs;
    if (!isStep) {
      this.#wholeTickAtUs = nextMultiple(nowUs, tickUs);
      this.#stepUs = this.#endedSinceTick > endedMany ? tickUs / stepsPerTick : tickUs;
      this.#endedSinceTick = 0;
    }
    this.#hot.times[S_TICK_AT_US / 2] = nextMultiple(nowUs, this.#stepUs);
    if (isStep || this.#observer === null) return;
    const windowStartUs = Math.floor(nowUs / WINDOW_US) * WINDOW_US;
    if (windowStartUs !== this.#windowStartUs) {
      if (this.#windowStartUs !== -Infinity) this.#endWindow();
      this.#windowStartUs = windowStartUs;
    }
    this.#observer.tick(nowUs);
  }

  #endWindow(): void {
    this.#hot.exports.endHostWindow(this.#windowStartUs);
    this.#observer!.windowEnd(this.#windowStartUs);
  }

  #inspectRow(row: number, slot: number): void {
    const timestampUs = this.#batch.timestampsUs[this.#take(row)];
    const { bytes } = this.#batch;
    this.#details = this.#inspector.inspect(bytes, this.#packet, { slot, timestampUs });
    this.#logins?.begin(bytes, this.#packet, slot);
  }

  /** `slot` is -1 without a flow. */
  #makeRow(hotRow: number, slot: number): void {
    const index = this.#placeOf(hotRow);
    const batch = this.#batch;
    const details = this.#details;
    this.#details = null;
    const isTaken = this.#options.rowPolicy === "anomalous"
      ? this.#suspects.count > 0 && this.#isOfSuspect(hotRow)
      : this.#sampler.takes(batch.timestampsUs[index]);
    if (!isTaken && this.#shownThisSecond >= shownRowsPerSecond) return;
    this.#take(hotRow);
    const row = makePacketRow(batch, index, this.#packet, {
      application: slot < 0 ? 0 : this.#flows.application(slot),
      flowId: slot < 0 ? 0 : this.#flows.id(slot),
      sampleK: this.#sampler.sampleK,
      details,
      text: addressText,
    });
    this.#shownThisSecond++;
    this.#newest.push(row);
    if (this.#newest.length >= 2 * newestRowsMax) this.#newest = this.#newest.slice(-newestRowsMax);
    if (isTaken) this.#options.onRow?.(row);
  }

  #isOfSuspect(hotRow: number): boolean {
    this.#take(hotRow);
    if (this.#packet.ipVersion === 0) return false;
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
    const second = this.#second.roll(timestampUs, this.#secondContext(timestampUs));
    this.#hot.times[S_SECOND_END_US / 2] = this.#second.endUs;
    this.#lastFlowCount = this.#flows.totalCount;
    this.#shownThisSecond = 0;
    if (second !== null) this.#options.onSecond?.(second);
    const hour = Math.floor(timestampUs / hourUs);
    if (hour !== this.#hour && second !== null) this.#options.onHour?.();
    this.#hour = hour;
  }

  #secondContext(timestampUs: number): SecondContext {
    return {
      newFlows: this.#flows.totalCount - this.#lastFlowCount,
      activeFlows: this.#flows.activeCount,
      activeHosts: this.#options.onSecond ? this.#hosts.activeCount(timestampUs) : 0,
      drops: this.drops,
    };
  }

  #flowEnded(slot: number, reason: FlowEndReason): void {
    if (reason !== "active") {
      this.#logins?.end(slot);
      this.#inspector.end(slot);
    }
    this.#options.onFlow?.(this.#flow(slot), this.#flows.isContinued(slot));
    if (reason !== "active") this.#processes?.ended(slot);
  }

  #flow(slot: number): Flow {
    const flow = this.#flows.flow(slot);
    const process = this.#processes?.of(slot);
    return process === undefined ? flow : { ...flow, process };
  }
}

/** The first multiple of `stepUs` after `timeUs`. */
function nextMultiple(timeUs: number, stepUs: number): number {
  return Math.floor(timeUs / stepUs) * stepUs + stepUs;
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
