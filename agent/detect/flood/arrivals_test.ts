/** The counting of arrivals (assembly/) against a slow model that keeps them all. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Transport } from "../../records.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import { Prng } from "../common/prng.ts";
import { forEachRow, type RowFields, wordsOfRows } from "../common/row_fields.ts";
import { Arrivals, estimateDistinct } from "./arrivals.ts";
import { DESTINATIONS_MAX, FLOWS_MAX, ROW_WORDS_MAX, SAMPLES_MAX } from "./arrivals_layout.ts";
import { FloodKind, FLOODS } from "./kinds.ts";

const startUs = 1_700_000_000e6;
const collectorPort = 514;
const unaskedIcmp: readonly number[] = [8, 13];
const counted = Mark.isNew | Mark.isFirstPayload | Mark.isFirstInWindow | Mark.isResumed |
  Mark.hasDoubled;

interface Arrival {
  readonly atUs: number;
  readonly count: number;
  readonly port: number;
  readonly source: number;
  /** Most in one second, as far as this arrival says. */
  readonly peak: number;
}

interface Destination {
  second: number;
  arrived: number;
  done: number;
  hotSeconds: number;
  refusedSecond: number;
  hotUs: number;
  isOpen: boolean;
  run: Arrival[];
}

/** What Boyer and Moore's vote takes for the commonest source, whether it has half of all, and whom it was not yet. */
function voteSource(run: readonly Arrival[]) {
  let votes = 0;
  let value = 0;
  const others: number[] = [];
  for (const { source, count } of run) {
    if (votes > 0 && value === source) votes += count;
    else {
      others.push(source);
      if (votes <= 0) value = source;
      votes = votes <= 0 ? count : votes - count;
    }
  }
  return { value, isMost: votes * 2 >= totalOf(run), others: [...new Set(others)] };
}

/** The port that has half of all; -1 without one. A port that is outvoted leaves its debt to the next. */
function votePort(run: readonly Arrival[]): number {
  let votes = 0;
  let value = 0;
  for (const { port, count } of run) {
    if (votes <= 0) value = port;
    votes += value === port ? count : -count;
  }
  return votes * 2 >= totalOf(run) ? value : -1;
}

function totalOf(run: readonly Arrival[]): number {
  return run.reduce((total, { count }) => total + count, 0);
}

class Model {
  /** By key, in order of use. */
  readonly destinations = new Map<string, Destination>();
  readonly flows = new Map<number, { packets: number; lastUs: number }>();
  readonly opened: [string, number, number][] = [];
  readonly closed: string[] = [];
  forgottenCount = 0;

  take(row: Observation): void {
    const isUdp = row.transport === Transport.udp;
    if (row.kind === ObservationKind.icmpError) {
      const refused = this.destinations.get(keyOf(FloodKind.udp, row));
      if (isUdp && refused) refused.refusedSecond = row.timestampUs / 1e6;
    } else if (row.kind === ObservationKind.contact && row.has(counted)) this.#contact(row);
  }

