/** Who and what had how much of the range: protocols, hosts, services, networks and countries, each row a link that narrows the page. */
import type { ComponentChildren } from "preact";
import { HostName } from "../components/Address.tsx";
import { formatBytes, formatCount, sharePercent } from "../components/format.ts";
import type { Range } from "../components/live_message.ts";
import type { GroupRow, HistoryRow, OverviewHistory } from "../components/overview.ts";
import { useOverview } from "../components/overview_feed.ts";
import { type LiveChart, useLiveChart } from "../components/use_live_chart.ts";

interface Props {
  readonly history: OverviewHistory;
  readonly range: Range;
  /** Of the stretch, as "last 24 h". */
  readonly when: string;
  /** Query of `/api/stats`. */
  readonly source: string;
}

const ring: LiveChart = {
  draw: (charts, element, data) => charts.drawRing(element, { height: 150, data }),
  everyMs: 4000,
};

export default function HistoryLists({ history: initial, range, when, source }: Props) {
  const history = useOverview(source, range)?.history ?? initial;
  const { hosts, services, peers, countries, notes, openFlows } = history;
  const open = openFlows ? `, ${formatCount(openFlows)} open flows included` : "";
  return (
    <>
      <Protocols history={history} when={when} />
      <section class="panel c7">
        <header>
          <h2>Busiest hosts</h2>
          <p>{`${when}${open}`}</p>
          <a class="end" href="/hosts">All hosts</a>
        </header>
        <Rows
          rows={hosts}
          head="Host"
          empty="No host had traffic."
          cell={(row) => <HostName name={row.name} address={row.key} />}
        />
        {notes.map((note) => <p key={note} class="note">{note}</p>)}
      </section>
      <section class="panel c6">
        <header>
          <h2>Services</h2>
          <p>{when}</p>
        </header>
        <Rows rows={services} head="Service" empty="No flow yet." cell={(row) => row.name} />
      </section>
      <section class="panel c6">
        <header>
          <h2>Networks outside</h2>
          <p>{when}</p>
        </header>
        <Rows
          rows={peers}
          head="Network"
          empty="No flow led outside."
          cell={(row) => <span class="mono">{row.key}</span>}
        />
      </section>
      {countries.length > 0 && (
        <section class="panel c12">
          <header>
            <h2>Countries</h2>
            <p>of the networks outside, {when}</p>
          </header>
          <Rows rows={countries} head="Country" empty="" cell={(row) => row.name} />
        </section>
      )}
    </>
  );
}

interface RowsProps {
  readonly rows: readonly HistoryRow[];
  readonly head: string;
  readonly empty: string;
  readonly cell: (row: HistoryRow) => ComponentChildren;
}

function Rows({ rows, head, empty, cell }: RowsProps) {
  if (rows.length === 0) return <p class="body dim">{empty}</p>;
  const most = Math.max(1, ...rows.filter(({ key }) => key !== "").map(({ bytes }) => bytes));
  const isCompared = rows.some(({ beforeBytes }) => beforeBytes !== undefined);
  return (
    <div class="scroll">
      <table class="tbl cards duo">
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col" class="num">In</th>
            <th scope="col" class="num">Out</th>
            <th
              scope="col"
              class={isCompared ? "num" : "num opt"}
              title="With what stayed inside, or passed by"
            >
              All
            </th>
            {isCompared && <th scope="col" class="num">Week before</th>}
            <th scope="col" class="opt">Share</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <td class="grow" title={row.name || row.key}>
                {row.href === null
                  ? row.key === "" ? <span class="dim">all others</span> : cell(row)
                  : <a class="plain" href={row.href}>{cell(row)}</a>}
              </td>
              <td class={isInside(row) ? "num dim opt" : "num"} data-l="in">
                {formatBytes(row.inBytes)}
              </td>
              <td class={isInside(row) ? "num dim opt" : "num"} data-l="out">
                {formatBytes(row.outBytes)}
              </td>
              <td class={isCompared || isInside(row) ? "num" : "num opt"} data-l="all">
                {formatBytes(row.bytes)}
              </td>
              {isCompared && <Before bytes={row.beforeBytes} />}
              <td class="bar-c opt">
                <Bar row={row} most={most} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Neither came in nor went out: on a phone the sum alone says something. */
function isInside({ inBytes, outBytes, bytes }: HistoryRow): boolean {
  return inBytes + outBytes === 0 && bytes > 0;
}

function Before({ bytes }: { bytes: number | null | undefined }) {
  const isKnown = bytes !== null && bytes !== undefined;
  return (
    <td
      class="num dim"
      data-l="week before"
      title={isKnown ? undefined : "Not known: it was not among those with most bytes then."}
    >
      {isKnown ? formatBytes(bytes) : "–"}
    </td>
  );
}

/** In, out, and what has no direction, measured against the longest. */
function Bar({ row: { inBytes, outBytes, bytes }, most }: { row: HistoryRow; most: number }) {
  const share = (part: number) => Math.min(100, 100 * part / most);
  const width = (part: number) => `${share(part).toFixed(2)}%`;
  return (
    <svg class="bar" aria-hidden="true">
      <rect class="tr" width="100%" height="100%" />
      <rect class="f" x="0" width={width(bytes)} height="100%" />
      <rect class="fi" x="0" width={width(inBytes)} height="100%" />
      <rect class="fo" x={width(inBytes)} width={width(outBytes)} height="100%" />
    </svg>
  );
}

function Protocols({ history, when }: { history: OverviewHistory; when: string }) {
  const { groups } = history;
  const total = groups.reduce((sum, { bytes }) => sum + bytes, 0);
  const shown = groups.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
  const { host } = useLiveChart(total > 0 ? ringData(groups) : null, ring);
  const first = shown[0];
  return (
    <section class="panel c5">
      <header>
        <h2>Protocols</h2>
        <p>share of bytes, {when}</p>
      </header>
      <div class={`body ${first ? "ring" : ""}`}>
        <div
          class={`tw-chart pal-proto ${first ? "" : "none"}`}
          role="img"
          aria-label={first
            ? `${first.name} has the most bytes, ${sharePercent(first.bytes, total)}.`
            : "No flow yet."}
        >
          <div class="tw-chart-draw" ref={host} />
        </div>
        {shown.length === 0 ? <p class="dim">No flow yet.</p> : (
          <table class="tbl tight static">
            <tbody>
              {shown.map((group) => (
                <tr>
                  <td class="grow">
                    <i class={`sw p${group.colour}`} />
                    {group.href === null
                      ? group.name
                      : <a class="plain" href={group.href}>{group.name}</a>}
                  </td>
                  <td class="num dim">{formatBytes(group.bytes)}</td>
                  <td class="num">{sharePercent(group.bytes, total)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}

function ringData(groups: readonly GroupRow[]) {
  return {
    labels: groups.map(({ name }) => name),
    datasets: [{ name: "Bytes", values: groups.map(({ bytes }) => bytes) }],
    ticks: [],
  };
}
