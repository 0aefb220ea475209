/** The thread of the fleet's agent as the supervisor has it: started, told how capture does, started again when it crashes. */
import { join } from "node:path";
import type { Config } from "../config.ts";
import { type Credentials, readCredentials } from "../fleet/credentials.ts";
import type { LiveState } from "../live_state.ts";
import type { DiskMessage, FleetFigures, FleetToMain, NoteMessage } from "../messages.ts";
import { databasePath } from "./results_folder.ts";
import { WorkerHost } from "./worker_host.ts";

interface FleetHostOptions {
  readonly config: Config;
  readonly live: LiveState;
  /** `fleet_feed` has been read up to this row. */
  readonly onFed: (throughId: number) => void;
  readonly onNote: (message: NoteMessage) => void;
  readonly onCrash: (text: string) => void;
}

const figuresMs = 1000;
/** Flows a second are those of the last so many. */
const rateSeconds = 30;

export class FleetHost {
  readonly #options: FleetHostOptions;
  readonly #worker: WorkerHost<FleetToMain>;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #credentials: Credentials;
  #config: Pick<Config, "fleetLevel" | "fleetSpoolMb">;
  #timer: number | undefined;

  /** Call it as who may read the credentials. Throws UsageError. */
  constructor(options: FleetHostOptions) {
    this.#options = options;
    this.#credentials = readCredentials(options.config.fleetCredentials!, "agent");
    this.#config = options.config;
    this.#worker = new WorkerHost<FleetToMain>({
      name: "fleet",
      spawn: () =>
        new Worker(new URL("../fleet/agent_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => this.#begin(worker),
      onMessage: (message) => this.#onMessage(message),
      onCrash: (text) => options.onCrash(text),
    });
  }

  start(): void {
    this.#worker.start();
    this.#timer = setInterval(
      () => this.#worker.post({ type: "figures", figures: figuresOf(this.#options.live) }),
      figuresMs,
    );
  }

  tellDisk(message: DiskMessage): void {
    this.#worker.post(message);
  }

  /** Takes up what a running program may change. */
  reload(config: Pick<Config, "fleetLevel" | "fleetSpoolMb">): void {
    this.#config = config;
    this.#worker.post({ type: "reload", changes: this.#changes() });
  }

  /** Call it once the store has written all: resolves when that is in the spool. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#worker.isRunning) return;
    this.#worker.post({ type: "stop" });
    await this.#stopped.promise;
  }

  terminate(): void {
    clearInterval(this.#timer);
    this.#worker.terminate();
    const { live } = this.#options;
    if (live.fleet !== null) live.fleet = { ...live.fleet, state: "off", detail: "" };
  }

  #begin(worker: Worker): void {
    const { config, live } = this.#options;
    const options = {
      servers: config.fleetServers,
      credentials: this.#credentials,
      credentialsFile: config.fleetCredentials!,
      databasePath: databasePath(config.resultsFolder),
      spoolPath: join(config.resultsFolder, "fleet.db"),
      site: config.fleetSite,
      dashboardUrl: config.dashboardUrl,
      ...this.#changes(),
    };
    worker.postMessage({ type: "start", options });
    worker.postMessage({ type: "disk", step: live.disk.step });
  }

  #changes() {
    const { fleetLevel, fleetSpoolMb } = this.#config;
    return { level: fleetLevel, spoolBytesMax: fleetSpoolMb * 1e6 };
  }

  #onMessage(message: FleetToMain): void {
    if (message.type === "state") this.#options.live.fleet = message.state;
    else if (message.type === "fed") this.#options.onFed(message.throughId);
    else if (message.type === "stopped") this.#stopped.resolve();
    else this.#options.onNote(message);
  }
}

function figuresOf(live: LiveState): FleetFigures {
  const seconds = live.seconds(rateSeconds);
  const fromUs = (seconds.at(-1)?.tsUs ?? 0) - rateSeconds * 1e6;
  const flows = seconds.filter(({ tsUs }) => tsUs > fromUs)
    .reduce((sum, { newFlows }) => sum + newFlows, 0);
  return {
    packets: live.snapshot?.packets ?? 0,
    bytes: live.snapshot?.bytes ?? 0,
    flowsPerS: flows / rateSeconds,
    drops: live.drops(),
    interfaces: live.sources.map(({ name }) => name),
  };
}
