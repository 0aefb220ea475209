/**
 * Flows under way, on request: the newest first, as far as the time goes that the pipeline can spare, so that a full table
 * holds up no packets.
 */
import type { FlowTable } from "../flow/flow_table.ts";
import { flowRow } from "../flow/flow_row.ts";
import { OVER_STATES } from "../records.ts";
import { makeMatcher } from "../search/match.ts";
import {
  compareFlowPlaces,
  type FlowPlace,
  type FlowRow,
  flowValue,
  type OpenFlows,
  type OpenFlowsQuery,
} from "../search/open_flows.ts";

/** Time for one request: some 7,000 flows. */
const budgetMs = 20;
/** Flows read between two looks at the clock. */
const flowsPerLook = 64;

/** `nowMs` is a clock that rises; `flowOf` makes the record of a slot. */
export function openFlows(
  table: FlowTable,
  query: OpenFlowsQuery,
  nowMs: () => number,
  flowOf = (slot: number) => table.flow(slot),
): OpenFlows {
  const startMs = nowMs();
  const fits = makeMatcher(query.tree);
  const isByTime = query.order === "last" && !query.isAscending;
  const found: { readonly row: FlowRow; readonly place: FlowPlace }[] = [];
  let [count, openCount, lookedAt, read] = [0, 0, 0, 0];
  let floor: FlowPlace | null = null;
  let lastRead: FlowPlace | null = null;
  for (const slot of table.newestFirst()) {
    const lastUs = table.lastUs(slot);
    const own = { value: lastUs, id: table.id(slot) };
    lookedAt++;
    if (query.id !== undefined && own.id !== query.id) continue;
    if (isByTime && !isAfter(own, query)) continue;
    if (query.fromUs !== null && lastUs < query.fromUs) continue;
    // Passing over takes next to no time, so that each page comes further than the one before.
    if (++read % flowsPerLook === 0 && nowMs() - startMs > budgetMs) {
      floor = isByTime ? lastRead : null;
      break;
    }
    lastRead = own;
    const flow: FlowRow = flowRow(flowOf(slot));
    const row: FlowRow & { is_open: number } = { ...flow, is_open: Number(!isOver(flow)) };
    if (query.toUs !== null && Number(row.start_us) >= query.toUs) continue;
    if (!fits(row)) continue;
    count++;
    openCount += row.is_open;
    const place = { value: flowValue(row, query.order), id: own.id };
    if (!isAfter(place, query)) continue;
    // Of those in the order of time only the first are needed.
    if (!isByTime || found.length < query.limit) found.push({ row, place });
  }
  found.sort((a, b) => compareFlowPlaces(a.place, b.place, query.isAscending));
  return {
    rows: found.slice(0, query.limit).map(({ row }) => row),
    count,
    openCount,
    lookedAt,
    standing: table.activeCount,
    floor,
    tookMs: nowMs() - startMs,
    isLate: false,
  };
}

function isOver({ proto, conn_state }: FlowRow): boolean {
  return proto === "tcp" && OVER_STATES.has(conn_state);
}

function isAfter(place: FlowPlace, { after, isAscending }: OpenFlowsQuery): boolean {
  return after === null || compareFlowPlaces(after, place, isAscending) < 0;
}
