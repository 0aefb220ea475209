import { deepStrictEqual, equal, ok } from "node:assert/strict";
import { type Finding, Transport } from "../../records.ts";
import { Mark } from "../observation.ts";
import { TcpFlag } from "./probe_family.ts";
import { type Contact, type Ending, ScanScript, START_US } from "./testing/probes.ts";

const outsider = "198.51.100.7";
const insider = "10.0.0.66";
const server = "10.0.0.20";

/** Seconds from the start to detection. */
function detectedS(finding: Finding): number {
  return (finding.detectedUs - START_US) / 1e6;
}

function reasons(script: ScanScript): string[] {
  script.finish();
  return script.latest.map(({ reason }) => reason);
}

/** The only finding: its first and last state. */
function only(script: ScanScript): { readonly first: Finding; readonly last: Finding } {
  script.finish();
  equal(script.latest.length, 1, script.latest.map(({ reason }) => reason).join("; "));
  return { first: script.opened[0], last: script.latest[0] };
}

const vertical = (from: string, to: string) => (index: number): Contact => ({
  from,
  to,
  port: 20 + index,
  headerLength: 44,
  window: 1024,
});
const horizontal = (from: string, prefix: string) => (index: number): Contact => ({
  from,
  to: `${prefix}${index + 1}`,
  port: 445,
  headerLength: 44,
});

interface PaceCase {
  readonly name: string;
  readonly gapS: number;
  readonly tempo: string;
}
const paces: PaceCase[] = [
  { name: "T0", gapS: 300, tempo: "T0" },
  { name: "T1", gapS: 15, tempo: "T1" },
  { name: "T2", gapS: 0.4, tempo: "T2" },
  { name: "T5", gapS: 0.0001, tempo: "T5" },
];
const routes = [
  { name: "inbound", contact: vertical(outsider, server), kind: "vertical", evidence: 5 },
  { name: "internal", contact: vertical(insider, server), kind: "vertical", evidence: 5 },
  { name: "outbound", contact: vertical(insider, outsider), kind: "vertical", evidence: 12 },
  { name: "internal", contact: horizontal(insider, "10.1.0."), kind: "horizontal", evidence: 5 },
  {
    name: "outbound",
    contact: horizontal(insider, "203.0.113."),
    kind: "horizontal",
    evidence: 12,
  },
] as const;

for (const { name, gapS, tempo } of paces) {
  for (const route of routes) {
    for (const ending of ["silent", "refused"] as const) {
      Deno.test(`an ${route.name} ${route.kind} scan at ${name}, ${ending}, is found by ${route.evidence} failures`, () => {
        const script = new ScanScript();
        for (let index = 0; index < 40; index++) {
          script.tcp(index * gapS, route.contact(index), ending, 0.00005);
        }
        script.passTo(40 * gapS + 10);
        const { first, last } = only(script);
        equal(first.scan!.attempts, route.evidence);
        const lastProbeS = (route.evidence - 1) * gapS;
        const expectedS = lastProbeS + (ending === "silent" ? 5 : 0.00005);
        ok(Math.abs(detectedS(first) - expectedS) < 0.001, `${detectedS(first)} ${expectedS}`);
        deepStrictEqual([last.scan!.kind, last.scan!.attempts, last.scan!.tempo], [
          route.kind,
          40,
          tempo,
        ]);
        equal(last.isOpen, false);
      });
    }
  }
}

Deno.test("half-open probes of open ports are found, with the ports that answered", () => {
  const script = new ScanScript();
  const endings: Ending[] = ["half open", "refused"];
  for (let index = 0; index < 10; index++) {
    script.tcp(index, vertical(insider, server)(index), endings[index % 2]);
  }
  const { last } = only(script);
  deepStrictEqual(last.scan, {
    kind: "vertical",
    probe: "syn",
    ports: "20-29",
    portCount: 10,
    attempts: 10,
    answered: 5,
    answeredPorts: "20,22,24,26,28",
    tempo: "T2",
    tool: "nmap",
    hasDecoys: false,
    found: [20, 22, 24, 26, 28].map((port) => `10.0.0.20:${port}`),
    cameBack: [],
  });
  equal(last.reason, "10.0.0.66 probed 10 ports of 10.0.0.20 in 9.0 s, and found 5 open");
});

