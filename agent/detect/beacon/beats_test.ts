/** The collecting of beats (assembly/) against a slow model that keeps them all. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Application, Transport } from "../../records.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import { Prng } from "../common/prng.ts";
import { forEachRow, type RowFields, wordsOfRows } from "../common/row_fields.ts";
import { Beats } from "./beats.ts";
import { BEATS_MIN, RING_LENGTH, ROW_WORDS_MAX, SERIES_MAX } from "./beats_layout.ts";

const startUs = 1_700_000_000e6;
const secondUs = 1_000_000;
const exemptPort = 123;

interface Series {
  beatsUs: number[];
  lastUs: number;
  resumed: number;
  sizes: number[];
  replies: number;
  downBytes: number;
  flowId: number;
  flowBytes: number;
  isOpen: boolean;
}

function fresh(): Omit<Series, "isOpen"> {
  const counts = { resumed: 0, replies: 0, downBytes: 0, flowId: 0, flowBytes: 0 };
  return { ...counts, beatsUs: [], sizes: [], lastUs: -Infinity };
}

/** What is called for a series, when, with which flow. */
type Called = readonly [what: string, key: string, atUs?: number, flowId?: number];

class Model {
  /** By key, in order of use. */
  readonly series = new Map<string, Series>();
  readonly called: Called[] = [];
  forgottenCount = 0;

  take(row: Observation): void {
    if (row.transport !== Transport.tcp && row.transport !== Transport.udp) return;
    if (row.kind === ObservationKind.end) this.#end(row);
    else if (row.kind === ObservationKind.contact) {
      if (row.has(Mark.sentByOriginator)) this.#call(row);
      else if (row.has(Mark.isFirstPayload) && !row.has(Mark.isSourceLocal)) {
        const { destination3, source3, sourcePort } = row;
        const series = this.series.get(keyOf(row, destination3, source3, sourcePort));
        if (series) series.replies++;
      }
    }
  }

  #call(row: Observation): void {
    const isFirst = row.has(Mark.isFirstPayload);
    const isTelling = isFirst ||
      row.has(Mark.isResumed) && row.payloadLength > 1 && row.respPackets > 0;
    const isExempt = row.destinationPort === exemptPort || row.application === Application.mqtt;
    if (!isTelling || isExempt || row.has(Mark.isDestinationLocal | Mark.isToMany)) return;
    const key = callKey(row);
    const series = this.#use(key);
    const isBeginning = isFirst && row.durationMs < 30_000;
    const atUs = row.timestampUs - (isBeginning ? row.durationMs * 1000 : 0);
    if (atUs < series.lastUs - 60 * secondUs) Object.assign(series, fresh());
    const isBeat = atUs - series.lastUs >= secondUs;
    series.lastUs = Math.max(series.lastUs, atUs);
    if (!isBeat) return;
    series.beatsUs.push(atUs);
    if (!isBeginning) {
      series.resumed++;
      series.sizes.push(row.payloadLength);
    }
    noteDown(series, row);
    const count = series.beatsUs.length;
    const what = series.isOpen ? "grown" : count >= BEATS_MIN ? "judge" : "";
    if (what !== "") this.called.push([what, key, row.timestampUs, row.flowId]);
    // As if every series were a beacon that is told with its 12th beat.
    if (what === "judge" && count >= 12) series.isOpen = true;
  }

  #end(row: Observation): void {
    const series = this.series.get(callKey(row));
    if (!series || row.has(Mark.isDestinationLocal) || row.origBytes === 0) return;
    noteDown(series, row);
    if (row.durationMs < 30_000) series.sizes.push(row.origBytes);
  }

  #use(key: string): Series {
    const found = this.series.get(key);
    this.series.delete(key);
    if (this.series.size === SERIES_MAX) {
      const [oldest, { isOpen }] = this.series.entries().next().value!;
      this.series.delete(oldest);
      this.forgottenCount++;
      if (isOpen) this.called.push(["forgotten", oldest]);
    }
    const series = found ?? { ...fresh(), isOpen: false };
    this.series.set(key, series);
    return series;
  }
}

function noteDown(series: Series, { flowId, respBytes }: Observation): void {
  const before = series.flowId === flowId ? series.flowBytes : 0;
  series.downBytes += Math.max(0, respBytes - before);
  series.flowId = flowId;
  series.flowBytes = respBytes;
}

function keyOf({ transport }: Observation, client: number, server: number, port: number): string {
  return `${client} ${server} ${transport << 16 | port}`;
}

function callKey(row: Observation): string {
  return keyOf(row, row.source3, row.destination3, row.destinationPort);
}

