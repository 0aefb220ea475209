import { deepEqual, ok } from "node:assert/strict";
import { Transport } from "../../records.ts";
import { Mark, ObservationKind } from "../observation.ts";
import { namedIn, same } from "../../../tests/layout_names.ts";
import * as layout from "./contact_layout.ts";
import { Outcome } from "./judged_probe.ts";
import { Family, TcpFlag, Trait } from "./probe_family.ts";

Deno.test("the layout of ContactJudge has the numbers of the observations, records and probes", () => {
  for (
    const [prefix, record] of [
      ["KIND_", ObservationKind],
      ["MARK_", Mark],
      ["TRANSPORT_", Transport],
      ["TRAIT_", Trait],
      ["TCP_", TcpFlag],
      ["OUTCOME_", Outcome],
    ] as const
  ) {
    deepEqual(namedIn(layout, prefix), same(namedIn(layout, prefix), record));
  }
  const { mask: _, ...families } = namedIn(layout, "FAMILY_");
  deepEqual(families, { ...Family });
});

Deno.test("no two things lie in the same place of ContactJudge's memory", () => {
  const parts = [
    [layout.JUDGED_AT, layout.JUDGED_WORDS * 4],
    [layout.DAY_SET_AT, 48],
    [layout.WEEK_SET_AT, 48],
    [layout.RECENT_SET_AT, 48],
    [layout.PRESSURE_AT, layout.PRESSURE_CELLS * 4],
    [layout.DAY_AT, layout.DAY_PLACES * 8],
    [layout.WEEK_AT, layout.WEEK_PLACES * 8],
    [layout.RECENT_AT, layout.RECENT_PLACES * 8],
    [layout.PENDING_AT, layout.PENDING_MAX * layout.PROBE_WORDS * 4],
    [layout.LINKS_AT, (layout.PENDING_MAX + 1) * 8],
    [layout.INDEX_AT, layout.PENDING_MAX * 2 * 4],
    [layout.ROWS_AT, layout.ROW_WORDS_MAX * 4],
    [layout.MEMORY_PAGES * 65_536, 0],
  ] as const;
  for (let index = 1; index < parts.length; index++) {
    const [at, length] = parts[index - 1];
    ok(at + length <= parts[index][0], `part ${index}`);
    ok(at % 8 === 0, `part ${index}`);
  }
});
