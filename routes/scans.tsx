/** Scans of the database, newest first, and those that arrive while the page stands. */
import { page } from "fresh";
import { scanFields } from "../components/finding_fields.ts";
import { readFinding } from "../agent/finding_reader.ts";
import { forRow } from "../components/findings.ts";
import { ListPage } from "../components/ListPage.tsx";
import { pageNowUs } from "../components/verdict.ts";
import FindingRows from "../islands/FindingRows.tsx";
import {
  agentsOfFindings,
  findingQuery,
  incidentsOf,
  notLookedAt,
  sinceText,
} from "./(_server)/finding_pages.ts";
import {
  attempt,
  countedFindings,
  countText,
  emptyPage,
  isSearched,
  scanFilter,
  shown,
  shownSearch,
} from "./(_server)/lists.ts";
import { define } from "./(_server)/state.ts";
import SearchBox from "../islands/SearchBox.tsx";

export const handler = define.handlers({
  async GET({ state, url }) {
    const { queries } = state.context;
    const asked = await attempt(
      () => countedFindings(queries, "scans", shown(scanFilter(url.searchParams))),
      emptyPage,
    );
    const ids = asked.value.rows.map((row) => Number(row.id));
    const incidents = await incidentsOf(state, "scans", ids);
    return page({ ...asked, incidents }, { status: asked.status });
  },
});

export default define.page<typeof handler>(function Scans({ data, state, url }) {
  const { rows, nextCursor } = data.value;
  const findings = rows.map((row) => readFinding("scans", row));
  const isFirstPage = data.error === "" && !url.searchParams.has("cursor");
  const search = shownSearch("scans", url);
  return (
    <ListPage
      url={url}
      search={search}
      box={<SearchBox list={search.list} text={search.text} />}
      fields={scanFields}
      count={countText(data.value, ["scan", "scans"])}
      error={data.error}
      nextCursor={nextCursor}
    >
      <FindingRows
        list="scans"
        findings={findings.map(forRow)}
        incidents={data.incidents}
        agents={agentsOfFindings(state, "scans", rows)}
        query={isFirstPage && !isSearched(url) ? findingQuery(scanFilter(url.searchParams)) : null}
        isFiltered={url.search !== ""}
        nowUs={pageNowUs(state.message)}
        zone={state.sensor.zone}
        since={sinceText(state)}
        notLookedAt={notLookedAt(state, "scans")}
      />
    </ListPage>
  );
});
