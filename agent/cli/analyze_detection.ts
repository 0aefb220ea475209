/** The detectors of `analyze`, in a thread of their own beside the pipeline; the file waits when they are behind. */
import type { Config } from "../config.ts";
import type { DetectOptions, DetectToMain, MainToDetect } from "../messages.ts";
import { ObservationOutlet } from "../pipeline/observation_outlet.ts";
import { observationBufferWords } from "../pipeline/observation_writer.ts";
import type { DetectionState, Finding } from "../records.ts";
import type { Log } from "../log.ts";
import { fileSeed } from "./common_settings.ts";

export interface DetectionResult {
  /** The last state of each finding. */
  readonly findings: readonly Finding[];
  /** Findings beyond the most that are kept. */
  readonly leftOutCount: number;
  readonly state: Omit<DetectionState, "observationsShed"> | null;
}

/** Findings kept for the report. */
const findingsMax = 100_000;

export class AnalyzeDetection {
  /** Takes what the pipeline observes. */
  readonly outlet: ObservationOutlet;
  readonly #config: Pick<Config, "anomalyQuantile" | "blocklists">;
  readonly #log: Log;
  #worker: Worker | null = null;
  readonly #findings = new Map<number, Finding>();
  #leftOutCount = 0;
  #state: DetectionResult["state"] = null;
  #onRoom = () => {};
  readonly #stopped = Promise.withResolvers<void>();

  constructor(config: Pick<Config, "anomalyQuantile" | "blocklists">, log: Log) {
    this.#config = config;
    this.#log = log;
    this.outlet = new ObservationOutlet({
      isPatient: true,
      wordsMin: observationBufferWords / 2,
      onRoom: () => this.#onRoom(),
      onUnjoined: () => this.start(),
    });
    this.#stopped.promise.catch(() => {}); // raised where it is waited for
  }

  /**
   * Starts the thread, unless it runs; done by itself when there are rows for it. This thread stands still meanwhile: best
   * after some thousand packets, when the pipeline's hot path is known as such, for V8 compiles it in the time.
   */
  start(): void {
    if (this.#worker !== null) return;
    const worker = new Worker(new URL("../detect/detect_worker.ts", import.meta.url), {
      type: "module",
    });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<DetectToMain>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#stopped.reject(new Error(`The detect thread crashed: ${event.message}`));
      this.#onRoom();
    };
    const { port1, port2 } = new MessageChannel();
    const options: DetectOptions = {
      isLive: false,
      anomalyQuantile: this.#config.anomalyQuantile,
      blocklists: this.#config.blocklists,
      seed: fileSeed,
      modelPath: null,
      ownAddresses: [],
    };
    const start: MainToDetect = { type: "start", options, pipelines: [port1] };
    worker.postMessage(start, [port1]);
    this.outlet.join(port2);
  }

  /** Resolves when the detectors have kept up. Rejects when their thread is lost. */
  async room(): Promise<void> {
    while (!this.outlet.hasRoom) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onRoom = resolve;
      await Promise.race([promise, this.#stopped.promise]);
    }
  }

  /** After the last observation: what was found. Rejects when the detectors' thread is lost. */
  async finish(): Promise<DetectionResult> {
    this.start();
    this.outlet.end();
    await this.#stopped.promise;
    return {
      findings: [...this.#findings.values()],
      leftOutCount: this.#leftOutCount,
      state: this.#state,
    };
  }

  terminate(): void {
    this.#worker?.terminate();
  }

  #take(message: DetectToMain): void {
    if (message.type === "findings") message.findings.forEach((finding) => this.#keep(finding));
    else if (message.type === "state") this.#state = message.state;
    else if (message.type === "note") this.#log.write(message.severity, message.text);
    else this.#stopped.resolve();
  }

  #keep(finding: Finding): void {
    if (this.#findings.has(finding.id) || this.#findings.size < findingsMax) {
      this.#findings.set(finding.id, finding);
    } else this.#leftOutCount++;
  }
}
