/** Incidents of the database, and those that arrive while the page stands. */
import { incidentFields } from "../components/incident_fields.ts";
import { ListPage } from "../components/ListPage.tsx";
import { pageNowUs } from "../components/verdict.ts";
import IncidentRows from "../islands/IncidentRows.tsx";
import { notLookedAt, sinceText } from "./(_server)/finding_pages.ts";
import { incidentItems, incidentQuery } from "./(_server)/incident_pages.ts";
import {
  countedFindings,
  countText,
  incidentFilter,
  isSearched,
  listPage,
  shown,
  shownSearch,
} from "./(_server)/lists.ts";
import { define } from "./(_server)/state.ts";
import SearchBox from "../islands/SearchBox.tsx";

export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listPage(() =>
      countedFindings(queries, "incidents", shown(incidentFilter(url.searchParams)))
    );
  },
});

export default define.page<typeof handler>(function Incidents({ data, state, url }) {
  const { rows, nextCursor } = data.value;
  const asked = data.error === "" ? incidentFilter(url.searchParams) : {};
  const { order = "newest", isAscending = false } = asked;
  const isLive = data.error === "" && !url.searchParams.has("cursor") && !isSearched(url) &&
    (order === "newest" || order === "severity") && !isAscending;
  const search = shownSearch("incidents", url);
  return (
    <ListPage
      url={url}
      search={search}
      box={<SearchBox list={search.list} text={search.text} />}
      fields={incidentFields}
      count={countText(data.value, ["incident", "incidents"])}
      error={data.error}
      nextCursor={nextCursor}
    >
      <IncidentRows
        items={incidentItems(state, rows)}
        sort={{ order, isAscending, path: url.pathname + url.search }}
        query={isLive ? incidentQuery(asked) : null}
        isFiltered={url.search !== ""}
        nowUs={pageNowUs(state.message)}
        zone={state.sensor.zone}
        since={sinceText(state)}
        notLookedAt={notLookedAt(state, "incidents")}
      />
    </ListPage>
  );
});
