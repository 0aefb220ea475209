import { deepEqual, ok } from "node:assert/strict";
import {
  ADDRESSES_LISTED_MAX,
  Application,
  FLOWS_LINKED_MAX,
  SERVICES_FOUND_MAX,
} from "../../records.ts";
import { OBSERVATION_WORDS_MAX } from "../observation.ts";
import { checkApart, namedIn, same } from "../../../tests/layout_names.ts";
import * as layout from "./contact_layout.ts";
import { Outcome } from "./judged_probe.ts";
import { Family, TcpFlag, Trait } from "./probe_family.ts";

Deno.test("the layout of ContactJudge has the numbers of probes", () => {
  for (
    const [prefix, record] of [
      ["TRAIT_", Trait],
      ["TCP_", TcpFlag],
      ["OUTCOME_", Outcome],
      ["APPLICATION_", Application],
    ] as const
  ) {
    deepEqual(namedIn(layout, prefix), same(namedIn(layout, prefix), record));
  }
  const { mask: _, ...families } = namedIn(layout, "FAMILY_");
  deepEqual(families, { ...Family });
});

Deno.test("the layout of ContactJudge lists as much as findings do", () => {
  const { TARGETS_LISTED_MAX, FLOWS_MAX, FOUND_MAX, ROW_WORDS_MAX } = layout;
  deepEqual(
    [TARGETS_LISTED_MAX, FLOWS_MAX, FOUND_MAX],
    [ADDRESSES_LISTED_MAX, FLOWS_LINKED_MAX, SERVICES_FOUND_MAX],
  );
  ok(ROW_WORDS_MAX >= OBSERVATION_WORDS_MAX);
});

Deno.test("no two things lie in the same place of ContactJudge's memory", () => {
  const parts = [
    [layout.OPTIONS_AT, layout.OPTION_COUNT * 8],
    [layout.JUDGED_AT, layout.JUDGED_WORDS * 4],
    [layout.DAY_SET_AT, 64],
    [layout.WEEK_SET_AT, 64],
    [layout.RECENT_SET_AT, 64],
    [layout.TARGET_SET_AT, 64],
    [layout.PENDING_TABLE_AT, 40],
    [layout.SOURCE_TABLE_AT, 40],
    [layout.PRESSURE_AT, layout.PRESSURE_CELLS * 4],
    [layout.DAY_AT, layout.DAY_PLACES * 8],
    [layout.WEEK_AT, layout.WEEK_PLACES * 8],
    [layout.RECENT_AT, layout.RECENT_PLACES * 8],
    [layout.PENDING_AT, layout.PENDING_MAX * layout.PROBE_WORDS * 4],
    [layout.LINKS_AT, (layout.PENDING_MAX + 1) * 8],
    [layout.INDEX_AT, layout.PENDING_MAX * 2 * 4],
    [layout.TARGETS_AT, layout.TARGET_PLACES * 8],
    [layout.SOURCES_AT, layout.SOURCES_MAX * layout.SOURCE_WORDS * 4],
    [layout.SOURCE_LINKS_AT, (layout.SOURCES_MAX + 1) * 8],
    [layout.SOURCE_INDEX_AT, layout.SOURCES_MAX * 2 * 4],
    [layout.RING_AT, layout.SOURCES_MAX * layout.RING_LENGTH * layout.K_BYTES],
    [layout.EPISODES_AT, layout.EPISODES_MAX * layout.EPISODE_WORDS * 4],
    [layout.ROWS_AT, layout.ROW_WORDS_MAX * 4],
    [layout.LISTED_PORTS_AT, layout.PORT_WORDS * 4],
    [layout.PORT_TEXT_AT, layout.PORT_TEXT_BYTES],
    [layout.INSIDE_PEERS_AT, layout.PEER_CELLS * 2 * 4],
    [layout.OUTSIDE_PEERS_AT, layout.PEER_CELLS * 2 * 4],
    [layout.DAY_SMALL_AT, layout.DAY_PLACES],
    [layout.WEEK_SMALL_AT, layout.WEEK_PLACES],
    [layout.RECENT_SMALL_AT, layout.RECENT_PLACES],
    [layout.TARGETS_SMALL_AT, layout.TARGET_PLACES],
    [layout.MEMORY_PAGES * 65_536, 0],
  ] as const;
  checkApart(parts);
  for (const [at] of parts) ok(at % 8 === 0, `${at}`);
});

Deno.test("no two things lie in the same place of an episode", () => {
  checkApart([
    [layout.I_TEMPO_LAST_US, 2],
    [layout.I_TEMPO, layout.TEMPO_BUCKETS],
    [layout.I_TARGETS, layout.TARGETS_LISTED_MAX * 4],
    [layout.I_FLOWS, layout.FLOWS_MAX],
    [layout.I_FOUND, layout.FOUND_MAX * 5],
    [layout.I_PORTS, layout.PORT_WORDS],
    [layout.I_ANSWERED_PORTS, layout.PORT_WORDS],
    [layout.EPISODE_WORDS, 0],
  ]);
  ok(layout.EPISODE_WORDS % 2 === 0);
});
