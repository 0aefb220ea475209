/** Overview: the verdict, numbers of now, and of one range and one search: traffic, what is new, who and what, the anomaly rate. */
import { page } from "fresh";
import { hostPath } from "../components/Address.tsx";
import { Notice } from "../components/Notice.tsx";
import { NewHere } from "../components/NewHere.tsx";
import { RANGES } from "../components/live_message.ts";
import { nothingBeside, type Overview } from "../components/overview.ts";
import { highestOf } from "../components/peaks.ts";
import { rangeQuery, rangeText } from "../components/range_text.ts";
import { SearchChips } from "../components/SearchChips.tsx";
import { UnusualWindows } from "../components/UnusualWindows.tsx";
import { pageNowUs } from "../components/verdict.ts";
import HealthStrip from "../islands/HealthStrip.tsx";
import HistoryLists from "../islands/HistoryLists.tsx";
import SearchBox from "../islands/SearchBox.tsx";
import TrafficChart from "../islands/TrafficChart.tsx";
import TrafficNumbers from "../islands/TrafficNumbers.tsx";
import VerdictLine from "../islands/VerdictLine.tsx";
import { overviewIncidents } from "./(_server)/incident_pages.ts";
import { attempt, shownSearch } from "./(_server)/lists.ts";
import {
  askedView,
  newItems,
  type News,
  readOverview,
  type View,
  viewQuery,
} from "./(_server)/overview.ts";
import type { FleetOverview } from "./(_server)/fleet_overview.tsx";
import { define, emptySeries, extentOf, recentDrops, type State } from "./(_server)/state.ts";

const plainView: View = {
  range: RANGES[0],
  q: "",
  isCompared: false,
  query: new URLSearchParams(),
};

export const handler = define.handlers({
  async GET(ctx) {
    const { state, url } = ctx;
    // Of versions that had the newest packets here.
    const protocol = url.searchParams.get("protocol");
    if (protocol) {
      return ctx.redirect(`/packets?protocol=${encodeURIComponent(protocol)}#newest`, 303);
    }
    const asked = await attempt(() => askedView(url), plainView);
    const view = asked.value;
    const none: Overview = {
      series: emptySeries(view.range, pageNowUs(state.message)),
      beside: nothingBeside,
      history: {
        ...{
          bytes: 0,
          hosts: [],
          services: [],
          peers: [],
          countries: [],
          groups: [],
          openFlows: null,
          notes: [],
        },
      },
      windows: [],
    };
    const nothingNew: News = { count: 0, href: "/hosts/new", items: [], learning: "" };
    const [overview, fleet, news, incidents] = await Promise.all([
      attempt(() => readOverview(state, view), none),
      attempt(() => readFleet(state, view), null),
      attempt(() => newItems(state, view), nothingNew),
      attempt(() => overviewIncidents(state), { items: [], areMore: false }),
    ]);
    const isRefused = overview.status === 400;
    return page({
      view,
      overview: overview.value,
      fleet: fleet.value,
      news: news.value,
      refusal: asked.error || (isRefused ? overview.error : ""),
      error: isRefused ? "" : overview.error || fleet.error || news.error || incidents.error,
      incidents: { ...incidents.value, look: state.look },
      peaks: highestOf(state.context.live.seconds(), null),
      drops: recentDrops(state),
    }, { status: Math.max(asked.status, overview.status) });
  },
});

/** Of a hub; null on a sensor. */
async function readFleet(state: State, { range }: View): Promise<FleetOverview | null> {
  if (state.context.fleet === undefined) return null;
  const { fleetOverview } = await import("./(_server)/fleet_overview.tsx");
  const clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  return fleetOverview(state, { ...extentOf(state, range), when: rangeText(range, clock) });
}

export default define.page<typeof handler>(function OverviewPage({ data, state, url }) {
  const { message, sensor, context } = state;
  const { view, overview, fleet } = data;
  const isHub = state.context.fleet !== undefined;
  const clock = { nowUs: pageNowUs(message), zone: sensor.zone };
  const when = rangeText(view.range, clock);
  const source = String(view.query);
  const rest = String(viewQuery({ ...view, range: RANGES[0] })).replace(/^range=15m&?/, "");
  return (
    <>
      <VerdictLine
        initial={message}
        sensor={sensor}
        recentDrops={data.drops}
        incidents={data.incidents}
        fleet={fleet?.verdict}
      />
      {data.refusal !== "" && <Notice title="This cannot be shown" detail={data.refusal} />}
      {data.error !== "" && <Notice title="The database cannot be read" detail={data.error} />}
      {isHub ? fleet?.numbers : <TrafficNumbers initial={message} peaks={data.peaks} />}
      <Narrowed url={url} view={view} isHub={isHub} />
      <TrafficChart
        initial={message}
        series={overview.series}
        beside={overview.beside}
        range={view.range}
        when={when}
        zone={sensor.zone}
        source={source}
        rest={rest}
        // A hub has no seconds to go on with.
        isNarrowed={view.q !== "" || isHub}
        isCompared={view.isCompared}
      />
      {isHub ? fleet?.agents : (
        <NewHere
          {...data.news}
          when={view.q === "" ? when : `${when}, all hosts`}
          {...clock}
        />
      )}
      <HistoryLists
        history={overview.history}
        range={view.range}
        when={when}
        source={source}
      />
      {view.q === "" && !isHub && (
        <UnusualWindows
          windows={overview.windows}
          extent={extentOf(state, view.range)}
          thresholdPct={context.options.anomalyThresholdPct}
          when={when}
          {...clock}
        />
      )}
      {!isHub && <HealthStrip initial={message} />}
    </>
  );
});

/** What the page is narrowed to, a box to narrow it further, and the lists of the same. */
function Narrowed({ url, view, isHub }: { url: URL; view: View; isHub: boolean }) {
  const search = shownSearch("flows", url);
  const { query, range } = view;
  const kept = [...query].filter(([name]) => name !== "q");
  const toLists = new URLSearchParams(view.q === "" ? {} : { q: view.q });
  if (range.toUs !== null) {
    toLists.set("from", String(range.toUs - range.spanS * 1e6));
    toLists.set("to", String(range.toUs));
  }
  const [, address] = /^(?:host|mac) ([\da-f.:]+)$/.exec(view.q) ?? [];
  const lists = toLists.size === 0 ? "" : `?${toLists}`;
  return (
    <div class="c12 narrowed">
      <form method="get" action="/" class="filters">
        {kept.map(([name, value]) => <input key={name} type="hidden" name={name} value={value} />)}
        <SearchBox list="flows" text={view.q} />
        <button type="submit" class="btn">Narrow</button>
        {address !== undefined && (
          <a class="btn" href={`${hostPath(address)}?${rangeQuery(range)}`}>Host</a>
        )}
        <a class="btn" href={`/flows${lists}`}>Flows</a>
        {!isHub && <a class="btn" href={`/packets${packetQuery(view, lists)}`}>Packets</a>}
      </form>
      {search.chips.length > 0 && (
        <div class="chips" role="group" aria-label="Search in use">
          <SearchChips {...search} />
        </div>
      )}
    </div>
  );
}

/** Packets know no flows' words: their list is of the same time then. */
function packetQuery({ q, range }: View, lists: string): string {
  if (/^(host|net|port|proto|service) [\w.:/]+$/.test(q) || q === "") return lists;
  return range.toUs === null ? "" : `?from=${range.toUs - range.spanS * 1e6}&to=${range.toUs}`;
}
