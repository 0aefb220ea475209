/** A slice of the capture ring for the dashboard and for `tapwatch export pcap`: what a search takes of it. */
import { exportPcap } from "../capture/pcap_export.ts";
import {
  createPacketFilter,
  type FlowTuple,
  type PacketFilter,
} from "../pipeline/packet_filter.ts";
import type { TransportName } from "../records.ts";
import { parseSearch } from "../search/parse.ts";
import { SearchError } from "../search/search_error.ts";
import type { FlowFilter, TimeRange } from "../store/filters.ts";
import type { StoreReader } from "../store/reader.ts";
import type { StoredFlow } from "../store/schema.ts";
import { pageRowsMax } from "../store/time_list.ts";

/** What to take of the ring; `toUs` is not included. */
interface RingSlice {
  readonly folder: string;
  readonly fromUs: number | null;
  readonly toUs: number | null;
  readonly filter: PacketFilter;
  /** UDP ports of VXLAN besides the usual ones. */
  readonly vxlanPorts: readonly number[];
}

/** Largest file that one export makes; a link that gives more would fill somebody's disk. */
const exportBytesMax = 2e9;

/** The slice as a pcap file. Throws UsageError on a wrong filter and the world's errors when the ring cannot be read. */
export function openRingSlice(slice: RingSlice): ReadableStream<Uint8Array<ArrayBuffer>> {
  return exportPcap({
    folder: slice.folder,
    bytesMax: exportBytesMax,
    ...(slice.fromUs !== null && { fromUs: slice.fromUs }),
    ...(slice.toUs !== null && { toUs: slice.toUs - 1 }),
    matches: createPacketFilter(slice.filter, slice.vxlanPorts),
  });
}

/** Flows whose packets are exported together. */
const flowsMax = 5000;

/**
 * What a search takes of the ring: what packets show is looked for in them, names, services and the like in the flows of the
 * database, whose packets are taken; `isOfFlows` has all looked for there. Throws SearchError, and NothingFoundError when no flow fits.
 */
export async function readRingSearch(
  queries: StoreReader,
  q: string,
  range: TimeRange,
  { isOfFlows = false } = {},
): Promise<PacketFilter> {
  let refusal: SearchError | null = null;
  try {
    if (!isOfFlows) return { search: await queries.resolve(parseSearch(q, "pcap").tree) };
  } catch (error) {
    if (!(error instanceof SearchError)) throw error;
    refusal = error;
  }
  return { flows: await findFlows(queries, { q, ...range }, refusal) };
}

async function findFlows(
  queries: StoreReader,
  filter: TimeRange & { readonly q: string },
  refusal: SearchError | null,
): Promise<FlowTuple[]> {
  const flows: FlowTuple[] = [];
  let cursor: string | undefined;
  do {
    const page = await askFlows(queries, { ...filter, limit: pageRowsMax, cursor }, refusal);
    flows.push(...page.rows.map(tupleOf));
    if (flows.length > flowsMax) {
      throw new RangeError(
        `More than ${flowsMax} flows fit this search: narrow it down, or name a shorter time.`,
      );
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  if (flows.length === 0) {
    throw new NothingFoundError("No flow in the database fits this search, so it has no packets.");
  }
  return flows;
}

/** When neither packets nor flows can be searched so, the refusal that came further is told. */
async function askFlows(queries: StoreReader, filter: FlowFilter, refusal: SearchError | null) {
  try {
    return await queries.flows(filter);
  } catch (error) {
    if (error instanceof SearchError && refusal !== null && error.column < refusal.column) {
      throw refusal;
    }
    throw error;
  }
}

export function tupleOf(flow: StoredFlow): FlowTuple {
  return {
    origH: flow.orig_h,
    origP: flow.orig_p,
    respH: flow.resp_h,
    respP: flow.resp_p,
    proto: flow.proto as TransportName,
    ...(flow.summed_flows && { sum: { fromUs: flow.start_us, toUs: flow.end_us } }),
  };
}

/** A search is right, and there is nothing that it could take packets of. */
export class NothingFoundError extends Error {
  override readonly name = "NothingFoundError";
}