Deno.test("a scanner that talks to what it found has come back", () => {
  const script = new ScanScript();
  for (let index = 0; index < 6; index++) {
    script.tcp(index, vertical(insider, server)(index), index === 2 ? "half open" : "refused");
  }
  script.tcp(60, { from: insider, to: server, port: 22 }, "used");
  script.tcp(61, { from: insider, to: server, port: 8080 }, "used");
  const { last } = only(script);
  deepStrictEqual(last.scan!.cameBack, ["10.0.0.20:22"]);
  equal(last.severity, "high");
  ok(last.reason.endsWith("; it later exchanged data with 10.0.0.20:22"), last.reason);
});

Deno.test("a connect scan that finds most ports open is found by the closed ones", () => {
  const script = new ScanScript();
  for (let index = 0; index < 30; index++) {
    const contact = { from: insider, to: server, port: 20 + index };
    script.tcp(index, contact, index % 3 === 0 ? "refused" : "closed unused");
  }
  const { last } = only(script);
  deepStrictEqual([last.scan!.probe, last.scan!.attempts, last.scan!.answered], [
    "connect",
    30,
    20,
  ]);
});

Deno.test("ports that a scan uses at once are found open, also before it is known for one", () => {
  const script = new ScanScript();
  for (let index = 0; index < 30; index++) {
    const contact = { from: insider, to: server, port: 20 + index };
    script.tcp(index, contact, [2, 20].includes(index) ? "used" : "refused");
  }
  // Long after it: no part of it.
  script.tcp(300, { from: insider, to: server, port: 8080 }, "used");
  const { last } = only(script);
  deepStrictEqual(last.scan!.found, ["10.0.0.20:22", "10.0.0.20:40"]);
  deepStrictEqual([last.scan!.attempts, last.scan!.answered, last.scan!.answeredPorts], [
    30,
    2,
    "22,40",
  ]);
  deepStrictEqual(last.scan!.cameBack, []);
});

Deno.test("what a scanner does elsewhere meanwhile is no part of its scan", () => {
  const script = new ScanScript();
  for (let index = 0; index < 20; index++) {
    script.tcp(index, { from: insider, to: server, port: 20 + index }, "refused");
    script.tcp(index + 0.5, { from: insider, to: "10.0.0.77", port: 443 + index }, "used");
  }
  const { last } = only(script);
  deepStrictEqual([last.scan!.attempts, last.scan!.found], [20, []]);
});

Deno.test("UDP ports that answer are found open", () => {
  const script = new ScanScript();
  for (let index = 0; index < 20; index++) {
    const contact = { from: insider, to: server, port: 100 + index, fromPort: 50_000 };
    script.udp(index * 0.1, contact, [1, 15].includes(index));
    if (index % 2 === 0) script.icmpError(index * 0.1, Transport.udp, contact);
  }
  const { last } = only(script);
  deepStrictEqual(last.scan!.found, ["10.0.0.20:101", "10.0.0.20:115"]);
  ok(last.reason.endsWith(", and 2 answered"), last.reason);
});

Deno.test("of ports found open 256 are listed, and all are counted", () => {
  const script = new ScanScript();
  for (let index = 0; index < 320; index++) {
    const contact = { from: insider, to: server, port: 1000 + index };
    script.tcp(index * 0.01, contact, index < 20 ? "refused" : "half open");
  }
  const { last } = only(script);
  deepStrictEqual([last.scan!.found.length, last.scan!.answered], [256, 300]);
});

