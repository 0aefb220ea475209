/** Packets as rows, newest first; cards on a phone. */
import type { PacketRow } from "../agent/records.ts";
import { Address, hostPath } from "./Address.tsx";
import { formatCount, formatPacketTime, formatTcpFlags, unknown } from "./format.ts";
import { protocolLabel } from "./protocol_groups.ts";

/** A packet that has come just now has no number yet. */
export type ListedPacket = PacketRow & { readonly id?: number };

export interface PacketTableProps {
  readonly rows: readonly ListedPacket[];
  readonly zone: string;
}

export function PacketTable({ rows, zone }: PacketTableProps) {
  return (
    <table class="tbl cards packets">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Protocol</th>
          <th scope="col" class="num">Length</th>
          <th scope="col">What</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => <PacketTableRow key={packetKey(row)} row={row} zone={zone} />)}
      </tbody>
    </table>
  );
}

function PacketTableRow({ row, zone }: { row: ListedPacket; zone: string }) {
  return (
    <tr data-protocol={row.protocol} data-application={row.application}>
      <td class="mono time">
        {row.id === undefined
          ? formatPacketTime(row.tsUs, zone)
          : <a href={`/packets/${row.id}`}>{formatPacketTime(row.tsUs, zone)}</a>}
      </td>
      <td class="mono ends">
        <Endpoint address={row.src} port={row.srcPort} />
      </td>
      <td class="mono ends" data-l="to">
        <Endpoint address={row.dst} port={row.dstPort} />
      </td>
      <td class="proto">{protocolLabel(row.application || row.protocol)}</td>
      <td class="num opt">{formatCount(row.wireLength)}</td>
      <td class="grow dim w2">{packetInfo(row)}</td>
    </tr>
  );
}

function Endpoint({ address, port }: { address: string; port: number | null }) {
  return (
    <>
      {address === "" ? unknown : (
        <a class="plain" href={hostPath(address)} aria-current="false">
          <Address address={address} />
        </a>
      )}
      {port !== null && <span class="port">:{port}</span>}
    </>
  );
}

/** The row's own text, else its TCP flags. */
function packetInfo(row: PacketRow): string {
  if (row.info !== "") return row.info;
  return row.tcpFlags === null ? "" : formatTcpFlags(row.tcpFlags);
}

/** Tells rows apart that people could. */
export function packetKey(row: PacketRow): string {
  return [row.tsUs, row.interfaceId, row.src, row.srcPort, row.dst, row.dstPort, row.wireLength]
    .join(" ");
}

/** Whether a row belongs to the filter's protocol: its transport or its application. */
export function isOfProtocol(row: PacketRow, protocol: string): boolean {
  return protocol === "" || row.protocol === protocol || row.application === protocol;
}
