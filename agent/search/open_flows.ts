/** The question which flows are open, and its answer: one list with those that have ended, in one order. Plain data between threads. */
import type { SearchTree } from "./tree.ts";

/** A flow under the column names of `flows`. */
export type FlowRow = Readonly<Record<string, string | number | null>>;

export const FLOW_ORDERS = [
  "last",
  "start",
  "bytes",
  "sent",
  "received",
  "packets",
  "duration",
] as const;
export type FlowOrder = typeof FLOW_ORDERS[number];

/** What each order goes by, in SQL, … */
export const flowValues: { readonly [order in FlowOrder]: string } = {
  last: "end_us",
  start: "start_us",
  bytes: "(orig_wire_bytes + resp_wire_bytes)",
  sent: "orig_wire_bytes",
  received: "resp_wire_bytes",
  packets: "(orig_pkts + resp_pkts)",
  duration: "(end_us - start_us)",
};

const flowColumns: { readonly [order in FlowOrder]: readonly [string, string?] } = {
  last: ["end_us"],
  start: ["start_us"],
  bytes: ["orig_wire_bytes", "resp_wire_bytes"],
  sent: ["orig_wire_bytes"],
  received: ["resp_wire_bytes"],
  packets: ["orig_pkts", "resp_pkts"],
  duration: ["end_us", "start_us"],
};

/** … and in a row. */
export function flowValue(row: object, order: FlowOrder): number {
  const cells = row as FlowRow;
  const [first, second] = flowColumns[order];
  const other = second === undefined ? 0 : Number(cells[second]);
  return Number(cells[first]) + (order === "duration" ? -other : other);
}

/** A row's place in an order: its value, and its id among equals, which always falls. */
export interface FlowPlace {
  readonly value: number;
  readonly id: number;
}

/** Below 0 where `a` comes before `b`. */
export function compareFlowPlaces(a: FlowPlace, b: FlowPlace, isAscending: boolean): number {
  const byValue = isAscending ? a.value - b.value : b.value - a.value;
  return byValue !== 0 ? byValue : b.id - a.id;
}

export interface OpenFlowsQuery {
  /** With its hosts resolved. */
  readonly tree: SearchTree;
  /** Only the flow with this id of the flow table. */
  readonly id?: number;
  /** Flows that overlap the range; null is an open end. */
  readonly fromUs: number | null;
  readonly toUs: number | null;
  readonly order: FlowOrder;
  readonly isAscending: boolean;
  /** Only what comes after it; ids are those of the flow table. */
  readonly after: FlowPlace | null;
  readonly limit: number;
}

export interface OpenFlows {
  /** In the order asked for; ids are those of the flow table, and `is_open` is 0 for those that are over and wait for late segments. */
  readonly rows: readonly FlowRow[];
  /** Those that fit, among the flows that were looked at, and the open ones of them. */
  readonly count: number;
  readonly openCount: number;
  /** Newest packet first. */
  readonly lookedAt: number;
  readonly standing: number;
  /** In the order of the last packet: the last flow looked at, when there are others; else null. */
  readonly floor: FlowPlace | null;
  /** Time that it took in the pipeline's thread. */
  readonly tookMs: number;
  /** The pipeline had no time to answer. */
  readonly isLate: boolean;
}

export const NO_OPEN_FLOWS: OpenFlows = {
  rows: [],
  count: 0,
  openCount: 0,
  lookedAt: 0,
  standing: 0,
  floor: null,
  tookMs: 0,
  isLate: false,
};
