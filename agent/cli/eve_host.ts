/**
 * The thread of the EVE log as the supervisor has it: started, joined to the pipeline, started again when it crashes, and
 * sent what is found.
 */
import type { Config } from "../config.ts";
import { EveOutlet } from "../eve/eve_outlet.ts";
import { FindingLines } from "../eve/finding_lines.ts";
import { TrafficLines } from "../eve/traffic_lines.ts";
import type { LiveState } from "../live_state.ts";
import type { DiskMessage, EveOptions, EveToMain, NoteMessage } from "../messages.ts";
import type { StatsSecond } from "../records.ts";
import { FLOWS_PER_RUN } from "../store/schema.ts";
import { WorkerHost } from "./worker_host.ts";

interface EveHostOptions {
  readonly config: Config;
  readonly live: LiveState;
  readonly pipelineCount: number;
  /** A null port is the one that it has already. */
  readonly joinPipeline: (index: number, port: MessagePort | null, firstFlowId: number) => void;
  readonly onNote: (message: NoteMessage) => void;
  readonly onCrash: (text: string) => void;
}

const flushMs = 250;

export class EveHost {
  /** Takes what is found. */
  readonly lines: FindingLines;
  readonly #options: EveHostOptions;
  readonly #worker: WorkerHost<EveToMain>;
  readonly #outlet = new EveOutlet({ isPatient: false });
  /** Of several pipelines, whose seconds are added up here. */
  readonly #traffic = new TrafficLines((line) => this.#outlet.write(line));
  #stopped = Promise.withResolvers<void>();
  #flusher: number | undefined;
  /** As LiveState.storeRun. */
  #run = 0;
  #isPipelineJoined = false;
  /** What threads that were lost had counted. */
  #before = { linesWritten: 0, linesLost: 0 };

  constructor(options: EveHostOptions) {
    this.#options = options;
    this.lines = new FindingLines((line) => this.#outlet.write(line));
    this.#worker = new WorkerHost<EveToMain>({
      name: "EVE log",
      spawn: () => new Worker(new URL("../eve/eve_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => this.#begin(worker),
      onMessage: (message) => this.#onMessage(message),
      onCrash: (text) => {
        const { linesWritten, linesLost } = options.live.eve;
        this.#before = { linesWritten, linesLost };
        options.onCrash(text);
      },
    });
  }

  start(): void {
    this.#worker.start();
    this.#flusher = setInterval(() => this.#outlet.send(), flushMs);
  }

  /** Joins a pipeline that has begun, whose flows have rows of `run`. */
  join(run: number): void {
    this.#run = run;
    for (let index = 0; index < this.#options.pipelineCount; index++) {
      const { port1, port2 } = new MessageChannel();
      this.#worker.post({ type: "pipeline", port: port1 }, [port1]);
      this.#options.joinPipeline(index, port2, run * FLOWS_PER_RUN);
    }
    this.#isPipelineJoined = true;
  }

  /** The pipeline is gone; the next one is joined once its run is known. */
  leave(): void {
    this.#isPipelineJoined = false;
    this.#run = 0;
  }

  /** The store has told its run, perhaps again. */
  setRun(run: number): void {
    if (run === 0 || run === this.#run) return;
    if (!this.#isPipelineJoined) return this.join(run);
    this.#run = run;
    for (let index = 0; index < this.#options.pipelineCount; index++) {
      this.#options.joinPipeline(index, null, run * FLOWS_PER_RUN);
    }
  }

  /** Seconds that several pipelines have seen. */
  takeSeconds(seconds: readonly StatsSecond[]): void {
    if (this.#options.pipelineCount === 1) return;
    for (const second of seconds) this.#traffic.second(second);
  }

  tellDisk(message: DiskMessage): void {
    this.#worker.post(message);
  }

  /** Writes all that has come; resolves when the file is closed. */
  stop(): Promise<void> {
    clearInterval(this.#flusher);
    if (this.#options.pipelineCount > 1) this.#traffic.finish();
    this.#outlet.send();
    if (!this.#worker.isRunning) return Promise.resolve();
    this.#worker.post({ type: "stop" });
    return this.#stopped.promise;
  }

  terminate(): void {
    clearInterval(this.#flusher);
    this.#worker.terminate();
    const { live } = this.#options;
    if (live.eve.state === "ok") live.eve = { ...live.eve, state: "off" };
  }

  #begin(worker: Worker): void {
    const { resultsFolder, pcapFileMb, pcapFiles } = this.#options.config;
    const options: EveOptions = {
      folder: resultsFolder,
      fileBytesMax: pcapFileMb * 1e6,
      fileCountMax: pcapFiles,
    };
    worker.postMessage({ type: "start", options });
    worker.postMessage({ type: "disk", step: this.#options.live.disk.step });
    this.#outlet.join((message) => worker.postMessage(message));
    if (this.#isPipelineJoined) this.join(this.#run);
  }

  #onMessage(message: EveToMain): void {
    if (message.type === "state") {
      const { state } = message;
      this.#options.live.eve = {
        ...state,
        linesWritten: state.linesWritten + this.#before.linesWritten,
        linesLost: state.linesLost + this.#before.linesLost,
      };
    } else if (message.type === "taken") this.#outlet.taken();
    else if (message.type === "stopped") this.#stopped.resolve();
    else this.#options.onNote(message);
  }
}
