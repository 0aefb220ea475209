/**
 * What time brings, seconds, ticks and windows, beside a model that looks at every packet for whatever may be due. The hot
 * path does so only when something can be (assembly/traffic_clock.ts).
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ethernet, filler, ipv4, udp } from "../decode/packet_builder.ts";
import { Observation, ObservationKind } from "../detect/observation.ts";
import { DEFAULT_TIMEOUTS } from "../flow/timeouts.ts";
import { WINDOW_US } from "../records.ts";
import { Pipeline } from "./pipeline.ts";
import { batchOf } from "./testing.ts";

const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;
const jumpPackets = 8;
const startUs = 1_700_000_000_000_000;

const step = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: -2_000, max: 0 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 * secondUs }) },
  { weight: 1, arbitrary: fc.integer({ min: -20 * secondUs, max: 0 }) },
  { weight: 1, arbitrary: fc.constantFrom(-2 * minuteUs, 2 * minuteUs, minuteUs, secondUs) },
);
const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 60 }), {
  minLength: 1,
  maxLength: 6,
});

const frame = ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination: 9 }, filler(20))));

/** As text: seconds with their packets, ticks, ends of windows. */
type Happening = string;

Deno.test("seconds, ticks and windows end as if every packet were looked at for them", () => {
  let ends = 0;
  fc.assert(
    fc.property(batches, (steps) => {
      let timestampUs = startUs;
      const times = steps.map((batch) => batch.map((step) => timestampUs += step));
      const expected = new Model().run(times);
      deepStrictEqual(happenings(times), expected);
      ends += expected.filter((text) => text.startsWith("window")).length;
    }),
    { numRuns: 300 },
  );
  ok(ends > 300, String(ends));
});

function happenings(times: readonly (readonly number[])[]): Happening[] {
  const happened: Happening[] = [];
  const row = new Observation();
  const pipeline: Pipeline = new Pipeline({
    flowCountMax: 10,
    rowPolicy: "none",
    onSecond: ({ tsUs, packets }) => happened.push(`second ${tsUs - startUs}: ${packets}`),
    observations: {
      wordsMin: 0,
      exchange: (words, length) => {
        for (let at = 0; at < length;) {
          at = row.read(words, at);
          const time = row.timestampUs - startUs;
          if (row.kind === ObservationKind.tick) happened.push(`tick ${time}`);
          if (row.kind === ObservationKind.windowEnd) happened.push(`window ${time}`);
        }
        return words;
      },
    },
  });
  const spans = [];
  for (const batch of times) {
    pipeline.process(batchOf(batch.map((timestampUs) => ({ timestampUs, bytes: frame }))));
    const { oldestUs, newestUs } = pipeline.takeSpan()!;
    spans.push(`span ${oldestUs - startUs} to ${newestUs - startUs}`);
  }
  pipeline.finish();
  return sorted([...happened, ...spans]);
}

Deno.test("flows of a flood end in steps, the same at any size of batch", () => {
  const ends = endsOfFlood(1);
  const [first, ...later] = ends.map(({ flows }) => flows);
  // Those of its first second end at once; that they were many is what steps are made for.
  strictEqual(first, floodPerSecond);
  const most = floodPerSecond / 16 + 1;
  ok(
    later.every((flows) => flows <= most),
    `${Math.max(...later)} of ${floodPerSecond} end at once`,
  );
  strictEqual(first + later.reduce((sum, flows) => sum + flows, 0), floodSeconds * floodPerSecond);
  deepStrictEqual(endsOfFlood(1000), ends);
});

const floodPerSecond = 8000;
const floodSeconds = 4;

/**
 * A flood of flows of one packet each, and a stream of 80 packets/s until they are over: how many ended before which packet of the
 * stream.
 */
