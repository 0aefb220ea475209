import { define } from "../../(_server)/state.ts";
import { incidentFilter, listJson } from "../../(_server)/lists.ts";

/** Incidents, newest first: from, to, severity, actor, source, target, state, acknowledged, limit, cursor. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("incidents", () => queries.incidents(incidentFilter(url.searchParams)));
  },
});
