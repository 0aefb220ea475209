/** One agent of a hub: how it is, what it lost, what it told. */
import type { FleetAgent } from "../../agent/fleet/view.ts";
import { OwnPage } from "../../components/AgentName.tsx";
import { type Clock, type Fact, Facts } from "../../components/FindingPage.tsx";
import {
  agentState,
  agentTroubles,
  credentialWords,
  isSkewed,
  isSpoolLate,
  lostRows,
  rateWords,
  skewWords,
  stateWords,
} from "../../components/fleet.ts";
import { AgentHosts } from "../../components/FleetTables.tsx";
import {
  bytesQuantity,
  formatBytes,
  formatCount,
  formatDuration,
  formatWhen,
} from "../../components/format.ts";
import { IncidentTable } from "../../components/IncidentTable.tsx";
import { Notice } from "../../components/Notice.tsx";
import { Stat } from "../../components/Stat.tsx";
import { agentIncidents, findAgent, fleetOf } from "../(_server)/fleet.ts";
import { decodedText, onePage } from "../(_server)/one_thing.ts";
import { checkNames } from "../(_server)/parameters.ts";
import { define } from "../(_server)/state.ts";

const hostsShown = 15;

export const handler = define.handlers({
  async GET({ state, params, url }) {
    const fleet = fleetOf(state);
    checkNames(url.searchParams, []);
    return await onePage(state, async () => {
      const agent = findAgent(await fleet.agents(), decodedText(params.id));
      return agent && {
        agent,
        hosts: await state.context.queries.agentHosts(agent.id, hostsShown),
        incidents: await agentIncidents(state, agent),
      };
    }, ({ agent }) => agent.name);
  },
});

export default define.page<typeof handler>(function AgentPage({ data, state }) {
  if (data.error !== "") {
    return <Notice title="The hub's store cannot be read" detail={data.error} />;
  }
  if (data.value === null) return <AgentMissing />;
  const clock: Clock = { nowUs: state.message.nowUs, zone: state.sensor.zone };
  const { agent, hosts, incidents } = data.value;
  const told = `/flows?${new URLSearchParams({ agent: agent.name })}`;
  return (
    <>
      <AgentHead agent={agent} {...clock} />
      <AgentNumbers agent={agent} nowUs={clock.nowUs} />
      <AgentHosts hosts={hosts} agent={agent.name} {...clock} />
      <div class="c4 stack">
        <Facts facts={factsOf(agent, clock)} />
      </div>
      <section class="panel c12" id="incidents">
        <header>
          <h2>Incidents</h2>
          <p>{incidents.length === 0 ? "none" : "the newest first"}</p>
          <span class="end">
            <a href={`/incidents?${new URLSearchParams({ agent: agent.name })}`}>All</a>,{" "}
            <a href={told}>its flows</a>
          </span>
        </header>
        {incidents.length > 0 && (
          <div class="scroll">
            <IncidentTable items={incidents} {...clock} />
          </div>
        )}
      </section>
    </>
  );
});

function AgentHead({ agent, nowUs, zone }: Clock & { readonly agent: FleetAgent }) {
  const state = agentState(agent, nowUs);
  const troubles = agentTroubles(agent, nowUs);
  return (
    <div class="head">
      <div>
        <div class="meta">
          {agent.site !== "" && <span>{agent.site}</span>}
          {agent.version !== "" && <span>tapwatch {agent.version}</span>}
          {agent.lastSeenUs !== null && (
            <span>last report {formatWhen(agent.lastSeenUs, nowUs, zone)}</span>
          )}
        </div>
        <p class="lead">{leadOf(agent, nowUs)}</p>
        {troubles.length > 0 && (
          <ul class="troubles">{troubles.map((text) => <li key={text}>{text}</li>)}</ul>
        )}
        {state === "waiting" && (
          <p>
            Start it with{" "}
            <code>tapwatch run --fleet URL --fleet-credentials FILE</code>, FILE being what{" "}
            <code>tapwatch fleet enroll</code> wrote.
          </p>
        )}
      </div>
      <div class="btns">
        <OwnPage id={agent.id} path="/">Its own dashboard</OwnPage>
        <a
          class="btn"
          href={`/flows?${new URLSearchParams({ agent: agent.name })}`}
          aria-current="false"
        >
          Flows
        </a>
        <a
          class="btn"
          href={`/hosts?${new URLSearchParams({ agent: agent.name })}`}
          aria-current="false"
        >
          Hosts
        </a>
      </div>
    </div>
  );
}

