import { deepStrictEqual } from "node:assert/strict";
import type { Finding } from "../records.ts";
import { UnnamedFindings } from "./unnamed_findings.ts";

const finding = (id: number, amount = 1) => ({ id, amount }) as Finding;

function makeUnnamed(waitMs?: number) {
  const named = new Set<number>();
  const told: (readonly [id: number, amount: number])[] = [];
  const unnamed = new UnnamedFindings({
    awaitsProcess: ({ id }) => id < 10 && !named.has(id),
    tell: ({ id, amount }) => told.push([id, amount]),
    waitMs,
  });
  return { named, told, unnamed };
}

Deno.test("UnnamedFindings tells a finding of this host when its process is known, as it stands then", () => {
  const { named, told, unnamed } = makeUnnamed();
  unnamed.take(finding(1), true);
  unnamed.take(finding(2), true);
  unnamed.take(finding(1, 50), true);
  unnamed.look();
  deepStrictEqual(told, []);
  named.add(1);
  unnamed.look();
  deepStrictEqual(told, [[1, 50]]);
  unnamed.take(finding(1, 60), false);
  unnamed.endAll();
  deepStrictEqual(told, [[1, 50], [1, 60], [2, 1]]);
});

Deno.test("UnnamedFindings holds up nobody else's, nor one that has been told", () => {
  const { told, unnamed } = makeUnnamed();
  unnamed.take(finding(11), true);
  unnamed.take(finding(3), false);
  deepStrictEqual(told, [[11, 1], [3, 1]]);
});

Deno.test("UnnamedFindings does not wait for long, nor with many", async () => {
  const { told, unnamed } = makeUnnamed(1);
  unnamed.take(finding(1), true);
  deepStrictEqual(told, []);
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  deepStrictEqual(told, [[1, 1]]);
  for (let id = 0; id > -300; id--) unnamed.take(finding(id), true);
  deepStrictEqual(told.length, 1 + 300 - 256);
  unnamed.endAll();
  deepStrictEqual(told.length, 301);
});
