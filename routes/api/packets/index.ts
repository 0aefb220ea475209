import { define } from "../../(_server)/state.ts";
import { counted, listAnswer, packetFilter } from "../../(_server)/lists.ts";

/** Packet rows, newest first: from, to, protocol, host, port, text, flow, q, order, direction, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer("packets", ctx, (query) => {
      const filter = packetFilter(query);
      return counted(filter, queries.packets(filter), () => queries.packetCount(filter));
    });
  },
});
