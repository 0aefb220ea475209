/** The agents of a fleet as rows; cards on a phone. What is wrong comes before what is well. */
import type { FleetAgent } from "../agent/fleet/view.ts";
import {
  agentPath,
  agentState,
  credentialWords,
  isSkewed,
  isSpoolLate,
  lostRows,
  rateWords,
  skewWords,
  spoolWords,
  stateWords,
} from "./fleet.ts";
import { formatCount, formatWhen, unknown } from "./format.ts";
import { type Sort, SortHead } from "./SortHead.tsx";

export const AGENT_ORDERS = [
  "trouble",
  "name",
  "site",
  "seen",
  "flows",
  "drops",
  "spool",
  "lost",
] as const;
export type AgentOrder = typeof AGENT_ORDERS[number];

interface Clock {
  readonly nowUs: number;
  readonly zone: string;
}
interface Props extends Clock {
  readonly agents: readonly FleetAgent[];
  readonly sort?: Sort<AgentOrder> | undefined;
}

export function AgentTable({ agents, sort, ...clock }: Props) {
  return (
    <table class="tbl cards agents">
      <thead>
        <tr>
          <SortHead label="Agent" order="name" sort={sort} />
          <SortHead label="State" order="trouble" sort={sort} />
          <SortHead label="Last report" order="seen" sort={sort} isNumber />
          <SortHead label="Flows/s" order="flows" sort={sort} isNumber />
          <SortHead label="Lost" order="drops" sort={sort} isNumber />
          <SortHead label="Unsent, oldest" order="spool" sort={sort} isNumber />
          <SortHead label="Given up" order="lost" sort={sort} isNumber />
          <th scope="col" class="num" title="Publishes that the engine refused, to be sent again">
            Refused
          </th>
          <th scope="col" class="num">Clock</th>
          <th scope="col">Credentials</th>
          <th scope="col" class="roomy">Version</th>
        </tr>
      </thead>
      <tbody>{agents.map((agent) => <Row key={agent.id} agent={agent} {...clock} />)}</tbody>
    </table>
  );
}

function Row({ agent, nowUs, zone }: Clock & { readonly agent: FleetAgent }) {
  const { name, site, version, credential, captureDrops, rejected, clockSkewMs } = agent;
  const state = agentState(agent, nowUs);
  const isKnown = agent.lastSeenUs !== null;
  return (
    <tr class={state === "revoked" ? "muted" : undefined}>
      <td class="who" title={[name, site, version].filter(Boolean).join(", ")}>
        <a class="plain" href={agentPath(agent)}>
          <b>{name}</b>
        </a>
        {site !== "" && <span class="sub">{site}</span>}
      </td>
      <td class={state === "silent" ? "how sev-high" : "how dim"}>
        {state === "silent" ? <b>{stateWords(agent, nowUs)}</b> : stateWords(agent, nowUs)}
        {agent.isCloned && <span class="sev-high">, two hosts</span>}
      </td>
      <td class="num dim opt">{isKnown ? formatWhen(agent.lastSeenUs, nowUs, zone) : unknown}</td>
      <td class="num" data-l="flows/s">
        {state === "reports" ? rateWords(agent.flowsPerS) : unknown}
      </td>
      <Count label="lost packets" count={isKnown ? captureDrops : null} />
      <td class={`num ${isSpoolLate(agent) ? "sev-high" : "dim opt"}`} data-l="unsent">
        {isKnown ? spoolWords(agent) : unknown}
      </td>
      <Count label="given up" count={isKnown ? lostRows(agent) : null} />
      <td class="num dim opt">{isKnown ? formatCount(rejected) : unknown}</td>
      <td class={isSkewed(agent) ? "num sev-high" : "num dim opt"} data-l="clock">
        {skewWords(clockSkewMs)}
      </td>
      <td class={credential === "rejected" ? "num sev-high" : "dim opt"} data-l="credentials">
        {credentialWords[credential]}
      </td>
      <td class="dim opt roomy">{version || unknown}</td>
    </tr>
  );
}

/** Nothing at all is what one hopes for. */
function Count({ label, count }: { label: string; count: number | null }) {
  const isBad = count !== null && count > 0;
  return (
    <td class={`num ${isBad ? "sev-high" : "dim opt"}`} data-l={label}>
      {count === null ? unknown : formatCount(count)}
    </td>
  );
}
