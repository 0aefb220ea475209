/** What agents saw most of: of a stretch of time each agent's sums, or of one agent its hosts. Cards on a phone. */
import type { ComponentChildren } from "preact";
import { term } from "../agent/search/edit.ts";
import type { AgentHostRow, AgentSumRow } from "../agent/store/fleet_queries.ts";
import { HostName } from "./Address.tsx";
import { AgentLink } from "./AgentName.tsx";
import { formatBytes, formatCount, formatWhen } from "./format.ts";

interface Row {
  readonly key: string | number;
  readonly title?: string;
  readonly cell: ComponentChildren;
  readonly bytes: number;
  readonly flows: number;
  /** Of the columns in `more`. */
  readonly cells?: readonly ComponentChildren[];
}

interface TableProps {
  readonly title: string;
  readonly note: string;
  readonly width: string;
  readonly end: ComponentChildren;
  readonly first: string;
  readonly rows: readonly Row[];
  /** Columns besides, of which the first is on a phone too, under a word of its own. */
  readonly more?: readonly string[];
}

/** Those with most bytes first, with the share of the first. */
function BusiestTable({ title, note, width, end, first, rows, more = [] }: TableProps) {
  const most = Math.max(1, ...rows.map(({ bytes }) => bytes));
  const side = (at: number) => at === 0 ? "num" : "num dim opt";
  return (
    <section class={`panel ${width}`}>
      <header>
        <h2>{title}</h2>
        <p>{note}</p>
        {end}
      </header>
      {rows.length === 0 ? <p class="body dim">No flow yet.</p> : (
        <div class="scroll">
          <table class="tbl cards duo">
            <thead>
              <tr>
                <th scope="col">{first}</th>
                <th scope="col" class="num">Bytes</th>
                {more.map((name, at) => <th key={name} scope="col" class={side(at)}>{name}</th>)}
                <th scope="col" class="num opt">Flows</th>
                <th scope="col" class="opt">Share</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ key, title, cell, bytes, flows, cells = [] }) => (
                <tr key={key}>
                  <td class="grow" title={title}>{cell}</td>
                  <td class="num">{formatBytes(bytes)}</td>
                  {cells.map((text, at) => (
                    <td key={at} class={side(at)} data-l={more[at]!.toLowerCase()}>{text}</td>
                  ))}
                  <td class="num opt">{formatCount(flows)}</td>
                  <td class="bar-c opt">
                    <svg class="bar" aria-hidden="true">
                      <rect class="tr" width="100%" height="100%" />
                      <rect class="f" width={`${(100 * bytes / most).toFixed(2)}%`} height="100%" />
                    </svg>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function BusiestAgents({ sums, when }: {
  readonly sums: readonly AgentSumRow[];
  readonly when: string;
}) {
  return (
    <BusiestTable
      title="Busiest agents"
      note={when}
      width="c4 lone"
      end={<a class="end" href="/agents?order=flows">All agents</a>}
      first="Agent"
      rows={sums.map((sum) => ({ ...sum, cell: <AgentLink id={sum.key} /> }))}
    />
  );
}

interface HostsProps {
  readonly hosts: readonly AgentHostRow[];
  readonly agent: string;
  readonly nowUs: number;
  readonly zone: string;
}

export function AgentHosts({ hosts, agent, nowUs, zone }: HostsProps) {
  return (
    <BusiestTable
      title="Busiest hosts"
      note="as far back as the history goes"
      width="c8"
      end={
        <a class="end" href={`/hosts?${new URLSearchParams({ agent })}`} aria-current="false">
          All that it has seen
        </a>
      }
      first="Host"
      more={["Seen by", "Last seen"]}
      rows={hosts.map(({ address, name, bytes, flows, agents, last_us }) => ({
        key: address,
        title: name || address,
        cell: (
          <a class="plain" href={flowsOf(address, agent)}>
            <HostName name={name} address={address} />
          </a>
        ),
        bytes,
        flows,
        cells: [
          agents === 1 ? "it alone" : `${formatCount(agents)} agents`,
          formatWhen(last_us, nowUs, zone),
        ],
      }))}
    />
  );
}

function flowsOf(address: string, agent: string): string {
  const q = `${term("host", address)} and ${term("agent", agent)}`;
  return `/flows?${new URLSearchParams({ q })}`;
}
