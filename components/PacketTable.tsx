/** Packets as rows, newest first; what a row says leads to what else has it. Cards on a phone. */
import { hasPorts, type PacketRow } from "../agent/records.ts";
import { term } from "../agent/search/edit.ts";
import type { PacketOrder } from "../agent/store/filters.ts";
import { Address, hostPath } from "./Address.tsx";
import { formatCount, formatPacketTime, formatTcpFlags, unknown } from "./format.ts";
import { MomentLink } from "./Moment.tsx";
import { protocolLabel } from "./protocol_groups.ts";
import { type Sort, SortCell, SortHead } from "./SortHead.tsx";

/** A packet that has come just now has no number yet. */
type ListedPacket = PacketRow & { readonly id?: number };

/** The list with one more term. */
type Narrow = (term: string) => string;

interface PacketTableProps {
  readonly rows: readonly ListedPacket[];
  readonly zone: string;
  readonly narrow?: Narrow;
  /** Where the columns can be sorted. */
  readonly sort?: Sort<PacketOrder> | undefined;
}

const searchPackets: Narrow = (text) => `/packets?${new URLSearchParams({ q: text })}`;

export function PacketTable({ rows, zone, narrow = searchPackets, sort }: PacketTableProps) {
  return (
    <table class="tbl cards packets">
      <thead>
        <tr>
          <SortHead label="Time" order="time" sort={sort} />
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Protocol</th>
          <SortHead label="Length" order="length" sort={sort} isNumber />
          <th scope="col">What</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <PacketTableRow key={packetKey(row)} row={row} zone={zone} narrow={narrow} sort={sort} />
        ))}
      </tbody>
    </table>
  );
}

function PacketTableRow(
  { row, zone, narrow, sort }:
    & { row: ListedPacket; narrow: Narrow }
    & Pick<PacketTableProps, "zone" | "sort">,
) {
  const proto = row.application || row.protocol;
  return (
    <tr data-protocol={row.protocol} data-application={row.application}>
      <td class="mono time">
        {row.id === undefined
          ? <MomentLink tsUs={row.tsUs}>{formatPacketTime(row.tsUs, zone)}</MomentLink>
          : (
            <a class="plain" href={`/packets/${row.id}`} title="This packet" aria-current="false">
              {formatPacketTime(row.tsUs, zone)}
            </a>
          )}
      </td>
      <td class="mono ends">
        <Endpoint address={row.src} port={row.srcPort} row={row} narrow={narrow} />
      </td>
      <td class="mono ends" data-l="to">
        <Endpoint address={row.dst} port={row.dstPort} row={row} narrow={narrow} />
      </td>
      <td class="proto">
        <a class="plain" href={narrow(term(row.application ? "service" : "proto", proto))}>
          {protocolLabel(proto)}
        </a>
      </td>
      <SortCell sort={sort} order="length" label="length">{formatCount(row.wireLength)}</SortCell>
      <td class="grow dim w2">{packetInfo(row)}</td>
    </tr>
  );
}

interface EndpointProps {
  readonly address: string;
  readonly port: number | null;
  readonly row: ListedPacket;
  readonly narrow: Narrow;
}

function Endpoint({ address, port, row: { protocol }, narrow }: EndpointProps) {
  if (address === "") return <>{unknown}</>;
  return (
    <>
      <a class="plain" href={hostPath(address)} aria-current="false">
        <Address address={address} />
      </a>
      {port !== null && hasPorts(protocol) && (
        <a class="plain port" href={narrow(term("port", port))}>:{port}</a>
      )}
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
  return [
    Math.trunc(row.tsUs),
    row.interfaceId,
    row.src,
    row.srcPort,
    row.dst,
    row.dstPort,
    row.wireLength,
  ]
    .join(" ");
}

/** Whether a row belongs to the filter's protocol: its transport or its application. */
export function isOfProtocol(row: PacketRow, protocol: string): boolean {
  return protocol === "" || row.protocol === protocol || row.application === protocol;
}
