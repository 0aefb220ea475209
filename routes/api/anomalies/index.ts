import { define } from "../../(_server)/state.ts";
import { anomalyFilter, countedFindings, listAnswer } from "../../(_server)/lists.ts";

/** Anomalies, newest first: from, to, kind, severity, source, target, state, q, order, direction, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer(
      "anomalies",
      ctx,
      (query) => countedFindings(queries, "anomalies", anomalyFilter(query)),
    );
  },
});
