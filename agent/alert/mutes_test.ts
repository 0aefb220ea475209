import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { Mute } from "../records.ts";
import { checkMute, findMute, holds, type MuteScope } from "./mutes.ts";

const any: Mute = {
  id: 1,
  createdUs: 0,
  kind: "",
  source: "",
  destination: "",
  port: "",
  untilUs: null,
  note: "",
};
const scope: MuteScope = {
  kinds: ["scan", "brute_force"],
  sources: ["192.168.1.9"],
  sourceCount: 1,
  targets: ["192.168.1.20", "192.168.1.21"],
  targetCount: 2,
  ports: ["22", "80-90"],
};

const cases: readonly [string, Partial<Mute>, boolean][] = [
  ["its source", { source: "192.168.1.9" }, true],
  ["another source", { source: "192.168.1.8" }, false],
  ["a network with its source", { source: "192.168.0.0/16" }, true],
  ["a network with one of its targets", { destination: "192.168.1.20/32" }, false],
  ["a network with all of its targets", { destination: "192.168.1.16/28" }, true],
  ["one of its kinds", { kind: "scan" }, false],
  ["some of its ports", { port: "22" }, false],
  ["all of its ports", { port: "20-25,80-85,86-100" }, true],
];
for (const [what, changes, isHeld] of cases) {
  Deno.test(`a mute of ${what} ${isHeld ? "holds" : "does not hold"} an incident back`, () => {
    strictEqual(holds({ ...any, ...changes }, scope), isHeld);
  });
}

Deno.test("a mute of a destination does not hold what has more targets than are listed, nor one of ports what has none", () => {
  strictEqual(
    holds({ ...any, destination: "192.168.1.0/24" }, { ...scope, targetCount: 3 }),
    false,
  );
  strictEqual(holds({ ...any, port: "0-65535" }, { ...scope, ports: ["22", ""] }), false);
  strictEqual(holds({ ...any, source: "fd00::/8" }, { ...scope, sources: ["fd00::1"] }), true);
  strictEqual(
    holds({ ...any, source: "90:b1:1c:99:49:29" }, { ...scope, sources: ["90:b1:1c:99:49:29"] }),
    true,
  );
});

Deno.test("findMute() takes those in force only", () => {
  const mutes = [{ ...any, id: 1, untilUs: 100 }, { ...any, id: 2, untilUs: 200 }];
  deepStrictEqual([50, 150, 250].map((nowUs) => findMute(mutes, scope, nowUs)?.id ?? null), [
    1,
    2,
    null,
  ]);
});

const refused: readonly [Partial<Mute>, RegExp][] = [
  [{}, /must name a kind, a source/],
  [{ kind: "noise" }, /kind must be one of scan,/],
  [{ source: "phone" }, /source must be an address, a network/],
  [{ destination: "10.0.0.0/33" }, /destination must be/],
  [{ port: "ssh" }, /port must be a number from 0 to 65535/],
  [{ port: "90-80" }, /port must be/],
];
for (const [changes, text] of refused) {
  Deno.test(`checkMute() refuses ${JSON.stringify(changes)}`, () => {
    throws(() => checkMute({ ...any, ...changes }), { name: "RangeError", message: text });
  });
}
