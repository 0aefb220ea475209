import { define } from "../(_server)/state.ts";
import { listJson, packetFilter } from "../(_server)/lists.ts";

/** Packet rows, newest first: from, to, protocol, host, port, text, flow, limit, cursor. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("packets", () => queries.packets(packetFilter(url.searchParams)));
  },
});
