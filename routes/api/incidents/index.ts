import { define } from "../../(_server)/state.ts";
import { incidentFilter, listAnswer } from "../../(_server)/lists.ts";

/** Incidents, newest first: from, to, severity, actor, source, target, state, acknowledged, q, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer("incidents", ctx, (query) => queries.incidents(incidentFilter(query)));
  },
});
