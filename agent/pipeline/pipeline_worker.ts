/**
 * The thread that decodes: takes batches from the sources, runs the pipeline, hands the buffers on to the recorder and
 * back to their source, and the rows to the store. Two bounded queues leave here: at most `recordsOutMax` batches are
 * with the recorder (then batches go unrecorded, counted), and at most `rowsOutMax` messages with the store (then packet
 * rows are shed first, flows only past `flowsHeldMax`, both counted).
 */
import { indexPcapRecords } from "../capture/pcap_records.ts";
import { parseIp } from "../decode/addresses.ts";
import type {
  AckMessage,
  BatchMessage,
  MainToPipeline,
  PipelineToMain,
  PipelineWorkerOptions,
  RecordMessage,
  ReturnMessage,
  RowsMessage,
  SourceToPipeline,
} from "../messages.ts";
import { createPacketBatch, type Flow, type PacketRow, type StatsSecond } from "../records.ts";
import { Pipeline } from "./pipeline.ts";

const recordsOutMax = 12;
const rowsOutMax = 16;
const flowsHeldMax = 100_000;
/** Packet rows in one message; also the most that wait for one. */
const rowsMessageMax = 2000;
const hostsMessageMax = 2000;
const flushMs = 250;
const batchPackets = 16_384;

class PipelineThread {
  readonly #pipeline: Pipeline;
  readonly #batch = createPacketBatch(batchPackets);
  readonly #isLive: boolean;
  readonly #sources = new Map<number, MessagePort>();
  #sourcesOpen: number;
  #recorder: MessagePort | null = null;
  #store: MessagePort | null = null;
  /** Interface and size of each buffer that is with the recorder. */
  #recordsOut: { interfaceId: number; size: number }[] = [];
  #rowsOut = 0;
  #sequence = 0;
  #rows: PacketRow[] = [];
  #flows: Flow[] = [];
  #seconds: StatsSecond[] = [];
  #unsentSeconds: StatsSecond[] = [];
  #packetRows = 0;
  #packetRowsShed = 0;
  #flowRowsShed = 0;
  #recorderDrops = 0;
  #behindS = 0;
  #lastBatchMs = Date.now();
  #timer: number;
  #ticks = 0;
  #isFinishing = false;

