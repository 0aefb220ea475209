/** The hub's thread: receives, stores and judges. The main thread serves the pages and tells people. */
import { collectGarbage } from "../../collect_garbage.ts";
import { UsageError } from "../../errors.ts";
import { StoreError } from "../../store/failure.ts";
import { type Credentials, readCredentials } from "../credentials.ts";
import { FleetFolder } from "../fleet_folder.ts";
import type { LinkState } from "../engine_link.ts";
import type { HubThreadOptions, HubToMain, MainToHub } from "./hub_messages.ts";
import { HubService } from "./hub_service.ts";
import type { FlowArchive } from "./hub_store.ts";
import { Receiver } from "./receiver.ts";

declare const self: DedicatedWorkerGlobalScope;

const tickMs = 1000;
const namesEveryTicks = 10;

class Hub {
  readonly #options: HubThreadOptions;
  readonly #service: HubService;
  readonly #receiver: Receiver;
  readonly #ticker: number;
  #credentials: Credentials;
  #ticks = 0;
  /** The list of agents that was read last. */
  #enrolled = "";
  #link: LinkState = "connecting";
  #linkDetail = "";
  /** What was last told of it, so that a retry that fails alike says nothing. */
  #toldLink = "";
  #storeFailure = "";
  #cloned: ReadonlySet<string> = new Set();
  #stored: { readonly flows: number; readonly oldestUs: number | null } = {
    flows: 0,
    oldestUs: null,
  };

  /** Throws UsageError, StoreError. */
  constructor(options: HubThreadOptions, archive: FlowArchive | null) {
    this.#options = options;
    this.#credentials = options.credentials;
    this.#service = new HubService({
      ...options,
      archive,
      nowUs: () => Date.now() * 1000,
      onJudged: ({ findings, incidents }) => {
        if (findings.length + incidents.length === 0) return;
        tell({ type: "judged", findings: findings.map(({ finding }) => finding), incidents });
      },
    });
    this.#receiver = new Receiver({
      servers: options.servers,
      credentials: () => this.#readCredentials(),
      service: this.#service,
      onState: (state, detail) => this.#setLink(state, detail),
      onNote: (text) => tell({ type: "note", severity: "warning", text }),
    });
    this.#readNames();
    this.#ticker = setInterval(() => void this.#tick(), tickMs);
    this.#tellState();
  }

  writeAlerts(message: Extract<MainToHub, { type: "alerts" }>): void {
    const { sequence, type: _, ...changes } = message;
    let isWritten = true;
    try {
      this.#service.writeAlerts(changes);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#setStoreFailure(error.message);
      isWritten = false;
    }
    tell({ type: "alertsTaken", sequence, isWritten });
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    await this.#receiver.stop();
    this.#service.close();
  }

  async #tick(): Promise<void> {
    try {
      if (this.#ticks++ % namesEveryTicks === 0) this.#readNames();
      await this.#service.tick();
      this.#stored = this.#service.writer.stored();
      this.#setStoreFailure("");
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#setStoreFailure(error.message);
    }
    this.#tellState();
  }

  /** Who is enrolled; where that is not known here, agents are called what they call themselves. */
  #readNames(): void {
    try {
      const { agents } = new FleetFolder(this.#options.fleetFolder).read();
      const text = JSON.stringify(agents);
      if (text === this.#enrolled) return;
      this.#service.setNames(new Map(agents.map(({ id, name }) => [id, name])));
      const revoked = agents.filter(({ revokedUs }) => revokedUs !== null).map(({ id }) => id);
      this.#service.setRevoked(revoked);
      this.#enrolled = text;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }

  /** Whoever has got other credentials need not start the hub again. */
  #readCredentials(): Credentials {
    try {
      this.#credentials = readCredentials(this.#options.credentialsPath, "hub");
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
    return this.#credentials;
  }

  #setLink(state: LinkState, detail: string): void {
    const news = `${state} ${detail}`;
    const isNews = state !== "connecting" && news !== this.#toldLink;
    if (isNews) this.#toldLink = news;
    this.#link = state;
    this.#linkDetail = detail;
    if (isNews && state === "connected") {
      tell({ type: "note", severity: "info", text: "The engine of the fleet is connected." });
    } else if (isNews) {
      const text = `The engine of the fleet is not connected: ${detail}. It is tried again.`;
      tell({ type: "note", severity: "warning", text });
    }
    this.#tellState();
  }

  #setStoreFailure(text: string): void {
    if (text === this.#storeFailure) return;
    this.#storeFailure = text;
    if (text === "") {
      tell({ type: "note", severity: "info", text: "The database is being written again." });
    } else {tell({
        type: "note",
        severity: "warning",
        text: `${text}. What comes waits in the engine.`,
      });}
  }

  #tellState(): void {
    const { counts, writer } = this.#service;
    const cloned = this.#service.cloned.map(({ token }) => token);
    for (const { token, name } of this.#service.cloned) {
      if (this.#cloned.has(token)) continue;
      const text =
        `Two machines report as ${name}, as after one was copied, or a credential was. Enroll one of them anew under another name.`;
      tell({ type: "note", severity: "warning", text });
    }
    this.#cloned = new Set(cloned);
    tell({
      type: "state",
      state: {
        link: this.#link,
        linkDetail: this.#linkDetail,
        storeFailure: this.#storeFailure,
        sizeBytes: writer.sizeBytes,
        ...this.#stored,
        pending: this.#receiver?.pending ?? 0,
        counts: { ...counts },
        cloned,
      },
    });
  }
}

let hub: Hub | null = null;

collectGarbage();

self.onmessage = async ({ data }: MessageEvent<MainToHub>) => {
  if (data.type === "start") return await start(data.options);
  if (data.type === "alerts") {
    if (hub !== null) hub.writeAlerts(data);
    else tell({ type: "alertsTaken", sequence: data.sequence, isWritten: false });
    return;
  }
  await hub?.stop();
  hub = null;
  tell({ type: "stopped" });
};

async function start(options: HubThreadOptions): Promise<void> {
  try {
    hub = new Hub(options, await openArchive(options));
    tell({ type: "ready" });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    tell({ type: "fatal", message: error.message, exitCode: error.exitCode });
  }
}

async function openArchive({ store }: HubThreadOptions): Promise<FlowArchive | null> {
  if (store.kind === "sqlite") return null;
  const { ClickHouseFlows } = await import("./clickhouse_flows.ts");
  return await ClickHouseFlows.open(store);
}

function tell(message: HubToMain): void {
  self.postMessage(message);
}
