/** Which agent saw it, in front of what a hub shows. On a sensor there is none, and nothing is drawn. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { FleetAgent } from "../agent/fleet/view.ts";
import type { IncidentItem } from "./incidents.ts";
import { agentPath, listed } from "./fleet.ts";
import { formatCount } from "./format.ts";

/** The agents of a hub by number; null on a sensor. */
export const FleetNames = createContext<ReadonlyMap<number, FleetAgent> | null>(null);

/** A row of a hub: the number of the agent that told it, 0 for the hub itself. */
export interface OfAgent {
  readonly agent?: number;
}

export function AgentHead() {
  const isHub = useContext(FleetNames) !== null;
  return isHub && <th scope="col">Agent</th>;
}

export function AgentCell({ row }: { readonly row: OfAgent }) {
  const isHub = useContext(FleetNames) !== null;
  return isHub && (
    <td class="agent" data-l="agent">
      <AgentLink id={row.agent ?? 0} />
    </td>
  );
}

/** Its name, leading to its page. */
export function AgentLink({ id }: { readonly id: number }) {
  const agents = useContext(FleetNames);
  const agent = agents?.get(id);
  if (agent === undefined) return <span class="dim">{id === 0 ? "the fleet" : `agent ${id}`}</span>;
  return <a class="plain" href={agentPath(agent)} title={agent.site || undefined}>{agent.name}</a>;
}

/** Below the sentence of a finding. */
export function SeenBy({ agent }: { readonly agent: number | undefined }) {
  const isHub = useContext(FleetNames) !== null;
  return agent !== undefined && isHub && (
    <p class="of">
      Seen by <AgentLink id={agent} />
    </p>
  );
}

const agentsListed = 8;

/** The agents that have seen a host, each leading to its page. */
export function SeenByAgents({ ids }: { readonly ids: readonly number[] }) {
  if (ids.length === 0) return null;
  const more = ids.length - agentsListed;
  return (
    <p>
      Seen by {ids.slice(0, agentsListed).map((id, index) => (
        <>
          {index > 0 && ", "}
          <AgentLink id={id} />
        </>
      ))}
      {more > 0 && ` and ${formatCount(more)} more agents`}
    </p>
  );
}

/** "seen by web-1 and db", "seen by 14 of 20 agents"; "" on a sensor. */
export function seenByText(
  { agents = [], fleetSize = 0 }: Pick<IncidentItem, "agents" | "fleetSize">,
): string {
  return agents.length === 0 ? "" : `seen by ${agentsText(agents, fleetSize)}`;
}

/** Names of few, or how many. */
export function agentsText(names: readonly string[], fleetSize: number): string {
  if (names.length <= 2) return listed(names);
  return `${formatCount(names.length)} of ${formatCount(Math.max(fleetSize, names.length))} agents`;
}

/** A page of the agent's own dashboard, where its address is known. */
export function OwnPage({ id, path, isText = false, children }: {
  readonly id: number;
  readonly path: string;
  /** A link in a table, not a button. */
  readonly isText?: boolean;
  readonly children: string;
}) {
  const url = useContext(FleetNames)?.get(id)?.url ?? "";
  if (!/^https?:\/\//.test(url)) return null;
  return (
    <a class={isText ? undefined : "btn"} href={url.replace(/\/+$/, "") + path} rel="noreferrer">
      {children}
    </a>
  );
}
