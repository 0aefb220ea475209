/** Packets that a capture sees twice, beside those that are sent twice. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { join, uint16, uint32 } from "../decode/packet_builder.ts";
import { Mark, Observation, ObservationKind } from "../detect/observation.ts";
import { Pipeline } from "./pipeline.ts";
import { batchOf, type Frame } from "./testing.ts";
import { type LinkEnd, packet } from "./testing/link_frames.ts";
import { type Flow, Linktype } from "../records.ts";

const startUs = 1_700_000_000_000_000;
const FIN = 1, SYN = 2, ACK = 16;
const ipAt = 14;
const endMarks = Mark.endedClosed | Mark.endedEvicted | Mark.endedInput;

const ends = {
  4: [{ mac: "02:00:00:00:00:01", ip: "10.1.0.5" }, { mac: "02:00:00:00:00:02", ip: "10.2.0.9" }],
  6: [
    { mac: "02:00:00:00:00:01", ip: "fd00:1::5" },
    { mac: "02:00:00:00:00:02", ip: "fd00:2::9" },
  ],
} as const;

type Version = 4 | 6;

/** One end of a conversation, with what its stack counts. */
interface Stack extends LinkEnd {
  identification: number;
  sequence: number;
}

class Conversation {
  readonly frames: Frame[] = [];
  readonly #version: Version;
  readonly #ports: readonly [number, number];
  readonly #stacks: readonly [Stack, Stack];
  #nowUs: number;

