import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { StoredFlow } from "../../../store/schema.ts";
import { type KnownLogIns, Lateral, type LogIn } from "./lateral.ts";
import { makeView, minuteUs, rowsOf, startUs } from "./testing.ts";

const [a, b, c, d] = ["10.0.0.5", "10.0.0.9", "10.0.0.12", "10.0.0.30"];

function session(
  orig: string,
  resp: string,
  us: number,
  changes: Partial<StoredFlow> = {},
): Partial<StoredFlow> {
  return {
    orig_h: orig,
    resp_h: resp,
    resp_p: 22,
    service: "ssh",
    start_us: us,
    end_us: us + minuteUs,
    orig_bytes: 4000,
    orig_wire_bytes: 5000,
    resp_bytes: 9000,
    local_orig: 1,
    local_resp: 1,
    ...changes,
  };
}

/** Knows what was told before, and a fleet that is older than a day. */
function makeKnown(before: readonly string[] = [], sinceUs = startUs - 2 * 86_400e6): KnownLogIns {
  const known = new Set(before);
  const key = ({ orig, resp, port }: LogIn) => `${orig} ${resp} ${port}`;
  return {
    has: (logIn) => known.has(key(logIn)),
    add: (logIn) => void known.add(key(logIn)),
    sinceUs: () => sinceUs,
  };
}

Deno.test("a log-in from a host that was just logged in to is a move, whichever agent sees which half first", () => {
  for (const isLate of [false, true]) {
    const detector = new Lateral(makeView(20), makeKnown());
    const halves = [
      rowsOf(1, [session(a, b, startUs)]),
      rowsOf(2, [session(b, c, startUs + 4 * minuteUs, { resp_p: 3389 })]),
    ];
    for (const rows of isLate ? halves.toReversed() : halves) detector.take(rows);
    const [found, ...others] = detector.drain();
    strictEqual(others.length, 0);
    const { finding, agents } = found!;
    deepStrictEqual([finding.kind, finding.attackId, finding.sources, finding.targets], [
      "lateral_movement",
      "T1021",
      [a],
      [b, c],
    ]);
    deepStrictEqual(agents.toSorted(), [1, 2]);
    ok(/10\.0\.0\.5 logged in to 10\.0\.0\.9 by SSH/.test(finding.reason), finding.reason);
  }
});

Deno.test("a longer way is graver", () => {
  const detector = new Lateral(makeView(20), makeKnown());
  detector.take(rowsOf(1, [session(a, b, startUs)]));
  detector.take(rowsOf(2, [session(b, c, startUs + minuteUs)]));
  detector.take(rowsOf(3, [session(c, d, startUs + 2 * minuteUs)]));
  const found = detector.drain();
  strictEqual(found.length, 2);
  deepStrictEqual([found[1]!.finding.severity, found[1]!.finding.targets], ["high", [b, c, d]]);
});

Deno.test("what administrators always do is none: pairs that are known, the way back, the first day, others' services", () => {
  const none = (known: KnownLogIns, ...flows: readonly Partial<StoredFlow>[]) => {
    const detector = new Lateral(makeView(20), known);
    detector.take(rowsOf(1, flows));
    strictEqual(detector.drain().length, 0, JSON.stringify(flows));
  };
  const later = startUs + 5 * minuteUs;
  none(makeKnown([`${a} ${b} 22`]), session(a, b, startUs), session(b, c, later));
  none(makeKnown([`${b} ${c} 22`]), session(a, b, startUs), session(b, c, later));
  none(makeKnown(), session(a, b, startUs), session(b, a, later));
  none(makeKnown([], startUs - 3600e6), session(a, b, startUs), session(b, c, later));
  none(makeKnown(), session(a, b, startUs), session(b, c, startUs + 40 * minuteUs));
  const web = { resp_p: 443, service: "tls" } as const;
  none(makeKnown(), session(a, b, startUs, web), session(b, c, later, web));
  const outside = { local_resp: 0 };
  none(makeKnown(), session(a, b, startUs), session(b, "198.51.100.7", later, outside));
  const refused = { resp_bytes: 200, orig_bytes: 100 };
  none(makeKnown(), session(a, b, startUs), session(b, c, later, refused));
});
