import { define } from "../(_server)/state.ts";
import { findingFilter, listJson } from "../(_server)/lists.ts";

/** Scans, newest first: from, to, kind, severity, limit, cursor. Empty in this version. */
export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listJson("scans", () => queries.scans(findingFilter(url.searchParams)));
  },
});
