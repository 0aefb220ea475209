/** What the page of a packet is made of. */
import type { CapturedPacket } from "../../agent/dashboard_context.ts";
import { type PacketTree, packetTree } from "../../agent/decode/tree/packet_tree.ts";
import type { StoredPacket } from "../../agent/store/schema.ts";
import { formatWhen } from "../../components/format.ts";
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

/** Why no packet of a time can be had from the capture files, and what is left, in sentences. */
export function goneText(
  { context, message, sensor }: State,
  fromUs: number | null,
  toUs: number | null,
): string {
  const { recorder } = message.health;
  const span = context.ringSpan();
  if (span === null) {
    return recorder.state === "off"
      ? "Capture files are off (--pcap-files 0), so no packet is kept."
      : "No capture file has a packet yet.";
  }
  const when = (timeUs: number) => formatWhen(timeUs, message.nowUs, sensor.zone);
  const left = `What is left in the capture files begins ${when(span.startUs)}; ` +
    "--pcap-files and --pcap-file-mb say how much is kept.";
  if (toUs !== null && toUs < span.startUs) {
    return `Its packets have been overwritten by newer ones, ${
      when(span.newestFileUs)
    } at the latest. ${left}`;
  }
  if (fromUs !== null && fromUs < span.startUs) {
    return `None of its packets is in the capture files: the older ones have been overwritten. ${left}`;
  }
  return `It is not in the capture files, though they go back further: the recorder was behind, or could not write. ${left}`;
}
