import { define } from "../../(_server)/state.ts";
import { countedFindings, listAnswer, scanFilter } from "../../(_server)/lists.ts";

/** Scans, newest first: from, to, kind, severity, source, target, state, probe, q, order, direction, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer(
      "scans",
      ctx,
      (query) => countedFindings(queries, "scans", scanFilter(query)),
    );
  },
});
