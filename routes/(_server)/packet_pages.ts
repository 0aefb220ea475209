/** What the page of a packet is made of. */
import type { CapturedPacket } from "../../agent/dashboard_context.ts";
import { type PacketTree, packetTree } from "../../agent/decode/tree/packet_tree.ts";
import { parseSearch } from "../../agent/search/parse.ts";
import type { SearchTree } from "../../agent/search/tree.ts";
import type { StoredPacket } from "../../agent/store/schema.ts";
import { formatWhen } from "../../components/format.ts";
import type { PacketsShown } from "../../components/PacketsLink.tsx";
import { timeRange } from "./parameters.ts";
import type { State } from "./state.ts";

export interface PacketPageData {
  readonly row: StoredPacket;
  /** Rows of the same flow. */
  readonly previous: number | null;
  readonly next: number | null;
  /** Null when its bytes are not there. */
  readonly captured: CapturedPacket | null;
  readonly tree: PacketTree | null;
  /** Why they are not there, in sentences; "" when they are. */
  readonly gone: string;
}

/** Null when there is no such packet. Rejects with what StoreQueries and the capture files throw. */
export async function readPacketPage(state: State, id: number): Promise<PacketPageData | null> {
  const { queries } = state.context;
  const row = await queries.packet(id);
  if (row === null) return null;
  const captured = await state.context.readPacket(row);
  return {
    row,
    ...await queries.packetsBeside(row),
    captured,
    tree: captured && packetTree(captured.bytes, captured),
    gone: captured === null ? goneText(state, row.ts_us, row.ts_us) : "",
  };
}

/** What the capture files have, in a sentence or two. */
export function leftText({ context, message, sensor }: State): string {
  if (context.fleet !== undefined) return "Packets stay with the agents that captured them.";
  const { recorder } = message.health;
  const span = context.ringSpan();
  if (span === null) {
    return recorder.state === "off" && recorder.packetsWritten === 0
      ? "Capture files are off (--pcap-files 0), so no packet is kept."
      : "No capture file has a packet yet.";
  }
  const when = (timeUs: number) => formatWhen(timeUs, message.nowUs, sensor.zone);
  const begin = `The capture files begin ${when(span.startUs)}`;
  // Then somebody else has taken away what was before.
  if (recorder.files < recorder.filesMax) return `${begin}.`;
  return `${begin}; what was before has been overwritten, ${
    when(span.newestFileUs)
  } at the latest. ` +
    "--pcap-files and --pcap-file-mb say how much is kept.";
}

/** Why there are no packets of a time, in sentences. */
function goneText(state: State, fromUs: number, toUs: number): string {
  const span = state.context.ringSpan();
  const left = leftText(state);
  if (span === null) return left;
  if (toUs < span.startUs) {
    return `It is older than the capture files, and was not kept as evidence of a finding. ${left}`;
  }
  if (fromUs < span.startUs) return `Its older packets are gone. ${left}`;
  return "It is not in the capture files, though they go back further: the recorder was behind, or " +
    `could not write. ${left}`;
}

/** Where the packets of a time that `query` asks for can be had, or why not. `toUs` is Infinity for what goes on. */
export function packetsShown(
  state: State,
  query: Readonly<Record<string, string>>,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
): PacketsShown {
  const href = `/api/export/pcap?${new URLSearchParams(query)}`;
  const { context } = state;
  if (context.fleet !== undefined) return { href: null, note: leftText(state) };
  const span = context.ringSpan();
  const startUs = span?.startUs ?? Infinity;
  if (fromUs >= startUs) return { href, note: "" };
  const isKept = context.hasEvidence(fromUs, Math.min(toUs, startUs));
  if (toUs < startUs) {
    return isKept
      ? {
        href,
        note: `Of that time only what was kept as evidence of findings is left. ${leftText(state)}`,
      }
      : { href: null, note: `Its packets are gone. ${leftText(state)}` };
  }
  const rest = isKept ? ", but for what was kept as evidence of findings" : "";
  return { href, note: `Its first packets are gone${rest}. ${leftText(state)}` };
}

/** The time of a row; up to Infinity for what goes on. */
interface RowTimes {
  readonly fromUs: number;
  readonly toUs: number;
}

/** The packets of what a list's page searches. */
export function searchedPackets(
  state: State,
  { list, q, url, times }: {
    readonly list: "flows" | "packets";
    readonly q: string;
    readonly url: URL;
    readonly times: readonly RowTimes[];
  },
): PacketsShown | null {
  if (times.length === 0) return null;
  const { fromUs, toUs } = timeRange(url.searchParams);
  const asked = {
    fromUs: fromUs ?? Math.min(...times.map((row) => row.fromUs)),
    toUs: toUs ?? Math.max(...times.map((row) => row.toUs)),
  };
  return packetsShown(state, {
    ...exportTerms(list, q),
    ...fromUs !== undefined && { from: String(fromUs) },
    ...toUs !== undefined && { to: String(toUs) },
  }, asked);
}

/** A search of rows as the export takes it. */
function exportTerms(list: "flows" | "packets", q: string): Record<string, string> {
  const [, flow] = /^flow (\d+)$/.exec(q) ?? [];
  if (flow !== undefined) return { flow };
  if (q === "") return {};
  return list === "flows" && measures(parseSearch(q, list).tree) ? { q, of: "flows" } : { q };
}

/** Whether it asks for sums, which packets have of their own. */
function measures(tree: SearchTree): boolean {
  if (tree.op === "and" || tree.op === "or") return tree.parts.some(measures);
  return tree.op === "not" ? measures(tree.part) : tree.op === "sum";
}