function endsOfFlood(
  batchPackets: number,
): { readonly beforeUs: number; readonly flows: number }[] {
  const frames = Array.from({ length: floodSeconds * floodPerSecond }, (_, index) => ({
    timestampUs: startUs + index * secondUs / floodPerSecond,
    bytes: ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination: 1024 + index }, filler(0)))),
  }));
  const overUs = floodSeconds * secondUs + DEFAULT_TIMEOUTS.udpUs + secondUs;
  for (let us = floodSeconds * secondUs; us <= overUs; us += 12_500) {
    frames.push({ timestampUs: startUs + us, bytes: frame });
  }
  const ends: { beforeUs: number; flows: number }[] = [];
  let ended = 0;
  const pipeline = new Pipeline({
    flowCountMax: 100_000,
    rowPolicy: "all",
    onFlow: () => ended++,
    onRow: ({ tsUs }) => {
      if (ended > 0) ends.push({ beforeUs: tsUs - startUs, flows: ended });
      ended = 0;
    },
  });
  for (let at = 0; at < frames.length; at += batchPackets) {
    pipeline.process(batchOf(frames.slice(at, at + batchPackets)));
  }
  return ends;
}

/** Each kind in its order, but apart: seconds are told at once, rows when a batch is over. */
function sorted(happened: readonly Happening[]): Happening[] {
  const isOf = (kind: string) => (text: Happening) => text.startsWith(kind);
  const isRow = (text: Happening) => !isOf("second")(text) && !isOf("span")(text);
  return [
    ...happened.filter(isOf("second")),
    ...happened.filter(isRow),
    ...happened.filter(isOf("span")),
  ];
}

class Model {
  readonly #happened: Happening[] = [];
  #nowUs = -Infinity;
  #jumpUs = 0;
  #jumpCount = 0;
  #backCount = 0;
  #secondUs = -Infinity;
  #packets = 0;
  #tickAtUs = -Infinity;
  #windowUs = -Infinity;

  run(times: readonly (readonly number[])[]): Happening[] {
    for (const batch of times) {
      for (const timestampUs of batch) this.#take(timestampUs);
      const [oldest, newest] = [Math.min(...batch), Math.max(...batch)];
      this.#happened.push(`span ${oldest - startUs} to ${newest - startUs}`);
    }
    this.#endSecond();
    this.#endWindow();
    return sorted(this.#happened);
  }

  #take(timestampUs: number): void {
    const isBack = timestampUs < this.#secondUs - 2 * secondUs;
    this.#backCount = isBack ? this.#backCount + 1 : 0;
    const hasGoneBack = this.#backCount === jumpPackets;
    if (timestampUs >= this.#secondUs + secondUs || hasGoneBack || this.#secondUs === -Infinity) {
      this.#backCount = 0;
      if (this.#secondUs !== -Infinity) this.#endSecond();
      this.#secondUs = Math.floor(timestampUs / secondUs) * secondUs;
    }
    this.#packets++;
    this.#seeTime(timestampUs);
    // Files may be joined whose times go back.
    const isTickBack = this.#nowUs < this.#tickAtUs - 2 * secondUs;
    if (this.#nowUs >= this.#tickAtUs || isTickBack) this.#passTime();
  }

  #seeTime(timestampUs: number): void {
    if (Math.abs(timestampUs - this.#nowUs) <= minuteUs) {
      this.#nowUs = Math.max(this.#nowUs, timestampUs);
      this.#jumpCount = 0;
      return;
    }
    const isAgreed = this.#jumpCount > 0 && Math.abs(timestampUs - this.#jumpUs) <= minuteUs;
    this.#jumpCount = isAgreed ? this.#jumpCount + 1 : 1;
    this.#jumpUs = timestampUs;
    if (this.#nowUs !== -Infinity && this.#jumpCount < jumpPackets) return;
    this.#nowUs = timestampUs;
    this.#jumpCount = 0;
  }

  #passTime(): void {
    const windowUs = Math.floor(this.#nowUs / WINDOW_US) * WINDOW_US;
    if (windowUs !== this.#windowUs) {
      if (this.#windowUs !== -Infinity) this.#endWindow();
      this.#windowUs = windowUs;
    }
    this.#happened.push(`tick ${this.#nowUs - startUs}`);
    this.#tickAtUs = Math.floor(this.#nowUs / secondUs) * secondUs + secondUs;
  }

  #endSecond(): void {
    this.#happened.push(`second ${this.#secondUs - startUs}: ${this.#packets}`);
    this.#packets = 0;
  }

  #endWindow(): void {
    this.#happened.push(`window ${this.#windowUs - startUs}`);
  }
}
