/** One host of a fleet without capture: flows are written as the store's thread does, and an agent reports them. */
import { join } from "node:path";
import type { FleetAgentOptions, FleetToMain } from "../../messages.ts";
import type { FleetState } from "../../records.ts";
import { flow, incident, many, openWriter, rows, scanFinding } from "../../store/testing.ts";
import type { StoreWriter } from "../../store/writer.ts";
import { FleetAgent } from "../agent.ts";
import { readCredentials } from "../credentials.ts";

export class TestHost {
  readonly writer: StoreWriter;
  readonly notes: string[] = [];
  state: FleetState | null = null;
  produced = 0;
  #agent: FleetAgent | null = null;
  #ticker = 0;
  readonly #options: FleetAgentOptions;

  constructor(
    folder: string,
    options: Pick<FleetAgentOptions, "servers" | "credentialsFile"> & Partial<FleetAgentOptions>,
  ) {
    const databasePath = join(folder, "packet_logs.db");
    this.writer = openWriter(databasePath, { feedsFleet: true, nowUs: Date.now() * 1000 });
    this.#options = {
      credentials: readCredentials(options.credentialsFile, "agent"),
      databasePath,
      spoolPath: join(folder, "fleet.db"),
      level: "flows",
      spoolBytesMax: 1e9,
      site: "",
      dashboardUrl: "http://127.0.0.1:8055",
      waitMs: 200,
      ...options,
    };
  }

  start(): void {
    this.#agent = new FleetAgent(this.#options, (message) => this.#take(message));
    this.#ticker = setInterval(() => this.#agent?.tick(), 50);
  }

  /** Flows, each with an address of its own. */
  produce(count: number): void {
    const flows = many(count, (number) =>
      flow(this.produced + number, {
        startUs: Date.now() * 1000,
        endUs: Date.now() * 1000 + 1,
      }), 1);
    this.produced += count;
    this.writer.write(rows({ flows }));
  }

  find(id: number): void {
    const finding = scanFinding(id, { firstUs: Date.now() * 1000, lastUs: Date.now() * 1000 });
    const news = incident(id, { firstUs: Date.now() * 1000, lastUs: Date.now() * 1000 });
    this.writer.writeFindings([finding], [{
      incident: news,
      joined: [{ finding, role: "cause" }],
      absorbedIds: [],
    }]);
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    await this.#agent?.stop();
    this.#agent = null;
  }

  async close(): Promise<void> {
    await this.stop();
    this.writer.close();
  }

  #take(message: FleetToMain): void {
    if (message.type === "state") this.state = message.state;
    else if (message.type === "fed") this.writer.trimFeed(message.throughId);
    else if (message.type === "note") this.notes.push(message.text);
  }
}
