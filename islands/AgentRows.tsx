/** The list of agents, asked for again while the page stands; rows hold still under the pointer. */
import type { FleetAgent } from "../agent/fleet/view.ts";
import { type AgentOrder, AgentTable } from "../components/AgentTable.tsx";
import { useAgents } from "../components/fleet_feed.ts";
import { HeldRows } from "../components/HeldRows.tsx";
import { latest } from "../components/live.ts";
import { sortLink } from "../components/SortHead.tsx";

interface Props {
  readonly agents: readonly FleetAgent[];
  /** Path and query of the page. */
  readonly path: string;
  readonly order: AgentOrder;
  readonly isAscending: boolean;
  readonly nowUs: number;
  readonly zone: string;
}

export default function AgentRows(props: Props) {
  const { path, order, isAscending, zone } = props;
  // The address of a page is a path alone; what stands before it is left out again.
  const url = new URL(path, "http://hub");
  const agents = useAgents(url.search) ?? props.agents;
  const nowUs = latest.value?.nowUs ?? props.nowUs;
  return (
    <HeldRows rows={agents} keyOf={({ token }) => token}>
      {(rows) => (
        <AgentTable
          agents={rows}
          sort={{
            order,
            isAscending,
            href: (next) => sortLink(url, next, { order, isAscending }),
          }}
          nowUs={nowUs}
          zone={zone}
        />
      )}
    </HeldRows>
  );
}
