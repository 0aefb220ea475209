import { type ExportFilter, PacketsGoneError } from "../../../agent/dashboard_context.ts";
import { UsageError } from "../../../agent/errors.ts";
import { parseSearch } from "../../../agent/search/parse.ts";
import type { StoreReader } from "../../../agent/store/reader.ts";
import { checkTerm, parameterTerm } from "../../(_server)/lists.ts";
import { checkNames, choiceParameter, timeRange, wholeNumber } from "../../(_server)/parameters.ts";
import { leftText } from "../../(_server)/packet_pages.ts";
import { plainText } from "../../(_server)/plain_answers.ts";
import { formatWhen } from "../../../components/format.ts";
import { define, type State } from "../../(_server)/state.ts";

/** A slice of the capture ring as a pcap file: from, to, q, of (flows: what `q` finds among them), host, port, protocol, flow, finding, scan, anomaly, incident. */
export const handler = define.handlers({
  async GET({ state, url }) {
    try {
      const filter = await exportFilter(state, url.searchParams);
      const slice = await state.context.exportPcap(filter);
      const { stream, isEmpty } = isOfOne(filter) || isOfFlows(filter)
        ? await lookInto(slice)
        : { stream: slice, isEmpty: false };
      if (isEmpty) return plainText(404, noneText(state));
      return new Response(stream, {
        headers: {
          "content-type": "application/vnd.tcpdump.pcap",
          "content-disposition": `attachment; filename="${fileName(filter)}"`,
        },
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof PacketsGoneError) return plainText(404, error.message);
      const isRefusal = error instanceof RangeError || error instanceof UsageError;
      return plainText(isRefusal ? 400 : 503, error.message);
    }
  },
});

const names = [
  "from",
  "to",
  "q",
  "of",
  "host",
  "port",
  "protocol",
  "flow",
  "finding",
  "scan",
  "anomaly",
  "incident",
];

async function exportFilter(
  { context }: State,
  query: URLSearchParams,
): Promise<ExportFilter> {
  checkNames(query, names);
  const id = (name: string) =>
    wholeNumber(query, name, { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? null;
  const { fromUs = null, toUs = null } = timeRange(query);
  return {
    fromUs,
    toUs,
    q: await exportSearch(context.queries, query),
    isOfFlows: choiceParameter(query, "of", ["flows"]) !== undefined,
    flowId: id("flow"),
    findingId: id("finding"),
    scanId: id("scan"),
    anomalyId: id("anomaly"),
    incidentId: id("incident"),
  };
}

/** `q`, and what the other parameters say. */
async function exportSearch(queries: StoreReader, query: URLSearchParams): Promise<string> {
  const q = query.get("q")?.trim() ?? "";
  const terms: string[] = [];
  for (const name of ["host", "port", "protocol"]) {
    const own = parameterTerm(query, name);
    if (own === null) continue;
    if (name !== "protocol") checkTerm("pcap", name, own);
    if (name === "host") await queries.resolve(parseSearch(own, "pcap").tree);
    terms.push(own);
  }
  return terms.length === 0 ? q : [...q === "" ? [] : [`(${q})`], ...terms].join(" and ");
}

function isOfOne(
  { flowId, findingId, scanId, anomalyId, incidentId }: ExportFilter,
): boolean {
  return [flowId, findingId, scanId, anomalyId, incidentId].some((id) => id !== null);
}

/** Whether the flows of the history are searched, whose packets may be gone. */
function isOfFlows({ q, isOfFlows }: ExportFilter): boolean {
  if (isOfFlows) return true;
  try {
    parseSearch(q, "pcap");
    return false;
  } catch {
    return true;
  }
}

/** The same stream, with its first records read, and whether there are none. */
async function lookInto(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<{ stream: ReadableStream<Uint8Array<ArrayBuffer>>; isEmpty: boolean }> {
  const reader = stream.getReader();
  const begun: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  while (length <= fileHeaderBytes) {
    const { done, value } = await reader.read();
    if (done) break;
    begun.push(value);
    length += value.length;
  }
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const next = begun.shift() ?? (await reader.read()).value;
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { stream: whole, isEmpty: length <= fileHeaderBytes };
}
const fileHeaderBytes = 24;

/** Why there are no packets of what is asked for, and what there is. */
function noneText(state: State): string {
  const { store } = state.message.health;
  const history = store.oldestUs === null
    ? ""
    : ` The history itself goes back to ${
      formatWhen(store.oldestUs, state.message.nowUs, state.sensor.zone)
    }.`;
  return "None of its packets is in the capture files, nor was one kept as evidence: " +
    `they have been overwritten, or were not captured. ${leftText(state)}${history}`;
}

/** "tapwatch-20261122T140731Z.pcap", by the slice's start if it has one; "tapwatch-incident-7.pcap". */
function fileName({ fromUs, incidentId, findingId, flowId }: ExportFilter): string {
  if (incidentId !== null) return `tapwatch-incident-${incidentId}.pcap`;
  if (findingId !== null) return `tapwatch-finding-${findingId}.pcap`;
  if (flowId !== null) return `tapwatch-flow-${flowId}.pcap`;
  const date = fromUs === null ? new Date() : new Date(fromUs / 1000);
  return `tapwatch-${date.toISOString().replace(/[-:]|\.\d+/g, "")}.pcap`;
}
