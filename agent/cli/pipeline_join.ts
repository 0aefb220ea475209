/** What several pipelines that share the traffic say of themselves, as if one had said it. */
import type {
  CaptureSourceState,
  DecodeStop,
  HostTotals,
  PipelineSnapshot,
  StatsSecond,
} from "../records.ts";
import {
  compareFlowPlaces,
  type FlowPlace,
  flowValue,
  type OpenFlows,
  type OpenFlowsQuery,
} from "../search/open_flows.ts";

const talkersMax = 20;
const stopsMax = 20;
const newestPacketsMax = 100;
/** A second is told when all pipelines have passed it, or when the first one has by this time: others are quiet. */
const secondsWaitUs = 3e6;
const secondUs = 1e6;

/** Hosts that several pipelines see count once in each. */
export function joinSnapshots(snapshots: readonly PipelineSnapshot[]): PipelineSnapshot {
  const [first, ...others] = snapshots;
  const sums = others.reduce(addNumbers, first);
  return {
    ...sums,
    tsUs: Math.max(...snapshots.map(({ tsUs }) => tsUs)),
    sampleK: Math.max(...snapshots.map(({ sampleK }) => sampleK)),
    decodeStopList: joinStops(snapshots.flatMap((one) => one.decodeStopList)),
    topTalkers: joinHosts(snapshots.flatMap((one) => one.topTalkers)),
    newestPackets: snapshots.flatMap((one) => one.newestPackets)
      .sort((a, b) => a.tsUs - b.tsUs).slice(-newestPacketsMax),
  };
}

/** Adds the numbers of two records of one shape, also those of records within; leaves lists alone. */
function addNumbers<T extends object>(a: T, b: T): T {
  const sum = { ...a } as Record<string, unknown>;
  for (const [key, value] of Object.entries(b)) {
    const before = sum[key];
    if (typeof value === "number") sum[key] = (before as number | undefined ?? 0) + value;
    else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      sum[key] = before === undefined ? value : addNumbers(before as object, value);
    }
  }
  return sum as T;
}

function joinStops(stops: readonly DecodeStop[]): DecodeStop[] {
  const joined = Map.groupBy(stops, ({ layer, reason, name }) => `${layer} ${reason} ${name}`);
  return [...joined.values()]
    .map((same) => ({
      ...same[0],
      packets: sumOf(same, ({ packets }) => packets),
      unread: sumOf(same, ({ unread }) => unread),
    }))
    .sort((a, b) => b.packets - a.packets).slice(0, stopsMax);
}

function joinHosts(hosts: readonly HostTotals[]): HostTotals[] {
  const joined = Map.groupBy(hosts, ({ address }) => address);
  return [...joined.values()]
    .map((same) => ({
      ...same[0],
      name: same.find(({ name }) => name !== "")?.name ?? "",
      mac: same.find(({ mac }) => mac !== "")?.mac ?? "",
      firstSeenUs: Math.min(...same.map(({ firstSeenUs }) => firstSeenUs)),
      lastSeenUs: Math.max(...same.map(({ lastSeenUs }) => lastSeenUs)),
      inPackets: sumOf(same, ({ inPackets }) => inPackets),
      inBytes: sumOf(same, ({ inBytes }) => inBytes),
      outPackets: sumOf(same, ({ outPackets }) => outPackets),
      outBytes: sumOf(same, ({ outBytes }) => outBytes),
    }))
    .sort((a, b) => b.inBytes + b.outBytes - a.inBytes - a.outBytes).slice(0, talkersMax);
}

function sumOf<T>(list: readonly T[], value: (one: T) => number): number {
  return list.reduce((sum, one) => sum + value(one), 0);
}

/** Seconds of traffic time, of which each pipeline tells its part. */
export class SecondsJoin {
  readonly #held = new Map<number, StatsSecond>();

  add(seconds: readonly StatsSecond[]): void {
    for (const second of seconds) {
      const before = this.#held.get(second.tsUs);
      const sum = before === undefined
        ? second
        : { ...addNumbers(before, second), tsUs: second.tsUs };
      this.#held.set(second.tsUs, sum);
    }
  }

  /** Those that are whole, oldest first; `reachedUs` is how far each pipeline has come. */
  take(reachedUs: readonly number[]): StatsSecond[] {
    const settledUs = Math.max(Math.min(...reachedUs), Math.max(...reachedUs) - secondsWaitUs);
    const whole = [...this.#held.values()].filter(({ tsUs }) => tsUs + secondUs <= settledUs);
    for (const { tsUs } of whole) this.#held.delete(tsUs);
    return whole.sort((a, b) => a.tsUs - b.tsUs);
  }
}

/** The states of one device's threads. */
export function joinSources(sources: readonly CaptureSourceState[]): CaptureSourceState {
  const ranks = ["failed", "retrying", "starting", "capturing", "finished", "stopped"];
  const [worst] = sources.toSorted((a, b) => ranks.indexOf(a.state) - ranks.indexOf(b.state));
  const sum = (
    key: "packets" | "received" | "kernelDrops" | "queueDrops" | "queueDepth" | "queueMax",
  ) => sumOf(sources, (one) => one[key]);
  const areAlike = sources.every(({ state }) => state === worst.state);
  const suffix = areAlike && sources.length > 1 ? `, ${sources.length} threads` : "";
  return {
    ...worst,
    detail: worst.detail + suffix,
    packets: sum("packets"),
    received: sum("received"),
    kernelDrops: sum("kernelDrops"),
    // Of the device, which each thread reads.
    interfaceDrops: Math.max(...sources.map(({ interfaceDrops }) => interfaceDrops)),
    queueDrops: sum("queueDrops"),
    queueDepth: sum("queueDepth"),
    queueMax: sum("queueMax"),
  };
}

export function joinOpenFlows(answers: readonly OpenFlows[], query: OpenFlowsQuery): OpenFlows {
  const { order, isAscending, limit } = query;
  const compare = (a: FlowPlace, b: FlowPlace) => compareFlowPlaces(a, b, isAscending);
  const floors = answers.map(({ floor }) => floor).filter((floor) => floor !== null);
  // Behind the first of them something is missing.
  const floor = floors.toSorted(compare)[0] ?? null;
  const rows = answers.flatMap((one) => one.rows)
    .map((row) => ({ row, place: { value: flowValue(row, order), id: Number(row.id) } }))
    .filter(({ place }) => floor === null || compare(place, floor) <= 0)
    .sort((a, b) => compare(a.place, b.place));
  return {
    rows: rows.slice(0, limit).map(({ row }) => row),
    count: sumOf(answers, ({ count }) => count),
    openCount: sumOf(answers, ({ openCount }) => openCount),
    lookedAt: sumOf(answers, ({ lookedAt }) => lookedAt),
    standing: sumOf(answers, ({ standing }) => standing),
    floor,
    tookMs: Math.max(...answers.map(({ tookMs }) => tookMs)),
    isLate: answers.some(({ isLate }) => isLate),
  };
}
