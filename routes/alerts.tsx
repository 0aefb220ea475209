/** Alerts: who is told and whether that works, each alert with what became of it, and the mutes. */
import { page } from "fresh";
import { readAlert } from "../agent/store/alert_rows.ts";
import { alertFields } from "../components/alert_fields.ts";
import type { AlertQuery } from "../components/live_alerts.ts";
import { ListPage } from "../components/ListPage.tsx";
import { MuteTable } from "../components/MuteTable.tsx";
import { NobodyIsTold } from "../components/NobodyIsTold.tsx";
import { noMuteFields } from "../components/mute_fields.ts";
import { Notice } from "../components/Notice.tsx";
import AlertRows from "../islands/AlertRows.tsx";
import MuteButton from "../islands/MuteButton.tsx";
import TellingLine from "../islands/TellingLine.tsx";
import {
  alertFilter,
  attempt,
  countedFindings,
  type CountedPage,
  countText,
  emptyPage,
  shown,
  shownSearch,
} from "./(_server)/lists.ts";
import type { StoredAlert } from "../agent/store/schema.ts";
import { wholeNumber } from "./(_server)/parameters.ts";
import { define, type State } from "./(_server)/state.ts";
import SearchBox from "../islands/SearchBox.tsx";

export const handler = define.handlers({
  async GET({ state, url }) {
    const { queries } = state.context;
    const query = new URLSearchParams(url.search);
    const asked = await attempt(async () => {
      const testId = wholeNumber(query, "test", { min: 0, max: Number.MAX_SAFE_INTEGER });
      query.delete("test");
      const filter = shown(alertFilter(query));
      return { filter, test: testId === undefined ? null : await alertOf(state, testId) };
    }, { filter: {}, test: null });
    const listed = await attempt(
      () =>
        asked.error === ""
          ? countedFindings(queries, "alerts", asked.value.filter)
          : emptyPage as CountedPage<StoredAlert>,
      emptyPage,
    );
    const held = await attempt(() => queries.mutedCounts(), new Map<number, number>());
    return page({
      ...asked.value,
      listUrl: new URL(query.size > 0 ? `${url.pathname}?${query}` : url.pathname, url),
      ...listed.value,
      refusal: asked.error || listed.error,
      held: held.value,
      failure: held.error,
    }, { status: Math.max(asked.status, listed.status) });
  },
});

/** What was just decided is not written yet. */
async function alertOf({ context: { live, queries } }: State, id: number) {
  const known = live.alerts.find((alert) => alert.id === id);
  if (known) return known;
  const row = await queries.alert(id);
  return row && readAlert(row);
}

export default define.page<typeof handler>(function Alerts({ data, state }) {
  const { context: { live, alerts, options }, message, sensor: { zone } } = state;
  const { filter, listUrl, rows } = data;
  // Alerts and mutes go by the wall clock, also while a file is replayed.
  const clock = { nowUs: message.nowUs, zone };
  const query: AlertQuery = {
    kind: filter.kind ?? "",
    severity: filter.severity ?? "",
    state: filter.state ?? "",
    incidentId: filter.incidentId ?? null,
    muteId: filter.muteId ?? null,
    fromUs: filter.fromUs ?? null,
    toUs: filter.toUs ?? null,
  };
  const { order = "newest", isAscending = false } = filter;
  const isLive = data.refusal === "" && filter.cursor === undefined && filter.q === undefined &&
    order === "newest" && !isAscending;
  const search = shownSearch("alerts", listUrl);
  return (
    <>
      {live.channels.length === 0
        ? <NobodyIsTold />
        : <TellingLine initial={message} zone={zone} rules={options.telling} test={data.test} />}
      <ListPage
        url={listUrl}
        search={search}
        box={<SearchBox list={search.list} text={search.text} />}
        fields={alertFields(listUrl.searchParams)}
        count={countText(data, ["alert", "alerts"])}
        error={data.refusal}
        nextCursor={data.nextCursor}
      >
        <AlertRows
          alerts={rows.map(readAlert)}
          sort={{ order, isAscending, path: listUrl.pathname + listUrl.search }}
          query={isLive ? query : null}
          isFiltered={listUrl.search !== ""}
          hasChannels={live.channels.length > 0}
          {...clock}
        />
      </ListPage>
      <section class="panel c12" id="mutes">
        <header>
          <h2>Mutes</h2>
          <p>what nobody wants to hear of; it is still recorded and shown</p>
          <div class="end">
            <MuteButton
              mute={null}
              fields={noMuteFields}
              from=""
              word="incident"
              label="New mute"
              {...clock}
            />
          </div>
        </header>
        {data.failure !== "" && <Notice title="The counts cannot be read" detail={data.failure} />}
        {alerts.mutes.length === 0
          ? <p class="body dim">None. An incident's page has a button to mute it.</p>
          : (
            <div class="scroll">
              <MuteTable mutes={alerts.mutes} held={data.held} {...clock} />
            </div>
          )}
      </section>
    </>
  );
});
