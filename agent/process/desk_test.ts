import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { FlowProcess } from "../records.ts";
import { ASK_WORDS } from "./asks.ts";
import { Desk } from "./desk.ts";
import type { SocketQuery } from "./socket_query.ts";

const curl: FlowProcess = {
  pid: 7,
  name: "curl",
  executable: "",
  command: "",
  user: "bob",
  unit: "",
};

function rowsOf(ports: readonly number[]): Float64Array<ArrayBuffer> {
  const rows = new Float64Array(ports.length * ASK_WORDS);
  ports.forEach((port, index) => {
    const row = [index, 100 + index, 5e6, 6, 0, 1, port, 443, 0, 0, 0xffff, 0x0a000001]
      .concat(0, 0, 0xffff, 0x0a000002);
    rows.set(row, index * ASK_WORDS);
  });
  return rows;
}

function makeDesk(find: (query: SocketQuery) => FlowProcess | null) {
  const state = { nowMs: 0, hasTime: true };
  const desk = new Desk({
    find,
    share: {
      spend: (work) => {
        if (state.hasTime) work();
        return state.hasTime;
      },
    },
    nowMs: () => state.nowMs,
  });
  const answer = (ports: readonly number[]) =>
    desk.answer({ rows: rowsOf(ports), count: ports.length, passedOver: 0 });
  return { desk, state, answer };
}

Deno.test("Desk answers with each process once, and who began what", () => {
  const { desk, state, answer } = makeDesk(({ localPort }) => localPort === 3 ? null : { ...curl });
  deepStrictEqual(answer([1, 2, 3]), {
    processes: [curl],
    flows: [0, 100, 0, 1, 101, 0],
    contacts: [
      { local: "10.0.0.1", remote: "10.0.0.2", port: 443, process: 0 },
      { local: "10.0.0.1", remote: "10.0.0.2", port: 443, process: 0 },
    ],
  });
  deepStrictEqual(desk.counts, { named: 2, userOnly: 0, unknown: 0, passedOver: 0 });
  state.nowMs = 300;
  deepStrictEqual(desk.answerAgain()?.flows, []);
  deepStrictEqual(desk.counts, { named: 2, userOnly: 0, unknown: 1, passedOver: 0 });
  strictEqual(desk.answerAgain(), null);
});

Deno.test("Desk asks again what there was no time for", () => {
  const { desk, state, answer } = makeDesk(() => curl);
  state.hasTime = false;
  deepStrictEqual(answer([1]).flows, []);
  strictEqual(desk.answerAgain(), null, "not yet");
  strictEqual(desk.isWaiting, true);
  state.nowMs = 300;
  state.hasTime = true;
  deepStrictEqual(desk.answerAgain()?.flows, [0, 100, 0]);
  strictEqual(desk.isWaiting, false);
  deepStrictEqual(desk.counts, { named: 1, userOnly: 0, unknown: 0, passedOver: 0 });
});

Deno.test("Desk tells the user meanwhile, and gives up after some tries", () => {
  const { desk, state, answer } = makeDesk(() => ({ ...curl, pid: 0, name: "" }));
  strictEqual(answer([1]).processes[0]?.user, "bob");
  for (const nowMs of [300, 1300, 4300, 99_999]) {
    state.nowMs = nowMs;
    strictEqual(desk.answerAgain() === null, nowMs === 99_999);
  }
  deepStrictEqual(desk.counts, { named: 0, userOnly: 1, unknown: 0, passedOver: 0 });
});

Deno.test("Desk lets no more wait than there is room for", () => {
  const { desk, state, answer } = makeDesk(() => curl);
  state.hasTime = false;
  for (let message = 0; message < 10; message++) answer(Array.from({ length: 512 }, () => 1));
  strictEqual(desk.counts.passedOver, 10 * 512 - 1024);
  state.nowMs = 300;
  state.hasTime = true;
  strictEqual(desk.answerAgain()?.flows.length, 3 * 1024);
});
