/** A capture worker under test, with a main thread and a pipeline that only keep what they are told. */
import type {
  CaptureOptions,
  FatalMessage,
  MainToCapture,
  SourceToMain,
  SourceToPipeline,
} from "../agent/messages.ts";
import type { CaptureSourceState } from "../agent/records.ts";

const defaults: Omit<CaptureOptions, "device"> = {
  interfaceId: 0,
  capture: "auto",
  filter: "",
  snaplen: 262144,
  isPromiscuous: true,
  bufferBytes: 64 << 20,
  batchPacketsMax: 16384,
  timeoutMs: 100,
};

export class CaptureRun {
  state!: CaptureSourceState;
  fatal: FatalMessage | null = null;
  readonly notes: string[] = [];
  packets = 0;
  /** Captured bytes of each packet as hexadecimal text, unless buffers are kept. */
  readonly frames: string[] = [];
  readonly linktypes = new Set<number>();
  /** The pipeline was told the end. */
  hasEnded = false;
  #hasStopped = false;
  readonly #isKeepingBuffers: boolean;
  readonly #worker = new Worker(
    new URL("../agent/capture/capture_worker.ts", import.meta.url),
    { type: "module" },
  );
  readonly #pipeline: MessagePort;
  #check = () => {};

  /** Starts a worker that need not succeed. */
  static begin(
    options: Partial<CaptureOptions> & { device: string },
    { isKeepingBuffers = false } = {},
  ): CaptureRun {
    return new CaptureRun({ ...defaults, ...options }, isKeepingBuffers);
  }

  /** Starts a worker and waits until it is capturing. */
  static async start(...args: Parameters<typeof CaptureRun.begin>): Promise<CaptureRun> {
    const capture = CaptureRun.begin(...args);
    await capture.until(() => capture.state?.state === "capturing");
    return capture;
  }

  private constructor(options: CaptureOptions, isKeepingBuffers: boolean) {
    this.#isKeepingBuffers = isKeepingBuffers;
    const { port1, port2 } = new MessageChannel();
    this.#pipeline = port1;
    port1.onmessage = ({ data }) => this.#onPipeline(data);
    this.#worker.onmessage = ({ data }) => this.#onMain(data);
    this.#send({ type: "start", options, pipeline: port2 }, [port2]);
  }

  /** Resolves when `isTrue` is, asked again after each message. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#check = () => isTrue() && resolve();
      this.#check();
    });
  }

  /** Stops the worker, waits until it and the pipeline have heard the last of it, and ends it. */
  async stop(): Promise<void> {
    this.#send({ type: "stop" }, []);
    await this.until(() => this.#hasStopped && this.hasEnded);
    this.#worker.terminate();
    this.#pipeline.close();
  }

  #send(message: MainToCapture, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #onMain(message: SourceToMain): void {
    if (message.type === "state") this.state = message.state;
    if (message.type === "note") this.notes.push(message.text);
    if (message.type === "fatal") this.fatal = message;
    if (message.type === "stopped") this.#hasStopped = true;
    this.#check();
  }

  #onPipeline(message: SourceToPipeline): void {
    if (message.type === "end") {
      this.hasEnded = true;
    } else {
      this.packets += message.packetCount;
      this.linktypes.add(message.linktype);
      if (!this.#isKeepingBuffers) {
        this.#keepFrames(new Uint8Array(message.buffer, 0, message.byteLength));
        this.#pipeline.postMessage({ type: "return", buffer: message.buffer }, [message.buffer]);
      }
    }
    this.#check();
  }

  #keepFrames(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, 0, bytes.length);
    for (let start = 0; start < bytes.length;) {
      const end = start + 16 + view.getUint32(start + 8, true);
      this.frames.push(bytes.subarray(start + 16, end).toHex());
      start = end;
    }
  }
}
