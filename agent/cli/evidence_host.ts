/**
 * The evidence thread as the supervisor has it: started, told of findings, started again when it crashes, and then told again
 * of those that are open. While no finding is open and nothing is left to be copied it is ended, for the 15 MB that it holds.
 */
import type { Config } from "../config.ts";
import type { LiveState } from "../live_state.ts";
import type { DiskMessage, EvidenceToMain, KeptFinding, NoteMessage } from "../messages.ts";
import type { EvidenceState, Finding } from "../records.ts";
import { findingRowId } from "../store/finding_rows.ts";
import { packetsOfFinding } from "./finding_packets.ts";
import { WorkerHost } from "./worker_host.ts";

interface EvidenceHostOptions {
  readonly config: Config;
  readonly live: LiveState;
  readonly onNote: (message: NoteMessage) => void;
  readonly onCrash: (text: string) => void;
}

/** Share of all evidence that one finding may have at most. */
const findingShare = 1 / 16;
/** It goes once there has been nothing to do for so long. */
const quietMs = 15_000;

export class EvidenceHost {
  readonly #options: EvidenceHostOptions;
  readonly #worker: WorkerHost<EvidenceToMain>;
  readonly #open = new Map<number, KeptFinding>();
  readonly #stopped = Promise.withResolvers<void>();
  /** What threads that are gone had counted. */
  #before = { packetsWritten: 0, packetsLeftOut: 0, filesRemoved: 0 };
  #busyMs = 0;
  #isAtRest = false;

  constructor(options: EvidenceHostOptions) {
    this.#options = options;
    this.#worker = new WorkerHost<EvidenceToMain>({
      name: "evidence",
      spawn: () =>
        new Worker(new URL("../capture/evidence_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => this.#begin(worker),
      onMessage: (message) => {
        if (message.type === "state") this.#onState(message.state);
        else if (message.type === "stopped") this.#stopped.resolve();
        else options.onNote(message);
      },
      onCrash: (text) => {
        this.#keepCounts();
        options.onCrash(text);
      },
    });
  }

  start(): void {
    this.#isAtRest = false;
    this.#busyMs = performance.now();
    this.#worker.start();
  }

  /** A finding as its row has it has opened, changed or ended. */
  take(finding: Finding): void {
    const kept = keptFinding(finding, this.#options.live.storeRun);
    if (finding.isOpen) this.#open.set(kept.id, kept);
    else this.#open.delete(kept.id);
    if (this.#isAtRest) this.start();
    this.#busyMs = performance.now();
    this.#worker.post({ type: "finding", finding: kept });
  }

  tellDisk(message: DiskMessage): void {
    this.#worker.post(message);
  }

  /** Resolves when all is written that was in the ring. */
  async stop(): Promise<void> {
    if (!this.#worker.isRunning) return;
    this.#worker.post({ type: "stop" });
    await this.#stopped.promise;
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #onState(state: EvidenceState): void {
    const { packetsWritten, packetsLeftOut, filesRemoved } = this.#before;
    this.#options.live.evidence = {
      ...state,
      packetsWritten: state.packetsWritten + packetsWritten,
      packetsLeftOut: state.packetsLeftOut + packetsLeftOut,
      filesRemoved: state.filesRemoved + filesRemoved,
    };
    const nowMs = performance.now();
    if (this.#open.size > 0 || state.following > 0) this.#busyMs = nowMs;
    if (nowMs - this.#busyMs < quietMs) return;
    this.#isAtRest = true;
    this.#keepCounts();
    this.#worker.terminate();
  }

  #keepCounts(): void {
    const { packetsWritten, packetsLeftOut, filesRemoved } = this.#options.live.evidence;
    this.#before = { packetsWritten, packetsLeftOut, filesRemoved };
  }

  #begin(worker: Worker): void {
    const { config, live } = this.#options;
    const bytesMax = config.pcapFiles === 0 ? 0 : config.evidenceMb * 1e6;
    const options = {
      folder: config.resultsFolder,
      bytesMax,
      findingBytesMax: bytesMax * findingShare,
      vxlanPorts: config.vxlanPorts,
    };
    worker.postMessage({ type: "start", options });
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
