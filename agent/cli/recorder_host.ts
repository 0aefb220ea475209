/**
 * The recorder thread as the supervisor has it: started, joined to the pipelines, told of the findings whose packets are to be kept,
 * started again when it crashes, and then told again of those that are open.
 */
import type { Config } from "../config.ts";
import type { LiveState } from "../live_state.ts";
import type {
  DiskMessage,
  EvidenceOptions,
  FatalMessage,
  KeptFinding,
  NoteMessage,
  RecorderOptions,
  RecorderToMain,
} from "../messages.ts";
import type { EvidenceState, Finding } from "../records.ts";
import { findingRowId } from "../store/finding_rows.ts";
import { packetsOfFinding } from "./finding_packets.ts";
import { WorkerHost } from "./worker_host.ts";

interface RecorderHostOptions {
  readonly config: Config;
  readonly live: LiveState;
  /** Offers the pipelines a port each, and returns the other ends. */
  readonly joinPipelines: () => MessagePort[];
  readonly onNote: (message: NoteMessage | FatalMessage) => void;
  readonly onCrash: (text: string) => void;
}

/** Share of all evidence that one finding may have at most. */
const findingShare = 1 / 16;

export class RecorderHost {
  readonly #options: RecorderHostOptions;
  readonly #worker: WorkerHost<RecorderToMain>;
  readonly #open = new Map<number, KeptFinding>();
  readonly #stopped = Promise.withResolvers<void>();
  /** What threads that are gone had counted. */
  #before = { packetsWritten: 0, packetsLeftOut: 0, filesRemoved: 0 };

  constructor(options: RecorderHostOptions) {
    this.#options = options;
    this.#worker = new WorkerHost<RecorderToMain>({
      name: "recorder",
      spawn: () =>
        new Worker(new URL("../capture/recorder_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => this.#begin(worker),
      onMessage: (message) => {
        if (message.type === "state") options.live.recorder = message.state;
        else if (message.type === "evidence") this.#onEvidence(message.state);
        else if (message.type === "stopped") this.#stopped.resolve();
        else options.onNote(message);
      },
      onCrash: (text) => {
        const { packetsWritten, packetsLeftOut, filesRemoved } = options.live.evidence;
        this.#before = { packetsWritten, packetsLeftOut, filesRemoved };
        options.onCrash(text);
      },
    });
  }

  start(): void {
    this.#worker.start();
  }

  /** The pipelines are others. */
  restart(): void {
    this.#worker.restart();
  }

  /** A finding as its row has it has opened, changed or ended. */
  take(finding: Finding): void {
    const kept = keptFinding(finding, this.#options.live.storeRun);
    if (finding.isOpen) this.#open.set(kept.id, kept);
    else this.#open.delete(kept.id);
    this.#worker.post({ type: "finding", finding: kept });
  }

  tellDisk(message: DiskMessage): void {
    this.#worker.post(message);
  }

  /** Resolves when the ring is closed and what it has of findings is copied. */
  async stop(): Promise<void> {
    if (!this.#worker.isRunning) return;
    this.#worker.post({ type: "stop" });
    await this.#stopped.promise;
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #onEvidence(state: EvidenceState): void {
    const { packetsWritten, packetsLeftOut, filesRemoved } = this.#before;
    this.#options.live.evidence = {
      ...state,
      packetsWritten: state.packetsWritten + packetsWritten,
      packetsLeftOut: state.packetsLeftOut + packetsLeftOut,
      filesRemoved: state.filesRemoved + filesRemoved,
    };
  }

  #begin(worker: Worker): void {
    const { config, live, joinPipelines } = this.#options;
    const options: RecorderOptions = {
      folder: config.resultsFolder,
      fileBytesMax: config.pcapFileMb * 1e6,
      fileCountMax: config.pcapFiles,
      snaplen: config.snaplen,
    };
    const bytesMax = config.pcapFiles === 0 ? 0 : config.evidenceMb * 1e6;
    const evidence: EvidenceOptions = {
      folder: config.resultsFolder,
      bytesMax,
      findingBytesMax: bytesMax * findingShare,
      vxlanPorts: config.vxlanPorts,
    };
    const pipelines = joinPipelines();
    worker.postMessage({ type: "start", options, evidence, pipelines }, pipelines);
    worker.postMessage({ type: "disk", step: live.disk.step });
    for (const finding of this.#open.values()) worker.postMessage({ type: "finding", finding });
  }
}

function keptFinding(finding: Finding, run: number): KeptFinding {
  const { lastUs, ...scope } = packetsOfFinding(finding);
  return {
    id: findingRowId(finding, run),
    severity: finding.severity,
    ...scope,
    lastUs: finding.isOpen ? null : lastUs,
  };
}
