import type { ExportFilter } from "../../../agent/dashboard_context.ts";
import { UsageError } from "../../../agent/errors.ts";
import { textParameter, timeParameter, wholeNumber } from "../../(_server)/parameters.ts";
import { define } from "../../(_server)/state.ts";

/** A slice of the capture ring as a pcap file: from, to, host, port, protocol, flow, scan, anomaly. */
export const handler = define.handlers({
  async GET({ state, url }) {
    try {
      const filter = exportFilter(url.searchParams);
      const stream = await state.context.exportPcap(filter);
      return new Response(stream, {
        headers: {
          "content-type": "application/vnd.tcpdump.pcap",
          "content-disposition": `attachment; filename="${fileName(filter)}"`,
        },
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const isRefusal = error instanceof RangeError || error instanceof UsageError;
      return new Response(`${error.message}\n`, {
        status: isRefusal ? 400 : 503,
        headers: { "content-type": "text/plain; charset=utf-8" },
      });
    }
  },
});

function exportFilter(query: URLSearchParams): ExportFilter {
  const id = (name: string) =>
    wholeNumber(query, name, { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? null;
  const filter: ExportFilter = {
    fromUs: timeParameter(query, "from") ?? null,
    toUs: timeParameter(query, "to") ?? null,
    host: textParameter(query, "host") ?? null,
    port: wholeNumber(query, "port", { min: 0, max: 65_535 }) ?? null,
    protocol: textParameter(query, "protocol")?.toLowerCase() ?? null,
    flowId: id("flow"),
    scanId: id("scan"),
    anomalyId: id("anomaly"),
  };
  if (filter.fromUs !== null && filter.toUs !== null && filter.toUs <= filter.fromUs) {
    throw new RangeError("to must be later than from");
  }
  return filter;
}

/** "tapwatch-20261122T140731Z.pcap", by the slice's start if it has one. */
function fileName({ fromUs }: ExportFilter): string {
  const date = fromUs === null ? new Date() : new Date(fromUs / 1000);
  return `tapwatch-${date.toISOString().replace(/[-:]|\.\d+/g, "")}.pcap`;
}
