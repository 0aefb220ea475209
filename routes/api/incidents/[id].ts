import { withLists } from "../../../agent/store/finding_rows.ts";
import { define } from "../../(_server)/state.ts";
import { oneJson } from "../../(_server)/one_thing.ts";

/** One incident, with its findings: the list that each stands in, its role, and its row. */
export const handler = define.handlers({
  GET({ state, params }) {
    const { queries } = state.context;
    return oneJson("incident", params.id, async (id) => {
      const incident = await queries.incident(id);
      if (incident === null) return null;
      const findings = await queries.incidentFindings(id);
      return {
        ...withLists(incident),
        findings: findings.map(({ row, ...rest }) => ({ ...rest, row: withLists(row) })),
      };
    });
  },
});
