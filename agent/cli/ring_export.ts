/** A slice of the capture ring for the dashboard and for `tapwatch export pcap`: filter text and flow look-up. */
import { exportPcap } from "../capture/pcap_export.ts";
import { UsageError } from "../errors.ts";
import { createPacketFilter, type PacketFilter } from "../pipeline/packet_filter.ts";
import { TRANSPORT_NAMES, type TransportName } from "../records.ts";

/** What to take of the ring; `toUs` is not included. */
export interface RingSlice {
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

/**
 * Reads a filter such as `host 10.0.0.9 and tcp and port 443`: words of pcap-filter(7) joined by `and`, each of host,
 * port and protocol at most once. It is not BPF, because reading files loads no native code. Throws UsageError.
 */
export function parseRingFilter(text: string): PacketFilter {
  const parts = text.trim().split(/\s+and\s+|\s*&&\s*/).filter((part) => part !== "");
  const filter: { hosts?: string[]; port?: number; protocol?: TransportName } = {};
  for (const part of parts) {
    const [word, value, ...rest] = part.split(/\s+/);
    if (rest.length > 0) throw badPart(part);
    if (word === "host" && value && !filter.hosts) filter.hosts = [value];
    else if (word === "port" && value && !filter.port) filter.port = parsePort(value);
    else if (!value && !filter.protocol && isTransportName(word)) filter.protocol = word;
    else throw badPart(part);
  }
  return filter;
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65535) return port;
  throw new UsageError(`A port must be a number from 1 to 65535, got ${JSON.stringify(text)}.`);
}

/** Whether `text` names a protocol that packets are counted as. */
export function isTransportName(text: string): text is TransportName {
  return (TRANSPORT_NAMES as readonly string[]).includes(text);
}

function badPart(part: string): UsageError {
  return new UsageError(
    `Cannot read ${
      JSON.stringify(part)
    } in the filter. It takes host ADDRESS, port NUMBER and one of ` +
      `${TRANSPORT_NAMES.slice(1).join(", ")}, each once and joined by "and".`,
  );
}
