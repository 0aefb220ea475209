/**
 * Traffic of our own making that no labelled capture has: very slow scans, scans in tunnels, over SCTP and IPv6, and the
 * harmless traffic that looks most like scans. Each is a list of frames with the findings it must, or must not, give.
 */
import type { ScanKind, ScanProbe } from "../../agent/records.ts";
import {
  echoFrame,
  type Ends,
  type Ports,
  sctpFrame,
  TcpFlag,
  tcpFrame,
  udpFrame,
} from "./frames.ts";

export interface TimedFrame {
  /** Seconds since the capture began. */
  readonly atS: number;
  readonly frame: Uint8Array;
}

interface OwnCapture {
  readonly name: string;
  /** In order of time. */
  readonly frames: readonly TimedFrame[];
  /** null: no scan is to be found. `sources` may be a part of those found. */
  readonly expected: {
    readonly kind: ScanKind;
    readonly probe: ScanProbe;
    readonly sources: readonly string[];
  } | null;
}

const scanner = "10.1.0.66";
const target = "10.1.0.20";
const { syn, ack, rst, fin, psh } = TcpFlag;

/** All of them, made anew. */
export function ownCaptures(): OwnCapture[] {
  return [...slowScans(), ...otherTransports(), ...harmless()];
}

function slowScans(): OwnCapture[] {
  const expected = { kind: "vertical", probe: "syn", sources: [scanner] } as const;
  const horizontal = { kind: "horizontal", probe: "syn", sources: [scanner] } as const;
  return [
    {
      name: "T0: 20 ports, 300 s a probe, refused",
      frames: vertical(20, 300, "refused"),
      expected,
    },
    {
      name: "T0: 20 ports, 300 s a probe, no answer",
      frames: vertical(20, 300, "silent"),
      expected,
    },
    { name: "T1: 20 ports, 15 s a probe, no answer", frames: vertical(20, 15, "silent"), expected },
    {
      name: "T0: one port of 20 hosts, 300 s a probe, no answer",
      frames: repeat(20, (i) => contact(i * 300, to(`10.1.1.${i + 1}`), 445, "silent")),
      expected: horizontal,
    },
    {
      name: "200 sources, 3 ports each, within an hour",
      frames: repeat(600, (i) => {
        const source = `198.18.${i % 200 >> 6}.${i % 200 % 64 + 1}`;
        return contact(i * 6, { source, destination: target }, 1000 + i, "refused");
      }),
      expected: { kind: "distributed", probe: "syn", sources: [] },
    },
  ];
}

function otherTransports(): OwnCapture[] {
  const syns = (tunnel: "gre" | "ipip") =>
    repeat(60, (i) => contact(i * 0.1, { ...to(target), tunnel }, 100 + i, "refused"));
  const vertical = { kind: "vertical", probe: "syn", sources: [scanner] } as const;
  const ipv6 = "fd00:1::66";
  const neighbours = repeat(60, (i) => `fd00:1::${(0x100 + i).toString(16)}`);
  return [
    { name: "SYN scan in GRE", frames: syns("gre"), expected: vertical },
    { name: "SYN scan in IP-in-IP", frames: syns("ipip"), expected: vertical },
    {
      name: "SCTP INIT scan, aborted",
      frames: repeat(40, (i) => sctpProbe(i * 0.2, 2000 + i)),
      expected: { kind: "vertical", probe: "sctp_init", sources: [scanner] },
    },
    {
      name: "IPv6 sweep by echo requests",
      frames: neighbours.map((destination, i) => ({
        atS: i * 0.1,
        frame: echoFrame({ source: ipv6, destination }, "request"),
      })),
      expected: { kind: "horizontal", probe: "icmp_echo", sources: [ipv6] },
    },
    {
      name: "IPv6 sweep of port 22",
      frames: neighbours.flatMap((destination, i) =>
        contact(i * 0.1, { source: ipv6, destination }, 22, "silent")
      ),
      expected: { kind: "horizontal", probe: "syn", sources: [ipv6] },
    },
  ];
}

