/** What the page of a flow is made of. */
import { type FindingList, readFinding } from "../../agent/finding_reader.ts";
import { type Finding, hasPorts, type PacketRow } from "../../agent/records.ts";
import { narrow, term } from "../../agent/search/edit.ts";
import { FLOWS_PER_RUN, type StoredFlow } from "../../agent/store/schema.ts";
import type { OfAgent } from "../../components/AgentName.tsx";
import type { FlowBucket } from "../../components/FlowSketch.tsx";
import { isOfMany } from "../../components/flow_text.ts";
import type { PacketsShown } from "../../components/PacketsLink.tsx";
import { type ListedFlow, readFlow, standingFlow } from "./flow_list.ts";
import { hostNamesOf } from "./finding_pages.ts";
import { toPacketRow } from "./lists.ts";
import { packetsShown } from "./packet_pages.ts";
import type { State } from "./state.ts";

export interface FlowPageData {
  readonly flow: ListedFlow;
  /** Rows of the same connection, oldest first; long flows have one every five minutes. */
  readonly pieces: readonly ListedFlow[];
  /** Sums over them. */
  readonly whole: ListedFlow;
  readonly packets: readonly PacketRow[];
  readonly hasMorePackets: boolean;
  /** Both directions over time; none where nothing is stored to draw. */
  readonly buckets: readonly FlowBucket[];
  readonly findings: readonly { readonly finding: Finding; readonly isEvidence: boolean }[];
  readonly names: Readonly<Record<string, string>>;
  /** Where its packets can be had. */
  readonly export: PacketsShown;
}

const piecesMax = 300;
const packetsListed = 100;
const packetsDrawn = 1000;
const bucketCount = 60;
const findingsShown = 20;

/** Null when there is no such flow. Throws what StoreQueries throws. */
export async function readFlowPageData(state: State, id: number): Promise<FlowPageData | null> {
  const { context } = state;
  const flow = await readFlow(context, id);
  if (flow === null) return null;
  const pieces = await readPieces(state, flow);
  const whole = sumOf(pieces);
  const drawn = await readPackets(state, pieces, packetsDrawn);
  return {
    flow,
    pieces,
    whole,
    packets: drawn.rows.slice(0, packetsListed),
    hasMorePackets: drawn.rows.length > packetsListed || drawn.hasMore,
    buckets: pieces.length > 1 ? bucketsOfPieces(pieces) : bucketsOfPackets(flow, drawn.rows),
    findings: await readFindings(state, pieces),
    names: await hostNamesOf(context, [flow.orig_h, flow.resp_h]),
    export: packetsShown(state, {
      flow: String(whole.id),
      from: String(whole.start_us),
      to: String(whole.end_us + 1),
    }, { fromUs: whole.start_us, toUs: whole.end_us }),
  };
}

/** The flow with the rows before and after it that were cut from the same connection. */
async function readPieces(state: State, flow: ListedFlow): Promise<ListedFlow[]> {
  const { queries } = state.context;
  const q = connectionSearch(flow);
  const stored = (await queries.flows({ q, limit: piecesMax })).rows
    .map((row): ListedFlow => ({ ...row, state: "ended" }));
  const rows = stored.some(({ id }) => id === flow.id) ? stored : [...stored, flow];
  const newest = rows.reduce((a, b) => a.start_us > b.start_us ? a : b);
  if (newest.state === "ended" && newest.end_reason === "active") {
    const open = await readOpen(state, q, newest);
    if (open !== null) rows.push(open);
  }
  rows.sort((a, b) => a.start_us - b.start_us || a.id - b.id);
  const place = rows.findIndex(({ id }) => id === flow.id);
  let [first, last] = [place, place];
  while (first > 0 && rows[first - 1]!.end_reason === "active") first--;
  while (last < rows.length - 1 && rows[last]!.end_reason === "active") last++;
  return rows.slice(first, last + 1);
}

async function readOpen(
  { context }: State,
  q: string,
  { end_us: fromUs }: StoredFlow,
): Promise<ListedFlow | null> {
  const { rows: [row] } = await context.openFlows({
    tree: await context.queries.readSearch("flows", q),
    fromUs,
    toUs: null,
    order: "last",
    isAscending: false,
    after: null,
    limit: 1,
  });
  return row === undefined ? null : standingFlow(row, context.live.storeRun * FLOWS_PER_RUN);
}

/** All rows with the same ends. */
function connectionSearch(flow: StoredFlow & OfAgent): string {
  return [
    ...(flow.agent === undefined ? [] : [term("agent", flow.agent)]),
    term("src", flow.orig_h),
    term("sport", flow.orig_p),
    term("dst", flow.resp_h),
    term("dport", flow.resp_p),
    term("proto", flow.proto),
  ].join(" and ");
}

function sumOf(pieces: readonly ListedFlow[]): ListedFlow {
  const sum = (column: keyof StoredFlow) =>
    pieces.reduce((total, piece) => total + Number(piece[column]), 0);
  const [first, last] = [pieces[0]!, pieces.at(-1)!];
  return {
    ...last,
    start_us: first.start_us,
    orig_pkts: sum("orig_pkts"),
    orig_bytes: sum("orig_bytes"),
    orig_wire_bytes: sum("orig_wire_bytes"),
    resp_pkts: sum("resp_pkts"),
    resp_bytes: sum("resp_bytes"),
    resp_wire_bytes: sum("resp_wire_bytes"),
    orig_retransmissions: sum("orig_retransmissions"),
    resp_retransmissions: sum("resp_retransmissions"),
    rtt_us: pieces.find(({ rtt_us }) => rtt_us !== null)?.rtt_us ?? null,
    // Letters stand where they are met first.
    history: [...new Set(pieces.flatMap(({ history }) => [...history]))].join(""),
  };
}