  #contact(row: Observation): void {
    const isSyn = (row.tcpFlags & 0x17) === 2;
    if (!row.has(Mark.sentByOriginator)) {
      if (row.transport === Transport.udp && row.has(Mark.isFirstPayload)) {
        this.#done(`${FloodKind.udp} ${row.source3}`);
      }
    } else if (row.transport === Transport.icmp) {
      if (unaskedIcmp.includes(row.sourcePort)) this.#arrival(FloodKind.icmp, row);
    } else if (row.transport === Transport.tcp) {
      if (isSyn) this.#arrival(FloodKind.syn, row);
      else if (row.has(Mark.isFirstPayload)) this.#done(keyOf(FloodKind.syn, row));
    } else if (row.transport === Transport.udp) this.#udp(row);
  }

  #udp(row: Observation): void {
    if (row.destinationPort === 67 && row.sourcePort === 68) this.#arrival(FloodKind.dhcp, row);
    else {
      const isInside = row.has(Mark.isSourceLocal) && row.has(Mark.isDestinationLocal);
      if (row.has(Mark.isToMany) || isInside && row.destinationPort === collectorPort) return;
      if (row.has(Mark.isNew) || row.respPackets === 0) this.#arrival(FloodKind.udp, row);
    }
  }

  #arrival(kind: number, row: Observation): void {
    if (row.has(Mark.isNew)) return this.#arrive(kind, row, 1, 0);
    if (row.origPackets < 64) return;
    const beganUs = row.timestampUs - row.durationMs * 1000;
    const before = this.flows.get(row.flowId) ?? { packets: 0, lastUs: beganUs };
    this.flows.delete(row.flowId);
    if (this.flows.size === FLOWS_MAX) this.flows.delete(this.flows.keys().next().value!);
    this.flows.set(row.flowId, { packets: row.origPackets, lastUs: row.timestampUs });
    const packets = row.origPackets - before.packets;
    const rate = packets / Math.max(1, (row.timestampUs - before.lastUs) / 1e6);
    if (rate >= this.#flowLimit(kind, row)) this.#arrive(kind, row, packets, rate);
  }

  #flowLimit(kind: number, row: Observation): number {
    if (kind !== FloodKind.udp) return FLOODS[kind].perSecond;
    const { refusedSecond = -1 } = this.destinations.get(keyOf(kind, row)) ?? {};
    return Math.abs(row.timestampUs / 1e6 - refusedSecond) < 10 ? 256 : 2560;
  }

  #arrive(kind: number, row: Observation, count: number, rate: number): void {
    const { perSecond, seconds } = FLOODS[kind];
    const destination = this.#use(keyOf(kind, row));
    turn(destination, Math.floor(row.timestampUs / 1e6), perSecond);
    destination.arrived += count;
    const { arrived, run } = destination;
    const source = kind === FloodKind.dhcp ? row.destination3 : row.source3;
    const peak = rate > 0 ? Math.floor(rate) : arrived;
    run.push({ atUs: row.timestampUs, count, port: row.destinationPort, source, peak });
    if (arrived < perSecond || destination.done >= arrived / 4) return;
    destination.hotUs = row.timestampUs;
    const isSustained = destination.hotSeconds + 1 >= seconds || arrived >= perSecond * 10 ||
      rate > 0 && arrived >= perSecond * seconds;
    // So few sources are never forged ones.
    const isScan = kind <= FloodKind.udp && totalOf(run) < 131_072 && votePort(run) < 0;
    if (!isSustained || isScan || destination.isOpen) return;
    destination.isOpen = true;
    this.opened.push([keyOf(kind, row), row.timestampUs, row.flowId]);
  }

  #use(key: string): Destination {
    const found = this.destinations.get(key);
    const fresh = { second: -1, arrived: 0, done: 0, hotSeconds: 0, refusedSecond: -1, hotUs: 0 };
    this.destinations.delete(key);
    if (this.destinations.size === DESTINATIONS_MAX) {
      const [oldest, { isOpen }] = this.destinations.entries().next().value!;
      this.destinations.delete(oldest);
      this.forgottenCount++;
      if (isOpen) this.closed.push(oldest);
    }
    const destination = found ?? { ...fresh, isOpen: false, run: [] };
    this.destinations.set(key, destination);
    return destination;
  }

  #done(key: string): void {
    const destination = this.destinations.get(key);
    if (destination) destination.done++;
  }
}

function turn(destination: Destination, second: number, perSecond: number): void {
  const { arrived, done } = destination;
  if (second === destination.second) return;
  const wasHot = second === destination.second + 1 && arrived >= perSecond && done < arrived / 4;
  if (wasHot) destination.hotSeconds++;
  else {
    destination.hotSeconds = 0;
    if (!destination.isOpen) destination.run = [];
  }
  Object.assign(destination, { second, arrived: 0, done: 0 });
}

function keyOf(kind: number, row: Observation): string {
  return `${kind} ${kind === FloodKind.dhcp ? row.sourceMac : row.destination3}`;
}

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

function checkSlot(arrivals: Arrivals, slot: number, { run, hotUs }: Destination): void {
  const source = voteSource(run);
  equal(arrivals.total(slot), totalOf(run));
  equal(arrivals.firstUs(slot), run[0].atUs);
  equal(arrivals.peak(slot), Math.max(...run.map(({ peak }) => peak)));
  equal(arrivals.port(slot), votePort(run));
  if (hotUs > 0) equal(arrivals.hotUs(slot), hotUs);
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
    ObservationKind.icmpError,
  ),
  transport: fc.constantFrom(Transport.tcp, Transport.udp, Transport.udp, Transport.icmp),
  source: host,
  destination: host,
  sourcePort: fc.constantFrom(68, ...unaskedIcmp, 3, 300),
  destinationPort: fc.constantFrom(67, 80, collectorPort),
  flowId: fc.integer({ min: 1, max: 20 }),
  marks: fc.integer({ min: 0, max: 2 ** 14 - 1 }),
  tcpFlags: fc.constantFrom(2, 2, 0x12, 0x18),
  packets: fc.tuple(fc.constantFrom(1, 64, 300, 3000, 100_000), fc.constantFrom(0, 0, 1)),
  bytes: fc.constant([0, 0] as const),
  durationMs: fc.integer({ min: 0, max: 3000 }),
  mac: host,
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
        marks: Mark.sentByOriginator | (prng.next() % 3 === 0 ? Mark.hasDoubled : Mark.isNew),
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
