/** The hub's thread as the main thread has it: started, started again when it crashes, and what it says handed on. */
import type { HubThreadOptions, HubThreadState, HubToMain } from "../fleet/hub/hub_messages.ts";
import { RunError, UsageError } from "../errors.ts";
import type { LiveState } from "../live_state.ts";
import type { Notes } from "./notes.ts";
import type { AlertsMessage } from "../messages.ts";
import type { HubState } from "../fleet/view.ts";
import { WorkerHost } from "./worker_host.ts";

interface HubHostOptions {
  readonly thread: HubThreadOptions;
  readonly live: LiveState;
  readonly notes: Notes;
  /** A thread has taken the place of one that crashed. */
  readonly onBegan: () => void;
  readonly onAlertsTaken: (sequence: number, isWritten: boolean) => void;
}

/** Longest that what is being written is waited for. */
const stopMs = 4000;

export class HubHost {
  /** Rejects when it cannot go on. */
  readonly failure: Promise<never>;
  state: HubThreadState | null = null;
  readonly #options: HubHostOptions;
  readonly #worker: WorkerHost<HubToMain>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #fail: (error: Error) => void;
  #hasBegun = false;

  constructor(options: HubHostOptions) {
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failure = promise;
    promise.catch(() => {});
    this.#fail = reject;
    this.#worker = new WorkerHost<HubToMain>({
      name: "hub",
      spawn: () =>
        new Worker(new URL("../fleet/hub/hub_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => worker.postMessage({ type: "start", options: options.thread }),
      onMessage: (message) => this.#onMessage(message),
      onCrash: options.notes.crashed,
    });
  }

  /** Resolves once the database is there. */
  async start(): Promise<void> {
    this.#worker.start();
    await Promise.race([this.#ready.promise, this.failure]);
  }

  send(message: AlertsMessage): void {
    this.#worker.post(message);
  }

  /** For the pages. */
  describe(): HubState {
    const { live, thread: { store, path, servers } } = this.#options;
    const { state } = this;
    const isConnected = state?.link === "connected";
    return {
      startedAtUs: live.startedAtUs,
      engine: {
        isConnected,
        text: isConnected ? "connected" : state?.linkDetail || "connecting",
        url: servers.join(", "),
      },
      store: {
        kind: store.kind,
        isOk: !state?.storeFailure,
        text: state?.storeFailure || (store.kind === "sqlite" ? path : `${store.url}, and ${path}`),
        sizeBytes: state?.sizeBytes ?? null,
        flows: state?.flows ?? 0,
        oldestUs: state?.oldestUs ?? null,
      },
      pending: state?.pending ?? 0,
      ...state?.counts ?? { messages: 0, rows: 0, duplicates: 0, deadLetters: 0, lagS: 0 },
    };
  }

  async stop(): Promise<void> {
    if (this.#worker.isRunning) {
      this.#worker.post({ type: "stop" });
      const timer = setTimeout(this.#stopped.resolve, stopMs);
      await this.#stopped.promise;
      clearTimeout(timer);
    }
    this.#worker.terminate();
  }

  #onMessage(message: HubToMain): void {
    const { live, notes, onBegan, onAlertsTaken } = this.#options;
    switch (message.type) {
      case "ready":
        if (this.#hasBegun) onBegan();
        this.#hasBegun = true;
        return this.#ready.resolve();
      case "state":
        return this.#setState(message.state);
      case "judged":
        for (const finding of message.findings) live.setFinding(finding);
        for (const { incident, joined, absorbedIds } of message.incidents) {
          const findings = joined.map(({ finding }) => finding);
          live.setIncident({ incident, joined: findings, absorbedIds });
        }
        return;
      case "alertsTaken":
        return onAlertsTaken(message.sequence, message.isWritten);
      case "note":
        return notes.note(message.severity, message.text);
      case "fatal": {
        const isUsage = message.exitCode === new UsageError("").exitCode;
        return this.#fail(
          isUsage ? new UsageError(message.message) : new RunError(message.message),
        );
      }
      case "stopped":
        return this.#stopped.resolve();
    }
  }

  #setState(state: HubThreadState): void {
    const { live, thread } = this.#options;
    this.state = state;
    const isConnected = state.link === "connected";
    live.setSource({
      interfaceId: 0,
      name: thread.servers.join(", "),
      state: isConnected ? "capturing" : "retrying",
      detail: isConnected ? "connected" : state.linkDetail || "connecting",
      linktype: 0,
      isPromiscuous: false,
      packets: state.counts.messages,
      received: state.counts.messages,
      kernelDrops: 0,
      interfaceDrops: 0,
      queueDrops: 0,
      queueDepth: state.pending,
      queueMax: 0,
    });
    live.store = {
      ...live.store,
      state: state.storeFailure === "" ? "ok" : "retrying",
      detail: state.storeFailure,
      path: thread.path,
      sizeBytes: state.sizeBytes,
      rowsWritten: state.counts.rows,
    };
    live.behindS = state.counts.lagS;
    live.publish({ type: "stats", data: live.statsEvent() });
  }
}
