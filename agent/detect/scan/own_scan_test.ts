/** Scans of a host by itself: over loopback, and what looks like it on a cable. */
import { deepStrictEqual, equal, ok } from "node:assert/strict";
import type { Finding } from "../../records.ts";
import { ScanScript } from "./testing/probes.ts";

interface Scan {
  readonly from: string;
  readonly to?: string;
  readonly ports?: number;
  /** Every so many-th port is open. */
  readonly openEvery?: number;
  readonly mac?: number;
  readonly own?: readonly string[];
  /** After the scan somebody uses what was found. */
  readonly isUsed?: boolean;
}

function tellOf({ from, to = from, ports = 100, openEvery = 20, ...scan }: Scan): Finding[] {
  const script = new ScanScript();
  script.setOwn(scan.own ?? []);
  for (let port = 1; port <= ports; port++) {
    const contact = { from, to, port, headerLength: 44, window: 1024, mac: scan.mac ?? 0 };
    script.tcp(port / 1000, contact, port % openEvery === 0 ? "half open" : "refused");
  }
  if (scan.isUsed) script.tcp(60, { from, to, port: openEvery }, "used");
  script.finish();
  return script.latest;
}

const within: readonly Scan[] = [
  { from: "127.0.0.1" },
  { from: "0:0:0:0:0:0:0:1" },
  { from: "127.0.0.1", to: "127.0.1.1" },
  { from: "203.0.113.7" },
  { from: "2001:db8:0:0:0:0:0:7" },
  { from: "127.0.0.1", openEvery: 2 },
  { from: "127.0.0.1", isUsed: true },
  { from: "127.0.0.1", mac: 0x020000000001 },
  { from: "10.0.0.5", to: "172.17.0.1", own: ["10.0.0.5", "172.17.0.1"] },
  { from: "10.0.0.5", to: "172.17.0.1", mac: 1, own: ["172.17.0.1", "10.0.0.5"] },
];
for (const scan of within) {
  Deno.test(`a host that scans itself is told so, quietly: ${JSON.stringify(scan)}`, () => {
    const [told, ...more] = tellOf(scan);
    deepStrictEqual(more, []);
    const { from, to = from } = scan;
    equal(told?.severity, "low");
    equal(told.attackId, "");
    deepStrictEqual([told.sources, told.targets], [[from], [to]]);
    deepStrictEqual(told.scan?.cameBack, []);
    const start = `This host scanned itself: ${from} probed 100 ports of ${to}`;
    ok(told.reason.startsWith(start), told.reason);
  });
}

Deno.test("ten ports of its own that a program looks for are no scan", () => {
  deepStrictEqual(tellOf({ from: "127.0.0.1", ports: 10, openEvery: 99 }), []);
  equal(tellOf({ from: "127.0.0.1", ports: 14, openEvery: 99 }).length, 1);
});

Deno.test("what comes over a cable with the source of its target may be forged", () => {
  const [told, ...more] = tellOf({ from: "203.0.113.7", mac: 0x020000000001 });
  deepStrictEqual([told?.severity, told?.attackId, more], ["low", "", []]);
  const start =
    "203.0.113.7 scanned itself, or its address is forged: 203.0.113.7 probed 100 ports";
  ok(told!.reason.startsWith(start), told!.reason);
});

Deno.test("a scan of another host stays one when only one of both is the capturing host's", () => {
  for (const own of [["10.0.0.5"], ["10.0.0.9"], []]) {
    const [told] = tellOf({ from: "10.0.0.5", to: "10.0.0.9", own });
    equal(told?.severity, "high");
    equal(told.attackId, "T1046");
    ok(told.reason.startsWith("10.0.0.5 probed 100 ports of 10.0.0.9"), told.reason);
  }
});
