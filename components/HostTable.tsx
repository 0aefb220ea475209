/** Devices and other hosts as rows; cards on a phone. */
import type { Severity as SeverityLevel } from "../agent/records.ts";
import type { DeviceHour } from "../agent/store/device_queries.ts";
import type { DescribedHost } from "../agent/vendor/describe_hosts.ts";
import type { HostOrder } from "../agent/store/filters.ts";
import { HostName, hostPath } from "./Address.tsx";
import { AgentLink } from "./AgentName.tsx";
import { formatBytes, formatCount, unknown } from "./format.ts";
import { Moment } from "./Moment.tsx";
import { Severity } from "./Icon.tsx";
import { PlaceMark } from "./Place.tsx";
import { type Sort, SortHead } from "./SortHead.tsx";

export interface ListedHost extends DescribedHost {
  /** Of the last day, oldest first. */
  readonly hours: readonly DeviceHour[];
  /** Of a hub: numbers of the agents that have seen it, those with most bytes first. */
  readonly agents?: readonly number[];
}

interface Clock {
  readonly nowUs: number;
  readonly zone: string;
}

const hourUs = 3_600_000_000;
const hoursDrawn = 24;

export function HostTable(
  { hosts, sort, ...clock }: Clock & {
    readonly hosts: readonly ListedHost[];
    readonly sort: Sort<HostOrder>;
  },
) {
  const isHub = hosts.some(({ agents }) => agents !== undefined);
  return (
    <table class="tbl cards duo hosts">
      <thead>
        <tr>
          <th scope="col">Host</th>
          {isHub ? <th scope="col">Seen by</th> : (
            <>
              <th scope="col">Kind</th>
              <th scope="col" class="mid">Vendor</th>
              <th scope="col" class="slim">Last 24 h</th>
            </>
          )}
          <SortHead label="In" order="received" sort={sort} isNumber />
          <SortHead label="Out" order="sent" sort={sort} isNumber />
          {!isHub && <th scope="col" class="num slim">Peers</th>}
          <SortHead label="First seen" order="first_seen" sort={sort} isNumber isRoomy />
          <SortHead label="Last seen" order="last_seen" sort={sort} isNumber />
          <th scope="col">Finding</th>
        </tr>
      </thead>
      <tbody>{hosts.map((host) => <Row key={host.key} host={host} {...clock} />)}</tbody>
    </table>
  );
}

function Row({ host, nowUs, zone }: Clock & { readonly host: ListedHost }) {
  const more = host.addresses.length - 1;
  return (
    <tr>
      <td class="grow" title={host.addresses.slice(0, 8).join(", ")}>
        <a class="plain" href={hostPath(host.id === null ? host.address : host.key)}>
          <HostName name={host.name} address={host.address} />
        </a>
        {more > 0 && <span class="sub">and {formatCount(more)} more</span>}
      </td>
      {host.agents ? <SeenByCell agents={host.agents} /> : (
        <>
          <td class="dim opt">
            {host.kind || (host.is_local === 1 ? "" : "elsewhere")}{" "}
            <PlaceMark address={host.address} />
          </td>
          <td class="dim opt mid" title={host.mac}>{host.vendor}</td>
          <td class="opt slim">
            <Spark hours={host.hours} nowUs={nowUs} />
          </td>
        </>
      )}
      <td class="num" data-l="in">{formatBytes(host.in_bytes)}</td>
      <td class="num" data-l="out">{formatBytes(host.out_bytes)}</td>
      {!host.agents && (
        <td class="num opt slim">{host.peers === null ? unknown : formatCount(host.peers)}</td>
      )}
      <td class="num dim opt roomy">
        <Moment tsUs={host.first_seen_us} nowUs={nowUs} zone={zone} />
      </td>
      <td class="num dim opt">
        <Moment tsUs={host.last_seen_us} nowUs={nowUs} zone={zone} />
      </td>
      <td class={host.severity === "" ? "opt" : "level"}>
        {host.severity !== "" && <Severity level={host.severity as SeverityLevel} />}
      </td>
    </tr>
  );
}

function SeenByCell({ agents }: { readonly agents: readonly number[] }) {
  return (
    <td class="agent opt">
      {agents.length === 1 ? <AgentLink id={agents[0]!} /> : `${formatCount(agents.length)} agents`}
    </td>
  );
}

/** Bytes of each hour up to now. */
function Spark({ hours, nowUs }: { hours: readonly DeviceHour[]; nowUs: number }) {
  if (hours.length === 0) return null;
  const last = Math.floor(nowUs / hourUs);
  const values = new Array<number>(hoursDrawn).fill(0);
  for (const { hour_us, in_bytes, out_bytes } of hours) {
    const at = hoursDrawn - 1 - (last - Math.floor(hour_us / hourUs));
    if (at >= 0 && at < hoursDrawn) values[at] = in_bytes + out_bytes;
  }
  const most = Math.max(1, ...values);
  const points = values.map((value, index) =>
    `${(100 * index / (hoursDrawn - 1)).toFixed(1)} ${(15 - 14 * value / most).toFixed(1)}`
  );
  return (
    <svg class="spark" viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true">
      <path d={`M${points.join("L")}`} />
    </svg>
  );
}