/** The search of a flow's packet rows; of many flows, which have packets of many numbers, all that went where they went. */
export function packetSearch(flow: StoredFlow, pieces: readonly ListedFlow[] = []): string {
  if (!flow.summed_flows) return `flow ${pieces.map(({ id }) => id).join(",") || flow.id}`;
  return [
    term("dst", flow.resp_h),
    term("proto", flow.proto),
    ...hasPorts(flow.proto) && flow.resp_p > 0 ? [term("dport", flow.resp_p)] : [],
    ...isOfMany(flow) ? [] : [term("src", flow.orig_h)],
  ].join(" and ");
}

/** Newest first. */
async function readPackets({ context }: State, pieces: readonly ListedFlow[], limit: number) {
  const page = await context.queries.packets({
    q: packetSearch(pieces[0]!, pieces.slice(-20)),
    fromUs: pieces.at(-20)?.start_us ?? pieces[0]!.start_us,
    toUs: pieces.at(-1)!.end_us + 1,
    limit,
  });
  return { rows: page.rows.map(toPacketRow), hasMore: page.rows.length === limit };
}

function bucketsOfPieces(pieces: readonly ListedFlow[]): FlowBucket[] {
  return pieces.map((piece) => ({
    fromUs: piece.start_us,
    toUs: piece.end_us,
    sent: piece.orig_wire_bytes,
    received: piece.resp_wire_bytes,
  }));
}

/** None unless the packets are nearly all of the flow's. */
function bucketsOfPackets(flow: ListedFlow, packets: readonly PacketRow[]): FlowBucket[] {
  const counted = packets.reduce((sum, { sampleK }) => sum + sampleK, 0);
  if (counted < 2 || counted < 0.5 * (flow.orig_pkts + flow.resp_pkts)) return [];
  const spanUs = Math.max(1, flow.end_us - flow.start_us + 1);
  const sums = Array.from({ length: bucketCount }, (_, index) => ({
    fromUs: flow.start_us + spanUs * index / bucketCount,
    toUs: flow.start_us + spanUs * (index + 1) / bucketCount,
    sent: 0,
    received: 0,
  }));
  for (const { tsUs, src, srcPort, wireLength, sampleK } of packets) {
    const index = Math.floor((tsUs - flow.start_us) / spanUs * bucketCount);
    const bucket = sums[Math.min(bucketCount - 1, Math.max(0, index))]!;
    const isSent = flow.summed_flows ||
      src === flow.orig_h && (flow.orig_h !== flow.resp_h || srcPort === flow.orig_p);
    bucket[isSent ? "sent" : "received"] += wireLength * sampleK;
  }
  return sums;
}

/** Findings that name one of its hosts while it lasted, those that it is evidence of first. */
async function readFindings(
  { context }: State,
  pieces: readonly ListedFlow[],
): Promise<FlowPageData["findings"]> {
  const { queries } = context;
  const { orig_h, resp_h } = pieces[0]!;
  const range = { fromUs: pieces[0]!.start_us, toUs: pieces.at(-1)!.end_us };
  const flowIds = pieces.map(({ id }) => id);
  const of = async (list: FindingList) => {
    const rows = await queries.findingsNaming(list, [orig_h, resp_h], range);
    return Promise.all(rows.map(async (row) => {
      const finding = readFinding(list, row);
      return { finding, isEvidence: await queries.isEvidence(list, finding.id, flowIds) };
    }));
  };
  return [...await of("scans"), ...await of("anomalies")]
    .sort((a, b) =>
      Number(b.isEvidence) - Number(a.isEvidence) || b.finding.lastUs - a.finding.lastUs
    )
    .slice(0, findingsShown);
}

/** Searches for what else is so, as links. */
export function likeThis(flow: StoredFlow): { readonly label: string; readonly href: string }[] {
  const link = (q: string) => `/flows?${new URLSearchParams({ q })}`;
  const list: [string, string][] = [];
  if (flow.name !== "") list.push(["the same name", term("name", flow.name)]);
  if (flow.ja4 !== "") list.push(["the same JA4", term("ja4", flow.ja4)]);
  list.push(["the same peer", term("host", flow.resp_h)]);
  if (!isOfMany(flow)) {
    list.push([
      "between the same two hosts",
      narrow(term("host", flow.orig_h), term("host", flow.resp_h), "flows"),
    ]);
  }
  if (flow.service !== "") list.push(["the same service", term("service", flow.service)]);
  if (hasPorts(flow.proto) && !(flow.summed_flows && flow.resp_p === 0)) {
    list.push([
      "to the same port of the same peer",
      narrow(term("dst", flow.resp_h), term("dport", flow.resp_p), "flows"),
    ]);
  }
  if (flow.community_id !== "") {
    list.push(["the same Community ID", term("community", flow.community_id)]);
  }
  return list.map(([label, q]) => ({ label, href: link(q) }));
}