const { fin, syn, rst, psh, ack, urg, ece, cwr } = TcpFlag;
const flagCases = [
  ["null", 0],
  ["fin", fin],
  ["xmas", fin | psh | urg],
  ["ack", ack],
  ["ack", ack | psh],
  ["maimon", fin | ack],
  ["odd_flags", psh],
  ["odd_flags", urg],
  ["odd_flags", ece],
  ["odd_flags", cwr],
  ["odd_flags", ece | cwr],
  ["odd_flags", psh | urg],
  ["odd_flags", fin | psh],
  ["odd_flags", fin | ece],
  ["odd_flags", syn | fin],
  ["odd_flags", syn | rst],
  ["odd_flags", syn | urg],
  ["odd_flags", fin | rst],
  ["odd_flags", ack | urg],
  ["odd_flags", ack | urg | psh | fin],
  ["odd_flags", syn | ack],
  ["odd_flags", syn | ack | fin],
  ["odd_flags", 0xff],
  ["connect", syn | ece | cwr],
  ["connect", syn | psh],
] as const;
/** The table of flows takes who sends from a server's port, or a SYN-ACK, for the one who was asked. */
const senders = [
  { name: "of its own", fromPort: 50_000, marks: Mark.sentByOriginator },
  { name: "of a web server", fromPort: 443, marks: 0 },
  { name: "of scapy's", fromPort: 20, marks: Mark.sentByOriginator },
];
const flagNames = Object.entries(TcpFlag);
for (const [probe, flags] of flagCases) {
  const names = flagNames.filter(([, bit]) => flags & bit).map(([name]) => name).join(" ") || "no";
  for (const { name, fromPort, marks } of senders) {
    for (const payloadLength of [0, 25]) {
      Deno.test(`a ${probe} scan by ${names} flags from a port ${name}, ${payloadLength} bytes, is found`, () => {
        const script = new ScanScript();
        for (let index = 0; index < 20; index++) {
          const contact = {
            ...vertical(insider, server)(index),
            fromPort,
            flags,
            payloadLength,
            marks: flags & syn ? flags & ack ? 0 : Mark.sentByOriginator : marks,
            headerLength: 60,
          };
          script.tcp(index * 0.01, contact, "refused");
        }
        const { first, last } = only(script);
        equal(last.scan!.probe, probe);
        equal(first.scan!.attempts, 5);
        equal(last.scan!.attempts, 20);
      });
    }
  }
}

for (const flags of [ack, fin | ack, ack | urg, syn | ack]) {
  Deno.test(`a scan by flags ${flags} from a server's port that a firewall swallows is found`, () => {
    const script = new ScanScript();
    for (let index = 0; index < 20; index++) {
      const contact = { ...vertical(insider, server)(index), fromPort: 53, flags, marks: 0 };
      script.tcp(index * 0.01, contact, "silent");
    }
    equal(only(script).last.scan!.attempts, 20);
  });
}

for (const fromPort of [50_000, 53, 123, 67]) {
  for (const isRefused of [true, false]) {
    Deno.test(`a UDP scan from port ${fromPort}, ${isRefused ? "refused" : "silent"}, is found`, () => {
      const script = new ScanScript();
      for (let index = 0; index < 20; index++) {
        const marks = fromPort < 1024 ? 0 : Mark.sentByOriginator;
        const contact = { from: insider, to: server, port: 100 + index, fromPort, marks };
        script.udp(index * 0.1, contact, false);
        if (isRefused) script.icmpError(index * 0.1, Transport.udp, contact);
      }
      const { first, last } = only(script);
      deepStrictEqual([last.scan!.probe, last.scan!.kind], ["udp", "vertical"]);
      equal(first.scan!.attempts, 5);
    });
  }
}

Deno.test("an SCTP scan is found by its aborts", () => {
  const script = new ScanScript();
  for (let index = 0; index < 20; index++) {
    const contact = { from: insider, to: server, port: 2000 + index, payloadLength: 20 };
    script.first(index, Transport.sctp, contact);
    script.answer(index, Transport.sctp, contact, 8);
  }
  const { first, last } = only(script);
  deepStrictEqual([last.scan!.probe, first.scan!.attempts], ["sctp_init", 5]);
});

