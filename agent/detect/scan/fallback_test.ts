/** Machines whose IPv6, or IPv4, leads nowhere, and scans of machines that use both. */
import { deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { Mark } from "../observation.ts";
import { type Ending, ScanScript } from "./testing/probes.ts";

/** A machine with both versions of IP. */
interface Machine {
  readonly ipv4: string;
  readonly ipv6: string;
  readonly mac: number;
  readonly marks: number;
}

type MacKind = "own" | "router" | "none";

function machine(number: number, macKind: MacKind): Machine {
  return {
    ipv4: `10.1.0.${number}`,
    ipv6: `fd00:0:0:0:0:0:0:${number.toString(16)}`,
    mac: macKind === "none" ? 0 : macKind === "own" ? 0x020000000000 + number : 0x0200000000ff,
    marks: Mark.sentByOriginator | (macKind === "own" ? 0 : Mark.isSentByRouter),
  };
}

function connect(
  script: ScanScript,
  { at, from, isIpv4, site, ending, port = 443 }: {
    readonly at: number;
    readonly from: Machine;
    readonly isIpv4: boolean;
    readonly site: number;
    readonly ending: Ending;
    readonly port?: number;
  },
): void {
  const { mac, marks, ipv4, ipv6 } = from;
  const to = isIpv4
    ? `${100 + site % 27}.${site >> 8 & 255}.${site & 255}.9`
    : `2001:db8:0:${site.toString(16)}:0:0:0:9`;
  script.tcp(at, { from: isIpv4 ? ipv4 : ipv6, to, port, mac, marks }, ending, 0.02);
}

function told(script: ScanScript): string[] {
  script.finish();
  return [...new Set(script.latest.flatMap(({ sources }) => sources))];
}

const macKinds = fc.constantFrom<MacKind[]>("own", "router", "none");

Deno.test("attempts made good over the other version of IP are no scan", () => {
  const attempt = fc.record({
    // Both at once up to the longest wait of RFC 8305; or the version that works is tried first.
    delayS: fc.double({ min: -0.3, max: 2, noNaN: true }),
    pauseS: fc.double({ min: 0.2, max: 30, noNaN: true }),
    isRefused: fc.boolean(),
    // Some names have one version only, or lead to a server that is known.
    sort: fc.constantFrom("both", "both", "both", "one", "known"),
  });
  fc.assert(
    fc.property(
      macKinds,
      fc.boolean(),
      fc.array(attempt, { minLength: 20, maxLength: 80 }),
      (macKind, isIpv4Broken, attempts) => {
        const script = new ScanScript();
        const from = machine(5, macKind);
        let at = 1;
        connect(script, { at: 0, from, isIpv4: !isIpv4Broken, site: 1, ending: "used" });
        attempts.forEach(({ delayS, pauseS, isRefused, sort }, index) => {
          const site = index + 2;
          const broken = () => {
            // Behind a router that uses IPv6 as well, refusals over IPv4 are taken for what they are.
            const mayRefuse = isRefused && (macKind === "own" || !isIpv4Broken);
            const ending = mayRefuse ? "refused" as const : "silent" as const;
            connect(script, { at, from, isIpv4: isIpv4Broken, site, ending });
          };
          const working = (startS: number) => {
            const reached = sort === "known" ? 1 : site;
            const ending = "used" as const;
            connect(script, { at: startS, from, isIpv4: !isIpv4Broken, site: reached, ending });
          };
          if (sort === "one") working(at);
          else if (delayS < 0) {
            working(at);
            at -= delayS;
            broken();
          } else {
            broken();
            working(at + delayS);
          }
          at += Math.abs(delayS) + pauseS + 0.05;
        });
        deepEqual(told(script), []);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("scans by a machine that uses the other version of IP are found", () => {
  fc.assert(
    fc.property(
      macKinds,
      fc.boolean(),
      fc.constantFrom<("ports" | "hosts")[]>("ports", "hosts"),
      fc.constantFrom<Ending[]>("silent", "refused"),
      // Probes for each connection.
      fc.integer({ min: 3, max: 20 }),
      fc.double({ min: 0.05, max: 3, noNaN: true }),
      (macKind, isIpv4, pattern, ending, share, gapS) => {
        const script = new ScanScript();
        const from = machine(5, macKind);
        for (let index = 0; index < 120; index++) {
          const at = index * (gapS + 0.1);
          const [site, port] = pattern === "ports" ? [7, 400 + index] : [1000 + index, 443];
          connect(script, { at, from, isIpv4, site, port, ending });
          if (index % share > 0) continue;
          connect(script, { at: at + 0.04, from, isIpv4: !isIpv4, site: index, ending: "used" });
        }
        deepEqual(told(script), [isIpv4 ? from.ipv4 : from.ipv6]);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("machines behind one router do not excuse a scan of one of them", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 2 ** 20 }), { minLength: 150, maxLength: 150 }),
      fc.double({ min: 0.1, max: 5, noNaN: true }),
      (machineCount, choices, gapS) => {
        const script = new ScanScript();
        const scanner = machine(200, "router");
        choices.forEach((choice, index) => {
          const at = index * gapS;
          connect(script, {
            at,
            from: scanner,
            isIpv4: false,
            site: 3000 + index,
            ending: "silent",
          });
          const other = machine(5 + choice % machineCount, "router");
          connect(script, {
            at: at + 0.03,
            from: other,
            isIpv4: true,
            site: index,
            ending: "used",
          });
        });
        ok(told(script).includes(scanner.ipv6));
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("machines behind one router whose IPv6 leads nowhere are each excused by their own connections", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(9), fc.double({ min: 0.2, max: 0.35, noNaN: true })), {
        minLength: 100,
        maxLength: 300,
      }),
      (attempts) => {
        const script = new ScanScript();
        attempts.forEach(([number, delayS], index) => {
          const from = machine(5 + number, "router");
          const at = index * 0.6;
          connect(script, { at, from, isIpv4: false, site: index, ending: "silent" });
          connect(script, { at: at + delayS, from, isIpv4: true, site: index, ending: "used" });
        });
        deepEqual(told(script), []);
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("a scan with packets of its own making is found beside any number of connections", () => {
  const script = new ScanScript();
  const from = machine(5, "own");
  for (let index = 0; index < 40; index++) {
    const { ipv6, mac, marks } = from;
    const to = `2001:db8:0:${index}:0:0:0:9`;
    const raw = { from: ipv6, to, port: 443, mac, marks, headerLength: 64 };
    script.tcp(index, raw, "silent");
    connect(script, { at: index + 0.25, from, isIpv4: true, site: index, ending: "used" });
  }
  deepEqual(told(script), [from.ipv6]);
});
