/** The list of agents, asked for again while the page stands; rows hold still under the pointer. */
import type { FleetAgent } from "../agent/fleet/view.ts";
import { type AgentOrder, AgentTable } from "../components/AgentTable.tsx";
import { useAgents } from "../components/fleet_feed.ts";
import { HeldRows } from "../components/HeldRows.tsx";
import { latest } from "../components/live.ts";

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
  const agents = useAgents(path.slice(path.split("?")[0]!.length)) ?? props.agents;
  const nowUs = latest.value?.nowUs ?? props.nowUs;
  return (
    <HeldRows rows={agents} keyOf={({ token }) => token}>
      {(rows) => (
        <AgentTable
          agents={rows}
          sort={{ order, isAscending, path }}
          nowUs={nowUs}
          zone={zone}
        />
      )}
    </HeldRows>
  );
}
