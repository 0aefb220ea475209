import { deepEqual, equal } from "node:assert/strict";
import { FLOWS_LINKED_MAX } from "../../records.ts";
import { checkApart, namedIn } from "../../../tests/layout_names.ts";
import * as layout from "./activity_layout.ts";
import { Count } from "./host_activity.ts";

Deno.test("the layout of HostActivity has the numbers of the counters", () => {
  deepEqual(namedIn(layout, "C_"), { ...Count });
  equal(Object.keys(Count).length, layout.COUNT_WIDTH);
  equal(layout.FLOWS_KEPT, FLOWS_LINKED_MAX);
});

Deno.test("no two things lie in the same place of HostActivity's memory", () => {
  const { HOSTS_MAX, DISTINCT_MAX, PAIRS_MAX } = layout;
  const slots = HOSTS_MAX + 1;
  checkApart([
    [layout.DISTINCT_SET_AT, 16],
    [layout.YOUNGER_SET_AT, 16],
    [layout.ELDER_SET_AT, 16],
    [layout.ROWS_AT, layout.ROW_WORDS_MAX * 4],
    [layout.COUNTS_AT, slots * layout.COUNT_WIDTH * 8],
    [layout.FLOW_IDS_AT, slots * layout.FLOWS_KEPT * 4],
    [layout.PEERS_AT, slots * layout.PEERS_KEPT * layout.PEER_WORDS * 4],
    [layout.FLOW_COUNTS_AT, slots],
    [layout.TENANTS_AT, slots * 4],
    [layout.ACTIVE_AT, HOSTS_MAX * 4],
    [layout.BEGUN_IN_AT, HOSTS_MAX * 4],
    [layout.DOOR_AT, layout.DOOR_BYTES],
    [layout.SLOT_KEYS_AT, HOSTS_MAX * 16],
    [layout.SLOT_HASHES_AT, HOSTS_MAX * 4],
    [layout.SLOT_INDEX_AT, HOSTS_MAX * 2 * 4],
    [layout.SLOT_LINKS_AT, slots * 2 * 4],
    [layout.SLOT_FREE_AT, HOSTS_MAX * 4],
    [layout.DISTINCT_AT, DISTINCT_MAX * 2 * 8],
    [layout.YOUNGER_AT, PAIRS_MAX * 2 * 8],
    [layout.ELDER_AT, PAIRS_MAX * 2 * 8],
    [layout.SCRATCH_AT, DISTINCT_MAX * 8],
    [layout.MEMORY_PAGES * 65_536, 0],
  ]);
});
