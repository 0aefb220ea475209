/** The questions of the dashboard where flows are in an archive: those about flows go there, all others to the database. */
import type { FlowFilter } from "../../store/filters.ts";
import type { StoreReader } from "../../store/reader.ts";
import type { ClickHouseFlows } from "./clickhouse_flows.ts";

type Archive = Pick<ClickHouseFlows, "flows" | "flowCount" | "flow">;

export function withArchive(reader: StoreReader, archive: Archive): StoreReader {
  // The database knows the names of hosts and agents.
  const treeOf = ({ q = "" }: FlowFilter) => reader.readSearch("flows", q);
  const own: Partial<StoreReader> = {
    flows: async (filter = {}) => await archive.flows(filter, await treeOf(filter)),
    flowCount: async (filter = {}) => await archive.flowCount(filter, await treeOf(filter)),
    flow: (id) => archive.flow(id),
  };
  return new Proxy(reader, {
    get: (target, name) => Reflect.get(own, name) ?? Reflect.get(target, name),
  });
}
