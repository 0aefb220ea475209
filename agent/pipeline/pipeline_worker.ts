/**
 * The thread that decodes: takes batches from the sources, runs the pipeline, hands the buffers on to the recorder and
 * back to their source, and the rows to the store.
 *
 * Live, nothing waits: at most `recordsOutMax` batches are with the recorder (then batches go unrecorded, counted), and
 * rows that the store has no room for are shed (row_outlet.ts). From a file, batches wait here until the store has room;
 * their source waits for its buffers, and rows that are known from an earlier replay are left out (replay_progress.ts).
 */
import { collectGarbage } from "../collect_garbage.ts";
import { EveOutlet } from "../eve/eve_outlet.ts";
import { TrafficLines } from "../eve/traffic_lines.ts";
import { indexPcapRecords, recordHeaderLength } from "../capture/pcap_records.ts";
import { parseIpWords } from "../decode/addresses.ts";
import { setGeoFiles } from "../geo/places.ts";
import { ROW_ACTIVE_US } from "../flow/timeouts.ts";
import type {
  BatchMessage,
  MainToPipeline,
  PipelineToMain,
  PipelineWorkerOptions,
  ProcessesMessage,
  RecordMessage,
  ReturnMessage,
  SourceToPipeline,
} from "../messages.ts";
import { createPacketBatch, type Flow, type Hearsay, type StatsSecond } from "../records.ts";
import { Turns } from "../turns.ts";
import type { OpenFlowsQuery } from "../search/open_flows.ts";
import { Pipeline } from "./pipeline.ts";
import { FloodSums } from "./flood_sums.ts";
import type { FlowProcesses } from "./flow_processes.ts";
import { leavePort } from "./leave_port.ts";
import { ObservationOutlet } from "./observation_outlet.ts";
import { ReplayProgress } from "./replay_progress.ts";
import { RowOutlet } from "./row_outlet.ts";

const recordsOutMax = 32;
/** Questions for processes that the detect worker has not answered. */
const asksOutMax = 2;
const flushMs = 500;
const ticksPerSnapshot = 2;
const ticksPerHosts = 10;
const ticksPerMark = 2;
/** See FloodSums. */
const ticksPerTurn = 2;
/** Told between two ticks; what is more is left. */
const hearsayMax = 1000;
/** Packets decoded at a time: few enough that their rows fit into the room of the row outlet. */
const batchPackets = 8192;
/** Where a record says how many bytes were captured. */
const capturedLengthAt = 8;
/** Flows ended at a time when all end. */
const flowsEndedAtOnce = 2000;

/** A batch, and whose buffer it is in. */
interface SourceBatch {
  readonly batch: BatchMessage;
  readonly source: MessagePort;
}

class PipelineThread {
  readonly #pipeline: Pipeline;
  readonly #batch = createPacketBatch(batchPackets);
  readonly #isLive: boolean;
  readonly #sources = new Map<number, MessagePort>();
  #sourcesOpen: number;
  #recorder: MessagePort | null = null;
  /** Source and size of each buffer that is with the recorder. */
  #recordsOut: { source: MessagePort; size: number }[] = [];
  readonly #rows: RowOutlet;
  /** Live; what a file has is written whole, flow by flow, for a replay that goes on replaces rows by their ids. */
  readonly #floods: FloodSums | null;
  /** Of a file. */
  readonly #progress: ReplayProgress | null;
  readonly #observations: ObservationOutlet;
  /** Of the EVE log. */
  readonly #eve: { readonly outlet: EveOutlet; readonly lines: TrafficLines } | null;
  #evePort: MessagePort | null = null;
  readonly #processes: FlowProcesses | null;
  #processPort: MessagePort | null = null;
  #asksOut = 0;
  /** Packets that have come, and those of them that a file's new source has still to send again. */
  #received = 0;
  #comeAgain = 0;
  /** Batches that wait for their turn, of a file for room, the first one decoded up to `#waitingAt`. */
  #waiting: SourceBatch[] = [];
  #waitingAt = 0;
  readonly #turns = new Turns(() => this.#takeTurn());
  #unsentSeconds: StatsSecond[] = [];
  #unsentHearsay: Hearsay[] = [];
  #recorderDrops = 0;
  #behindS = 0;
  #lastBatchMs = performance.now();
  #timer: number;
  #ticks = 0;
  /** The file has been read to its end. */
  #isWhole = false;
  #isEnded = false;

