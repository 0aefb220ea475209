/** All detectors over the fleet: rows and findings in, findings out. */
import type { FleetFinding, NewRows } from "../hub_store.ts";
import type { FleetRows, FleetView } from "./fleet_detector.ts";
import { FirstSeen, type KnownNames } from "./first_seen.ts";
import { FleetScan } from "./fleet_scan.ts";
import { type KnownLogIns, Lateral } from "./lateral.ts";
import { SharedBeacon } from "./shared_beacon.ts";

export class FleetDetectors {
  readonly #scan: FleetScan;
  readonly #lateral: Lateral;
  readonly #firstSeen: FirstSeen;
  readonly #beacon: SharedBeacon;
  /** Traffic time of the newest flow. */
  #newestUs = -Infinity;

  constructor(
    view: FleetView,
    known: { readonly names: KnownNames; readonly logIns: KnownLogIns },
  ) {
    this.#scan = new FleetScan(view);
    this.#lateral = new Lateral(view, known.logIns);
    this.#firstSeen = new FirstSeen(view, known.names);
    this.#beacon = new SharedBeacon(view);
  }

  /** `limitUs` is the hub's clock: no agent's traffic is newer. */
  judge({ batches, findings }: NewRows, limitUs: number): FleetFinding[] {
    for (const { agent, batch } of batches) {
      if (batch.kind !== "flows" && batch.kind !== "rollups") continue;
      const { kind, rowCount, columns } = batch;
      const rows = { agent, kind, rowCount, columns } as FleetRows;
      this.#scan.take(rows, limitUs);
      this.#lateral.take(rows);
      this.#firstSeen.take(rows, limitUs);
      this.#newestUs = Math.min(
        limitUs,
        Math.max(this.#newestUs, ...columns.start_us as readonly number[]),
      );
    }
    for (const found of findings) this.#beacon.take(found);
    return [
      ...this.#scan.drain(this.#newestUs),
      ...this.#lateral.drain(),
      ...this.#firstSeen.drain(),
      ...this.#beacon.drain(),
    ];
  }
}
