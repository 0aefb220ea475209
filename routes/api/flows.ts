import { define } from "../(_server)/state.ts";
import { flowFilter, listJson } from "../(_server)/lists.ts";

/** Flows, newest end first: from, to, protocol, host, port, state, name, text, limit, cursor. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("flows", () => queries.flows(flowFilter(url.searchParams)));
  },
});
