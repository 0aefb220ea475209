/** Hosts: a row for each device of the own networks with all its addresses, and for each host elsewhere. */
import { page } from "fresh";
import { hostFields } from "../components/filter_fields.ts";
import { HostTable } from "../components/HostTable.tsx";
import { ListPage } from "../components/ListPage.tsx";
import { pageNowUs } from "../components/verdict.ts";
import SearchBox from "../islands/SearchBox.tsx";
import { listedHosts } from "./(_server)/host_pages.ts";
import {
  attempt,
  countText,
  emptyPage,
  hostFilter,
  shown,
  shownSearch,
} from "./(_server)/lists.ts";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  async GET({ state, url }) {
    const asked = await attempt(async () => {
      const filter = shown(hostFilter(url.searchParams));
      return { ...await listedHosts(state, filter), filter };
    }, { ...emptyPage, filter: {} });
    return page(asked, { status: asked.status });
  },
});

const views = [
  ["All", "/hosts"],
  ["Own networks", "/hosts?q=local+yes"],
  ["Elsewhere", "/hosts?q=local+no"],
  ["What is new", "/hosts/new"],
] as const;

export default define.page<typeof handler>(function Hosts({ data, state, url }) {
  const { rows, nextCursor, filter } = data.value;
  const { order = "own", isAscending = false } = filter;
  const clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const search = shownSearch("hosts", url);
  return (
    <>
      {state.agents === undefined && (
        <nav class="c12 chips" aria-label="Views">
          {views.map(([label, href]) => (
            <a
              key={href}
              class={`chip ${url.pathname + url.search === href ? "on" : ""}`}
              href={href}
              aria-current={url.pathname + url.search === href ? "page" : "false"}
            >
              {label}
            </a>
          ))}
        </nav>
      )}
      <ListPage
        url={url}
        search={search}
        box={<SearchBox list={search.list} text={search.text} />}
        fields={hostFields}
        count={countText(data.value, ["host", "hosts"])}
        error={data.error}
        nextCursor={nextCursor}
        next="More"
        isEmpty={rows.length === 0}
        empty={url.search === "" ? "No host yet" : "No host fits"}
      >
        <HostTable
          hosts={rows}
          sort={{ order, isAscending, path: url.pathname + url.search }}
          {...clock}
        />
      </ListPage>
    </>
  );
});
