import { define } from "../../(_server)/state.ts";
import { alertFilter, listAnswer } from "../../(_server)/lists.ts";

/** Alerts, newest first, each with its deliveries: from, to, kind, severity, state, incident, mute, q, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer("alerts", ctx, (query) => queries.alerts(alertFilter(query)));
  },
});
