/** Flows, open and ended, the newest first or in another order. */
import { page } from "fresh";
import { flowFields } from "../components/filter_fields.ts";
import { FlowTable } from "../components/FlowTable.tsx";
import { formatCount } from "../components/format.ts";
import { ListPage } from "../components/ListPage.tsx";
import { pageNowUs } from "../components/verdict.ts";
import { NO_OPEN_FLOWS } from "../agent/search/open_flows.ts";
import { type FlowPage, readFlowPage } from "./(_server)/flow_list.ts";
import { hostNamesOf } from "./(_server)/finding_pages.ts";
import {
  attempt,
  countText,
  flowFilter,
  narrowingLinks,
  shown,
  shownSearch,
} from "./(_server)/lists.ts";
import { searchedPackets } from "./(_server)/packet_pages.ts";
import { define } from "./(_server)/state.ts";
import SearchBox from "../islands/SearchBox.tsx";

const none: FlowPage = { rows: [], nextCursor: null, open: NO_OPEN_FLOWS, total: null };

export const handler = define.handlers({
  async GET({ state, url }) {
    const asked = await attempt(
      () => readFlowPage(state.context, shown(flowFilter(url.searchParams))),
      none,
    );
    const addresses = asked.value.rows.flatMap((row) => [row.orig_h, row.resp_h]);
    const names = await hostNamesOf(state.context, addresses);
    return page({ ...asked, names }, { status: asked.status });
  },
});

export default define.page<typeof handler>(function Flows({ data, state, url }) {
  const { rows, nextCursor } = data.value;
  const clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const search = shownSearch("flows", url);
  const { order = "last", isAscending = false } = data.error === ""
    ? flowFilter(url.searchParams)
    : {};
  return (
    <ListPage
      url={url}
      search={search}
      box={<SearchBox list={search.list} text={search.text} />}
      fields={flowFields}
      count={flowCountText(data.value)}
      error={data.error}
      nextCursor={nextCursor}
      packets={searchedPackets(state, {
        list: "flows",
        q: search.text,
        url,
        times: rows.map(({ start_us, end_us, state }) => ({
          fromUs: start_us,
          toUs: state === "open" ? Infinity : end_us,
        })),
      })}
      isEmpty={rows.length === 0}
      empty={emptyText(data.value, search.text !== "")}
    >
      <FlowTable
        flows={rows}
        names={data.names}
        narrow={narrowingLinks(url, search)}
        sort={{ order, isAscending, path: url.pathname + url.search }}
        {...clock}
      />
    </ListPage>
  );
});

/** "18 of 2,418 flows, 12 of them open". */
function flowCountText(page: FlowPage): string {
  const { open } = page;
  if (open.isLate) {
    return "Open flows could not be read in time: those that have ended are shown.";
  }
  const shown = countText(page, ["flow", "flows"]);
  if (shown === "") return "";
  const part = open.lookedAt < open.standing
    ? ` (of the newest ${formatCount(open.lookedAt)} of ${formatCount(open.standing)} open ones)`
    : "";
  return open.openCount === 0 && part === ""
    ? shown
    : `${shown}, ${formatCount(open.openCount)} open${part}`;
}

function emptyText({ nextCursor }: FlowPage, isSearched: boolean): string {
  if (nextCursor !== null) {
    return "Nothing in the newest flows that one page looks at; there are older ones";
  }
  return isSearched ? "No flow fits" : "No flow yet";
}
