import { define } from "../(_server)/state.ts";
import { flowFilter, listAnswer } from "../(_server)/lists.ts";

/** Flows, newest end first: from, to, protocol, host, port, state, name, text, q, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer("flows", ctx, (query) => queries.flows(flowFilter(query)));
  },
});