  constructor(options: PipelineWorkerOptions, sourceCount: number) {
    this.#isLive = options.isLive;
    this.#sourcesOpen = sourceCount;
    this.#observations = new ObservationOutlet({
      isPatient: !options.isLive,
      onRoom: () => this.#goOn(),
    });
    const eve = this.#eve = options.writesEve ? makeEve(!options.isLive) : null;
    this.#pipeline = new Pipeline({
      observations: this.#observations,
      flowCountMax: options.flowCountMax,
      part: options.part,
      ...(options.part.count > 1 && { onHearsay: (one: Hearsay) => this.#noteHearsay(one) }),
      flowActiveUs: ROW_ACTIVE_US,
      rowPolicy: options.rowPolicy,
      ...(options.isLive && { hashSeed: randomSeed() }),
      homeNets: options.homeNets,
      vxlanPorts: options.vxlanPorts,
      observesNames: options.observesNames,
      onRow: (row) => {
        if (!this.#isKnown) this.#rows.addPacket(row);
      },
      onFlow: (flow, isContinued) => {
        if (this.#isKnown) return;
        if (this.#floods === null) this.#writeFlow(flow);
        else this.#floods.add(flow, isContinued);
      },
      ...(eve && {
        onDetails: (details, timestampUs, flow) => {
          if (!this.#isKnown) eve.lines.details(details, timestampUs, flow);
        },
      }),
      // Live, hosts are taken every few seconds anyway.
      onHour: () => this.#progress?.endHour(this.#pipeline),
      onSecond: (second) => {
        (this.#progress ?? this.#rows).addSecond(second);
        // Of several pipelines the main thread tells the sum.
        if (!this.#isKnown && options.part.count === 1) eve?.lines.second(second);
        this.#unsentSeconds.push(second);
      },
    });
    this.#processes = options.namesProcesses ? this.#pipeline.askProcesses() : null;
    this.setOwnNetworks(options.ownNetworks);
    this.#rows = new RowOutlet({
      isPatient: !options.isLive,
      takeHosts: (countMax) => this.#pipeline.takeChangedHosts(countMax),
      onRoom: () => this.#goOn(),
      onKnown: (packets) => {
        this.#progress?.begin(packets);
        this.#goOn();
      },
    });
    this.#floods = options.isLive ? new FloodSums((flow) => this.#writeFlow(flow)) : null;
    this.#progress = options.isLive ? null : new ReplayProgress(this.#rows);
    this.#timer = setInterval(() => this.#tick(), flushMs);
  }

  #writeFlow(flow: Flow): void {
    this.#rows.addFlow(flow);
    this.#eve?.lines.flow(flow);
  }

  addSource(interfaceId: number, port: MessagePort): void {
    leavePort(this.#sources.get(interfaceId));
    this.#sources.set(interfaceId, port);
    // One that takes the place of another plays a file from its start.
    this.#comeAgain = this.#isLive ? 0 : this.#received;
    port.onmessage = (event: MessageEvent<SourceToPipeline>) => {
      const { data } = event;
      if (data.type === "batch") this.#receive(data, port);
      else {
        this.#sourcesOpen--;
        this.#isWhole = data.isWhole ?? false;
      }
      this.#goOn();
    };
  }

  #receive(batch: BatchMessage, source: MessagePort): void {
    const old = Math.min(batch.packetCount, this.#comeAgain);
    this.#comeAgain -= old;
    const count = batch.packetCount - old;
    this.#received += count;
    if (count === 0) giveBack(source, batch.buffer);
    else this.#waiting.push({ batch: lastRecords(batch, count), source });
  }

  setRecorder(port: MessagePort): void {
    leavePort(this.#recorder);
    // What a crashed recorder held never comes back: give its sources new buffers.
    for (const { source, size } of this.#recordsOut) giveBack(source, new ArrayBuffer(size));
    this.#recordsOut = [];
    this.#recorder = port;
    port.onmessage = (event: MessageEvent<ReturnMessage>) => this.#recorded(event.data.buffer);
  }

  setStore(port: MessagePort): void {
    this.#rows.join(port);
    this.#goOn();
  }

  setDetect(port: MessagePort): void {
    this.#observations.join(port);
  }

  setEve(port: MessagePort | null, firstFlowId: number): void {
    const { outlet, lines } = this.#eve!;
    lines.firstFlowId = firstFlowId;
    if (port === null) return;
    leavePort(this.#evePort);
    this.#evePort = port;
    outlet.join((message) => port.postMessage(message));
    port.onmessage = () => {
      outlet.taken();
      this.#goOn();
    };
    this.#goOn();
  }

  #noteHearsay(one: Hearsay): void {
    if (this.#unsentHearsay.length < hearsayMax) this.#unsentHearsay.push(one);
  }

  hear(hearsay: readonly Hearsay[]): void {
    for (const one of hearsay) this.#pipeline.hear(one);
  }

  setSuspects(addresses: readonly string[]): void {
    this.#pipeline.setSuspects(addresses.map(parseIpWords).filter((words) => words !== null));
  }

  setOwnNetworks(networks: readonly string[]): void {
    this.#pipeline.setOwnNetworks(networks);
    const addresses = networks.map((network) => parseIpWords(network.split("/")[0]));
    this.#processes?.setOwn(addresses.filter((words) => words !== null));
  }

  setProcess(port: MessagePort): void {
    leavePort(this.#processPort);
    this.#processPort = port;
    this.#asksOut = 0;
    port.onmessage = ({ data }: MessageEvent<ProcessesMessage>) => {
      this.#asksOut -= data.answers;
      this.#processes!.take(data);
      this.#ask();
    };
  }

  /** Asks for what has begun; what more begins until there is an answer waits its turn. */
  #ask(): void {
    if (this.#processPort === null || this.#asksOut >= asksOutMax) return;
    const asks = this.#processes!.takeAsks();
    if (asks === null) return;
    this.#asksOut++;
    this.#processPort.postMessage(asks, [asks.rows.buffer]);
  }

  setObservesNames(value: boolean): void {
    this.#pipeline.observesNames = value;
  }

  setDrops(drops: { kernel: number; interface: number; queue: number }): void {
    this.#pipeline.drops = drops;
  }

  tellOpenFlows(sequence: number, query: OpenFlowsQuery): void {
    const flows = this.#pipeline.openFlows(query, () => performance.now());
    tell({ type: "openFlows", sequence, flows });
  }

  /** No source will send any more. */
  finish(): void {
    this.#sourcesOpen = 0;
    this.#goOn();
  }

  #goOn(): void {
    this.#turns.goOn();
  }

  /** Does what can be done now: decode some of what waits, and end in order after the last batch. Whether there is more. */
  #takeTurn(): boolean {
    // Sources may be up before the detectors, of whom none would see what comes until then.
    if (!this.#observations.isJoined) return false;
    if (this.#waiting.length > 0) {
      if (!this.#isLive && !this.#hasRoom) return false;
      this.#decodePiece();
      return true;
    }
    if (this.#sourcesOpen <= 0) this.#end();
    return false;
  }

  get #hasRoom(): boolean {
    return this.#rows.hasRoom && this.#observations.hasRoom && this.#progress!.canBegin &&
      this.#hasEveRoom;
  }

  get #hasEveRoom(): boolean {
    return this.#eve?.outlet.hasRoom ?? true;
  }

  /** Whether the rows of what is being decoded are written already. */
  get #isKnown(): boolean {
    return this.#progress?.isKnown() ?? false;
  }

  #decodePiece(): void {
    const { batch: message, source } = this.#waiting[0];
    const left = this.#progress?.packetsLeft ?? Infinity;
    const batch = left < batchPackets ? createPacketBatch(left) : this.#batch;
    this.#waitingAt = indexPcapRecords(batch, message, this.#waitingAt);
    this.#pipeline.process(batch);
    this.#ask();
    this.#progress?.passed(batch.count, this.#pipeline);
    const last = batch.count > 0 ? batch.timestampsUs[batch.count - 1] : 0;
    this.#lastBatchMs = performance.now();
    this.#behindS = this.#isLive ? Math.max(0, Date.now() / 1000 - last / 1e6) : 0;
    if (this.#waitingAt < message.byteLength) return;
    this.#waiting.shift();
    this.#waitingAt = 0;
    const count = this.#progress?.unknownOf(message.packetCount) ?? message.packetCount;
    if (count === 0) giveBack(source, message.buffer);
    else this.#record(lastRecords(message, count), source);
  }

  #record(batch: BatchMessage, source: MessagePort): void {
    if (this.#recorder === null || batch.packetCount === 0) return giveBack(source, batch.buffer);
    if (this.#recordsOut.length >= recordsOutMax) {
      this.#recorderDrops += batch.packetCount;
      return giveBack(source, batch.buffer);
    }
    this.#recordsOut.push({ source, size: batch.buffer.byteLength });
    const message: RecordMessage = { type: "record", batch };
    this.#recorder.postMessage(message, [batch.buffer]);
  }

  /** The recorder returns buffers in the order they were sent. */
  #recorded(buffer: ArrayBuffer): void {
    const out = this.#recordsOut.shift();
    if (out) giveBack(out.source, buffer);
    this.#goOn();
  }

  #tick(): void {
    this.#ticks++;
    const idleMs = performance.now() - this.#lastBatchMs;
    if (this.#isLive && idleMs > 1000) this.#pipeline.advance((Date.now() - 1000) * 1000);
    if (this.#progress === null && this.#ticks % ticksPerHosts === 0) this.#rows.wantsHosts = true;
    if (this.#ticks % ticksPerTurn === 0) this.#floods?.turn();
    this.#rows.send();
    this.#eve?.outlet.send();
    this.#tellHearsay();
    if (this.#ticks % ticksPerMark === 0) this.#progress?.mark(this.#pipeline, false);
    if (this.#ticks % ticksPerSnapshot === 0) this.#tellSnapshot();
  }

  #tellHearsay(): void {
    if (this.#unsentHearsay.length === 0) return;
    tell({ type: "hearsay", hearsay: this.#unsentHearsay });
    this.#unsentHearsay = [];
  }

  #tellSnapshot(): void {
    const snapshot = {
      ...this.#pipeline.snapshot(),
      packetRows: this.#rows.packetRows,
      packetRowsShed: this.#rows.packetRowsShed,
      flowRowsShed: this.#rows.flowRowsShed,
      flowsSummed: this.#floods?.summedCount ?? 0,
      recorderDrops: this.#recorderDrops,
      observationsShed: this.#pipeline.observationsShed + this.#observations.lostCount,
    };
    tell({ type: "snapshot", snapshot, seconds: this.#unsentSeconds, behindS: this.#behindS });
    this.#unsentSeconds = [];
  }

  /** Ends the flows as the store takes them, sends what is left, and says so when all of it is acknowledged. */
  #end(): void {
    if (this.#isEnded) return;
    const rows = this.#rows;
    this.#observations.beginEnd();
    this.#eve?.outlet.beginEnd();
    let hasMore = true;
    while (rows.canSend && this.#observations.hasRoom && this.#hasEveRoom && hasMore) {
      const hasFlows = this.#pipeline.finish(flowsEndedAtOnce);
      if (!hasFlows) this.#floods?.flush();
      const hasHosts = this.#progress === null && this.#pipeline.hasChangedHosts;
      rows.wantsHosts = !hasFlows && hasHosts;
      rows.send();
      hasMore = hasFlows || !rows.isEmpty || hasHosts;
    }
    if (hasMore || this.#progress?.mark(this.#pipeline, this.#isWhole) === false) return;
    this.#eve?.lines.finish();
    this.#eve?.outlet.send();
    const isUnderWay = rows.isUnderWay || (this.#eve?.outlet.isUnderWay ?? false);
    if (isUnderWay || this.#recordsOut.length > 0) return;
    this.#isEnded = true;
    clearInterval(this.#timer);
    this.#observations.end();
    this.#tellSnapshot();
    tell({ type: "stopped" });
  }
}

/** To the source that it came from, and to no other that has taken its place: that has its own. */
function giveBack(source: MessagePort, buffer: ArrayBuffer): void {
  const message: ReturnMessage = { type: "return", buffer };
  source.postMessage(message, [buffer]);
}

/** The batch with its last `count` packets only, moved to the start of its buffer. */
function lastRecords(batch: BatchMessage, count: number): BatchMessage {
  let start = 0;
  const view = new DataView(batch.buffer, 0, batch.byteLength);
  for (let packet = count; packet < batch.packetCount; packet++) {
    start += recordHeaderLength + view.getUint32(start + capturedLengthAt, true);
  }
  if (start === 0) return batch;
  new Uint8Array(batch.buffer).copyWithin(0, start, batch.byteLength);
  return { ...batch, byteLength: batch.byteLength - start, packetCount: count };
}

function makeEve(isPatient: boolean) {
  const outlet = new EveOutlet({ isPatient });
  return { outlet, lines: new TrafficLines((line) => outlet.write(line)) };
}

function randomSeed(): [number, number] {
  const [first, second] = crypto.getRandomValues(new Int32Array(2));
  return [first, second];
}

function tell(message: PipelineToMain): void {
  self.postMessage(message);
}

let thread: PipelineThread | null = null;

collectGarbage();

self.onmessage = (event: MessageEvent<MainToPipeline>) => {
  const message = event.data;
  if (message.type === "start") thread = new PipelineThread(message.options, message.sourceCount);
  else if (message.type === "source") thread!.addSource(message.interfaceId, message.port);
  else if (message.type === "recorder") thread!.setRecorder(message.port);
  else if (message.type === "store") thread!.setStore(message.port);
  else if (message.type === "detect") thread!.setDetect(message.port);
  else if (message.type === "process") thread!.setProcess(message.port);
  else if (message.type === "eve") thread!.setEve(message.port, message.firstFlowId);
  else if (message.type === "suspects") thread!.setSuspects(message.addresses);
  else if (message.type === "ownNetworks") thread!.setOwnNetworks(message.networks);
  else if (message.type === "observesNames") thread!.setObservesNames(message.value);
  else if (message.type === "openFlows") thread!.tellOpenFlows(message.sequence, message.query);
  else if (message.type === "hearsay") thread!.hear(message.hearsay);
  else if (message.type === "geo") setGeoFiles(message.files);
  else if (message.type === "drops") thread!.setDrops(message);
  else thread!.finish();
};
