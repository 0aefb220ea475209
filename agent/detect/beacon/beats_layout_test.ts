import { ok } from "node:assert/strict";
import { checkApart } from "../../../tests/layout_names.ts";
import { APPLICATION_NAMES } from "../../records.ts";
import { OBSERVATION_WORDS_MAX } from "../observation.ts";
import * as layout from "./beats_layout.ts";

Deno.test("the layout of Beats has room for every application and row", () => {
  ok(layout.APPLICATIONS >= APPLICATION_NAMES.length);
  ok(layout.ROW_WORDS_MAX >= OBSERVATION_WORDS_MAX);
});

Deno.test("no two things lie in the same place of Beats' memory", () => {
  checkApart([
    [layout.KEY_AT, layout.KEY_WORDS * 4],
    [layout.SERIES_TABLE_AT, 40],
    [layout.EXEMPT_APPLICATIONS_AT, layout.APPLICATIONS],
    [layout.OPEN_AT, layout.SERIES_MAX],
    [layout.EXEMPT_PORTS_AT, layout.PORTS],
    [layout.ROWS_AT, layout.ROW_WORDS_MAX * 4],
    [layout.LINKS_AT, (layout.SERIES_MAX + 1) * 8],
    [layout.INDEX_AT, layout.SERIES_MAX * 2 * 4],
    [layout.SERIES_AT, layout.SERIES_MAX * layout.SERIES_WORDS * 4],
    [layout.MEMORY_PAGES * 65_536, 0],
  ]);
});

Deno.test("no two things lie in the same place of a series", () => {
  checkApart([
    [0, layout.KEY_WORDS + 1],
    [layout.S_BEATS, 1],
    [layout.S_LAST_US, 2],
    [layout.S_DOWN_BYTES, 2],
    [layout.S_RESUMED, 1],
    [layout.S_SIZES_KNOWN, 1],
    [layout.S_REPLIES, 1],
    [layout.S_FLOW, 1],
    [layout.S_FLOW_BYTES, 1],
    [layout.S_TIMES, layout.RING_LENGTH * 2],
    [layout.S_SIZES, layout.RING_LENGTH],
    [layout.SERIES_WORDS, 0],
  ]);
  for (const place of [layout.SERIES_AT / 4, layout.SERIES_WORDS, layout.S_TIMES]) {
    ok(place % 2 === 0, `${place}`);
  }
});
