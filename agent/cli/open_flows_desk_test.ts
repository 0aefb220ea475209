import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { NO_OPEN_FLOWS, type OpenFlowsQuery } from "../search/open_flows.ts";
import { ALL } from "../search/tree.ts";
import { OpenFlowsDesk } from "./open_flows_desk.ts";

const query: OpenFlowsQuery = {
  tree: ALL,
  fromUs: null,
  toUs: null,
  order: "last",
  isAscending: false,
  after: null,
  limit: 10,
};

Deno.test("an answer goes to the one that asked; without a pipeline there are none", async () => {
  const asked: number[] = [];
  const desk = new OpenFlowsDesk((sequence) => asked.push(sequence) > 0);
  const [first, second] = [desk.ask(query), desk.ask(query)];
  desk.answer(asked[1]!, { ...NO_OPEN_FLOWS, standing: 2 });
  desk.answer(asked[0]!, { ...NO_OPEN_FLOWS, standing: 1 });
  deepStrictEqual([(await first).standing, (await second).standing], [1, 2]);
  deepStrictEqual(await new OpenFlowsDesk(() => false).ask(query), NO_OPEN_FLOWS);
});

Deno.test("a pipeline that does not answer is not waited for long, and not asked over and over", async () => {
  let asked = 0;
  const desk = new OpenFlowsDesk(() => ++asked > 0);
  const all = await Promise.all(Array.from({ length: 20 }, () => desk.ask(query)));
  strictEqual(all.every(({ isLate }) => isLate), true);
  strictEqual(asked <= 4, true);
});
