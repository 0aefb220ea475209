import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Bursts } from "./bursts.ts";
import type { Opener } from "./socket_owners.ts";

const people: Record<number, { name: string; user: string }> = {
  5: { name: "nmap", user: "bob" },
  6: { name: "nmap", user: "bob" },
  7: { name: "nginx", user: "www" },
};

/** Connections are missed `lateMs` after they began; all programs have been there since `startedMs`. */
function makeBursts(openers: () => readonly Opener[], { lateMs = 5, startedMs = -60_000 } = {}) {
  const state = { nowMs: 0, looks: 0 };
  const assigned = new Map<string, string>();
  const bursts = new Bursts({
    openers: () => {
      state.looks++;
      return openers();
    },
    describe: (pid) => people[pid] === undefined ? null : { process: people[pid], startedMs },
    assign: (key, { name }) => assigned.set(key, name),
    nowMs: () => state.nowMs,
  });
  /** Misses `count` connections, one in `everyMs`. */
  const miss = (count: number, everyMs = 1) => {
    for (let index = 0; index < count; index++) {
      state.nowMs += everyMs;
      bursts.missed(`c${state.nowMs}`, state.nowMs - lateMs);
    }
  };
  return { state, assigned, miss };
}

Deno.test("Bursts takes many connections at once for those of the program that has just begun", () => {
  const { miss, assigned } = makeBursts(() => [{ pid: 5, isNew: true }, { pid: 6, isNew: true }]);
  miss(20);
  strictEqual(assigned.size, 20);
  deepStrictEqual([...new Set(assigned.values())], ["nmap"]);
});

Deno.test("Bursts asks twice of a program that has been there", () => {
  const { miss, assigned, state } = makeBursts(() => [{ pid: 7, isNew: false }]);
  miss(9);
  strictEqual(assigned.size, 0);
  miss(30);
  strictEqual(state.looks > 1, true);
  strictEqual(assigned.get("c39"), "nginx");
});

Deno.test("Bursts names nobody for few connections, for slow ones, and where two could be meant", () => {
  const few = makeBursts(() => [{ pid: 5, isNew: true }]);
  few.miss(7);
  few.state.nowMs += 10_000;
  few.miss(100, 150);
  deepStrictEqual([few.assigned.size, few.state.looks], [0, 0]);
  const two = makeBursts(() => [{ pid: 5, isNew: true }, { pid: 7, isNew: false }]);
  two.miss(200);
  strictEqual(two.assigned.size, 0);
  const nobody = makeBursts(() => []);
  nobody.miss(200);
  strictEqual(nobody.assigned.size, 0);
  const gone = makeBursts(() => [{ pid: 99, isNew: true }]);
  gone.miss(200);
  strictEqual(gone.assigned.size, 0);
});

Deno.test("Bursts asks twice of connections that come more slowly, also of a program that has just begun", () => {
  const once = makeBursts(() => once.state.looks === 1 ? [{ pid: 5, isNew: true }] : []);
  once.miss(40, 100);
  strictEqual(once.assigned.size, 0);
  const twice = makeBursts(() => [{ pid: 5, isNew: true }]);
  twice.miss(40, 100);
  strictEqual(twice.assigned.size > 30, true);
});

Deno.test("Bursts blames nobody who came only after the connection", () => {
  const openers = () => [{ pid: 5, isNew: true }];
  const { miss, assigned } = makeBursts(openers, { startedMs: 20 });
  miss(40);
  deepStrictEqual([...assigned.keys()], Array.from({ length: 16 }, (_, index) => `c${index + 25}`));
});

Deno.test("Bursts blames nobody for what it hears of late", () => {
  const { miss, assigned, state } = makeBursts(() => [{ pid: 5, isNew: true }], { lateMs: 300 });
  miss(200);
  deepStrictEqual([assigned.size, state.looks], [0, 0]);
});

Deno.test("Bursts does not look often", () => {
  const { miss, state } = makeBursts(() => []);
  miss(1000, 0.01);
  strictEqual(state.looks <= 2, true);
});
