/** The EVE lines of a pipeline: its flows, the application details, its seconds. */
import type { ApplicationDetails, Flow, StatsSecond } from "../records.ts";
import { eveDetails, eveFlow, StatsLines } from "./lines.ts";

export class TrafficLines {
  /** What is added to the number of a flow: its row in the database has the sum. */
  firstFlowId = 0;
  readonly #write: (line: string) => void;
  readonly #stats: StatsLines;

  constructor(write: (line: string) => void) {
    this.#write = write;
    this.#stats = new StatsLines(write);
  }

  flow(flow: Flow): void {
    this.#write(eveFlow(this.#numbered(flow)));
  }

  details(details: ApplicationDetails, timestampUs: number, flow: () => Flow): void {
    const line = eveDetails(details, timestampUs, () => this.#numbered(flow()));
    if (line !== null) this.#write(line);
  }

  second(second: StatsSecond): void {
    this.#stats.add(second);
  }

  /** The input is at its end. */
  finish(): void {
    this.#stats.finish();
  }

  #numbered(flow: Flow): Flow {
    return this.firstFlowId === 0 ? flow : { ...flow, id: flow.id + this.firstFlowId };
  }
}
