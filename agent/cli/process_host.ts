/**
 * The process worker as the supervisor has it: started with live capture on Linux, joined to the pipeline, started again when it
 * crashes. It keeps who on this host began what lately, so that findings about this host can name their process.
 */
import { enablePerfTrace } from "../../ffi/linux/perf_trace.ts";
import type { Config } from "../config.ts";
import type { LiveState } from "../live_state.ts";
import type { ContactsMessage, NoteMessage, ProcessToMain } from "../messages.ts";
import { openConnectTrace } from "../process/open_trace.ts";
import type { Finding, FlowProcess, ProcessesState } from "../records.ts";
import { hasFfiConsent } from "./ffi_consent.ts";
import { blindText } from "./process_sight.ts";
import { addressesOf, ownNetworks } from "./own_networks.ts";
import { isOfProcess, ProcessContacts } from "./process_contacts.ts";
import { WorkerHost } from "./worker_host.ts";

interface ProcessHostOptions {
  readonly config: Config;
  readonly live: LiveState;
  readonly pipelineCount: number;
  readonly joinPipeline: (index: number, port: MessagePort) => void;
  /** Somebody began something that findings may be about. */
  readonly onContacts: () => void;
  readonly onNote: (message: NoteMessage) => void;
  readonly onCrash: (text: string) => void;
}

/** Whether processes are looked for: live, where there is /proc, and unless it is turned off. */
export function looksForProcesses(config: Config, isLive: boolean): boolean {
  return isLive && config.namesProcesses && Deno.build.os === "linux" && hasFfiConsent(config);
}

export class ProcessHost {
  readonly #options: ProcessHostOptions;
  readonly #worker: WorkerHost<ProcessToMain>;
  readonly #contacts = new ProcessContacts();
  /** Opened while there are the rights to. */
  readonly #trace = openConnectTrace();
  #hasToldBlind = false;

  /** Call it before root is given up. */
  constructor(options: ProcessHostOptions) {
    this.#options = options;
    this.#worker = new WorkerHost<ProcessToMain>({
      name: "process",
      spawn: () =>
        new Worker(new URL("../process/process_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => {
        const { pipelineCount, joinPipeline } = options;
        const channels = Array.from({ length: pipelineCount }, () => new MessageChannel());
        const pipelines = channels.map(({ port1 }) => port1);
        const workerOptions = { hasArguments: options.config.hasProcessArguments };
        if (this.#trace !== null) enablePerfTrace(this.#trace, true);
        const start = { type: "start", options: workerOptions, pipelines, trace: this.#trace };
        worker.postMessage(start, pipelines);
        channels.forEach(({ port2 }, index) => joinPipeline(index, port2));
      },
      onMessage: (message) => {
        if (message.type === "contacts") this.#take(message);
        else if (message.type === "state") this.#setState(message.state);
        else options.onNote(message);
      },
      onCrash: options.onCrash,
    });
  }

  start(): void {
    this.#worker.start();
  }

  /** The pipeline is another. */
  restart(): void {
    this.#worker.restart({ type: "stop" });
  }

  terminate(): void {
    this.#worker.terminate();
    if (this.#trace !== null) enablePerfTrace(this.#trace, false);
  }

  /** The process that did what a finding tells of; undefined when that cannot be told. */
  processOf(finding: Finding): FlowProcess | undefined {
    return this.#contacts.processOf(finding);
  }

  /** Whether somebody on this host did what a finding tells of, and who is not known yet. */
  awaitsProcess(finding: Finding): boolean {
    if (!this.#worker.isRunning || !isOfProcess(finding)) return false;
    const own = new Set(addressesOf(ownNetworks()));
    return finding.sources.some((address) => own.has(address)) &&
      this.processOf(finding) === undefined;
  }

  #take(message: ContactsMessage): void {
    this.#contacts.take(message, Date.now() * 1000);
    this.#options.onContacts();
  }

  #setState(state: ProcessesState): void {
    const { live, onNote } = this.#options;
    const detail = blindText(state, live.rights?.user ?? "this user");
    live.processes = { ...state, detail };
    if (detail === "" || this.#hasToldBlind) return;
    this.#hasToldBlind = true;
    onNote({ type: "note", severity: "info", text: detail });
  }
}
