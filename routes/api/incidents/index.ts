import { lookItems, needLook } from "../../(_server)/incident_pages.ts";
import { countedFindings, incidentFilter, listAnswer } from "../../(_server)/lists.ts";
import { define } from "../../(_server)/state.ts";

/**
 * Incidents, newest first: from, to, severity, kind, actor, source, target, state, acknowledged, q, order, direction, limit,
 * cursor, format. `need_look` is what the overview says of all.
 */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer(
      "incidents",
      ctx,
      async (query) => ({
        ...await countedFindings(queries, "incidents", incidentFilter(query)),
        beside: { need_look: needLook((await lookItems(ctx.state)).length) },
      }),
    );
  },
});
