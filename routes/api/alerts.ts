import { define } from "../(_server)/state.ts";
import { alertFilter, listJson } from "../(_server)/lists.ts";

/** Alerts, newest first: from, to, kind, severity, limit, cursor. Empty in this version. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("alerts", () => queries.alerts(alertFilter(url.searchParams)));
  },
});
