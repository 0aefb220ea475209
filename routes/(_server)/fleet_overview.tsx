/** What a hub's overview and status have in place of a sensor's. Loaded on a hub alone. */
import type { VNode } from "preact";
import type { FleetAgent, HubState } from "../../agent/fleet/view.ts";
import type { DeadLetterRow } from "../../agent/store/fleet_queries.ts";
import { AgentLink } from "../../components/AgentName.tsx";
import { agentState, fleetVerdict, lostRows, rateWords } from "../../components/fleet.ts";
import { BusiestAgents } from "../../components/FleetTables.tsx";
import {
  bytesQuantity,
  formatBytes,
  formatCount,
  formatCountShort,
  formatDuration,
  formatWhen,
  unknown,
} from "../../components/format.ts";
import { Stat } from "../../components/Stat.tsx";
import type { Verdict } from "../../components/verdict.ts";
import { fleetOf } from "./fleet.ts";
import type { State } from "./state.ts";

export interface FleetOverview {
  readonly verdict: Verdict;
  readonly numbers: VNode;
  readonly agents: VNode;
}

const agentsShown = 10;
const lettersShown = 50;

/** The stretch is that of the page. Throws what StoreQueries throws. */
export async function fleetOverview(
  state: State,
  { fromUs, toUs, when }: { readonly fromUs: number; readonly toUs: number; readonly when: string },
): Promise<FleetOverview> {
  const sums = await state.context.queries.agentSums({ fromUs, toUs, limit: agentsShown });
  return { ...fleetHead(state), agents: <BusiestAgents sums={sums} when={when} /> };
}

/** The first lines: do all report, and how much. */
export function fleetHead(state: State): Pick<FleetOverview, "verdict" | "numbers"> {
  const hub = fleetOf(state).hub();
  const agents = [...state.agents?.values() ?? []];
  const clock = { nowUs: state.message.nowUs, zone: state.sensor.zone };
  return {
    verdict: fleetVerdict(agents, hub, clock),
    numbers: <FleetNumbers agents={agents} hub={hub} nowUs={clock.nowUs} />,
  };
}

interface NumbersProps {
  readonly agents: readonly FleetAgent[];
  readonly hub: HubState;
  readonly nowUs: number;
}

function FleetNumbers({ agents, hub, nowUs }: NumbersProps) {
  const inForce = agents.filter(({ credential }) => credential !== "revoked");
  const reporting = inForce.filter((agent) => agentState(agent, nowUs) === "reports");
  const known = inForce.filter(({ lastSeenUs }) => lastSeenUs !== null);
  const never = inForce.length - known.length;
  const sum = (of: (agent: FleetAgent) => number) =>
    reporting.reduce((total, agent) => total + of(agent), 0);
  const lost = inForce.reduce((total, agent) => total + lostRows(agent), 0);
  const waiting = inForce.reduce((total, agent) => total + agent.spoolBytes, 0);
  return (
    <section class="stats" aria-label="Fleet in numbers">
      <Stat
        label="Agents"
        quantity={{
          value: formatCount(reporting.length),
          unit: `of ${formatCount(inForce.length)}`,
        }}
        hint={never === 0 ? "report" : `report, ${formatCount(never)} never did`}
        isBad={inForce.some((agent) => agentState(agent, nowUs) === "silent")}
      />
      <Stat
        label="Flows"
        quantity={{ value: rateWords(sum(({ flowsPerS }) => flowsPerS)), unit: "/s" }}
        hint={`${formatCountShort(hub.store.flows)} stored`}
      />
      <Stat
        label="Hub behind by"
        quantity={{ value: formatDuration(hub.lagS), unit: "" }}
        hint={`${formatCount(hub.pending)} messages waiting`}
        isBad={hub.lagS > 60}
      />
      <Stat
        label="Wait at agents"
        quantity={bytesQuantity(waiting)}
        hint="not taken yet"
      />
      <Stat
        label="Given up"
        quantity={{ value: formatCount(lost), unit: "" }}
        hint={lost === 0 ? "every spool had room" : "rows, spools were full"}
        isBad={lost > 0}
      />
      <Stat
        label="Dead letters"
        quantity={{ value: formatCount(hub.deadLetters), unit: "" }}
        hint={hub.deadLetters === 0 ? "all could be read" : "kept, with the reason"}
        isBad={hub.deadLetters > 0}
      />
    </section>
  );
}

export interface FleetStatus extends Pick<FleetOverview, "verdict" | "numbers"> {
  readonly parts: VNode;
}