function harmless(): OwnCapture[] {
  const none = (name: string, frames: readonly TimedFrame[]): OwnCapture => ({
    name,
    frames: [...frames].sort((a, b) => a.atS - b.atS),
    expected: null,
  });
  const client = (i: number) => `10.1.2.${i + 1}`;
  return [
    none("a backup server dies; 40 clients retry for an hour", [
      ...repeat(40, (i) => served(i, { source: client(i), destination: target }, 873)),
      ...repeat(
        40 * 60,
        (i) =>
          contact(100 + i * 1.5, { source: client(i % 40), destination: target }, 873, "refused"),
      ),
    ]),
    none(
      "one dead service retried every second for two hours",
      repeat(7200, (i) => contact(i, { source: client(0), destination: target }, 8080, "silent")),
    ),
    none(
      "a load balancer's health checks of 8 ports of one server, half of them down, all day",
      repeat(24 * 360, (i) => {
        const ends = { source: client(1), destination: target };
        const port = 8000 + i % 8;
        return i % 8 < 4 ? contact(i * 10, ends, port, "refused") : served(i * 10, ends, port);
      }),
    ),
    none(
      "backscatter: answers to forged connections, from 2,000 hosts",
      repeat(2000, (i) => [{
        atS: i * 0.02,
        frame: tcpFrame(
          { source: `198.18.${i >> 8}.${i & 255}`, destination: `10.1.3.${i % 250 + 1}` },
          { sourcePort: 80, destinationPort: 1024 + i },
          { flags: i % 2 === 0 ? syn | ack : rst | ack },
        ),
      }]),
    ),
    none(
      "SYN flood at one open port from 20,000 forged addresses",
      repeat(20_000, (i) => [{
        atS: i * 0.0005,
        frame: tcpFrame(
          { source: `198.18.${i % 251}.${(i / 251 | 0) % 251}`, destination: target },
          { sourcePort: 1024 + i % 50_000, destinationPort: 80 },
          { flags: syn, sequence: i },
        ),
      }]),
    ),
    none(
      "a resolver asking 200 name servers, all of which answer",
      repeat(200, (i) => [
        exchange(i * 0.3, 53, `198.18.5.${i + 1}`),
        exchange(i * 0.3 + 0.02, 53, `198.18.5.${i + 1}`, true),
      ]),
    ),
  ];
}

type Answer = "refused" | "silent" | "accepted";

function to(destination: string): Ends {
  return { source: scanner, destination };
}

function vertical(count: number, gapS: number, answer: Answer): TimedFrame[] {
  return repeat(count, (i) => contact(i * gapS, to(target), 20 + i, answer));
}

/** A SYN from a port of its own, with what comes back. */
function contact(atS: number, ends: Ends, destinationPort: number, answer: Answer): TimedFrame[] {
  const ports = { sourcePort: 20_000 + Math.floor(atS * 997) % 40_000, destinationPort };
  const sequence = Math.floor(atS * 1000) + 1;
  const probe = { atS, frame: tcpFrame(ends, ports, { flags: syn, sequence }) };
  if (answer === "silent") return [probe];
  const flags = answer === "refused" ? rst | ack : syn | ack;
  return [probe, { atS: atS + 0.001, frame: tcpFrame(back(ends), swap(ports), { flags }) }];
}

/** A whole short connection. */
function served(atS: number, ends: Ends, destinationPort: number): TimedFrame[] {
  const ports = { sourcePort: 20_000 + Math.floor(atS * 997) % 40_000, destinationPort };
  const sequence = Math.floor(atS * 1000) + 1;
  const send = (after: number, flags: number, add: number, payload = 0) => ({
    atS: atS + after,
    frame: tcpFrame(ends, ports, { flags, sequence: sequence + add, payload }),
  });
  const answer = (after: number, flags: number, add: number, payload = 0) => ({
    atS: atS + after,
    frame: tcpFrame(back(ends), swap(ports), { flags, sequence: 5000 + add, payload }),
  });
  return [
    send(0, syn, 0),
    answer(0.001, syn | ack, 0),
    send(0.002, ack, 1),
    send(0.003, psh | ack, 1, 100),
    answer(0.004, psh | ack, 1, 200),
    send(0.005, fin | ack, 101),
    answer(0.006, fin | ack, 201),
    send(0.007, ack, 102),
  ];
}

function sctpProbe(atS: number, destinationPort: number): TimedFrame[] {
  const ports = { sourcePort: 40_000 + destinationPort, destinationPort };
  return [
    { atS, frame: sctpFrame(to(target), ports, 1) },
    { atS: atS + 0.001, frame: sctpFrame(back(to(target)), swap(ports), 6) },
  ];
}

/** A DNS query from port 53,000 on, or its answer. */
function exchange(atS: number, port: number, server: string, isAnswer = false): TimedFrame {
  const ends = { source: "10.1.0.53", destination: server };
  const ports = { sourcePort: 53_000 + Math.floor(atS), destinationPort: port };
  const question = [1, 0x61, 0, 0, 1, 0, 1];
  const message = [0, 7, isAnswer ? 0x81 : 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question];
  return {
    atS,
    frame: isAnswer ? udpFrame(back(ends), swap(ports), message) : udpFrame(ends, ports, message),
  };
}

function back(ends: Ends): Ends {
  return { ...ends, source: ends.destination, destination: ends.source };
}

function swap({ sourcePort, destinationPort }: Ports): Ports {
  return { sourcePort: destinationPort, destinationPort: sourcePort };
}

function repeat<T>(count: number, make: (index: number) => T | T[]): T[] {
  return Array.from({ length: count }, (_, index) => make(index)).flat() as T[];
}
