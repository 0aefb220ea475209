/**
 * Plays a capture file into the pipeline: records in pooled buffers, paced by traffic time.
 *
 * A file loses nothing: when no buffer is free it waits. A batch is sent when its buffer is full, when the link type
 * changes, at the end of each chunk of the file, and before each pause; pauses last at least 50 ms, so
 * at low speed the pipeline gets a batch at most that often and at most 50 ms late.
 *
 * Memory: 8 buffers of 4 MiB, and those of the file reader.
 */
import { messageOf, TapwatchError } from "../errors.ts";
import type { ReplayOptions, ReturnMessage, SourceToMain } from "../messages.ts";
import type { CaptureSourceState, PacketBatch } from "../records.ts";
import { BufferPool } from "./buffer_pool.ts";
import { CaptureFileReader } from "./file_reader.ts";
import { Pacer } from "./pacer.ts";
import { PCAP_END_US, RecordWriter } from "./pcap_records.ts";

/** Wall time, in milliseconds from any start; tests have one of their own. */
export interface Clock {
  now(): number;
  /** Resolves after `ms`, or at once when `signal` fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A file is one source with this number, whatever interfaces it names: buffers find their way back by it. */
const interfaceId = 0;
const bufferCount = 8;
const bufferBytes = 4 * 1024 * 1024;
const pauseMinMs = 50;
/** Silences that are told one by one; the rest is told as a sum at the end. */
const skipNotesMax = 3;

export class Replay {
  readonly #options: ReplayOptions;
  readonly #pipeline: MessagePort;
  readonly #tell: (message: SourceToMain) => void;
  readonly #clock: Clock;
  readonly #pool = new BufferPool(bufferCount, bufferBytes);
  readonly #pacer: Pacer;
  readonly #stop = new AbortController();
  #writer: RecordWriter | null = null;
  #linktype = 0;
  #state: CaptureSourceState["state"] = "starting";
  #detail = "opening";
  #packets = 0;
  /** Of times that the records have no room for. */
  #latePackets = 0;
  #nowMs = 0;
  #skipNotes = 0;
  #skippedToldMs = 0;

  /** `pipeline` gets batches and brings buffers back; `tell` reaches the main thread. */
  constructor(
    options: ReplayOptions,
    pipeline: MessagePort,
    tell: (message: SourceToMain) => void,
    clock: Clock = wallClock,
  ) {
    this.#options = options;
    this.#pipeline = pipeline;
    this.#tell = tell;
    this.#clock = clock;
    this.#pacer = new Pacer(options.speed);
    pipeline.onmessage = ({ data }: MessageEvent<ReturnMessage>) => this.#pool.give(data.buffer);
  }

  /** Plays the file to its end or until `stop`; tells state, notes, a fatal error if any, and "stopped". */
  async run(): Promise<void> {
    const ticker = setInterval(() => this.#tellState(), 1000);
    try {
      await this.#play();
    } catch (error) {
      this.#fail(error);
    } finally {
      clearInterval(ticker);
    }
    const isWhole = this.#state === "finished";
    this.#pipeline.postMessage({ type: "end", interfaceId, isWhole });
    this.#tellState();
    this.#tell({ type: "stopped" });
  }

  /** Ends a running replay soon; what was sent stays with the pipeline. */
  stop(): void {
    this.#stop.abort();
    this.#pool.close();
  }

  async #play(): Promise<void> {
    const { path, speed } = this.#options;
    const reader = await CaptureFileReader.open(path);
    try {
      this.#linktype = reader.info.linktypes[0] ?? 0;
      this.#setState("capturing", speed === 0 ? "as fast as possible" : `${speed} times its speed`);
      for (let batch; !this.#isStopped && (batch = await reader.nextBatch()) !== null;) {
        await this.#playBatch(batch);
        this.#flush();
      }
      for (const text of reader.info.warnings) {
        this.#note("warning", `${reader.info.name}: ${text}`);
      }
      if (this.#latePackets > 0) this.#note("warning", `${reader.info.name}: ${this.#lateText}`);
      this.#noteSkippedSum();
      const detail = `${this.#packets} packets read`;
      this.#setState(this.#isStopped ? "stopped" : "finished", detail);
    } finally {
      reader.close();
    }
  }

  async #playBatch(batch: PacketBatch): Promise<void> {
    this.#nowMs = this.#clock.now();
    for (let row = 0; row < batch.count && !this.#isStopped; row++) {
      const pause = this.#options.speed > 0 ? this.#pauseUntilDue(batch.timestampsUs[row]) : null;
      if (pause !== null) await pause;
      const linktype = batch.linktypes[row];
      if (linktype !== this.#linktype) this.#flush();
      this.#linktype = linktype;
      if (this.#writer === null || !this.#writer.append(batch, row)) {
        this.#flush();
        const buffer = await this.#pool.take();
        if (buffer === null) return;
        this.#nowMs = this.#clock.now();
        this.#writer = new RecordWriter(buffer);
        this.#writer.append(batch, row);
      }
      this.#packets++;
      if (batch.timestampsUs[row] >= PCAP_END_US) this.#latePackets++;
    }
  }

  get #lateText(): string {
    const packets = this.#latePackets === 1 ? "1 packet is" : `${this.#latePackets} packets are`;
    return `${packets} later than 7 February 2106, 06:28:15 UTC, the last second of pcap files, and counted in it.`;
  }

