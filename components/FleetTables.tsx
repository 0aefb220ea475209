/** What agents saw most of: of a stretch of time each agent's sums, or of one agent its hosts. Cards on a phone. */
import type { ComponentChildren } from "preact";
import { term } from "../agent/search/edit.ts";
import type { AgentHostRow, AgentSumRow } from "../agent/store/fleet_queries.ts";
import { HostName } from "./Address.tsx";
import { AgentLink } from "./AgentName.tsx";
import { formatBytes, formatCount, formatWhen } from "./format.ts";

interface PanelProps {
  readonly title: string;
  readonly note: string;
  readonly width: string;
  readonly isEmpty: boolean;
  readonly end?: ComponentChildren;
  readonly children: ComponentChildren;
}

function TablePanel({ title, note, width, isEmpty, end, children }: PanelProps) {
  return (
    <section class={`panel ${width}`}>
      <header>
        <h2>{title}</h2>
        <p>{note}</p>
        {end}
      </header>
      {isEmpty ? <p class="body dim">No flow yet.</p> : <div class="scroll">{children}</div>}
    </section>
  );
}

export function BusiestAgents({ sums, when }: {
  readonly sums: readonly AgentSumRow[];
  readonly when: string;
}) {
  const most = Math.max(1, ...sums.map(({ bytes }) => bytes));
  return (
    <TablePanel
      title="Busiest agents"
      note={when}
      width="c4"
      isEmpty={sums.length === 0}
      end={<a class="end" href="/agents?order=flows">All agents</a>}
    >
      <table class="tbl cards duo">
        <thead>
          <tr>
            <th scope="col">Agent</th>
            <th scope="col" class="num">Bytes</th>
            <th scope="col" class="num opt">Flows</th>
            <th scope="col" class="opt">Share</th>
          </tr>
        </thead>
        <tbody>
          {sums.map(({ key, bytes, flows }) => (
            <tr key={key}>
              <td class="grow">
                <AgentLink id={key} />
              </td>
              <td class="num">{formatBytes(bytes)}</td>
              <td class="num opt">{formatCount(flows)}</td>
              <td class="bar-c opt">
                <Bar share={bytes / most} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TablePanel>
  );
}

interface HostsProps {
  readonly hosts: readonly AgentHostRow[];
  readonly agent: string;
  readonly nowUs: number;
  readonly zone: string;
}

export function AgentHosts({ hosts, agent, nowUs, zone }: HostsProps) {
  const most = Math.max(1, ...hosts.map(({ bytes }) => bytes));
  return (
    <TablePanel
      title="Busiest hosts"
      note="as far back as the history goes"
      width="c8"
      isEmpty={hosts.length === 0}
      end={
        <a class="end" href={`/hosts?${new URLSearchParams({ agent })}`} aria-current="false">
          All that it has seen
        </a>
      }
    >
      <table class="tbl cards duo">
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col" class="num">Bytes</th>
            <th scope="col" class="num">Seen by</th>
            <th scope="col" class="num opt">Flows</th>
            <th scope="col" class="num opt">Last seen</th>
            <th scope="col" class="opt">Share</th>
          </tr>
        </thead>
        <tbody>
          {hosts.map(({ address, name, bytes, flows, agents, last_us }) => (
            <tr key={address}>
              <td class="grow" title={name || address}>
                <a class="plain" href={flowsOf(address, agent)}>
                  <HostName name={name} address={address} />
                </a>
              </td>
              <td class="num">{formatBytes(bytes)}</td>
              <td class="num" data-l="seen by">
                {agents === 1 ? "it alone" : `${formatCount(agents)} agents`}
              </td>
              <td class="num opt">{formatCount(flows)}</td>
              <td class="num dim opt">{formatWhen(last_us, nowUs, zone)}</td>
              <td class="bar-c opt">
                <Bar share={bytes / most} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TablePanel>
  );
}

function flowsOf(address: string, agent: string): string {
  const q = `${term("host", address)} and ${term("agent", agent)}`;
  return `/flows?${new URLSearchParams({ q })}`;
}

function Bar({ share }: { readonly share: number }) {
  return (
    <svg class="bar" aria-hidden="true">
      <rect class="tr" width="100%" height="100%" />
      <rect class="f" width={`${(100 * share).toFixed(2)}%`} height="100%" />
    </svg>
  );
}