  constructor(options: PipelineWorkerOptions, sourceCount: number) {
    this.#isLive = options.isLive;
    this.#sourcesOpen = sourceCount;
    const own = new Set(options.ownAddresses.map(wordsOfAddress));
    this.#pipeline = new Pipeline({
      flowCountMax: options.flowCountMax,
      rowPolicy: options.rowPolicy,
      ...(options.isLive && { hashSeed: randomSeed() }),
      isOwnAddress: (...words) => own.has(words.join()),
      onRow: (row) => this.#keepRow(row),
      onFlow: (flow) => this.#keepFlow(flow),
      onSecond: (second) => {
        this.#seconds.push(second);
        this.#unsentSeconds.push(second);
      },
    });
    this.#timer = setInterval(() => this.#tick(), flushMs);
  }

  addSource(interfaceId: number, port: MessagePort): void {
    this.#sources.get(interfaceId)?.close();
    this.#sources.set(interfaceId, port);
    port.onmessage = (event: MessageEvent<SourceToPipeline>) => {
      if (event.data.type === "batch") this.#takeBatch(event.data);
      else this.#sourceEnded();
    };
  }

  setRecorder(port: MessagePort): void {
    // What a crashed recorder held never comes back: give its sources new buffers.
    for (const { interfaceId, size } of this.#recordsOut) {
      this.#giveBack(interfaceId, new ArrayBuffer(size));
    }
    this.#recordsOut = [];
    this.#recorder = port;
    port.onmessage = (event: MessageEvent<ReturnMessage>) => this.#recorded(event.data.buffer);
  }

  setStore(port: MessagePort): void {
    this.#rowsOut = 0;
    this.#store = port;
    port.onmessage = (event: MessageEvent<AckMessage>) => {
      if (event.data.type === "ack") this.#rowsOut--;
      this.#finishIfDone();
    };
  }

  setDrops(drops: { kernel: number; interface: number; queue: number }): void {
    this.#pipeline.drops = drops;
  }

  finish(): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#pipeline.finish();
    this.#finishIfDone();
  }

  #takeBatch(message: BatchMessage): void {
    const batch = this.#batch;
    for (let at = 0; at < message.byteLength;) {
      at = indexPcapRecords(batch, message, at);
      this.#pipeline.process(batch);
    }
    const last = batch.count > 0 ? batch.timestampsUs[batch.count - 1] : 0;
    this.#lastBatchMs = Date.now();
    this.#behindS = this.#isLive ? Math.max(0, this.#lastBatchMs / 1000 - last / 1e6) : 0;
    this.#record(message);
    if (this.#rows.length >= rowsMessageMax) this.#flushRows();
  }

  #record(batch: BatchMessage): void {
    if (this.#recorder === null) return this.#giveBack(batch.interfaceId, batch.buffer);
    if (this.#recordsOut.length >= recordsOutMax) {
      this.#recorderDrops += batch.packetCount;
      return this.#giveBack(batch.interfaceId, batch.buffer);
    }
    this.#recordsOut.push({ interfaceId: batch.interfaceId, size: batch.buffer.byteLength });
    const message: RecordMessage = { type: "record", batch };
    this.#recorder.postMessage(message, [batch.buffer]);
  }

  /** The recorder returns buffers in the order they were sent. */
  #recorded(buffer: ArrayBuffer): void {
    const out = this.#recordsOut.shift();
    if (out) this.#giveBack(out.interfaceId, buffer);
    this.#finishIfDone();
  }

  #giveBack(interfaceId: number, buffer: ArrayBuffer): void {
    const message: ReturnMessage = { type: "return", buffer };
    this.#sources.get(interfaceId)?.postMessage(message, [buffer]);
  }

  #sourceEnded(): void {
    this.#sourcesOpen--;
    if (this.#sourcesOpen === 0) this.finish();
  }

  #keepRow(row: PacketRow): void {
    this.#packetRows++;
    if (this.#rows.length < rowsMessageMax || this.#canSend()) this.#rows.push(row);
    else this.#packetRowsShed++;
    if (this.#rows.length >= rowsMessageMax) this.#flushRows();
  }

  #keepFlow(flow: Flow): void {
    if (this.#flows.length < flowsHeldMax) this.#flows.push(flow);
    else this.#flowRowsShed++;
    if (this.#flows.length >= rowsMessageMax) this.#flushRows();
  }

  #canSend(): boolean {
    return this.#store !== null && this.#rowsOut < rowsOutMax;
  }

  #flushRows(): void {
    if (!this.#canSend()) return;
    const message: RowsMessage = {
      type: "rows",
      sequence: this.#sequence++,
      packets: this.#rows,
      flows: this.#flows.splice(0, rowsMessageMax),
      seconds: this.#seconds,
      hosts: this.#ticks % 20 === 0 || this.#isFinishing
        ? this.#pipeline.takeChangedHosts(hostsMessageMax)
        : [],
    };
    this.#rows = [];
    this.#seconds = [];
    const isEmpty = message.packets.length + message.flows.length + message.seconds.length +
        message.hosts.length === 0;
    if (isEmpty) return;
    this.#rowsOut++;
    this.#store!.postMessage(message);
  }

  #tick(): void {
    this.#ticks++;
    const idleMs = Date.now() - this.#lastBatchMs;
    if (this.#isLive && idleMs > 1000) this.#pipeline.advance((Date.now() - 1000) * 1000);
    this.#flushRows();
    if (this.#ticks % 4 === 0) this.#tellSnapshot();
    this.#finishIfDone();
  }

  #tellSnapshot(): void {
    const snapshot = {
      ...this.#pipeline.snapshot(),
      packetRows: this.#packetRows,
      packetRowsShed: this.#packetRowsShed,
      flowRowsShed: this.#flowRowsShed,
      recorderDrops: this.#recorderDrops,
    };
    tell({ type: "snapshot", snapshot, seconds: this.#unsentSeconds, behindS: this.#behindS });
    this.#unsentSeconds = [];
  }

  /** After the end: sends what is left as the store takes it, then says so. */
  #finishIfDone(): void {
    if (!this.#isFinishing) return;
    if (this.#store !== null) {
      while (this.#canSend() && this.#hasRowsLeft()) this.#flushRows();
      if (this.#rowsOut > 0) return;
    }
    if (this.#recordsOut.length > 0) return;
    this.#isFinishing = false;
    clearInterval(this.#timer);
    this.#tellSnapshot();
    tell({ type: "stopped" });
  }

  #hasRowsLeft(): boolean {
    return this.#rows.length + this.#flows.length + this.#seconds.length > 0 ||
      this.#pipeline.hasChangedHosts;
  }
}

function randomSeed(): [number, number] {
  const [first, second] = crypto.getRandomValues(new Int32Array(2));
  return [first, second];
}

/** The words of an address as Packet has them, joined; "" for what is no address. */
function wordsOfAddress(text: string): string {
  const bytes = parseIp(text);
  if (bytes === null) return "";
  const view = new DataView(bytes.buffer);
  if (bytes.length === 4) return [0, 0, 0xffff, view.getInt32(0)].join();
  return [0, 4, 8, 12].map((offset) => view.getInt32(offset)).join();
}

function tell(message: PipelineToMain): void {
  self.postMessage(message);
}

let thread: PipelineThread | null = null;

self.onmessage = (event: MessageEvent<MainToPipeline>) => {
  const message = event.data;
  if (message.type === "start") thread = new PipelineThread(message.options, message.sourceCount);
  else if (message.type === "source") thread!.addSource(message.interfaceId, message.port);
  else if (message.type === "recorder") thread!.setRecorder(message.port);
  else if (message.type === "store") thread!.setStore(message.port);
  else if (message.type === "drops") thread!.setDrops(message);
  else thread!.finish();
};
