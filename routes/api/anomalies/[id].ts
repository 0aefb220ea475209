import { withLists } from "../../../agent/store/finding_rows.ts";
import { findingRow, incidentOf } from "../../(_server)/finding_pages.ts";
import { oneJson } from "../../(_server)/one_thing.ts";
import { define } from "../../(_server)/state.ts";

/** One anomaly or other finding by its number: its row, and the incident that it is in (`incident`, null as long as it is in none). */
export const handler = define.handlers({
  GET({ state, params }) {
    return oneJson("anomaly", params.id, async (id) => {
      const row = await findingRow(state.context, "anomalies", id);
      return row &&
        { ...withLists(row), incident: await incidentOf(state.context, "anomalies", id) };
    });
  },
});
