/** Answers that nobody asked for, as frames through the whole path, and the harmless traffic that looks like them. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Prng } from "../agent/detect/common/prng.ts";
import { Flood } from "../agent/detect/flood/flood.ts";
import { ANSWERING_SERVICES } from "../agent/detect/flood/services.ts";
import type { Finding } from "../agent/records.ts";
import { type Ends, TcpFlag, tcpFrame, udpFrame } from "../bench/detection/frames.ts";
import type { TimedFrame } from "../bench/detection/own_captures.ts";
import { detectInFrames } from "./detect_in_file.ts";

const victim = "192.168.1.41";
const prng = new Prng(7);
const { syn, ack, rst, psh } = TcpFlag;

interface Answers {
  readonly port: number;
  readonly servers: number;
  readonly perSecond: number;
  readonly size: number | (() => number);
  readonly seconds?: number;
  readonly to?: string;
  readonly toPort?: (index: number) => number;
  readonly server?: (index: number) => string;
}

Deno.test("answers of every such service that nobody asked for are found, from few servers and many", () => {
  for (const [port, name] of ANSWERING_SERVICES) {
    for (const servers of [3, 200]) {
      const frames = answers({ port, servers, perSecond: 400, size: 600, seconds: 2 });
      const [found, ...rest] = reflections(frames);
      equal(rest.length, 0, name);
      equal(found?.attackId, "T1498.002", `${name} of ${servers}`);
      deepEqual(found.targets, [victim]);
      equal(found.severity, "high");
      ok(
        found.reason.includes(`800 packets (480 kB) from port ${port} (${name}) that it had not`),
      );
      ok(found.reason.includes("within 2 s"), found.reason);
    }
  }
});

Deno.test("reflected traffic is found whatever port of the victim it goes to, and from one server", () => {
  const toPorts = [() => 80, () => 443, () => 53, (index: number) => 1_024 + index * 37 % 60_000];
  for (const toPort of toPorts) {
    for (const servers of [1, 12]) {
      const frames = answers({ port: 11_211, servers, perSecond: 300, size: 1_400, toPort });
      equal(reflections(frames).length, 1, String(toPort));
    }
  }
  const monlist = answers({ port: 123, servers: 9, perSecond: 90, size: 440, toPort: () => 123 });
  deepEqual(reflections(monlist).map(({ severity }) => severity), ["medium"]);
  const names = { port: 53, servers: 60, perSecond: 600, size: 140 };
  equal(reflections(answers(names)).length, 1, "small answers, but very many");
});

Deno.test("a host that asks names all day and is flooded with answers of others is found", () => {
  const frames = [
    ...resolving({ clients: [victim], servers: 5, perSecond: 20, seconds: 20 }),
    ...answers({
      port: 53,
      servers: 200,
      perSecond: 800,
      size: 1_200,
      server: (index) => server(1_000 + index),
    })
      .map(({ atS, frame }) => ({ atS: atS + 8, frame })),
  ];
  const [found, ...rest] = reflections(frames);
  equal(rest.length, 0);
  ok(
    /^About (19|20|21)\d hosts sent 192.168.1.41 4,000 packets \(4.8 MB\)/.test(found.reason),
    found.reason,
  );
});

Deno.test("answers that somebody may have asked for are left alone", () => {
  const uses: Record<string, readonly TimedFrame[]> = {
    "a busy resolver": resolving({ clients: ["203.0.113.53"], servers: 400, perSecond: 1_500 }),
    "a resolver of which the capture begins in the middle": resolving({
      clients: ["203.0.113.53"],
      servers: 400,
      perSecond: 1_500,
    }).slice(101),
    "a resolver of which only answers are captured": answers({
      port: 53,
      servers: 900,
      perSecond: 200,
      size: () => 60 + prng.next() % 300,
      to: "203.0.113.53",
      toPort: randomPort,
      seconds: 20,
    }),
    "a client of which only answers are captured": answers({
      port: 53,
      servers: 2,
      perSecond: 60,
      size: () => 60 + prng.next() % 400,
      toPort: randomPort,
      seconds: 20,
    }),
    "questions to a time server": answers({
      port: 123,
      servers: 900,
      perSecond: 900,
      size: 48,
      to: "203.0.113.123",
      toPort: () => 123,
    }),
    "peers of a VPN gateway": answers({
      port: 500,
      servers: 60,
      perSecond: 200,
      size: 420,
      to: "203.0.113.1",
      toPort: () => 500,
    }),
    "answers to a search of all": [
      ...[0, 1, 2].map((atS) => ({ atS, frame: search(1900) })),
      ...answers({ port: 1900, servers: 40, perSecond: 300, size: 420, server: insideServer }),
    ],
    "answers that come late": late(),
    "devices that a station polls, one direction of it": answers({
      port: 161,
      servers: 250,
      perSecond: 180,
      size: 1_300,
      toPort: () => 40_161,
      server: insideServer,
      seconds: 20,
    }),
    "a fast scan from a server's port": Array.from({ length: 20_000 }, (_, index) => ({
      atS: index / 1_000,
      frame: udpFrame({ source: "198.51.100.9", destination: victim }, ports(53, 1 + index), [0]),
    })),
  };
  for (const [name, frames] of Object.entries(uses)) {
    deepEqual(reflections(frames).map(({ reason }) => reason), [], name);
  }
});

Deno.test("SYN-ACKs of many servers to one host are found, by their rate low or high", () => {
  const handshakes = (perSecond: number, flags: number) =>
    Array.from({ length: perSecond * 5 }, (_, index) => ({
      atS: index / perSecond,
      frame: tcpFrame(
        { source: server(index % 150), destination: victim },
        ports(index % 2 === 0 ? 443 : 80, randomPort()),
        { flags, window: 0 },
      ),
    }));
  for (const flags of [syn | ack, rst | ack]) {
    const [low, ...others] = reflections(handshakes(40, flags));
    deepEqual([low.severity, low.attackId, low.targets, others], [
      "low",
      "T1498.002",
      [victim],
      [],
    ]);
    ok(
      /About 1[45]0 hosts sent 192.168.1.41 200 answers to connections that it had not/.test(
        low.reason,
      ),
    );
    deepEqual(reflections(handshakes(400, flags)).map(({ severity }) => severity), ["high"]);
  }
});

Deno.test("who answers connections that others open in our names is told as information", () => {
  const attacked = "198.51.100.80";
  const own = (index: number) => `192.168.${index % 3}.${1 + index * 7 % 250}`;
  const cases: Record<string, (index: number) => readonly [string, number, number, number?]> = {
    "one open port, many hosts": (index) => [own(index), 443, syn | ack],
    "one connection, again and again": (_) => [victim, 443, syn | ack, 40_000],
    "one open port, one host": (_) => [victim, 443, syn | ack],
    "many closed ports": (index) => [own(index), 1 + index * 13 % 9_000, rst | ack],
  };
  for (const [name, next] of Object.entries(cases)) {
    const frames = Array.from({ length: 400 }, (_, index) => {
      const [to, from, flags, port = 20_000 + index] = next(index);
      const frame = tcpFrame({ source: attacked, destination: to }, ports(from, port), {
        flags,
        window: 0,
      });
      return { atS: index / 80, frame };
    });
    const [found, ...rest] = reflections(frames);
    deepEqual(
      [found?.severity, found?.sources, found?.attackId, rest],
      ["low", [attacked], "", []],
      name,
    );
    ok(found.reason.includes(" 400 answers to connections that "), found.reason);
  }
});

Deno.test("TCP answers of connections that were opened are left alone", () => {
  const backed = { source: "198.51.100.80", destination: victim };
  const uses: Record<string, (index: number) => readonly Uint8Array[]> = {
    "the other direction alone": (index) => {
      const there = ports(443, 10_000 + index);
      const answer = tcpFrame(backed, there, { flags: syn | ack });
      return [answer, tcpFrame(backed, there, { flags: ack | psh, payload: 900 })];
    },
    "a capture that begins in the middle": (index) => {
      const ends = { source: server(index % 90), destination: victim };
      const back = { source: victim, destination: ends.source };
      return [
        tcpFrame(ends, ports(443, 10_000 + index), { flags: syn | ack }),
        tcpFrame(back, ports(10_000 + index, 443), { flags: ack }),
      ];
    },
    "connections broken off": (index) => [
      tcpFrame(backed, ports(443, 10_000 + index), { flags: rst | ack }),
    ],
    "a dead service asked again and again, its refusals alone": (index) => [
      tcpFrame(backed, ports(8_080, 10_000 + index), { flags: rst | ack, window: 0 }),
    ],
    "a server that closes old connections": (index) => [
      tcpFrame(backed, ports(443, 10_000 + index), { flags: TcpFlag.fin | ack }),
    ],
  };
  for (const [name, next] of Object.entries(uses)) {
    const frames = Array.from(
      { length: 600 },
      (_, index) =>
        next(index).map((frame, place) => ({ atS: index / 100 + place / 1_000, frame })),
    ).flat();
    deepEqual(reflections(frames).map(({ reason }) => reason), [], name);
  }
});

Deno.test("a host here that is asked in another's name is found, one that serves is not", () => {
  const served = (port: number, asked: number, answered: (index: number) => number, count = 1) =>
    Array.from({ length: 1_000 }, (_, index) => {
      const there = { source: "198.51.100.9", destination: victim };
      const back = { source: victim, destination: there.source };
      const client = 20_000 + index % 30_000;
      const parts = Array.from({ length: count }, (_, part) => ({
        atS: index / 100 + (part + 1) / 1_000,
        frame: udpFrame(back, ports(port, client), Array(answered(index)).fill(7)),
      }));
      const frame = udpFrame(there, ports(client, port), Array(asked).fill(1));
      return [{ atS: index / 100, frame }, ...parts];
    }).flat();
  const [names] = reflections(served(53, 40, () => 1_200));
  deepEqual([names.severity, names.sources, names.targets], ["medium", [victim], ["198.51.100.9"]]);
  const [times] = reflections(served(123, 8, () => 440, 5));
  ok(
    /sent 198.51.100.9 5,000 answers \(2.2 MB\) from port 123 \(NTP\)/.test(times.reason),
    times.reason,
  );
  deepEqual(reflections(served(123, 48, () => 48)), [], "time");
  deepEqual(reflections(served(53, 40, (index) => 450 + index * 7 % 800)), [], "signed names");
});

/** The last states of what is told of frames, which are put in order of time. */
function reflections(frames: readonly TimedFrame[]): readonly Finding[] {
  const inOrder = frames.toSorted((a, b) => a.atS - b.atS);
  return detectInFrames(inOrder, { detectors: [(context) => new Flood(context)] }).findings
    .filter(({ kind }) => kind === "reflection");
}

