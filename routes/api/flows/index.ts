import { readFlowPage } from "../../(_server)/flow_list.ts";
import { flowFilter, listAnswer } from "../../(_server)/lists.ts";
import { define } from "../../(_server)/state.ts";

/**
 * Flows, open and ended, newest packet first: from, to, protocol, host, port, state, name, text, q, order, direction, limit,
 * cursor, format. `state` tells which are open; `open` says what it cost to ask, and of how many.
 */
export const handler = define.handlers({
  GET(ctx) {
    return listAnswer("flows", ctx, async (query) => {
      const { open, ...page } = await readFlowPage(ctx.state.context, flowFilter(query));
      const { openCount, lookedAt, standing, tookMs, isLate } = open;
      return {
        ...page,
        beside: {
          open: {
            count: openCount,
            looked_at: lookedAt,
            standing,
            took_ms: tookMs,
            is_late: isLate,
          },
        },
      };
    });
  },
});
