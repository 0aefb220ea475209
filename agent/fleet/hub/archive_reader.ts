/** The questions of the dashboard where flows are in an archive: those about flows go there, all others to the database. */
import type { FlowFilter } from "../../store/filters.ts";
import { type History, sumFlows, SUMMED_FLOWS_MAX } from "../../store/history.ts";
import type { StoreReader } from "../../store/reader.ts";
import type { ClickHouseFlows } from "./clickhouse_flows.ts";

type Archive = Pick<ClickHouseFlows, "flows" | "flowCount" | "flow" | "newest">;
type HistoryQuery = Parameters<StoreReader["history"]>[0];

export function withArchive(reader: StoreReader, archive: Archive): StoreReader {
  // The database knows the names of hosts and agents.
  const treeOf = ({ q = "" }: FlowFilter) => reader.readSearch("flows", q);
  const history = async (query: HistoryQuery): Promise<History | null> => {
    const [stored, tree] = await Promise.all([reader.history(query), treeOf(query)]);
    // Of all flows the roll-ups have the sums.
    if (stored === null || query.q.trim() === "") return stored;
    const rows = await archive.newest(tree, { ...query, max: SUMMED_FLOWS_MAX });
    const isCut = rows.length === SUMMED_FLOWS_MAX;
    const { total, series, ...lists } = sumFlows(rows, query);
    return {
      ...stored,
      ...(stored.series.length === 0 && { total, series }),
      ...lists,
      sinceUs: isCut ? rows.at(-1)!.end_us : null,
    };
  };
  const own: Partial<StoreReader> = {
    flows: async (filter = {}) => await archive.flows(filter, await treeOf(filter)),
    flowCount: async (filter = {}) => await archive.flowCount(filter, await treeOf(filter)),
    flow: (id) => archive.flow(id),
    history,
    historySeries: async (query) => (await history({ ...query, limit: 1 }))?.series ?? [],
  };
  return new Proxy(reader, {
    get: (target, name) => Reflect.get(own, name) ?? Reflect.get(target, name),
  });
}
