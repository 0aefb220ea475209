import { define } from "../(_server)/state.ts";
import { anomalyFilter, listJson } from "../(_server)/lists.ts";

/** Anomalies, newest first: from, to, kind, severity, source, target, state, limit, cursor. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("anomalies", () => queries.anomalies(anomalyFilter(url.searchParams)));
  },
});