  constructor(version: Version, port: number, atUs: number) {
    this.#version = version;
    this.#ports = [port, 443];
    this.#nowUs = atUs;
    const [client, server] = ends[version];
    this.#stacks = [
      { ...client, identification: port * 7 & 0xffff, sequence: port * 9001 },
      { ...server, identification: port * 13 & 0xffff, sequence: port * 7001 },
    ];
  }

  pass(us: number): void {
    this.#nowUs += us;
  }

  /** A segment from the client (0) or server (1) with what comes next, or of what was sent before (`back` bytes ago). */
  segment(side: 0 | 1, flags: number, length: number, back = 0): void {
    const own = this.#stacks[side];
    const sequence = own.sequence - back;
    const tcp = join(
      uint16(this.#ports[side]),
      uint16(this.#ports[1 - side]),
      uint32(sequence >>> 0),
      uint32((flags & ACK) !== 0 ? this.#stacks[1 - side].sequence >>> 0 : 0),
      [5 << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0],
      new Uint8Array(length).fill(0x17),
    );
    if (back === 0) own.sequence += length + Number((flags & (SYN | FIN)) !== 0);
    // Linux gives its SYN-ACKs no identification.
    this.#send(side, 6, tcp, flags === (SYN | ACK) ? 0 : this.#identify(own));
  }

  datagram(side: 0 | 1, payload: Uint8Array, identification = this.#identify(this.#stacks[side])) {
    const ports = [...uint16(this.#ports[side]), ...uint16(this.#ports[1 - side])];
    const udp = join(ports, uint16(8 + payload.length), [0, 0], payload);
    this.#send(side, 17, udp, identification);
  }

  #identify(stack: Stack): number {
    stack.identification = stack.identification % 0xffff + 1;
    return stack.identification + Number(stack.identification < 2) * 2;
  }

  #send(side: 0 | 1, protocol: number, payload: Uint8Array, identification: number): void {
    const [from, to] = side === 0 ? this.#stacks : this.#stacks.toReversed();
    const bytes = packet(from!, to!, { protocol, ttl: 64, payload });
    if (this.#version === 4) bytes.set(uint16(identification), ipAt + 4);
    this.frames.push({ timestampUs: this.#nowUs, bytes });
  }
}

/** Whole microseconds. */
const pause = fc.oneof(
  fc.integer({ min: 1500, max: 9000 }),
  fc.integer({ min: 1500, max: 900_000 }),
);
const step = fc.record({
  side: fc.constantFrom<(0 | 1)[]>(0, 1),
  length: fc.integer({ min: 0, max: 1400 }),
  pauseUs: pause,
  isSentAgain: fc.boolean(),
});

/** A connection, of which some segments are sent again. */
const connection = (...versions: Version[]) =>
  fc.record({
    version: fc.constantFrom(...versions),
    atUs: fc.integer({ min: 0, max: 5_000_000 }),
    steps: fc.array(step, { maxLength: 20 }),
  }).map(({ version, atUs, steps }) => (port: number) => {
    const talk = new Conversation(version, port, startUs + atUs);
    talk.segment(0, SYN, 0);
    talk.pass(1700);
    talk.segment(1, SYN | ACK, 0);
    talk.pass(1700);
    talk.segment(0, ACK, 0);
    for (const { side, length, pauseUs, isSentAgain } of steps) {
      talk.pass(pauseUs);
      // Without identification, acknowledgements that are alike, and segments that are soon sent again, are as their copies.
      const sent = version === 4 ? length : Math.max(1, length);
      talk.segment(side, ACK, sent);
      if (!isSentAgain || sent === 0) continue;
      talk.pass(version === 4 ? 100 : 200_000);
      talk.segment(side, ACK, sent, sent);
    }
    talk.pass(1700);
    talk.segment(0, FIN | ACK, 0);
    talk.pass(1700);
    talk.segment(1, FIN | ACK, 0);
    return talk.frames;
  });

const datagrams = fc.record({
  atUs: fc.integer({ min: 0, max: 5_000_000 }),
  steps: fc.array(fc.tuple(step, fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 20 }),
}).map(({ atUs, steps }) => (port: number) => {
  const talk = new Conversation(4, port, startUs + atUs);
  for (const [{ side, length, pauseUs }, letter] of steps) {
    talk.datagram(side, new Uint8Array(length).fill(letter));
    talk.pass(pauseUs);
  }
  return talk.frames;
});

function inOrder(frames: readonly Frame[]): Frame[] {
  return frames.toSorted((a, b) => a.timestampUs - b.timestampUs);
}

const traffic = (...versions: Version[]) =>
  fc.array(fc.oneof(connection(...versions), datagrams), { minLength: 1, maxLength: 8 })
    .map((talks) => inOrder(talks.flatMap((talk, index) => talk(40_000 + index))));

// ------------------------------------------------ how copies come about

type Copying = "mirrored" | "routed" | "tagged";

/** The frame as it is seen once more, `lateUs` later. */
function copyOf({ timestampUs, bytes }: Frame, copying: Copying, lateUs: number): Frame {
  const copy = bytes.slice();
  const isIpv4 = copy[ipAt]! >> 4 === 4;
  if (copying !== "mirrored") {
    copy[5] = 0x11;
    copy[11] = 0x12;
    copy[ipAt + (isIpv4 ? 8 : 7)]!--;
    if (isIpv4) copy[ipAt + 10]!++;
  }
  const tagged = copying === "tagged"
    ? join(copy.subarray(0, 12), [0x81, 0, 0, 20], copy.subarray(12))
    : copy;
  return { timestampUs: timestampUs + lateUs, bytes: tagged };
}

/** Mirrored acknowledgements that have no identification are known only where copies are many. */
const copied = fc.oneof(
  fc.tuple(traffic(4, 6), fc.constantFrom<Copying[]>("routed", "tagged")),
  fc.tuple(traffic(4), fc.constant<Copying>("mirrored")),
);

// ------------------------------------------------ what is made of it

interface Seen {
  readonly flows: Flow[];
  /** All that detectors get but ticks. */
  readonly rows: number[][];
  readonly copies: number;
  readonly packets: number;
}

function see(frames: readonly Frame[], perBatch = 1_000_000): Seen {
  const flows: Flow[] = [];
  const rows: number[][] = [];
  const row = new Observation();
  const pipeline = new Pipeline({
    flowCountMax: 1000,
    rowPolicy: "none",
    onFlow: (flow) => flows.push(flow),
    observations: {
      wordsMin: 0,
      exchange: (words, length) => {
        for (let at = 0; at < length;) {
          const next = row.read(words, at);
          if (row.kind !== ObservationKind.tick) rows.push([...words.subarray(at, next)]);
          at = next;
        }
        return words;
      },
    },
  });
  for (let from = 0; from < frames.length; from += perBatch) {
    pipeline.process(batchOf(frames.slice(from, from + perBatch)));
  }
  pipeline.finish();
  const { copies } = pipeline.flowTotals(1);
  const byStart = flows.toSorted((a, b) => a.id - b.id);
  return { flows: byStart, rows, copies, packets: pipeline.packets };
}

/** A flow as it would be without copies. It may end earlier, because they show that time passes. */
function plain({ origCopies, respCopies, origPkts, respPkts, ...flow }: Flow) {
  const { origWireBytes: _orig, respWireBytes: _resp, endReason: _end, ...rest } = flow;
  return { ...rest, origPkts: origPkts - origCopies, respPkts: respPkts - respCopies };
}

function retransmissions({ flows }: Seen): number {
  return flows.reduce((sum, flow) => sum + flow.origRetransmissions + flow.respRetransmissions, 0);
}

Deno.test("copies change nothing of flows and of what detectors see", () => {
  let sentAgain = 0;
  fc.assert(
    fc.property(
      copied,
      // Those without identification are known by their bytes only when they are close.
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      ([frames, copying], delays, timesMore) => {
        const copies = frames.flatMap((frame, index) =>
          Array.from(
            { length: timesMore },
            (_, time) => copyOf(frame, copying, delays[(index + time) % delays.length]!),
          )
        );
        const once = see(frames);
        const twice = see(inOrder([...frames, ...copies]));
        deepStrictEqual(twice.flows.map(plain), once.flows.map(plain));
        for (const isEnd of [false, true]) {
          const rowsOf = ({ rows }: Seen) =>
            rows.filter(([head]) => ((head! & 0xff) === ObservationKind.end) === isEnd)
              .map((row) => isEnd ? row.with(13, row[13]! & ~endMarks) : row);
          const [before, after] = [once, twice].map((seen) =>
            isEnd ? rowsOf(seen).map(String).sort() : rowsOf(seen)
          );
          deepStrictEqual(after, before);
        }
        deepStrictEqual([once.copies, twice.copies], [0, copies.length]);
        strictEqual(twice.packets, frames.length + copies.length);
        sentAgain += retransmissions(once);
      },
    ),
    { numRuns: 60 },
  );
  ok(sentAgain > 100, String(sentAgain));
});

Deno.test("copies are known in bursts, and in batches of any size", () => {
  const frames: Frame[] = [];
  const talk = new Conversation(4, 50_000, startUs);
  talk.segment(0, SYN, 0);
  talk.segment(1, SYN | ACK, 0);
  talk.segment(0, ACK, 0);
  for (let burst = 0; burst < 30; burst++) {
    talk.pass(20_000);
    const from = talk.frames.length;
    for (let index = 0; index < 64; index++) {
      talk.segment(1, ACK, 1000);
      talk.pass(10);
    }
    const sent = talk.frames.slice(from);
    frames.push(...talk.frames.slice(burst === 0 ? 0 : from));
    frames.push(...sent.map((frame) => copyOf(frame, "mirrored", 700)));
  }
  const seen = see(frames);
  deepStrictEqual([seen.copies, retransmissions(seen)], [30 * 64, 0]);
  strictEqual(seen.flows[0]!.respBytes, 30 * 64 * 1000);
  for (const perBatch of [1, 7, 1000]) deepStrictEqual(see(frames, perBatch), seen);
});

Deno.test("what is sent again is no copy: with another identification, or later than any copy", () => {
  const counts = (act: (talk: Conversation) => void) => {
    const talk = new Conversation(4, 50_000, startUs);
    talk.segment(0, SYN, 0);
    talk.pass(200);
    talk.segment(1, SYN | ACK, 0);
    talk.pass(200);
    talk.segment(0, ACK, 0);
    talk.segment(0, ACK, 500);
    act(talk);
    const seen = see(talk.frames);
    return [seen.copies, retransmissions(seen)];
  };
  deepStrictEqual(counts((talk) => talk.segment(0, ACK, 500, 500)), [0, 1]);
  const again = (lateUs: number) => (talk: Conversation) =>
    talk.frames.push(copyOf(talk.frames.at(-1)!, "mirrored", lateUs));
  deepStrictEqual(counts(again(9_000)), [1, 0]);
  deepStrictEqual(counts(again(11_000)), [0, 1]);
});

Deno.test("who sends one packet over and over has sent them all", () => {
  const count = 3000;
  for (const gapUs of [20, 150, 2000, 20_000]) {
    for (const identification of [0, 1, 54_321, 4711]) {
      const talk = new Conversation(4, 50_000, startUs);
      for (let index = 0; index < count; index++) {
        talk.datagram(0, new Uint8Array(64), identification);
        talk.pass(gapUs);
      }
      const { copies, flows } = see(talk.frames);
      const [{ origPkts, origBytes }] = flows as [Flow];
      deepStrictEqual([copies, origPkts, origBytes], [0, count, count * 64]);
    }
  }
});

Deno.test("flows of different networks with equal addresses and the same numbers are told apart", () => {
  const first = new Conversation(4, 50_000, startUs);
  const second = new Conversation(4, 50_000, startUs + 50);
  // The same program on two machines that are copies of each other, but for what they have counted.
  second.datagram(0, new Uint8Array(3));
  for (const talk of [first, second]) talk.datagram(0, new TextEncoder().encode("a question"));
  const tag = (id: number) => ({ timestampUs, bytes }: Frame) => ({
    timestampUs,
    bytes: join(bytes.subarray(0, 12), [0x81, 0, 0, id], bytes.subarray(12)),
  });
  const { copies, flows } = see(
    inOrder([...first.frames.map(tag(10)), ...second.frames.map(tag(20))]),
  );
  deepStrictEqual([copies, flows.map(({ vlanId }) => vlanId)], [0, [10, 20]]);
});

Deno.test("the device any of a host that bridges gives a packet once per device", () => {
  const talk = new Conversation(6, 50_000, startUs);
  for (let index = 0; index < 50; index++) {
    talk.datagram(index & 1 ? 1 : 0, new TextEncoder().encode("the same again"));
    talk.pass(5000);
  }
  // LINKTYPE_LINUX_SLL: how the packet passed, and who sent it.
  const cooked = (direction: number, lateUs: number) => ({ timestampUs, bytes }: Frame): Frame => ({
    timestampUs: timestampUs + lateUs,
    bytes: join([0, direction, 0, 1, 0, 6], bytes.subarray(6, 12), [0, 0], bytes.subarray(12)),
    linktype: Linktype.linuxSll,
  });
  const passed = [[3, 0], [4, 30], [0, 40]].map(([direction, lateUs]) =>
    talk.frames.map(cooked(direction!, lateUs!))
  );
  const { copies, flows: [flow] } = see(inOrder(passed.flat()));
  const { origPkts, respPkts, origCopies, respCopies, origBytes } = flow!;
  deepStrictEqual([copies, origPkts, respPkts, origCopies, respCopies], [100, 75, 75, 50, 50]);
  strictEqual(origBytes, 25 * 14);
});

Deno.test("copies that begin late in a capture are soon known", () => {
  const quiet = Array.from({ length: 12_000 }, (_, index) => {
    const talk = new Conversation(4, 40_000 + index % 20_000, startUs + index * 1000);
    talk.datagram(0, new Uint8Array(20));
    return talk.frames;
  }).flat();
  const laterUs = startUs + 13_000_000;
  const talk = new Conversation(4, 30_000, laterUs);
  talk.segment(0, SYN, 0);
  talk.segment(1, SYN | ACK, 0);
  for (let index = 0; index < 20_000; index++) {
    talk.pass(100);
    talk.segment(1, ACK, 1000);
  }
  const copies = talk.frames.map((frame) => copyOf(frame, "routed", 40));
  const seen = see([...quiet, ...inOrder([...talk.frames, ...copies])]);
  ok(seen.copies > 0.75 * copies.length && seen.copies <= copies.length, String(seen.copies));
  strictEqual(seen.copies + retransmissions(seen) <= copies.length, true);
});