function leadOf(agent: FleetAgent, nowUs: number): string {
  if (agentState(agent, nowUs) === "reports") return `${agent.name} reports`;
  if (agent.credential === "revoked") return `${agent.name} is revoked and reports no more`;
  return `${agent.name} ${stateWords(agent, nowUs).replace(/^silent/, "has been silent")}`;
}

function AgentNumbers({ agent, nowUs }: Pick<Clock, "nowUs"> & { readonly agent: FleetAgent }) {
  const isReporting = agentState(agent, nowUs) === "reports";
  const isKnown = agent.lastSeenUs !== null;
  const count = (value: number) => isKnown ? { value: formatCount(value), unit: "" } : null;
  const lost = lostRows(agent);
  const isLate = isSpoolLate(agent);
  return (
    <section class="stats" aria-label="Agent in numbers">
      <Stat
        label="Flows"
        quantity={isReporting ? { value: rateWords(agent.flowsPerS), unit: "/s" } : null}
        hint={`${formatCount(agent.storedFlows)} stored here`}
      />
      <Stat
        label="Lost packets"
        quantity={count(agent.captureDrops)}
        hint={`of ${formatCount(agent.packets + agent.captureDrops)}`}
        isBad={agent.captureDrops > 0}
      />
      <Stat
        label="Waits to be sent"
        quantity={isKnown ? bytesQuantity(agent.spoolBytes) : null}
        hint={`room for ${formatBytes(agent.spoolBytesMax)}`}
        isBad={isLate}
      />
      <Stat
        label="Given up"
        quantity={count(lost)}
        hint={lost === 0
          ? "its spool had room"
          : agent.findingsGivenUp > 0
          ? `${formatCount(agent.findingsGivenUp)} are findings`
          : "flows, for its spool was full"}
        isBad={lost > 0}
      />
      <Stat
        label="Refused"
        quantity={count(agent.rejected)}
        hint={`${formatCount(agent.resent)} sent again after loss`}
      />
      <Stat
        label="Clock"
        quantity={isKnown ? { value: skewWords(agent.clockSkewMs), unit: "" } : null}
        hint="beside the hub's"
        isBad={isSkewed(agent)}
      />
    </section>
  );
}

function factsOf(agent: FleetAgent, { nowUs, zone }: Clock): Fact[] {
  const when = (us: number | null) => us === null ? "" : formatWhen(us, nowUs, zone);
  return [
    { term: "Name", text: agent.name },
    { term: "Id", text: <span class="mono">{agent.token}</span> },
    { term: "Site", text: agent.site },
    { term: "Credentials", text: credentialWords[agent.credential] },
    { term: "Reports", text: agent.level },
    { term: "First report", text: when(agent.firstSeenUs) },
    { term: "Last report", text: when(agent.lastSeenUs) },
    {
      term: "Oldest unsent",
      text: agent.spoolOldestS === null ? "" : formatDuration(agent.spoolOldestS),
    },
    { term: "Dead letters", text: agent.deadLetters > 0 ? formatCount(agent.deadLetters) : "" },
    { term: "Version", text: agent.version },
  ];
}

function AgentMissing() {
  return (
    <section class="panel c12">
      <div class="state">
        <h2>There is no such agent</h2>
        <p>It was never enrolled, or under another name.</p>
        <div class="btns">
          <a class="btn main" href="/agents" aria-current="false">All agents</a>
        </div>
      </div>
    </section>
  );
}
