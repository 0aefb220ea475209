import { define } from "../../(_server)/state.ts";
import { alertFilter, listJson } from "../../(_server)/lists.ts";

/** Alerts, newest first, each with its deliveries: from, to, kind, severity, state, incident, mute, limit, cursor. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("alerts", () => queries.alerts(alertFilter(url.searchParams)));
  },
});
