import type { ExportFilter } from "../../../agent/dashboard_context.ts";
import { UsageError } from "../../../agent/errors.ts";
import { TRANSPORT_NAMES } from "../../../agent/records.ts";
import {
  addressParameter,
  checkNames,
  choiceParameter,
  timeRange,
  wholeNumber,
} from "../../(_server)/parameters.ts";
import { plainText } from "../../(_server)/plain_answers.ts";
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
      return plainText(isRefusal ? 400 : 503, error.message);
    }
  },
});

const names = ["from", "to", "host", "port", "protocol", "flow", "scan", "anomaly"];

function exportFilter(query: URLSearchParams): ExportFilter {
  checkNames(query, names);
  const id = (name: string) =>
    wholeNumber(query, name, { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? null;
  const { fromUs = null, toUs = null } = timeRange(query);
  return {
    fromUs,
    toUs,
    host: addressParameter(query, "host", { takesMac: false }) ?? null,
    port: wholeNumber(query, "port", { min: 0, max: 65_535 }) ?? null,
    protocol: choiceParameter(query, "protocol", TRANSPORT_NAMES) ?? null,
    flowId: id("flow"),
    scanId: id("scan"),
    anomalyId: id("anomaly"),
  };
}

/** "tapwatch-20261122T140731Z.pcap", by the slice's start if it has one. */
function fileName({ fromUs }: ExportFilter): string {
  const date = fromUs === null ? new Date() : new Date(fromUs / 1000);
  return `tapwatch-${date.toISOString().replace(/[-:]|\.\d+/g, "")}.pcap`;
}
