/** Status: how this host's way to its fleet does; nothing where it reports to none. */
import type { FleetCounts } from "../agent/records.ts";
import { fleetSentence } from "../agent/text/fleet.ts";
import { formatBytes, formatCount, formatDuration } from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";

interface Props {
  readonly initial: LiveMessage;
}

const levels = {
  findings: "findings and incidents",
  rollups: "findings, incidents, and flows added up by the minute",
  flows: "findings, incidents and every flow",
} as const;

export default function FleetTable({ initial }: Props) {
  const { health: { fleet }, nowUs } = latest.value ?? initial;
  if (fleet === null) return null;
  const isWell = fleet.state === "connected" || fleet.state === "connecting";
  const waits = fleet.oldestUs === null
    ? ""
    : `, the oldest for ${formatDuration(Math.max(0, nowUs - fleet.oldestUs) / 1e6)}`;
  return (
    <section class="panel c12" id="fleet">
      <header>
        <h2>Fleet</h2>
        <p>
          as <b>{fleet.name}</b>, <span class="mono">{fleet.agent}</span>
        </p>
      </header>
      <div class="body">
        <p class={isWell ? "" : "sev-high"}>{fleetSentence(fleet)}</p>
        <dl class="facts">
          <dt>Engine</dt>
          <dd class="mono">{fleet.servers.join(", ")}</dd>
          <dt>Told</dt>
          <dd>{levels[fleet.level]}</dd>
          <dt>Waiting for the hub</dt>
          <dd>
            {formatCount(fleet.batches)} batches, {formatBytes(fleet.bytes)} of{" "}
            {formatBytes(fleet.bytesMax)}
            {waits}
          </dd>
          <dt>Flows</dt>
          <dd>
            <Counts {...fleet.flows} />
          </dd>
          <dt>Findings and incidents</dt>
          <dd>
            <Counts {...fleet.findings} />
          </dd>
          <dt>Refused, sent again, connected again</dt>
          <dd>
            {formatCount(fleet.refusals)}, {formatCount(fleet.resent)},{" "}
            {formatCount(fleet.reconnects)} since the start
          </dd>
        </dl>
      </div>
    </section>
  );
}

function Counts({ spooled, committed, givenUp }: FleetCounts) {
  return (
    <>
      {formatCount(committed)} of {formatCount(spooled)} at the hub
      {givenUp > 0 && <b class="sev-high">, {formatCount(givenUp)} given up</b>}
    </>
  );
}
