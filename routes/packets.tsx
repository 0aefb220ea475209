/** Packet rows of the database, newest first. */
import { timeFields } from "../components/filter_fields.ts";
import { ExportForm } from "../components/ExportForm.tsx";
import { inputTimeOf } from "../components/input_time.ts";
import { ListPage } from "../components/ListPage.tsx";
import { PacketTable } from "../components/PacketTable.tsx";
import { listPage, packetFilter, shownSearch, toPacketRow } from "./(_server)/lists.ts";
import { define } from "./(_server)/state.ts";
import SearchBox from "../islands/SearchBox.tsx";

export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listPage(() => queries.packets(packetFilter(url.searchParams)));
  },
});

export default define.page<typeof handler>(function Packets({ data, state, url }) {
  const { rows, nextCursor } = data.value;
  const search = shownSearch("packets", url);
  return (
    <>
      <ListPage
        url={url}
        search={search}
        box={<SearchBox list={search.list} text={search.text} />}
        fields={timeFields}
        error={data.error}
        nextCursor={nextCursor}
        isEmpty={rows.length === 0}
        empty="No packet"
      >
        <PacketTable rows={rows.map(toPacketRow)} zone={state.sensor.zone} />
      </ListPage>
      <ExportForm
        recorder={state.message.health.recorder}
        from={inputTimeOf(url.searchParams.get("from") ?? "")}
      />
    </>
  );
});
