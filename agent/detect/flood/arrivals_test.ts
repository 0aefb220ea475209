/** The counting of arrivals (assembly/) against a slow model that keeps them all. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Transport } from "../../records.ts";
import { Mark, ObservationKind } from "../observation.ts";
import { Prng } from "../common/prng.ts";
import { forEachRow, type RowFields, wordsOfRows } from "../common/row_fields.ts";
import { Arrivals, estimateDistinct } from "./arrivals.ts";
import { ROW_WORDS_MAX, SAMPLES_MAX } from "./arrivals_layout.ts";
import {
  collectorPort,
  type Destination,
  firstOf,
  Model,
  totalOf,
  unaskedIcmp,
  votePort,
  voteSource,
} from "./testing/arrivals_model.ts";

const startUs = 1_700_000_000e6;

/** What Arrivals and the model say of the same words. */
function compare(words: Int32Array): Model {
  const model = new Model();
  forEachRow(words, (row) => model.take(row));
  const opened: [string, number, number][] = [];
  const closed: string[] = [];
  const keyOfSlot = (slot: number) => `${arrivals.keyWord(slot, 4)} ${arrivals.keyWord(slot, 3)}`;
  const arrivals: Arrivals = new Arrivals({
    opened: (slot, atUs, flowId) => {
      arrivals.openSlots[slot] = 1;
      opened.push([keyOfSlot(slot), atUs, flowId]);
    },
    forgotten: (slot) => {
      arrivals.openSlots[slot] = 0;
      closed.push(keyOfSlot(slot));
    },
  });
  arrivals.takeRows(words, 0, words.length);
  deepEqual(opened, model.opened);
  deepEqual(closed, model.closed);
  equal(arrivals.forgottenCount, model.forgottenCount);
  for (let slot = 0; slot < model.destinations.size; slot++) {
    checkSlot(arrivals, slot, model.destinations.get(keyOfSlot(slot))!);
  }
  return model;
}

function checkSlot(arrivals: Arrivals, slot: number, destination: Destination): void {
  const { run, hotUs, lastUs } = destination;
  equal(arrivals.total(slot), totalOf(run));
  if (run.length === 0) return;
  const source = voteSource(run);
  equal(arrivals.firstUs(slot), firstOf(run));
  equal(arrivals.peak(slot), Math.max(...run.map(({ peak }) => peak)));
  equal(arrivals.port(slot), votePort(run));
  equal(arrivals.lastUs(slot), Math.max(hotUs, lastUs));
  equal(arrivals.sourceCount(slot), estimateDistinct(source.others.length));
  deepEqual(
    arrivals.sources(slot).map((words) => words[3]),
    source.isMost ? [source.value] : source.others.slice(0, SAMPLES_MAX),
  );
}

const plainRow: RowFields = {
  kind: ObservationKind.contact,
  transport: Transport.udp,
  timestampUs: startUs,
  source: 1,
  destination: 1,
  sourcePort: 300,
  destinationPort: 80,
  flowId: 1,
  marks: 0,
  packets: [1, 0],
  bytes: [0, 0],
  durationMs: 0,
};
const host = fc.integer({ min: 1, max: 6 });
const rowAfter = fc.record({
  afterUs: fc.integer({ min: 0, max: 4000 }),
  kind: fc.constantFrom(
    ObservationKind.contact,
    ObservationKind.contact,
    ObservationKind.contact,
    ObservationKind.end,
    ObservationKind.icmpError,
  ),
  transport: fc.constantFrom(Transport.tcp, Transport.udp, Transport.udp, Transport.icmp),
  source: host,
  destination: host,
  sourcePort: fc.constantFrom(68, ...unaskedIcmp, 3, 300),
  destinationPort: fc.constantFrom(67, 80, collectorPort),
  flowId: fc.integer({ min: 1, max: 20 }),
  marks: fc.integer({ min: 0, max: 2 ** 14 - 1 }).map((marks) => marks & ~Mark.hasDoubled),
  payloadLength: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 9),
  tcpFlags: fc.constantFrom(2, 2, 0x12, 0x18),
  packets: fc.oneof(
    fc.tuple(fc.constantFrom(1, 40, 64, 300, 3000, 100_000), fc.constantFrom(0, 0, 1)),
    fc.tuple(fc.constantFrom(0, 0, 1), fc.constantFrom(1, 64, 3000, 100_000)),
  ),
  bytes: fc.constant([0, 0] as const),
  durationMs: fc.integer({ min: 0, max: 3000 }),
  application: fc.constantFrom(0, 0, 0, 1),
  mac: host,
}).map((row) => {
  // A SYN-ACK that begins a flow is an answer that nobody asked for.
  const isAnswer = (row.marks & Mark.isNew) !== 0 && row.tcpFlags === 0x12;
  return isAnswer ? { ...row, tcpFlags: 0x10 } : row;
});

/** So many rows of a seed. */
function sampleRows(seed: number, count: number): Int32Array {
  let timestampUs = startUs;
  const rows = fc.sample(rowAfter, { seed, numRuns: count });
  return wordsOfRows(rows.map((row) => ({ ...row, timestampUs: timestampUs += row.afterUs })));
}

Deno.test("Arrivals counts as the slow model does", () => {
  let openedCount = 0;
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1200 }), (seed, count) => {
      openedCount += compare(sampleRows(seed, count)).opened.length;
    }),
    { numRuns: 100 },
  );
  ok(openedCount > 0);
});

Deno.test("Arrivals finds floods at the limits at which the slow model does", () => {
  const afterUs = fc.constantFrom(350, 380, 400, 3700, 3900, 4000);
  const doneShare = fc.constantFrom(0, 0.2, 0.25, 0.3);
  let openedCount = 0;
  fc.assert(
    fc.property(fc.integer(), afterUs, doneShare, (seed, afterUs, doneShare) => {
      const prng = new Prng(seed);
      const one = (index: number): RowFields => {
        const isDone = prng.fraction() < doneShare;
        return {
          ...plainRow,
          timestampUs: startUs + Math.floor(index * afterUs * (0.95 + prng.fraction() / 20)),
          [isDone ? "source" : "destination"]: 2,
          marks: isDone ? Mark.isFirstPayload : Mark.sentByOriginator | Mark.isNew,
        };
      };
      const words = wordsOfRows(Array.from({ length: 4000 }, (_, index) => one(index)));
      openedCount += compare(words).opened.length;
    }),
    { numRuns: 60 },
  );
  ok(openedCount > 0);
});

Deno.test("Arrivals takes over the destination untouched longest, as the slow model does", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed);
      const one = (index: number): RowFields => ({
        ...plainRow,
        timestampUs: startUs + index * 100,
        destination: prng.next() % 4000,
        flowId: prng.next() % 2000,
        marks: Mark.sentByOriginator | (prng.next() % 3 === 0 ? Mark.isResumed : Mark.isNew),
        packets: [prng.next() % 10_000, 0],
      });
      const words = wordsOfRows(Array.from({ length: 9000 }, (_, index) => one(index)));
      ok(words.length > 2 * ROW_WORDS_MAX);
      const model = compare(words);
      ok(model.forgottenCount > 0 && model.closed.length > 0);
    }),
    { numRuns: 5 },
  );
});