function answers(
  { port, servers, perSecond, size, seconds = 5, to = victim, toPort = () => 40_000, ...more }:
    Answers,
): TimedFrame[] {
  return Array.from({ length: perSecond * seconds }, (_, index) => {
    const source = (more.server ?? server)(index % servers);
    const length = typeof size === "number" ? size : size();
    const frame = udpFrame(
      { source, destination: to },
      ports(port, toPort(index)),
      Array(length).fill(3),
    );
    return { atS: index / perSecond, frame };
  });
}

/** Questions of clients and their answers 30 ms later. */
function resolving({ clients, servers, perSecond, seconds = 5 }: {
  readonly clients: readonly string[];
  readonly servers: number;
  readonly perSecond: number;
  readonly seconds?: number;
}): TimedFrame[] {
  return Array.from({ length: perSecond * seconds }, (_, index) => {
    const source = clients[index % clients.length];
    const ends: Ends = { source, destination: server(index % servers) };
    const port = randomPort();
    const answer = { source: ends.destination, destination: source };
    const atS = index / perSecond;
    return [
      { atS, frame: udpFrame(ends, ports(port, 53), Array(40).fill(1)) },
      { atS: atS + 0.03, frame: udpFrame(answer, ports(53, port), Array(180).fill(2)) },
    ];
  }).flat().toSorted((a, b) => a.atS - b.atS);
}

/** Questions whose answers come after the flow was forgotten. */
function late(): TimedFrame[] {
  const ends = { source: victim, destination: "198.51.100.3" };
  const back = { source: ends.destination, destination: victim };
  return Array.from({ length: 600 }, (_, index) => [
    { atS: index / 300, frame: udpFrame(ends, ports(20_000 + index, 53), [1, 2, 3]) },
    { atS: index / 300 + 0.02, frame: udpFrame(ends, ports(20_000 + index, 53), [1, 2, 3]) },
    { atS: 90 + index / 300, frame: udpFrame(back, ports(53, 20_000 + index), Array(900).fill(2)) },
  ]).flat();
}

function search(port: number): Uint8Array {
  return udpFrame({ source: victim, destination: "239.255.255.250" }, ports(40_000, port), [77]);
}

function server(index: number): string {
  return `198.51.${index >> 8}.${index & 255}`;
}

function insideServer(index: number): string {
  return `192.168.${2 + (index >> 8)}.${index & 255}`;
}

function randomPort(): number {
  return 32_768 + prng.next() % 28_000;
}

function ports(sourcePort: number, destinationPort: number) {
  return { sourcePort, destinationPort };
}
