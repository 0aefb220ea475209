import { define } from "../(_server)/state.ts";
import { hostFilter, listJson } from "../(_server)/lists.ts";

/** Hosts: text, local (1 or 0), order (bytes, last_seen, first_seen, address), limit, cursor. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("hosts", () => queries.hosts(hostFilter(url.searchParams)));
  },
});
