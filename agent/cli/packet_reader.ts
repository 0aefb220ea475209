/** The bytes of a stored packet: its row knows when it came and what it looked like, the capture files have it by that. */
import { exportPcap } from "../capture/pcap_export.ts";
import { parsePcapHeader } from "../capture/pcap_header.ts";
import { fileHeaderLength, recordHeaderLength } from "../capture/pcap_records.ts";
import type { CapturedPacket } from "../dashboard_context.ts";
import { parseIp } from "../decode/addresses.ts";
import { createPacketFilter, type PacketFilter } from "../pipeline/packet_filter.ts";
import { TRANSPORT_NAMES, type TransportName } from "../records.ts";
import type { StoredPacket } from "../store/schema.ts";

/** Packets of one microsecond that are looked at. */
const candidatesMax = 256;
const protocols: ReadonlySet<string> = new Set(TRANSPORT_NAMES);

interface PacketPlace {
  /** Folder of the ring. */
  readonly folder: string;
  readonly row: StoredPacket;
  /** Rows before this one that say the same. */
  readonly rank: number;
  readonly vxlanPorts: readonly number[];
}

/** Null when it is in no file. Rejects with the world's errors. */
export async function readPacket(place: PacketPlace): Promise<CapturedPacket | null> {
  const { folder, row, rank, vxlanPorts } = place;
  const stream = exportPcap({
    folder,
    fromUs: row.ts_us,
    toUs: row.ts_us,
    packetsMax: candidatesMax,
    matches: createPacketFilter(filterOf(row), vxlanPorts),
  });
  const found = packetsOf(await new Response(stream).bytes());
  // Where the ring has other headers than the wire had, lengths differ.
  const same = found.filter(({ wireLength }) => wireLength === row.wire_length);
  const candidates = same.length > 0 ? same : found;
  return candidates[Math.min(rank, candidates.length - 1)] ?? null;
}

/** ARP has MAC addresses in its row, and is told by its time and length alone. */
function filterOf({ src, dst, src_port, protocol }: StoredPacket): PacketFilter {
  return {
    ...(protocols.has(protocol) && { protocol: protocol as TransportName }),
    ...(parseIp(src) !== null && { hosts: [src] }),
    ...(parseIp(dst) !== null && { peers: [dst] }),
    ...(src_port !== null && ["tcp", "udp", "sctp", "dccp"].includes(protocol) && {
      port: src_port,
    }),
  };
}

/** The records of a pcap file of nanoseconds. */
function packetsOf(file: Uint8Array<ArrayBuffer>): CapturedPacket[] {
  const header = parsePcapHeader(file);
  if (header === null) return [];
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const packets: CapturedPacket[] = [];
  for (let at = fileHeaderLength; at + recordHeaderLength <= file.length;) {
    const start = at + recordHeaderLength;
    const end = start + view.getUint32(at + 8, true);
    packets.push({
      bytes: file.slice(start, end),
      wireLength: view.getUint32(at + 12, true),
      linktype: header.linktype,
    });
    at = end;
  }
  return packets;
}
