/** How looking for the processes behind this host's flows goes, and what it cannot see. */
import type { ProcessesState } from "../agent/records.ts";
import { counted, formatCount } from "../agent/text/amounts.ts";

export function ProcessesPanel({ processes }: { processes: ProcessesState }) {
  const { state, source, named, userOnly, unknown, passedOver, detail } = processes;
  if (state === "off") return null;
  return (
    <section class="panel c12 lone" aria-label="Processes">
      <header>
        <h2>Processes</h2>
        <p>of this host, behind its flows</p>
      </header>
      <div class="body">
        <dl class="facts long">
          <dt>Flows of this host</dt>
          <dd>
            {formatCount(named)} with their process, {formatCount(userOnly)} with the user alone,
            {" "}
            {formatCount(unknown)}{" "}
            without{passedOver > 0 && (
              <>; {counted(passedOver, "flow")} not looked at for want of time</>
            )}
          </dd>
          <dt>Sockets are read from</dt>
          <dd>{source === "" ? "nowhere yet" : source === "sock_diag" ? "the kernel" : source}</dd>
          <dt>Short connections</dt>
          <dd>
            {shortConnections(processes)}
          </dd>
        </dl>
      </div>
      {detail !== "" && <p class="note">{detail}</p>}
    </section>
  );
}

function shortConnections({ hasTrace, traceLost, hasTap }: ProcessesState): string {
  if (!hasTap) {
    return "are missed when they are over before their packets have come (cap_net_raw would show them)";
  }
  if (!hasTrace) {
    return "are looked at as they begin; those that are refused at once are missed now and then (cap_perfmon would show them)";
  }
  const lost = traceLost > 0 ? `; it had no room for ${counted(traceLost, "event")}` : "";
  return `the kernel says who begins them${lost}`;
}
