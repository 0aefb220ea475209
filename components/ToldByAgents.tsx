/** Of an incident of a hub: what each agent has of it, leading to the agent's own page of it. */
import { useContext } from "preact/hooks";
import type { Incident } from "../agent/records.ts";
import { AgentLink, FleetNames, OwnPage } from "./AgentName.tsx";
import { formatCount, formatWhen } from "./format.ts";
import { Severity } from "./Icon.tsx";

/** An incident as an agent has it. */
export interface ToldIncident
  extends
    Pick<Incident, "id" | "severity" | "headline" | "firstUs" | "targetCount" | "findingCount"> {
  readonly agent: number;
}

interface Props {
  /** The newest. */
  readonly told: readonly ToldIncident[];
  readonly nowUs: number;
  readonly zone: string;
}

/** The rest opens on demand. */
const shownMax = 6;

export function ToldByAgents(
  { told, agentCount, ...clock }: Props & { readonly agentCount: number },
) {
  if (told.length === 0) return null;
  const listed = new Set(told.map(({ agent }) => agent)).size;
  const count = Math.max(listed, agentCount);
  const rest = told.slice(shownMax);
  return (
    <section class="panel c12" id="agents">
      <header>
        <h2>What each agent saw</h2>
        <p>
          {count === 1 ? "1 agent" : `${formatCount(count)} agents`}
          {listed < count && `, what ${formatCount(listed)} told last`}
        </p>
      </header>
      <div class="scroll">
        <Told told={told.slice(0, shownMax)} {...clock} />
      </div>
      {rest.length > 0 && (
        <details class="note">
          <summary>{formatCount(rest.length)} more</summary>
          <div class="scroll">
            <Told told={rest} {...clock} />
          </div>
        </details>
      )}
    </section>
  );
}

function Told({ told, nowUs, zone }: Props) {
  const agents = useContext(FleetNames);
  const haveUrl = told.some(({ agent }) => agents?.get(agent)?.url);
  return (
    <table class="tbl cards episodes">
      <thead>
        <tr>
          <th scope="col">Began</th>
          <th scope="col">Severity</th>
          <th scope="col">What it saw</th>
          <th scope="col">Agent</th>
          <th scope="col" class="num">Targets</th>
          <th scope="col" class="num">Findings</th>
          {haveUrl && <th scope="col">Its own page</th>}
        </tr>
      </thead>
      <tbody>
        {told.map(({ agent, id, severity, headline, firstUs, targetCount, findingCount }) => (
          <tr key={`${agent} ${id}`}>
            <td class="dim time">{formatWhen(firstUs, nowUs, zone)}</td>
            <td class="level">
              <Severity level={severity} />
            </td>
            <td class="grow w2" title={headline}>{headline}</td>
            <td class="agent" data-l="agent">
              <AgentLink id={agent} />
            </td>
            <td class="num opt">{formatCount(targetCount)}</td>
            <td class="num opt">{formatCount(findingCount)}</td>
            {haveUrl && (
              <td>
                <OwnPage id={agent} path={`/incidents/${id}`} isText>open there</OwnPage>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
