import { deepEqual, equal } from "node:assert/strict";
import { type Finding, FLOWS_LINKED_MAX } from "../../records.ts";
import type { DetectorContext } from "../detector.ts";
import { Episodes } from "./episodes.ts";
import { KeyedSlots } from "./keyed_slots.ts";

const second = 1_000_000;

function episodes(
  openSlots = new Uint8Array(512),
): { readonly episodes: Episodes; readonly told: Finding[] } {
  const told: Finding[] = [];
  let id = 0;
  const context = {
    nextId: () => ++id,
    report: (finding: Finding) => told.push(finding),
  } as unknown as DetectorContext;
  const made = new Episodes({
    context,
    kind: "flood",
    quietUs: 60 * second,
    openSlots,
    describe: (slot, { amount }) => ({
      severity: "high",
      attackId: "T1498",
      sources: [],
      sourceCount: 0,
      targets: [],
      targetCount: 0,
      confidence: 1,
      reason: `${slot}: ${amount}`,
    }),
  });
  return { episodes: made, told };
}

Deno.test("Episodes tells an episode at its opening, at each tenfold and at its end", () => {
  const { episodes: kept, told } = episodes();
  kept.open(3, 0, { timestampUs: second, amount: 5, flowId: 1 });
  for (let amount = 6; amount <= 700; amount++) {
    kept.grow(3, { timestampUs: amount * second, amount, flowId: amount });
    kept.advance(amount * second);
  }
  kept.advance(761 * second);
  deepEqual(
    told.map(({ id, reason, isOpen }) => [id, reason, isOpen]),
    [[1, "3: 5", true], [1, "3: 50", true], [1, "3: 500", true], [1, "3: 700", false]],
  );
  const last = told[3];
  deepEqual([last.firstUs, last.detectedUs, last.lastUs], [0, second, 700 * second]);
  equal(last.flowIds.length, FLOWS_LINKED_MAX);
  equal(kept.get(3), undefined);
});

Deno.test("Episodes tells after a pause what has grown by a fifth, once", () => {
  const { episodes: kept, told } = episodes();
  kept.open(3, 0, { timestampUs: second, amount: 10, flowId: 1 });
  kept.grow(3, { timestampUs: 2 * second, amount: 12, flowId: 1 });
  for (let now = 3; now < 40; now++) kept.advance(now * second);
  kept.grow(3, { timestampUs: 40 * second, amount: 13, flowId: 1 });
  kept.advance(60 * second);
  deepEqual(told.map(({ reason }) => reason), ["3: 10", "3: 12"]);
});

Deno.test("Episodes closes what is open at the end, when a slot goes and when time goes back", () => {
  const { episodes: kept, told } = episodes();
  for (const slot of [1, 2, 3]) {
    kept.open(slot, 0, { timestampUs: 1_000 * second, amount: 1, flowId: 0 });
  }
  kept.close(2);
  kept.close(2);
  kept.advance(10 * second);
  kept.finish();
  deepEqual(told.slice(3).map(({ reason, isOpen }) => [reason, isOpen]), [
    ["2: 1", false],
    ["1: 1", false],
    ["3: 1", false],
  ]);
});

Deno.test("Episodes keeps no more than 256 open", () => {
  const { episodes: kept, told } = episodes();
  for (let slot = 0; slot < 300; slot++) {
    kept.open(slot, 0, { timestampUs: 0, amount: 1, flowId: 0 });
  }
  equal([...kept.slots].length, 256);
  equal(told.filter(({ isOpen }) => !isOpen).length, 44);
});

Deno.test("Episodes closes the episode whose key is forgotten", () => {
  const { episodes: kept, told } = episodes();
  const onForget = (slot: number) => kept.close(slot);
  const keys = new KeyedSlots({ capacity: 4, keyWords: 1, onForget });
  const slot = keys.add(Int32Array.of(7));
  kept.open(slot, 0, { timestampUs: second, amount: 5, flowId: 1 });
  for (let key = 100; key < 104; key++) keys.add(Int32Array.of(key));
  deepEqual(told.map(({ isOpen }) => isOpen), [true, false]);
});

Deno.test("Episodes keeps a byte of each slot that says whether it has an episode", () => {
  const openSlots = new Uint8Array(300);
  const { episodes: kept } = episodes(openSlots);
  for (let slot = 0; slot < 300; slot++) {
    kept.open(slot, 0, { timestampUs: 0, amount: 1, flowId: 0 });
  }
  kept.close(299);
  deepEqual(openSlots, Uint8Array.from(openSlots, (_, slot) => slot >= 44 && slot < 299 ? 1 : 0));
  kept.finish();
  deepEqual(openSlots, new Uint8Array(300));
});