/** Throws what StoreQueries throws. */
export async function fleetStatus(state: State): Promise<FleetStatus> {
  const { queries } = state.context;
  const letters = await queries.deadLetters(lettersShown);
  const hub = fleetOf(state).hub();
  const clock = { nowUs: state.message.nowUs, zone: state.sensor.zone };
  return {
    ...fleetHead(state),
    parts: (
      <>
        <EngineFacts hub={hub} {...clock} />
        <StoreFacts hub={hub} resultsFolder={state.sensor.resultsFolder} {...clock} />
        <DeadLetters letters={letters} count={hub.deadLetters} {...clock} />
      </>
    ),
  };
}

interface PartProps {
  readonly hub: HubState;
  readonly nowUs: number;
  readonly zone: string;
}

function EngineFacts({ hub, nowUs, zone }: PartProps) {
  const { engine, lagS, pending, messages, rows, duplicates, startedAtUs } = hub;
  return (
    <section class="panel c6 lone">
      <header>
        <h2>Engine</h2>
        <p class="mono clip" title={engine.url}>{engine.url}</p>
      </header>
      <div class="body">
        <dl class="facts">
          <dt>NATS JetStream</dt>
          <dd class={engine.isConnected ? "" : "sev-high"}>{engine.text}</dd>
          <dt>Hub started</dt>
          <dd>{formatWhen(startedAtUs, nowUs, zone)}</dd>
          <dt>Messages taken</dt>
          <dd>{formatCount(messages)}</dd>
          <dt>Rows stored from them</dt>
          <dd>{formatCount(rows)}</dd>
          <dt title="Known by the ledger, and not stored again">Came twice</dt>
          <dd>{formatCount(duplicates)}</dd>
          <dt>Waiting</dt>
          <dd>{formatCount(pending)}</dd>
          <dt>Behind by</dt>
          <dd class={lagS > 60 ? "sev-high" : ""}>{formatDuration(lagS)}</dd>
        </dl>
      </div>
    </section>
  );
}

function StoreFacts({ hub: { store }, resultsFolder, nowUs }: PartProps & {
  readonly resultsFolder: string;
}) {
  return (
    <section class="panel c6 lone">
      <header>
        <h2>Store</h2>
        <p class="mono clip" title={resultsFolder}>{resultsFolder}</p>
      </header>
      <div class="body">
        <dl class="facts">
          <dt>{store.kind === "clickhouse" ? "ClickHouse" : "SQLite"}</dt>
          <dd class={store.isOk ? "" : "sev-high"}>{store.text}</dd>
          <dt>Flows</dt>
          <dd>{formatCount(store.flows)}</dd>
          <dt>Size</dt>
          <dd>{store.sizeBytes === null ? unknown : formatBytes(store.sizeBytes)}</dd>
          <dt>History</dt>
          <dd>
            {store.oldestUs === null
              ? "none yet"
              : formatDuration(Math.max(0, nowUs - store.oldestUs) / 1e6)}
          </dd>
        </dl>
      </div>
    </section>
  );
}

function DeadLetters({ letters, count, nowUs, zone }: Omit<PartProps, "hub"> & {
  readonly letters: readonly DeadLetterRow[];
  readonly count: number;
}) {
  return (
    <section class="panel c12" id="dead-letters">
      <header>
        <h2>Dead letters</h2>
        <p>
          {letters.length === 0
            ? "none: every message could be read"
            : `the newest ${formatCount(letters.length)} of ${
              formatCount(Math.max(count, letters.length))
            } messages that could not be read`}
        </p>
      </header>
      {letters.length > 0 && (
        <div class="scroll">
          <table class="tbl cards">
            <thead>
              <tr>
                <th scope="col">Came</th>
                <th scope="col">Agent</th>
                <th scope="col">Why it cannot be read</th>
                <th scope="col" class="num">Version</th>
                <th scope="col" class="num">Size</th>
              </tr>
            </thead>
            <tbody>
              {letters.map(({ id, received_us, agent, subject, reason, version, size }) => (
                <tr key={id}>
                  <td class="dim time">{formatWhen(received_us, nowUs, zone)}</td>
                  <td class="agent">
                    <AgentLink id={agent} />
                  </td>
                  <td class="grow w2" title={`${reason} (${subject})`}>{reason}</td>
                  <td class="num opt">{version === null ? unknown : version}</td>
                  <td class="num opt">{formatBytes(size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
