/** Flows as one list: those that are open, from the pipeline, and those that have ended, from the database. */
import type { DashboardContext } from "../../agent/dashboard_context.ts";
import {
  compareFlowPlaces,
  type FlowOrder,
  type FlowPlace,
  type FlowRow,
  flowValue,
  type OpenFlows,
} from "../../agent/search/open_flows.ts";
import { ALL, type SearchTree } from "../../agent/search/tree.ts";
import {
  decodeSortedCursor,
  decodeTimeCursor,
  encodeSortedCursor,
  encodeTimeCursor,
} from "../../agent/store/cursor.ts";
import type { FlowFilter } from "../../agent/store/filters.ts";
import { FLOWS_PER_RUN, type StoredFlow } from "../../agent/store/schema.ts";
import type { Count, Page } from "../../agent/store/time_list.ts";
import { type CountedPage, countOf, limitDefault, withTotal } from "./lists.ts";

export interface ListedFlow extends StoredFlow {
  readonly state: "open" | "ended";
}
/** `total` counts open ones in. */
export interface FlowPage extends CountedPage<ListedFlow> {
  readonly open: OpenFlows;
}

type Context = Pick<DashboardContext, "queries" | "openFlows" | "live">;

/** Throws what StoreQueries throws. */
export async function readFlowPage(context: Context, filter: FlowFilter): Promise<FlowPage> {
  const { queries } = context;
  const { order = "last", isAscending = false, limit = limitDefault } = filter;
  const sort = { order, isAscending };
  const tree = await queries.readSearch("flows", filter.q);
  const isOpenOnly = asksForOpen(tree);
  // Both sides refuse what is wrong before the pipeline is asked.
  const ended: Page<StoredFlow> = isOpenOnly
    ? { rows: [], nextCursor: null }
    : await queries.flows({ ...filter, limit });
  const runBase = context.live.storeRun * FLOWS_PER_RUN;
  const start = startOf(filter, sort);
  const open = await context.openFlows({
    tree,
    fromUs: filter.fromUs ?? null,
    toUs: filter.toUs ?? null,
    ...sort,
    after: start && { value: start.value, id: start.id - runBase },
    // One more shows that there are more.
    limit: limit + 1,
  });
  const openRows = open.rows.map((row) => standingFlow(row, runBase));
  const page = join({ sort, limit, ended, openRows, floor: floorOf(open, runBase), start });
  const isFirst = filter.cursor === undefined;
  return {
    ...isFirst
      ? withTotal(page, await total(context, filter, { ended, open, limit }))
      : { ...page, total: null },
    open,
  };
}

/** A flow by its number, open or ended; null when there is none. */
export async function readFlow(context: Context, id: number): Promise<ListedFlow | null> {
  const stored = await context.queries.flow(id);
  if (stored !== null) return { ...stored, state: "ended" };
  const runBase = context.live.storeRun * FLOWS_PER_RUN;
  const { rows: [row] } = await context.openFlows({
    tree: ALL,
    id: id - runBase,
    fromUs: null,
    toUs: null,
    order: "last",
    isAscending: false,
    after: null,
    limit: 1,
  });
  return row === undefined ? null : standingFlow(row, runBase);
}

interface Sort {
  readonly order: FlowOrder;
  readonly isAscending: boolean;
}
/** Where a page begins, and of other orders than that of time the newest stored flow that is sorted. */
type Start = FlowPlace & { readonly newest?: { readonly tsUs: number; readonly id: number } };

interface Parts {
  readonly sort: Sort;
  readonly limit: number;
  readonly ended: Page<StoredFlow>;
  readonly openRows: readonly ListedFlow[];
  /** Where looking at open flows ended. */
  readonly floor: FlowPlace | null;
  readonly start: Start | null;
}

