/** Floods and the streams that look like them, as frames through the whole path: what a flood is depends on payloads and on other flows. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Prng } from "../agent/detect/common/prng.ts";
import { Flood } from "../agent/detect/flood/flood.ts";
import type { Finding } from "../agent/records.ts";
import { echoFrame, type Ends, TcpFlag, tcpFrame, udpFrame } from "../bench/detection/frames.ts";
import type { TimedFrame } from "../bench/detection/own_captures.ts";
import { detectInFrames } from "./detect_in_file.ts";

type Payload = (index: number) => readonly number[];

const outside = "198.51.100.66";
const camera = "192.168.1.31";
const recorder = "192.168.1.41";
const inside: Ends = { source: camera, destination: recorder };
const prng = new Prng(11);

const be16 = (value: number) => [value >> 8 & 255, value & 255];
const be32 = (value: number) => [...be16(value >>> 16), ...be16(value)];
const random = (length: number) => Array.from({ length }, () => prng.next() & 255);
const rtp = (type: number, body: () => number[]): Payload => (index) => [
  ...[0x80, type, ...be16(60_000 + index), ...be32(90_000 + (index >> 4) * 3_000)],
  ...[0x12, 0x34, 0x56, 0x78, ...body()],
];

Deno.test("a stream whose packets are numbered is no flood, at any rate and from anywhere", () => {
  const numbered: Record<string, Payload> = {
    "RTP video": rtp(96, () => random(20)),
    "SRTP": rtp(0xe0, () => random(24)),
    "RTP with a header extension": (
      index,
    ) => [0x90, 96, ...rtp(96, () => random(8))(index).slice(2)],
    "iperf 2": (
      index,
    ) => [...be32(index), ...be32(1_700_000_000), ...be32(index * 71), ...random(8)],
    "iperf 3": (
      index,
    ) => [...be32(1_700_000_000), ...be32(index * 71), ...be32(index), ...random(8)],
    "ESP in UDP": (index) => [1, 2, 3, 4, ...be32(index + 7), ...random(16)],
    "WireGuard": (index) => [4, 0, 0, 0, 9, 9, 9, 9, index & 255, index >> 8, 0, 0, ...random(12)],
    "DTLS": (index) => [23, 254, 253, 0, 1, 0, 0, ...be32(index), 0, 9, ...random(9)],
    "MPEG transport stream": () => [0x47, ...random(187)],
  };
  for (const [name, payload] of Object.entries(numbered)) {
    for (const ends of [inside, { source: outside, destination: recorder }]) {
      deepEqual(floods(stream({ ends, perSecond: 3_000, payload })), [], name);
    }
  }
  const lossy = stream({ ends: inside, perSecond: 3_000, payload: rtp(96, () => random(9)) })
    .filter(() => prng.fraction() > 0.005);
  deepEqual(floods(lossy), [], "RTP with losses");
});

Deno.test("a stream that only looks like media, or is refused, is a flood", () => {
  const others: Record<string, Payload> = {
    "one payload": () => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    "zeros": () => Array(24).fill(0),
    "random payloads": () => random(24),
    "RTP without counting": () => [0x80, 96, ...random(30)],
    "one RTP packet again and again": () => rtp(96, () => [1, 2, 3])(7),
    "no payload": () => [],
  };
  for (const [name, payload] of Object.entries(others)) {
    const ends = { source: outside, destination: recorder };
    const [flood, ...rest] = floods(stream({ ends, perSecond: 5_000, payload }));
    equal(rest.length, 0, name);
    ok(flood.reason.startsWith(`${outside} sent 15,000 unanswered UDP packets`), flood?.reason);
    equal(flood.lastUs - flood.firstUs, 2_999_800, name);
  }
  const refused = stream({ ends: inside, perSecond: 3_000, payload: rtp(96, () => random(9)) });
  equal(floods([...refused, ...refusals(inside, 3)]).length, 1);
});

Deno.test("a stream to a host that speaks with its sender in another flow is no flood", () => {
  const payload: Payload = () => random(24);
  const stream9000 = stream({ ends: inside, perSecond: 9_000, payload, at: 1 });
  equal(floods(stream9000).length, 1, "alone");
  const control = conversation({ source: camera, destination: recorder }, 5_201);
  deepEqual(floods([...control, ...stream9000]), [], "a control connection that the sender opened");
  const asked = conversation({ source: recorder, destination: camera }, 554);
  deepEqual(floods([...asked, ...stream9000]), [], "one that the receiver opened");
  const fromOutside = { source: outside, destination: recorder };
  const heavy = stream({ ends: fromOutside, perSecond: 40_000, payload, at: 1, seconds: 1 });
  const visit = conversation(fromOutside, 80);
  equal(floods([...visit, ...heavy]).length, 1, "who visits a page may not flood for that");
  const called = conversation({ source: recorder, destination: outside }, 5_201);
  deepEqual(floods([...called, ...heavy]), [], "but whoever was asked may send");
});

Deno.test("tunnels whose two directions have ports of their own are no floods", () => {
  const frames: TimedFrame[] = [];
  const ends = { source: "203.0.113.1", destination: "203.0.113.2" };
  const back = { source: ends.destination, destination: ends.source };
  for (let index = 0; index < 6_000; index++) {
    const atS = index / 2_000;
    const flow = index % 900;
    const [one, other] = [40_000 + flow * 17 % 20_000, 40_000 + flow * 31 % 20_000];
    frames.push({ atS, frame: udpFrame(ends, ports(one, 6_635), random(20)) });
    frames.push({ atS: atS + 1e-4, frame: udpFrame(back, ports(other, 6_635), random(20)) });
  }
  deepEqual(floods(frames), []);
});

Deno.test("where one direction is captured, a busy name server is not flooded", () => {
  const server = "203.0.113.53";
  const questions: TimedFrame[] = [];
  const queries = (perSecond: number) =>
    Array.from({ length: perSecond * 4 }, (_, index) => ({
      atS: 1 + index / perSecond,
      frame: udpFrame(
        { source: `198.51.${index % 200}.${index % 251}`, destination: server },
        ports(20_000 + index % 40_000, 53),
        [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1],
      ),
    }));
  questions.push(...queries(600));
  deepEqual(floods(questions), [], "where no flow has answers");
  const other = conversation({ source: "198.51.100.1", destination: "198.51.100.2" }, 80);
  equal(floods([...other, ...questions]).length, 1, "where others have");
  const browsing = Array.from({ length: 12 }, (_, index) => {
    const ends = { source: `198.51.100.${index + 1}`, destination: server };
    return conversation(ends, 443, index / 20).filter((_, place) => place % 2 === 0);
  }).flat();
  deepEqual(floods([...browsing, ...questions]), []);
  const [flood] = floods([...browsing, ...queries(6_000)]);
  ok(flood.reason.includes("UDP packets, of which only this direction was captured, to"));
});

Deno.test("a flood from a server's port is found, a stream from one is not", () => {
  const ends = { source: outside, destination: recorder };
  const from = (port: number, perSecond: number) =>
    Array.from({ length: perSecond }, (_, index) => ({
      atS: index / perSecond,
      frame: udpFrame(ends, ports(port, 40_000), random(12)),
    }));
  deepEqual(floods(from(443, 4_000)), [], "of which the questions were not captured");
  const [flood] = floods(from(443, 40_000));
  ok(flood.reason.startsWith(`${outside} sent 40,000 unanswered UDP packets`), flood.reason);
  const refused = [...from(443, 4_000), ...refusals(ends, 1, ports(443, 40_000))];
  ok(floods(refused)[0].reason.startsWith(`${outside} sent 4,000 unanswered UDP packets`));
});

Deno.test("what is answered or refused within one flow is counted to its end", () => {
  const ends = { source: outside, destination: recorder };
  const back = { source: recorder, destination: outside };
  const pings = Array.from({ length: 6_000 }, (_, index) => [
    { atS: index / 300, frame: echoFrame(ends, "request", index & 0xffff) },
    { atS: index / 300 + 1e-4, frame: echoFrame(back, "reply", index & 0xffff) },
  ]).flat();
  ok(/ sent 6,000 ICMP messages .* within 20 s, up to 300 a second$/.test(floods(pings)[0].reason));
  const { syn, rst, ack } = TcpFlag;
  const syns = Array.from({ length: 6_000 }, (_, index) => [
    { atS: index / 40_000, frame: tcpFrame(ends, ports(50_000, 80), { flags: syn }) },
    { atS: index / 40_000 + 1e-5, frame: tcpFrame(back, ports(80, 50_000), { flags: rst | ack }) },
  ]).flat();
  equal(
    floods(syns)[0].reason,
    `${outside} sent 6,000 SYNs that no connection followed to ${recorder} (port 80) within 150 ms`,
  );
});

Deno.test("a flood in a flow that was quiet before is dated from where it began", () => {
  const ends = { source: outside, destination: recorder };
  const quiet = stream({ ends, perSecond: 20, payload: () => [9, 9, 9, 9], seconds: 30 });
  const flood = stream({ ends, perSecond: 5_000, payload: () => [9, 9, 9, 9], at: 30 });
  const [found] = floods([...quiet, ...flood]);
  const beganS = found.firstUs / 1e6 - 1_700_000_000;
  ok(beganS > 18 && beganS <= 30.1, String(beganS));
  ok(found.reason.includes("within 3"), found.reason);
});

Deno.test("short flows of a flood count with all of their packets", () => {
  const frames: TimedFrame[] = [];
  for (let index = 0; index < 20_000; index++) {
    const source = `198.51.100.${1 + Math.floor(index / 10) % 100}`;
    const port = ports(55_000 + Math.floor(index / 10), 7_777);
    frames.push({ atS: index / 5_000, frame: udpFrame({ source, destination: recorder }, port) });
  }
  const [flood] = floods(frames);
  ok(flood.reason.includes("sent 20,000 unanswered UDP packets"), flood.reason);
});

/** The last states of the floods in the frames, which are put in order of time. */
function floods(frames: readonly TimedFrame[]): readonly Finding[] {
  const inOrder = frames.toSorted((a, b) => a.atS - b.atS);
  return detectInFrames(inOrder, { detectors: [(context) => new Flood(context)] }).findings;
}

