/**
 * History by who and what: sums of packets, bytes and flows by minute, ten minutes, hour and day. A part of StoreWriter, which
 * opens the transactions; what belongs to a transaction's rows is written with them.
 *
 *     flows of a transaction -> sums by kind, minute and key -> the largest of each bucket, the rest as "" -> upserts
 *                                                                   '-> a bucket of more than 100 keys is trimmed to 50
 *
 * A flow's bytes are spread evenly over the minutes that it lasted; the sums over its minutes are exact. A trimmed bucket has the
 * keys that had most; what is missing of a key in a bucket is at most the bytes under "" there.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { JudgedWindows, StatsSecond } from "../records.ts";
import { flowsIn, rollupEntries, type RollupFlow } from "./rollup_keys.ts";
import {
  otherKey,
  ROLLUP_SPANS,
  rollupKeysKept,
  rollupKeysMax,
  type RollupKind,
} from "./rollup_spans.ts";

const minuteUs = ROLLUP_SPANS[0]!.spanUs;
/** Minutes that a flow may be spread over: flows are cut at half an hour at the latest. */
const minutesMax = 61;
/** Buckets whose number of rows is remembered. */
const sizesMax = 10_000;

/** packets, bytes, bytes in, bytes out, flows */
type Sums = [number, number, number, number, number];
type Bucket = Map<string, Sums>;

export class RollupWriter {
  readonly #add: StatementSync;
  readonly #count: StatementSync;
  readonly #sumSmall: StatementSync;
  readonly #deleteSmall: StatementSync;
  readonly #deleteNone: StatementSync;
  /** By kind and minute. */
  readonly #buckets = new Map<RollupKind, Map<number, Bucket>>();
  /** Rows of a bucket in the database, or more. */
  readonly #sizes = new Map<string, number>();
  #hasLess = false;

