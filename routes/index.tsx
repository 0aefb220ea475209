/** Overview: the verdict, numbers, traffic, protocols, hosts and packets of now, the export, the health strip. */
import { page } from "fresh";
import type { PacketRow } from "../agent/records.ts";
import { localInputTime } from "../components/input_time.ts";
import { NewLine } from "../components/NewLine.tsx";
import { Notice } from "../components/Notice.tsx";
import { ExportForm } from "../components/ExportForm.tsx";
import type { Range } from "../components/live_message.ts";
import { highestOf } from "../components/peaks.ts";
import { isOfProtocol } from "../components/PacketTable.tsx";
import { PROTOCOL_CHOICES } from "../components/protocol_groups.ts";
import { pageNowUs } from "../components/verdict.ts";
import BusiestHosts from "../islands/BusiestHosts.tsx";
import HealthStrip from "../islands/HealthStrip.tsx";
import NewestPackets from "../islands/NewestPackets.tsx";
import PacketRate from "../islands/PacketRate.tsx";
import ProtocolShare from "../islands/ProtocolShare.tsx";
import TrafficChart from "../islands/TrafficChart.tsx";
import TrafficNumbers from "../islands/TrafficNumbers.tsx";
import VerdictLine from "../islands/VerdictLine.tsx";
import {
  askedRange,
  define,
  emptySeries,
  rangeOf,
  recentDrops,
  type State,
  trafficSeries,
} from "./(_server)/state.ts";
import { overviewIncidents } from "./(_server)/incident_pages.ts";
import { newCounts } from "./(_server)/host_pages.ts";
import { attempt, packetRows } from "./(_server)/lists.ts";
import { choiceParameter } from "./(_server)/parameters.ts";

const packetsShown = 15;

export const handler = define.handlers({
  async GET(ctx) {
    const { state, url } = ctx;
    const asked = await attempt(() => askedView(url), { range: rangeOf(url), protocol: "" });
    const { range, protocol } = asked.value;
    const nowUs = pageNowUs(state.message);
    const series = await attempt(() => trafficSeries(state, range), emptySeries(range, nowUs));
    const rows = await attempt(() => newestRows(state, protocol), newestOf(state, protocol));
    const incidents = await attempt(() => overviewIncidents(state), { items: [], areMore: false });
    return page({
      live: { initial: state.message, series: series.value, range },
      refusal: asked.error,
      error: series.error || rows.error || incidents.error,
      incidents: { ...incidents.value, look: state.look },
      peaks: highestOf(state.context.live.seconds(), null),
      drops: recentDrops(state),
      protocol,
      rows: rows.value,
      from: exportFrom(state, nowUs),
      news: await newCounts(state),
    }, { status: asked.status });
  },
});

export default define.page<typeof handler>(function Overview({ data, state }) {
  const { message, sensor } = state;
  return (
    <>
      <VerdictLine
        initial={message}
        sensor={sensor}
        recentDrops={data.drops}
        incidents={data.incidents}
      />
      {data.refusal !== "" && <Notice title="This cannot be shown" detail={data.refusal} />}
      {data.error !== "" && <Notice title="The database cannot be read" detail={data.error} />}
      <TrafficNumbers initial={message} peaks={data.peaks} />
      <NewLine counts={data.news} nowUs={pageNowUs(message)} zone={sensor.zone} />
      <TrafficChart {...data.live} zone={sensor.zone} />
      <PacketRate {...data.live} zone={sensor.zone} title="Packets" width="c4 lone" isTall />
      <ProtocolShare initial={message} />
      <BusiestHosts initial={message} />
      <NewestPackets
        initial={message}
        zone={sensor.zone}
        protocol={data.protocol}
        rows={data.rows}
      />
      <ExportForm recorder={message.health.recorder} from={data.from} />
      <HealthStrip initial={message} />
    </>
  );
});

/** What the address asks the overview for. Throws ParameterError. */
function askedView(url: URL): { readonly range: Range; readonly protocol: string } {
  return {
    range: askedRange(url, ["protocol"]),
    protocol: choiceParameter(url.searchParams, "protocol", PROTOCOL_CHOICES) ?? "",
  };
}

/** The export form begins with the last quarter of an hour. */
function exportFrom({ context }: State, nowUs: number): string {
  const first = context.live.seconds()[0];
  return first ? localInputTime(Math.max(first.tsUs, nowUs - 900e6)) : "";
}

/** From memory where that is enough, else from the database. */
async function newestRows(state: State, protocol: string): Promise<readonly PacketRow[]> {
  const fromMemory = newestOf(state, protocol);
  if (fromMemory.length === packetsShown) return fromMemory;
  const stored = await packetRows(state.context, { protocol, limit: packetsShown });
  return stored.length > fromMemory.length ? stored : fromMemory;
}

function newestOf(state: State, protocol: string): readonly PacketRow[] {
  return state.context.live.newestPackets
    .filter((row) => isOfProtocol(row, protocol))
    .slice(-packetsShown)
    .reverse();
}
