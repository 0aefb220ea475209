/** The page of a list of findings, scans or all others, newest first or in another order, with those that arrive while it stands. */
import { page } from "fresh";
import { type FindingList, readFinding } from "../../agent/finding_reader.ts";
import { anomalyFields, scanFields } from "../../components/finding_fields.ts";
import { forRow } from "../../components/findings.ts";
import { ListPage } from "../../components/ListPage.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import FindingRows from "../../islands/FindingRows.tsx";
import SearchBox from "../../islands/SearchBox.tsx";
import {
  agentsOfFindings,
  findingQuery,
  incidentsOf,
  notLookedAt,
  sinceText,
} from "./finding_pages.ts";
import {
  anomalyFilter,
  attempt,
  countedFindings,
  countText,
  emptyPage,
  isSearched,
  scanFilter,
  shown,
  shownSearch,
} from "./lists.ts";
import { define } from "./state.ts";

const lists = {
  scans: { fields: scanFields, filter: scanFilter, words: ["scan", "scans"] },
  anomalies: { fields: anomalyFields, filter: anomalyFilter, words: ["finding", "findings"] },
} as const;

export function findingList(list: FindingList) {
  const { fields, filter, words } = lists[list];
  const handler = define.handlers({
    async GET({ state, url }) {
      const { queries } = state.context;
      const asked = await attempt(
        () => countedFindings(queries, list, shown(filter(url.searchParams))),
        emptyPage,
      );
      const ids = asked.value.rows.map((row) => Number(row.id));
      const incidents = await incidentsOf(state, list, ids);
      return page({ ...asked, incidents }, { status: asked.status });
    },
  });
  const Page = define.page<typeof handler>(function Findings({ data, state, url }) {
    const { rows, nextCursor } = data.value;
    const findings = rows.map((row) => readFinding(list, row));
    const asked = data.error === "" ? filter(url.searchParams) : {};
    const { order = "newest", isAscending = false } = asked;
    const isLive = data.error === "" && !url.searchParams.has("cursor") && !isSearched(url) &&
      order === "newest" && !isAscending;
    const search = shownSearch(list, url);
    return (
      <ListPage
        url={url}
        search={search}
        box={<SearchBox list={search.list} text={search.text} />}
        fields={fields}
        count={countText(data.value, words)}
        error={data.error}
        nextCursor={nextCursor}
      >
        <FindingRows
          list={list}
          findings={findings.map(forRow)}
          incidents={data.incidents}
          agents={agentsOfFindings(state, list, rows)}
          sort={{ order, isAscending, path: url.pathname + url.search }}
          query={isLive ? findingQuery(asked) : null}
          isFiltered={url.search !== ""}
          nowUs={pageNowUs(state.message)}
          zone={state.sensor.zone}
          since={sinceText(state)}
          notLookedAt={notLookedAt(state, list)}
        />
      </ListPage>
    );
  });
  return { handler, Page };
}
