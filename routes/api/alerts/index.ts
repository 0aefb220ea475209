import { toWire } from "../../../components/wire.ts";
import { define } from "../../(_server)/state.ts";
import { alertFilter, countedFindings, listAnswer } from "../../(_server)/lists.ts";

/**
 * Alerts, newest first, each with its deliveries: from, to, kind, severity, state, incident, mute, q, order, direction, limit, cursor, format. JSON has
 * beside them what waits for its interval (`pending`).
 */
export const handler = define.handlers({
  GET(ctx) {
    const { queries, live } = ctx.state.context;
    return listAnswer("alerts", ctx, async (query) => ({
      ...await countedFindings(queries, "alerts", alertFilter(query)),
      beside: { pending: toWire(live.pendingAlerts) },
    }));
  },
});