/** Beats and the model, of the same words, are to say the same. */
function compare(words: Int32Array): Model {
  const model = new Model();
  forEachRow(words, (row) => model.take(row));
  const called: Called[] = [];
  const key = (slot: number) => [3, 7, 8].map((word) => beats.keyWord(slot, word)).join(" ");
  const beats: Beats = new Beats({
    grown: (slot, atUs, flowId) => called.push(["grown", key(slot), atUs, flowId]),
    judge: (slot, atUs, flowId) => {
      called.push(["judge", key(slot), atUs, flowId]);
      if (beats.count(slot) >= 12) beats.openSlots[slot] = 1;
    },
    forgotten: (slot) => {
      called.push(["forgotten", key(slot)]);
      beats.openSlots[slot] = 0;
    },
  });
  beats.takeRows(words, 0, words.length);
  deepEqual(called, model.called);
  equal(beats.forgottenCount, model.forgottenCount);
  for (let slot = 0; slot < model.series.size; slot++) {
    checkSlot(beats, slot, model.series.get(key(slot))!);
  }
  return model;
}

function checkSlot(beats: Beats, slot: number, series: Series): void {
  const newestUs = series.beatsUs.slice(-RING_LENGTH).reverse();
  equal(beats.count(slot), series.beatsUs.length);
  newestUs.forEach((atUs, back) => equal(beats.timeUs(slot, back), atUs));
  deepEqual(
    [...beats.gaps(slot)],
    newestUs.slice(1).map((atUs, back) => (newestUs[back] - atUs) / secondUs),
  );
  const sizes = Float64Array.from(series.sizes.slice(-RING_LENGTH));
  deepEqual(beats.sizes(slot).sort(), sizes.sort());
  deepEqual(
    [beats.resumedShare(slot), beats.replyShare(slot), beats.downBytesPerBeat(slot)],
    [series.resumed, series.replies, series.downBytes].map((sum) => sum / series.beatsUs.length),
  );
}

const host = fc.constantFrom(1, 1, 1, 2);
const marks = fc.integer({ min: 0, max: 2 ** 14 - 1 })
  .map((marks) => marks & ~(marks & 3 ? Mark.isDestinationLocal | Mark.isToMany : 0));
const rowAfter = fc.record({
  afterUs: fc.oneof(
    { weight: 999, arbitrary: fc.integer({ min: 0, max: 3 * secondUs }) },
    { weight: 1, arbitrary: fc.integer({ min: -100 * secondUs, max: 0 }) },
  ),
  kind: fc.constantFrom(ObservationKind.contact, ObservationKind.contact, ObservationKind.end),
  transport: fc.constantFrom(Transport.tcp, Transport.tcp, Transport.udp, Transport.icmp),
  source: host,
  destination: host,
  sourcePort: fc.constantFrom(443, 8443),
  destinationPort: fc.constantFrom(443, 8443, exemptPort),
  flowId: fc.integer({ min: 1, max: 3 }),
  marks,
  payloadLength: fc.constantFrom(0, 1, 2, 1400),
  packets: fc.tuple(fc.constant(1), fc.integer({ min: 0, max: 1 })),
  bytes: fc.tuple(fc.constantFrom(0, 700, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  durationMs: fc.constantFrom(0, 10, 10, 1500, 29_999, 30_000),
  application: fc.constantFrom(0, 0, 0, Application.tls, Application.mqtt),
});

/** So many rows of a seed. */
function sampleRows(seed: number, count: number): Int32Array {
  let timestampUs = startUs;
  const rows = fc.sample(rowAfter, { seed, numRuns: count });
  return wordsOfRows(rows.map((row) => ({ ...row, timestampUs: timestampUs += row.afterUs })));
}

Deno.test("Beats collects as the slow model does", () => {
  let grownCount = 0;
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1500 }), (seed, count) => {
      const { called } = compare(sampleRows(seed, count));
      grownCount += called.filter(([what]) => what === "grown").length;
    }),
    { numRuns: 100 },
  );
  ok(grownCount > 0);
});

Deno.test("Beats takes over the series untouched longest, as the slow model does", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed);
      const one = (index: number): RowFields => ({
        kind: prng.next() % 8 === 0 ? ObservationKind.end : ObservationKind.contact,
        transport: Transport.tcp,
        timestampUs: startUs + index * secondUs,
        source: prng.next() % 2 === 0 ? index >> 9 : prng.next(),
        destination: 9,
        sourcePort: 300,
        destinationPort: 443,
        flowId: index,
        marks: Mark.sentByOriginator | Mark.isFirstPayload,
        packets: [1, 1],
        bytes: [700, 0],
        durationMs: 0,
      });
      const words = wordsOfRows(Array.from({ length: 12_000 }, (_, index) => one(index)));
      ok(words.length > 2 * ROW_WORDS_MAX);
      const { called, forgottenCount } = compare(words);
      ok(forgottenCount > 0 && called.some(([what]) => what === "forgotten"));
    }),
    { numRuns: 5 },
  );
});
