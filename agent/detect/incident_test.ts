import { deepEqual, equal } from "node:assert/strict";
import { type Finding, FLOWS_LINKED_MAX } from "../records.ts";
import type { DetectorContext } from "./detector.ts";
import { Incidents } from "./incident.ts";
import { KeyedSlots } from "./keyed_slots.ts";

const second = 1_000_000;

function incidents(
  openSlots = new Uint8Array(512),
): { readonly incidents: Incidents; readonly told: Finding[] } {
  const told: Finding[] = [];
  let id = 0;
  const context = {
    nextId: () => ++id,
    report: (finding: Finding) => told.push(finding),
  } as unknown as DetectorContext;
  const made = new Incidents({
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
  return { incidents: made, told };
}

Deno.test("Incidents tells an incident at its opening, at each tenfold and at its end", () => {
  const { incidents: kept, told } = incidents();
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

Deno.test("Incidents tells after a pause what has grown by a fifth, once", () => {
  const { incidents: kept, told } = incidents();
  kept.open(3, 0, { timestampUs: second, amount: 10, flowId: 1 });
  kept.grow(3, { timestampUs: 2 * second, amount: 12, flowId: 1 });
  for (let now = 3; now < 40; now++) kept.advance(now * second);
  kept.grow(3, { timestampUs: 40 * second, amount: 13, flowId: 1 });
  kept.advance(60 * second);
  deepEqual(told.map(({ reason }) => reason), ["3: 10", "3: 12"]);
});

Deno.test("Incidents closes what is open at the end, when a slot goes and when time goes back", () => {
  const { incidents: kept, told } = incidents();
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

Deno.test("Incidents keeps no more than 256 open", () => {
  const { incidents: kept, told } = incidents();
  for (let slot = 0; slot < 300; slot++) {
    kept.open(slot, 0, { timestampUs: 0, amount: 1, flowId: 0 });
  }
  equal([...kept.slots].length, 256);
  equal(told.filter(({ isOpen }) => !isOpen).length, 44);
});

Deno.test("Incidents closes the incident whose key is forgotten", () => {
  const { incidents: kept, told } = incidents();
  const onForget = (slot: number) => kept.close(slot);
  const keys = new KeyedSlots({ capacity: 4, keyWords: 1, onForget });
  const slot = keys.add(Int32Array.of(7));
  kept.open(slot, 0, { timestampUs: second, amount: 5, flowId: 1 });
  for (let key = 100; key < 104; key++) keys.add(Int32Array.of(key));
  deepEqual(told.map(({ isOpen }) => isOpen), [true, false]);
});

Deno.test("Incidents keeps a byte of each slot that says whether it has an incident", () => {
  const openSlots = new Uint8Array(300);
  const { incidents: kept } = incidents(openSlots);
  for (let slot = 0; slot < 300; slot++) {
    kept.open(slot, 0, { timestampUs: 0, amount: 1, flowId: 0 });
  }
  kept.close(299);
  deepEqual(openSlots, Uint8Array.from(openSlots, (_, slot) => slot >= 44 && slot < 299 ? 1 : 0));
  kept.finish();
  deepEqual(openSlots, new Uint8Array(300));
});
