/** Flows of the database, by their ends, newest first. */
import { timeFields } from "../components/filter_fields.ts";
import { FlowTable } from "../components/FlowTable.tsx";
import { ListPage } from "../components/ListPage.tsx";
import { pageNowUs } from "../components/verdict.ts";
import { flowFilter, listPage, shownSearch } from "./(_server)/lists.ts";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listPage(() => queries.flows(flowFilter(url.searchParams)));
  },
});

export default define.page<typeof handler>(function Flows({ data, state, url }) {
  const { rows, nextCursor } = data.value;
  const clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  return (
    <ListPage
      url={url}
      search={shownSearch("flows", url)}
      fields={timeFields}
      error={data.error}
      nextCursor={nextCursor}
      isEmpty={rows.length === 0}
      empty="No flow has ended yet, or none fits"
    >
      <FlowTable flows={rows} {...clock} />
    </ListPage>
  );
});