  /** Null for a packet that is due (no promise is made for it), else a flush and a pause. */
  #pauseUntilDue(timestampUs: number): Promise<void> | null {
    if (this.#pacer.dueMs(timestampUs, this.#nowMs) <= this.#nowMs) {
      if (this.#pacer.skippedMs > this.#skippedToldMs) this.#noteSkip();
      return null;
    }
    this.#nowMs = this.#clock.now();
    const waitMs = this.#pacer.dueMs(timestampUs, this.#nowMs) - this.#nowMs;
    return waitMs > 0 ? this.#pause(waitMs) : null;
  }

  async #pause(waitMs: number): Promise<void> {
    this.#flush();
    await this.#clock.sleep(Math.max(waitMs, pauseMinMs), this.#stop.signal);
    this.#nowMs = this.#clock.now();
  }

  #flush(): void {
    const writer = this.#writer;
    if (writer === null) return;
    this.#writer = null;
    this.#pipeline.postMessage({
      type: "batch",
      interfaceId,
      linktype: this.#linktype,
      isNanosecond: true,
      buffer: writer.buffer,
      byteLength: writer.byteLength,
      packetCount: writer.packetCount,
    }, [writer.buffer]);
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #fail(error: unknown): void {
    const message = messageOf(error);
    this.#setState("failed", message);
    const exitCode = error instanceof TapwatchError ? error.exitCode : 1;
    this.#tell({ type: "fatal", message, exitCode });
  }

  #noteSkip(): void {
    if (this.#skipNotes === skipNotesMax) return;
    this.#skipNotes++;
    this.#note("info", `Skipped a silence of ${this.#takeSkipped()}.`);
  }

  #noteSkippedSum(): void {
    if (this.#pacer.skippedMs > this.#skippedToldMs) {
      this.#note("info", `Skipped more silences, ${this.#takeSkipped()} in all.`);
    }
  }

  /** Traffic time skipped since this was last called, for people. */
  #takeSkipped(): string {
    const wallMs = this.#pacer.skippedMs - this.#skippedToldMs;
    this.#skippedToldMs = this.#pacer.skippedMs;
    return `${Math.round(wallMs * this.#options.speed / 1000)} s in the capture`;
  }

  #setState(state: CaptureSourceState["state"], detail: string): void {
    this.#state = state;
    this.#detail = detail;
    this.#tellState();
  }

  #note(severity: "info" | "warning", text: string): void {
    this.#tell({ type: "note", severity, text });
  }

  #tellState(): void {
    this.#tell({
      type: "state",
      state: {
        interfaceId,
        name: this.#options.path,
        state: this.#state,
        detail: this.#detail,
        linktype: this.#linktype,
        isPromiscuous: false,
        packets: this.#packets,
        received: this.#packets,
        kernelDrops: 0,
        interfaceDrops: 0,
        queueDrops: 0,
        queueDepth: this.#pool.inFlight,
        queueMax: this.#pool.size,
      },
    });
  }
}

const wallClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
    if (signal.aborted) finish();
    return promise;
  },
};