Deno.test("sweeps by empty pings are found though all answer, over IPv4 and IPv6", () => {
  for (const isIpv6 of [false, true]) {
    const script = new ScanScript();
    const transport = isIpv6 ? Transport.icmpv6 : Transport.icmp;
    for (let index = 0; index < 30; index++) {
      const contact = {
        from: isIpv6 ? "fd00:0:0:0:0:0:0:66" : insider,
        to: isIpv6 ? `fd00:0:0:0:0:0:1:${index.toString(16)}` : `10.0.1.${index}`,
        fromPort: isIpv6 ? 128 : 8,
        port: 0,
      };
      script.first(index * 0.1, transport, contact);
      script.answer(index * 0.1, transport, { ...contact, fromPort: isIpv6 ? 129 : 0 });
    }
    const { first, last } = only(script);
    deepStrictEqual([last.scan!.probe, last.scan!.kind, last.targetCount], [
      "icmp_echo",
      "horizontal",
      30,
    ]);
    equal(first.scan!.attempts, 10);
  }
});

Deno.test("an IPv6 sweep of one port is found", () => {
  const script = new ScanScript();
  for (let index = 0; index < 20; index++) {
    const to = `fd00:0:0:0:0:0:1:${index.toString(16)}`;
    const contact = { from: "fd00:0:0:0:0:0:0:66", to, port: 22, headerLength: 64 };
    script.tcp(index, contact, "silent");
  }
  const { first, last } = only(script);
  deepStrictEqual([last.scan!.kind, last.scan!.probe, first.scan!.attempts], [
    "horizontal",
    "syn",
    5,
  ]);
});

const v6 = "fd00:0:0:0:0:0:0:";
for (
  const { name, probe, prefix, asker } of [
    { name: "ARP", probe: "arp", prefix: "10.0.1.", asker: insider },
    { name: "neighbour discovery", probe: "ndp", prefix: v6, asker: `${v6}ffff` },
  ]
) {
  Deno.test(`a sweep by ${name} is found`, () => {
    const sweep = new ScanScript();
    for (let index = 1; index <= 50; index++) {
      sweep.neighbour(index * 0.01, 1, asker, `${prefix}${index}`);
      if (index % 10 === 0) sweep.neighbour(index * 0.01, 2, `${prefix}${index}`, asker);
    }
    const { first, last } = only(sweep);
    equal(first.scan!.attempts, 10);
    deepStrictEqual(
      [last.scan!.kind, last.scan!.probe, last.targetCount, last.scan!.attempts],
      ["horizontal", probe, 50, 50],
    );
    equal(last.scan!.answered, 5);
    equal(last.severity, "low");
    ok(last.reason.includes(`asked by ${name} for 50 addresses in`), last.reason);
  });

  Deno.test(`what hosts and routers ask by ${name} is no sweep`, () => {
    const upkeep = new ScanScript();
    for (let index = 1; index <= 50; index++) {
      const client = `${prefix}${index}`;
      upkeep.tcp(index * 60, { from: client, to: asker, port: 80 }, "used");
      upkeep.neighbour(index * 60 + 30, 1, asker, client);
    }
    deepStrictEqual(reasons(upkeep), []);

    const unicast = new ScanScript();
    for (let index = 1; index <= 50; index++) {
      unicast.neighbour(index, 1, asker, `${prefix}${index}`, 0);
    }
    deepStrictEqual(reasons(unicast), []);

    const unspecified = prefix === v6 ? "0:0:0:0:0:0:0:0" : "0.0.0.0";
    const newcomers = new ScanScript();
    for (let index = 1; index <= 50; index++) {
      newcomers.neighbour(index, 1, unspecified, `${prefix}${index}`);
    }
    deepStrictEqual(reasons(newcomers), []);
  });

  Deno.test(`a router that searches by ${name} needs ten times as much`, () => {
    const marks = Mark.isSentByRouter | Mark.isToMany | Mark.isLinkBroadcast;
    for (const [count, told] of [[99, 0], [110, 1]]) {
      const router = new ScanScript();
      for (let index = 1; index <= count; index++) {
        router.neighbour(index * 0.01, 1, asker, `${prefix}${index}`, marks);
      }
      equal(reasons(router).length, told);
    }
  });
}

