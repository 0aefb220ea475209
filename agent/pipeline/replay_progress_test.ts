/** A file that is replayed in parts, some of which are killed, writes what it does in one go. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { RowsMessage } from "../messages.ts";
import type { Flow, HostTotals, StatsSecond } from "../records.ts";
import { ethernet, filler, ipv4, udp } from "../decode/packet_builder.ts";
import { Pipeline } from "./pipeline.ts";
import { ReplayProgress } from "./replay_progress.ts";
import type { RowOutlet } from "./row_outlet.ts";
import { batchOf, type Frame } from "./testing.ts";

const startUs = 1_700_000_000_000_000;

/** What the store has: packet rows by their times, flows by their ids, sums of seconds and of hosts. */
class Store {
  packets: number[] = [];
  readonly flows = new Map<number, Flow>();
  readonly seconds = new Map<number, StatsSecond>();
  readonly hosts = new Map<string, number>();
  known = 0;
  #packetsAtMark = 0;

  take({ seconds, hosts, mark }: Required<Pick<RowsMessage, "seconds" | "hosts" | "mark">>): void {
    for (const whole of seconds) {
      // Levels are the highest of the moments at which somebody looked.
      const second = { ...whole, activeFlows: 0, activeHosts: 0 };
      const before = this.seconds.get(second.tsUs);
      this.seconds.set(second.tsUs, before ? sum(before, second) : second);
    }
    for (const { address, inPackets, outPackets, inBytes, outBytes } of hosts as HostTotals[]) {
      const total = inPackets + outPackets + (inBytes + outBytes) / 2 ** 20;
      this.hosts.set(address, (this.hosts.get(address) ?? 0) + total);
    }
    this.known = mark.isWhole ? Infinity : mark.packets;
    this.#packetsAtMark = this.packets.length;
  }

  /** The next replay begins: see ReplayedFiles. */
  rollBack(): void {
    this.packets = this.packets.slice(0, this.#packetsAtMark);
  }

  get content() {
    return {
      packets: this.packets,
      flows: [...this.flows.values()].sort((a, b) => a.id - b.id),
      seconds: [...this.seconds.values()].sort((a, b) => a.tsUs - b.tsUs),
      hosts: [...this.hosts].sort(),
    };
  }
}

function sum(a: StatsSecond, b: StatsSecond): StatsSecond {
  const sums = Object.entries(b).map((
    [name, value],
  ) => [name, a[name as keyof StatsSecond] + value]);
  return { ...Object.fromEntries(sums) as unknown as StatsSecond, tsUs: a.tsUs };
}

/** What becomes of one replay. */
interface Part {
  /** Packets after which it ends. */
  readonly packets: number;
  readonly isKilled: boolean;
  /** A mark after so many pieces, of so many packets. */
  readonly markEvery: number;
  readonly piece: number;
}

function replay(frames: readonly Frame[], store: Store, part: Part): void {
  store.rollBack();
  const outlet = {
    sendAll: () => true,
    sendMark: (rows: Parameters<RowOutlet["sendMark"]>[0]) => store.take(rows),
  };
  const progress = new ReplayProgress(outlet);
  const pipeline: Pipeline = new Pipeline({
    flowCountMax: 100,
    rowPolicy: "all",
    onRow: ({ tsUs }) => {
      if (!progress.isKnown()) store.packets.push(tsUs);
    },
    onFlow: (flow) => {
      if (!progress.isKnown()) store.flows.set(flow.id, flow);
    },
    onSecond: (second) => progress.addSecond(second),
  });
  strictEqual(progress.canBegin, false);
  progress.begin(store.known);
  const end = Math.min(part.packets, frames.length);
  for (let at = 0, pieces = 1; at < end; pieces++) {
    const count = Math.min(part.piece, progress.packetsLeft, end - at);
    pipeline.process(batchOf(frames.slice(at, at + count)));
    progress.passed(count, pipeline);
    at += count;
    if (pieces % part.markEvery === 0) progress.mark(pipeline, false);
  }
  if (part.isKilled) return;
  while (pipeline.finish(3));
  progress.mark(pipeline, end === frames.length);
}

/** Flows that end by their timeouts and go on, seconds with several packets, and times that go back. */
const frames = fc.array(
  fc.record({
    stepUs: fc.constantFrom(0, 1000, 400_000, 2_000_000, 70_000_000, -500_000, -200_000_000),
    port: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 1, maxLength: 120 },
).map((steps) => {
  let timestampUs = startUs;
  return steps.map(({ stepUs, port }): Frame => ({
    timestampUs: timestampUs += stepUs,
    bytes: ethernet(
      0x0800,
      ipv4({ protocol: 17 }, udp({ source: 5000 + port, destination: 9 }, filler(port * 10))),
    ),
  }));
});
const part = fc.record({
  packets: fc.nat(130),
  isKilled: fc.boolean(),
  markEvery: fc.integer({ min: 1, max: 9 }),
  piece: fc.constantFrom(1, 3, 10, 1000),
});
const whole: Part = { packets: Infinity, isKilled: false, markEvery: 2, piece: 7 };

Deno.test("a file that is replayed in parts is written as in one go, and no part of it twice", () => {
  fc.assert(
    fc.property(frames, fc.array(part, { maxLength: 4 }), (frames, parts) => {
      const expected = new Store();
      replay(frames, expected, whole);
      const store = new Store();
      for (const one of parts) replay(frames, store, one);
      replay(frames, store, whole);
      deepStrictEqual(store.content, expected.content);
      replay(frames, store, whole);
      replay(frames, store, { ...whole, packets: 3 });
      deepStrictEqual(store.content, expected.content);
    }),
    { numRuns: 40 },
  );
});

Deno.test("a mark is set once, and none behind that of the whole file", () => {
  const marks: unknown[] = [];
  const progress = new ReplayProgress({
    sendAll: () => true,
    sendMark: ({ mark }) => marks.push(mark),
  });
  const pipeline = new Pipeline({ flowCountMax: 1, rowPolicy: "none" });
  strictEqual(progress.mark(pipeline, false), true);
  progress.begin(0);
  progress.passed(5, pipeline);
  for (const isWhole of [false, false, true, false, true]) progress.mark(pipeline, isWhole);
  deepStrictEqual(marks, [{ packets: 5, isWhole: false }, { packets: 5, isWhole: true }]);
});

Deno.test("unknownOf() counts what of a batch is to be recorded", () => {
  const progress = new ReplayProgress({ sendAll: () => true, sendMark: () => {} });
  const pipeline = new Pipeline({ flowCountMax: 1, rowPolicy: "none" });
  progress.begin(10);
  progress.begin(99);
  const counts = [4, 6, 5].map((count) => {
    progress.passed(count, pipeline);
    return progress.unknownOf(count);
  });
  deepStrictEqual(counts, [0, 0, 5]);
  strictEqual(progress.unknownOf(8), 5);
  ok(!progress.isKnown());
});