function stream({ ends, perSecond, payload, at = 0, seconds = 3 }: {
  readonly ends: Ends;
  readonly perSecond: number;
  readonly payload: Payload;
  readonly at?: number;
  readonly seconds?: number;
}): TimedFrame[] {
  return Array.from({ length: perSecond * seconds }, (_, index) => ({
    atS: at + index / perSecond,
    frame: udpFrame(ends, ports(40_000, 9_000), payload(index)),
  }));
}

/** An opened connection in which both sides have said something, without its end. */
function conversation(ends: Ends, port: number, at = 0): TimedFrame[] {
  const back = { source: ends.destination, destination: ends.source };
  const [there, here] = [ports(50_000, port), ports(port, 50_000)];
  const { syn, ack, psh } = TcpFlag;
  return [
    tcpFrame(ends, there, { flags: syn }),
    tcpFrame(back, here, { flags: syn | ack }),
    tcpFrame(ends, there, { flags: ack | psh, payload: 37 }),
    tcpFrame(back, here, { flags: ack | psh, payload: 2 }),
  ].map((frame, index) => ({ atS: at + index / 100, frame }));
}

/** ICMP port unreachable for packets of stream(), one a second. */
function refusals(
  { source, destination }: Ends,
  seconds: number,
  ofPorts = ports(40_000, 9_000),
): TimedFrame[] {
  const back = { source: destination, destination: source };
  return Array.from({ length: seconds }, (_, second) => {
    const frame = udpFrame(back, ports(0, 0), []).slice(0, 34);
    const quoted = udpFrame({ source, destination }, ofPorts, []).slice(14);
    frame.set([1], 23);
    frame.set([0, 20 + 8 + quoted.length], 16);
    return {
      atS: second + 0.001,
      frame: Uint8Array.from([...frame, 3, 3, 0, 0, 0, 0, 0, 0, ...quoted]),
    };
  });
}

function ports(sourcePort: number, destinationPort: number) {
  return { sourcePort, destinationPort };
}
