import { define } from "../(_server)/state.ts";
import { listJson, scanFilter } from "../(_server)/lists.ts";

/** Scans, newest first: from, to, kind, severity, source, target, state, probe, limit, cursor. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("scans", () => queries.scans(scanFilter(url.searchParams)));
  },
});
