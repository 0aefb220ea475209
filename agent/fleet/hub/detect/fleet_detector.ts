/** What detectors over all agents are given and give. Pure: time is that of the flows, less what an agent's clock is ahead. */
import type { Finding } from "../../../records.ts";
import type { FleetFinding } from "../hub_store.ts";
import type { FlowColumns, RollupColumns } from "../../wire.ts";

export interface FleetView {
  /** Agents that have been heard of in the last day. */
  readonly agentCount: () => number;
  /** `agents.name`. */
  readonly agentName: (agent: number) => string;
  /** Microseconds that an agent's clock is ahead of the hub's. */
  readonly skewUs: (agent: number) => number;
  /** Where agents are, by which private addresses are told apart (addressAt()); "" for several places. */
  readonly siteOf: (agents: readonly number[]) => string;
  readonly nextFindingId: () => number;
}

/** Flows of a batch, or roll-ups, whose rows stand for several and do not tell states. */
export type FleetRows =
  & { readonly agent: number; readonly rowCount: number }
  & (
    | { readonly kind: "flows"; readonly columns: FlowColumns }
    | { readonly kind: "rollups"; readonly columns: RollupColumns }
  );

/** An episode as detectors of the fleet keep it. */
export interface FleetEpisode extends Omit<Finding, "sourceCount" | "flowIds"> {
  readonly agents: readonly number[];
}

export function findingOf({ agents, ...episode }: FleetEpisode): FleetFinding {
  const finding: Finding = {
    ...episode,
    sourceCount: episode.sources.length,
    flowIds: [],
  };
  return { finding, agents };
}

/** What addressAt() made of an address, without the site. */
export function plainAddress(host: string): string {
  const end = host.indexOf(" ");
  return end < 0 ? host : host.slice(0, end);
}

/** The oldest entry goes when there are too many. */
export function bound<Key, Value>(map: Map<Key, Value> | Set<Key>, max: number): void {
  while (map.size > max) map.delete(map.keys().next().value!);
}
