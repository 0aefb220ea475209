/** Packet rows of the database, newest first or in another order, those that come in above them, and their export. */
import { page } from "fresh";
import type { PacketRow } from "../agent/records.ts";
import { ExportForm } from "../components/ExportForm.tsx";
import { packetFields } from "../components/filter_fields.ts";
import { inputTimeOf, localInputTime } from "../components/input_time.ts";
import { ListPage } from "../components/ListPage.tsx";
import { isOfProtocol, packetKey, PacketTable } from "../components/PacketTable.tsx";
import { pageNowUs } from "../components/verdict.ts";
import NewestPackets from "../islands/NewestPackets.tsx";
import SearchBox from "../islands/SearchBox.tsx";
import {
  attempt,
  counted,
  countText,
  emptyPage,
  narrowingLinks,
  packetFilter,
  shown,
  shownSearch,
  toPacketRow,
} from "./(_server)/lists.ts";
import { searchedPackets } from "./(_server)/packet_pages.ts";
import { define, type State } from "./(_server)/state.ts";

const newestShown = 15;

export const handler = define.handlers({
  async GET({ state, url }) {
    const { queries } = state.context;
    const asked = await attempt(() => {
      const filter = shown(packetFilter(url.searchParams));
      return counted(filter, queries.packets(filter), () => queries.packetCount(filter));
    }, emptyPage);
    return page(asked, { status: asked.status });
  },
});

export default define.page<typeof handler>(function Packets({ data, state, url }) {
  const { message, sensor: { zone } } = state;
  const { nextCursor } = data.value;
  const rows = data.value.rows.map(toPacketRow);
  const search = shownSearch("packets", url);
  const { order = "time", isAscending = false } = data.error === ""
    ? packetFilter(url.searchParams)
    : {};
  const protocol = url.searchParams.get("protocol")?.toLowerCase() ?? "";
  const isOfNow = data.error === "" &&
    [...url.searchParams.keys()].every((name) => name === "protocol");
  const above = isOfNow ? newest(state, { protocol, stored: rows.slice(0, newestShown) }) : [];
  const areAbove = new Set(above.map(packetKey));
  const below = rows.filter((row) => !areAbove.has(packetKey(row)));
  return (
    <>
      {isOfNow && (
        <NewestPackets
          initial={message}
          zone={zone}
          protocol={protocol}
          rows={above}
        />
      )}
      <ListPage
        url={url}
        search={search}
        box={<SearchBox list={search.list} text={search.text} />}
        fields={packetFields}
        count={countText(data.value, ["packet", "packets"])}
        error={data.error}
        nextCursor={nextCursor}
        packets={searchedPackets(state, {
          list: "packets",
          q: search.text,
          url,
          times: rows.map(({ tsUs }) => ({ fromUs: tsUs, toUs: tsUs })),
        })}
        isEmpty={below.length === 0}
        empty={above.length === 0 ? "No packet yet" : "No packet before these"}
      >
        <PacketTable
          rows={below}
          zone={zone}
          narrow={narrowingLinks(url, search)}
          sort={{ order, isAscending, path: url.pathname + url.search }}
        />
      </ListPage>
      <ExportForm
        recorder={message.health.recorder}
        from={inputTimeOf(url.searchParams.get("from") ?? "") || exportFrom(state)}
      />
    </>
  );
});

type Rows = readonly PacketRow[];

/** From memory where that is more than what is stored. */
function newest(
  { context }: State,
  { protocol, stored }: { readonly protocol: string; readonly stored: Rows },
): Rows {
  const own = context.live.newestPackets.filter((row) => isOfProtocol(row, protocol))
    .slice(-newestShown).reverse();
  return own.length >= stored.length ? own : stored;
}

/** The export form begins with the last quarter of an hour. */
function exportFrom({ context, message }: State): string {
  const first = context.live.seconds()[0];
  return first ? localInputTime(Math.max(first.tsUs, pageNowUs(message) - 900e6)) : "";
}
