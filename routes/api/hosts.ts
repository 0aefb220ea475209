import { define } from "../(_server)/state.ts";
import { hostFilter, listAnswer } from "../(_server)/lists.ts";

/** Hosts: text, local (1 or 0), order (bytes, last_seen, first_seen, address), q, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer("hosts", ctx, (query) => queries.hosts(hostFilter(query)));
  },
});