  constructor(database: DatabaseSync) {
    const isBucket = "span_us = :span AND kind = :kind AND ts_us = :ts";
    // What was taken away from a key that had been trimmed is taken away from the others.
    const small = `${isBucket} AND key <> '' AND (bytes < 0 OR key IN (
      SELECT key FROM rollups WHERE ${isBucket} AND key <> ''
      ORDER BY bytes DESC, key LIMIT -1 OFFSET ${rollupKeysKept}))`;
    this.#add = database.prepare(
      `INSERT INTO rollups(span_us, kind, ts_us, key, packets, bytes, in_bytes, out_bytes, flows)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET packets = packets + excluded.packets,
         bytes = bytes + excluded.bytes, in_bytes = in_bytes + excluded.in_bytes,
         out_bytes = out_bytes + excluded.out_bytes, flows = flows + excluded.flows`,
    );
    this.#count = database.prepare(`SELECT count(*) AS n FROM rollups WHERE ${isBucket}`);
    this.#sumSmall = database.prepare(
      `SELECT sum(packets) AS packets, sum(bytes) AS bytes, sum(in_bytes) AS in_bytes,
         sum(out_bytes) AS out_bytes, sum(flows) AS flows FROM rollups WHERE ${small}`,
    );
    this.#deleteSmall = database.prepare(`DELETE FROM rollups WHERE ${small}`);
    this.#deleteNone = database.prepare(
      `DELETE FROM rollups WHERE ${isBucket} AND packets = 0 AND bytes = 0 AND flows = 0`,
    );
  }

  /** Adds flows; with -1 takes away what rows had counted that are replaced. */
  addFlows(flows: readonly RollupFlow[], sign: 1 | -1 = 1): void {
    if (sign < 0 && flows.length > 0) this.#hasLess = true;
    for (const flow of flows) this.#addFlow(flow, sign);
  }

  addSeconds(
    seconds: readonly Pick<
      StatsSecond,
      "tsUs" | "packets" | "bytes" | "inBytes" | "outBytes" | "newFlows"
    >[],
  ): void {
    for (const second of seconds) {
      const bucket = this.#bucket("all", Math.floor(second.tsUs / minuteUs));
      const { packets, bytes, inBytes, outBytes, newFlows } = second;
      addTo(bucket, otherKey, [packets, bytes, inBytes, outBytes, newFlows]);
    }
  }

  addWindows(judged: readonly JudgedWindows[]): void {
    for (const { tsUs, windows, flagged, ratePct } of judged) {
      const bucket = this.#bucket("windows", Math.floor(tsUs / minuteUs));
      addTo(bucket, otherKey, [windows, 0, Math.round(ratePct * 1000), 1, flagged]);
    }
  }

  /** Writes what was added, inside the caller's transaction. */
  flush(): void {
    for (const [kind, minutes] of this.#buckets) {
      let buckets = minutes;
      let unitUs = minuteUs;
      for (const { spanUs } of ROLLUP_SPANS) {
        if (spanUs !== unitUs) buckets = coarser(buckets, spanUs / unitUs);
        unitUs = spanUs;
        for (const [index, bucket] of buckets) {
          this.#write({ span: spanUs, kind, ts: index * spanUs }, bucket);
        }
      }
    }
    this.discard();
  }

  /** Forgets what was added since the last flush(). */
  discard(): void {
    this.#buckets.clear();
    this.#hasLess = false;
  }

  /** The transaction was not written: what is remembered of it is wrong. */
  forget(): void {
    this.discard();
    this.#sizes.clear();
  }

  #addFlow(flow: RollupFlow, sign: 1 | -1): void {
    const entries = rollupEntries(flow);
    const { orig_wire_bytes: sent, resp_wire_bytes: received } = flow;
    const packets = flow.orig_pkts + flow.resp_pkts;
    const done = { packets: 0, sent: 0, received: 0 };
    const endUs = Math.max(flow.start_us, flow.end_us);
    const last = Math.floor(endUs / minuteUs);
    const first = Math.max(last - minutesMax + 1, Math.floor(flow.start_us / minuteUs));
    const lengthUs = Math.max(1, endUs - flow.start_us);
    for (let minute = first; minute <= last; minute++) {
      const share = minute === last
        ? 1
        : Math.max(0, (minute + 1) * minuteUs - flow.start_us) / lengthUs;
      const upTo = {
        packets: Math.floor(packets * share),
        sent: Math.floor(sent * share),
        received: Math.floor(received * share),
      };
      const part = {
        packets: sign * (upTo.packets - done.packets),
        sent: sign * (upTo.sent - done.sent),
        received: sign * (upTo.received - done.received),
        flows: minute === last ? sign * flowsIn(flow) : 0,
      };
      Object.assign(done, upTo);
      if (part.packets === 0 && part.sent === 0 && part.received === 0 && part.flows === 0) {
        continue;
      }
      for (const { kind, key, originatorGoes } of entries) {
        const [inBytes, outBytes] = originatorGoes === null
          ? [0, 0]
          : originatorGoes === "in"
          ? [part.sent, part.received]
          : [part.received, part.sent];
        const sums: Sums = [part.packets, part.sent + part.received, inBytes, outBytes, part.flows];
        addTo(this.#bucket(kind, minute), key, sums);
      }
    }
  }

  #bucket(kind: RollupKind, minute: number): Bucket {
    const minutes = this.#buckets.get(kind) ?? new Map<number, Bucket>();
    this.#buckets.set(kind, minutes);
    const bucket = minutes.get(minute) ?? new Map<string, Sums>();
    minutes.set(minute, bucket);
    return bucket;
  }

  #write(place: { span: number; kind: RollupKind; ts: number }, bucket: Bucket): void {
    const { span, kind, ts } = place;
    const rows = largest(bucket);
    for (const [key, sums] of rows) this.#add.run(span, kind, ts, key, ...sums);
    const name = `${span} ${kind} ${ts}`;
    const before = this.#sizes.get(name);
    let size = before === undefined ? this.#size(place) : before + rows.length;
    if (size > rollupKeysMax && before !== undefined) size = this.#size(place);
    if (this.#hasLess) this.#deleteNone.run(place);
    if (size > rollupKeysMax || this.#hasLess) {
      this.#trim(place);
      size = this.#size(place);
    }
    if (this.#sizes.size >= sizesMax) this.#sizes.clear();
    this.#sizes.set(name, size);
  }

  #size(place: { span: number; kind: RollupKind; ts: number }): number {
    return Number(this.#count.get(place)!.n);
  }

  #trim(place: { span: number; kind: RollupKind; ts: number }): void {
    const sums = this.#sumSmall.get(place)!;
    if (sums.bytes === null) return;
    this.#deleteSmall.run(place);
    const { packets, bytes, in_bytes, out_bytes, flows } = sums;
    const { span, kind, ts } = place;
    this.#add.run(span, kind, ts, otherKey, packets, bytes, in_bytes, out_bytes, flows);
  }
}

/** `sums` stays the caller's. */
function addTo(bucket: Bucket, key: string, sums: Readonly<Sums>): void {
  const known = bucket.get(key);
  if (known === undefined) bucket.set(key, [...sums]);
  else for (let at = 0; at < known.length; at++) known[at]! += sums[at]!;
}

/** Buckets of `count` of these each. */
function coarser(buckets: Map<number, Bucket>, count: number): Map<number, Bucket> {
  const joined = new Map<number, Bucket>();
  for (const [index, bucket] of buckets) {
    const target = Math.floor(index / count);
    const into = joined.get(target) ?? new Map<string, Sums>();
    joined.set(target, into);
    for (const [key, sums] of bucket) addTo(into, key, sums);
  }
  return joined;
}

/** The keys with most bytes, and one for all others. */
function largest(bucket: Bucket): [string, Sums][] {
  if (bucket.size <= rollupKeysMax) return [...bucket];
  const rows = [...bucket].sort((a, b) => b[1][1] - a[1][1]);
  const others: Bucket = new Map();
  for (const [, sums] of rows.splice(rollupKeysKept)) addTo(others, otherKey, sums);
  return [...rows, ...others];
}
