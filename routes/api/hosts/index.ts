import { describedHosts } from "../../(_server)/host_pages.ts";
import { hostFilter, listAnswer } from "../../(_server)/lists.ts";
import { define } from "../../(_server)/state.ts";

/**
 * Devices of the own networks with all their addresses, and other hosts: text, local (1 or 0), order (own, bytes, received, sent,
 * last_seen, first_seen, address), direction, q, limit, cursor, format.
 */
export const handler = define.handlers({
  GET(ctx) {
    return listAnswer("hosts", ctx, (query) => describedHosts(ctx.state, hostFilter(query)));
  },
});