/** Rows of both in their common order, up to the first place behind which either may have others that were not looked at. */
function join({ sort, limit, ended, openRows, floor, start }: Parts): Page<ListedFlow> {
  const place = (row: StoredFlow) => ({ value: flowValue(row, sort.order), id: row.id });
  const next = ended.nextCursor === null ? null : cursorPlace(ended.nextCursor, sort);
  const ends = [next, floor].filter((end) => end !== null)
    .sort((a, b) => compareFlowPlaces(a, b, sort.isAscending));
  const isKnown = new Set(ended.rows.map(({ id }) => id));
  const all = [
    ...ended.rows.map((row): ListedFlow => ({ ...row, state: "ended" })),
    // One that ended while the pipeline was asked is a row already.
    ...openRows.filter(({ id }) => !isKnown.has(id)),
  ]
    .map((row) => ({ row, place: place(row) }))
    .filter(({ place }) =>
      ends.length === 0 || compareFlowPlaces(place, ends[0]!, sort.isAscending) <= 0
    )
    .sort((a, b) => compareFlowPlaces(a.place, b.place, sort.isAscending));
  const rows = all.slice(0, limit);
  const hasMore = all.length > limit || ends.length > 0;
  const last = all.length > limit || ends.length === 0 ? rows.at(-1)?.place : ends[0];
  const newest = next?.newest ?? start?.newest ?? newestOf(ended.rows);
  return {
    rows: rows.map(({ row }) => row),
    nextCursor: hasMore && last !== undefined ? encodePlace(last, sort, newest) : null,
    ...(ended.sortedNewest !== undefined && { sortedNewest: ended.sortedNewest }),
  };
}

function newestOf(rows: readonly StoredFlow[]): { tsUs: number; id: number } {
  return rows.reduce(
    (newest, { end_us: tsUs, id }) =>
      tsUs > newest.tsUs || tsUs === newest.tsUs && id > newest.id ? { tsUs, id } : newest,
    { tsUs: 0, id: 0 },
  );
}

function isByTime({ order, isAscending }: Sort): boolean {
  return order === "last" && !isAscending;
}

function startOf({ cursor }: FlowFilter, sort: Sort): Start | null {
  return cursor === undefined ? null : cursorPlace(cursor, sort);
}

function cursorPlace(cursor: string, sort: Sort): Start {
  if (!isByTime(sort)) return decodeSortedCursor(orderName(sort), cursor);
  const { tsUs, id } = decodeTimeCursor("flows", cursor);
  return { value: tsUs, id };
}

function encodePlace(
  { value, id }: FlowPlace,
  sort: Sort,
  newest: { readonly tsUs: number; readonly id: number },
): string {
  return isByTime(sort)
    ? encodeTimeCursor("flows", { tsUs: value, id })
    : encodeSortedCursor(orderName(sort), { value, id, newest });
}

/** As readTimeList() names its cursors. */
function orderName({ order, isAscending }: Sort): string {
  return `flows-${order}-${isAscending ? "up" : "down"}`;
}

function floorOf({ floor }: OpenFlows, runBase: number): FlowPlace | null {
  return floor && { value: floor.value, id: floor.id + runBase };
}

async function total(
  { queries }: Context,
  filter: FlowFilter,
  { ended, open, limit }: Pick<Parts, "ended" | "limit"> & { readonly open: OpenFlows },
): Promise<Count> {
  const stored = ended.rows.length < limit ? countOf(ended) : await queries.flowCount(filter);
  return {
    count: stored.count + open.count,
    isMore: stored.isMore || open.lookedAt < open.standing || open.isLate,
  };
}

/** A flow of the table as the lists have it. */
export function standingFlow({ is_open, ...row }: FlowRow, runBase: number): ListedFlow {
  return {
    ...row as unknown as StoredFlow,
    id: runBase + Number(row.id),
    state: is_open === 0 ? "ended" : "open",
  };
}

/** Whether all that fits must be open. */
function asksForOpen(tree: SearchTree): boolean {
  const parts = tree.op === "and" ? tree.parts : [tree];
  return parts.some((part) =>
    part.op === "in" && part.columns.length === 1 && part.columns[0] === "is_open" &&
    part.values.every((value) => value === 1)
  );
}