Deno.test("a tiny first fragment counts as a SYN", () => {
  const script = new ScanScript();
  for (let index = 0; index < 20; index++) {
    const contact = {
      ...vertical(insider, server)(index),
      flags: 0xffff,
      headerLength: 28,
      marks: Mark.sentByOriginator | Mark.isFragment,
    };
    script.tcp(index * 0.01, contact, index === 2 ? "half open" : "refused");
  }
  const { last } = only(script);
  deepStrictEqual([last.scan!.probe, last.scan!.answeredPorts], ["syn", "22"]);
});

Deno.test("decoys are all named and marked, and are no distributed scan", () => {
  const script = new ScanScript();
  const sources = ["10.0.0.66", "10.0.0.201", "10.0.0.202", "10.0.0.203", "10.0.0.204"];
  for (let index = 0; index < 60; index++) {
    for (const source of sources) {
      script.tcp(index * 0.1, vertical(source, server)(index), "refused");
    }
  }
  script.finish();
  deepStrictEqual(script.latest.map((finding) => finding.sources[0]).sort(), sources.sort());
  ok(script.latest.every(({ scan }) => scan!.hasDecoys && scan!.kind === "vertical"));
});

Deno.test("200 sources that share a target, 3 ports each in an hour, are one distributed scan", () => {
  const script = new ScanScript();
  for (let index = 0; index < 600; index++) {
    const from = `203.0.${113 + index % 200 % 2}.${index % 200}`;
    script.tcp(index * 6, { from, to: server, port: 1000 + index }, "silent");
  }
  const { first, last } = only(script);
  equal(last.scan!.kind, "distributed");
  equal(first.scan!.attempts, 25);
  equal(detectedS(first), 24 * 6 + 5);
  deepStrictEqual([last.sourceCount, last.scan!.portCount, last.sources.length], [200, 600, 64]);
});

Deno.test("an episode is told when it opens, has grown tenfold, pauses after growing by a fifth, and is over", () => {
  const script = new ScanScript();
  for (let index = 0; index < 600; index++) {
    script.tcp(index, { ...vertical(insider, server)(index), port: 1 + index }, "refused");
  }
  script.passTo(600 + 1801);
  script.tcp(3000, { from: insider, to: server, port: 5000 }, "refused");
  script.finish();
  deepStrictEqual(script.told.map(({ isOpen, scan }) => [isOpen, scan!.attempts]), [
    [true, 5],
    [true, 50],
    [true, 500],
    [true, 600],
    [false, 600],
  ]);
  equal(script.told[4].scan!.ports, "1-600");
});

Deno.test("finish() judges what is pending", () => {
  const script = new ScanScript();
  for (let index = 0; index < 8; index++) {
    script.tcp(index * 0.01, vertical(insider, server)(index), "silent");
  }
  equal(script.told.length, 0);
  const { last } = only(script);
  equal(last.scan!.attempts, 8);
});

Deno.test("a scan that is repeated after quiet is told again, retries that go on are one episode", () => {
  const script = new ScanScript();
  const scanAt = (startS: number) => {
    for (let index = 0; index < 20; index++) {
      script.tcp(startS + index, vertical(insider, server)(index), "refused");
    }
  };
  for (let hour = 0; hour < 4; hour++) scanAt(hour * 1200);
  equal(script.opened.length, 1);
  scanAt(3 * 1200 + 2500);
  script.finish();
  deepStrictEqual(script.latest.map(({ scan }) => scan!.attempts), [20, 20]);
});

Deno.test("a monitor that polls closed ports all day is one episode", () => {
  const script = new ScanScript();
  for (let minute = 0; minute < 24 * 60; minute++) {
    for (let index = 0; index < 12; index++) {
      script.tcp(minute * 60 + index, { ...vertical(insider, server)(index) }, "refused");
    }
  }
  only(script);
});
