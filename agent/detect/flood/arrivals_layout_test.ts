import { deepEqual, ok } from "node:assert/strict";
import { checkApart, namedIn } from "../../../tests/layout_names.ts";
import { OBSERVATION_WORDS_MAX } from "../observation.ts";
import { estimateDistinct } from "./arrivals.ts";
import * as layout from "./arrivals_layout.ts";
import { FloodKind, FLOODS } from "./kinds.ts";

Deno.test("the layout of Arrivals has the numbers of the floods", () => {
  deepEqual(namedIn(layout, "FLOOD_"), { ...FloodKind });
  ok(estimateDistinct(layout.FORGED_BITS_MIN) >= 64);
  ok(estimateDistinct(layout.FORGED_BITS_MIN - 1) < 64);
  ok(layout.ROW_WORDS_MAX >= OBSERVATION_WORDS_MAX);
});

Deno.test("no two things lie in the same place of Arrivals' memory", () => {
  checkApart([
    [layout.LIMITS_AT, FLOODS.length * 8],
    [layout.KEY_AT, layout.KEY_WORDS * 4],
    [layout.DESTINATION_TABLE_AT, 40],
    [layout.FLOW_TABLE_AT, 40],
    [layout.ICMP_TYPES_AT, layout.ICMP_TYPES],
    [layout.OPEN_AT, layout.DESTINATIONS_MAX],
    [layout.PORTS_AT, layout.PORTS],
    [layout.ROWS_AT, layout.ROW_WORDS_MAX * 4],
    [layout.TALKS_AT, layout.TALKS_MAX * 8],
    [layout.FLOWS_AT, layout.FLOWS_MAX * layout.FLOW_WORDS * 4],
    [layout.FLOW_LINKS_AT, (layout.FLOWS_MAX + 1) * 8],
    [layout.FLOW_INDEX_AT, layout.FLOWS_MAX * 2 * 4],
    [layout.LINKS_AT, (layout.DESTINATIONS_MAX + 1) * 8],
    [layout.INDEX_AT, layout.DESTINATIONS_MAX * 2 * 4],
    [layout.DESTINATIONS_AT, layout.DESTINATIONS_MAX * layout.DESTINATION_WORDS * 4],
    [layout.MEMORY_PAGES * 65_536, 0],
  ]);
});

Deno.test("no two things lie in the same place of a destination or a flow", () => {
  checkApart([
    [0, layout.FLOW_KEY_WORDS + 1],
    [layout.L_PACKETS, 1],
    [layout.L_LAST_US, 2],
    [layout.L_IS_HOT, 1],
    [layout.L_IS_EXCUSED, 1],
    [layout.L_SAMPLE, 4],
    [layout.L_SAMPLE_PACKETS, 1],
    [layout.L_PLACES, 1],
    [layout.L_COMPARED, 1],
    [layout.L_BYTES, 1],
    [layout.FLOW_WORDS, 0],
  ]);
  checkApart([
    [0, layout.KEY_WORDS + 1],
    [layout.D_ARRIVED, 1],
    [layout.D_SECOND, 2],
    [layout.D_TOTAL, 2],
    [layout.D_FIRST_US, 2],
    [layout.D_HOT_US, 2],
    [layout.D_REFUSED_SECOND, 2],
    [layout.D_DONE, 1],
    [layout.D_HOT_SECONDS, 1],
    [layout.D_PEAK, 1],
    [layout.D_PORT, 1],
    [layout.D_PORT_VOTES, 1],
    [layout.D_SOURCE_VOTES, 1],
    [layout.D_BITS_SET, 1],
    [layout.D_REFUSED_PORT, 1],
    [layout.D_SOURCE, 4],
    [layout.D_BITS, layout.BIT_COUNT / 32],
    [layout.D_SAMPLES, layout.SAMPLES_MAX * 4],
    [layout.D_IS_PEAK_RATE, 1],
    [layout.D_REFUSALS, 1],
    [layout.D_LAST_US, 2],
    [layout.D_BYTES, 2],
    [layout.D_BEGUN_US, 2],
    [layout.D_IS_KNOWN, 1],
    [layout.DESTINATION_WORDS, 0],
  ]);
  for (
    const place of [
      layout.DESTINATIONS_AT / 4,
      layout.DESTINATION_WORDS,
      layout.D_SECOND,
      layout.D_LAST_US,
    ]
  ) {
    ok(place % 2 === 0, `${place}`);
  }
});
