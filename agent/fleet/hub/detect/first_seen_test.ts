import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Finding } from "../../../records.ts";
import { domainOf, FirstSeen } from "./first_seen.ts";
import { SharedBeacon } from "./shared_beacon.ts";
import { call, makeView, rowsOf, startUs } from "./testing.ts";

const hour = 3_600_000_000;

function firstSeen(known: readonly string[], sinceUs: number | null): FirstSeen {
  const names = {
    has: (kind: string, text: string) => known.includes(`${kind} ${text}`),
    sinceUs: () => sinceUs,
  };
  return new FirstSeen(makeView(3), names);
}

Deno.test("a domain or JA4 that no agent has met before is told once, after a day", () => {
  const flow = { ...call(1, "198.51.100.7", startUs), name: "a.b.New.example", ja4: "t13d_new" };
  const detector = firstSeen(["domain known.example"], startUs - 25 * hour);
  detector.take(rowsOf(1, [flow, { ...flow, name: "www.known.example", ja4: "" }, flow]));
  detector.take(rowsOf(2, [flow]));
  const found = detector.drain();
  deepStrictEqual(found.map(({ finding, agents }) => [finding.kind, finding.severity, agents]), [
    ["first_seen", "info", [1]],
    ["first_seen", "info", [1]],
  ]);
  strictEqual(found.some(({ finding }) => /new\.example$/.test(finding.reason)), true);
  const young = firstSeen([], startUs - 23 * hour);
  young.take(rowsOf(1, [flow]));
  strictEqual(young.drain().length, 0);
});

Deno.test("of many in an hour a few are told", () => {
  const detector = firstSeen([], startUs - 25 * hour);
  const flows = Array.from({ length: 100 }, (_, number) => ({
    ...call(1, "198.51.100.7", startUs),
    name: `n${number}.example${number}.com`,
    ja4: "",
  }));
  detector.take(rowsOf(1, flows));
  strictEqual(detector.drain().length, 6);
});

Deno.test("an agent that says it is 2090 keeps nothing of now from being told", () => {
  const detector = firstSeen([], startUs - 25 * hour);
  const later = startUs + 64 * 8766 * hour;
  const flow = { ...call(1, "198.51.100.7", later), ja4: "" };
  detector.take(rowsOf(1, [{ ...flow, name: "a.late.example" }]), startUs);
  detector.take(rowsOf(2, [{ ...flow, start_us: startUs, name: "a.now.example" }]), startUs);
  deepStrictEqual(detector.drain().map(({ finding }) => finding.firstUs), [startUs, startUs]);
});

Deno.test("domains are what somebody has registered", () => {
  deepStrictEqual(
    ["a.b.example.com", "example.com.", "www.shop.co.uk", "localhost", "", "10.0.0.1", "x.de"]
      .map(domainOf),
    ["example.com", "example.com", "shop.co.uk", "", "", "", "x.de"],
  );
});

function beacon(id: number, source: string, target: string): Finding {
  return {
    id,
    kind: "beacon",
    severity: "medium",
    attackId: "T1071",
    sources: [source],
    sourceCount: 1,
    targets: [target],
    targetCount: 1,
    firstUs: startUs,
    lastUs: startUs + hour,
    detectedUs: startUs + hour,
    confidence: 0.8,
    reason: `${source} calls ${target} every 60 s`,
    isOpen: true,
    flowIds: [],
    amount: 60,
  };
}

Deno.test("one destination that hosts of several agents call at even intervals is one finding", () => {
  const detector = new SharedBeacon(makeView(20));
  for (let agent = 1; agent <= 2; agent++) {
    detector.take({ finding: beacon(agent, `10.0.0.${agent}`, "203.0.113.7"), agents: [agent] });
    detector.take({ finding: beacon(10, "10.0.0.1", "203.0.113.8"), agents: [1] });
  }
  strictEqual(detector.drain().length, 0);
  detector.take({ finding: beacon(3, "10.0.0.3", "203.0.113.7"), agents: [3] });
  const [found, ...others] = detector.drain();
  strictEqual(others.length, 0);
  const { finding, agents } = found!;
  deepStrictEqual([finding.sourceCount, finding.targets, finding.severity, agents], [
    3,
    ["203.0.113.7"],
    "high",
    [1, 2, 3],
  ]);
  // The same finding as it grows.
  for (let agent = 4; agent <= 12; agent++) {
    detector.take({ finding: beacon(agent, `10.0.0.${agent}`, "203.0.113.7"), agents: [agent] });
  }
  const grown = detector.drain();
  strictEqual(grown.every((again) => again.finding.id === finding.id), true);
  // Half of the fleet does the same: its own software, mostly.
  strictEqual(grown.at(-1)!.finding.severity, "low");
});
