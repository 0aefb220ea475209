/** How records become rows: one function a table, each the order of its columns and what a second row of one key does. */
import type { DatabaseSync } from "node:sqlite";
import type { Flow, HostTotals, PacketRow, StatsSecond } from "../records.ts";
import { RowInserter } from "./row_inserter.ts";
import {
  type Cell,
  FLOW_COLUMNS,
  HOST_COLUMNS,
  PACKET_COLUMNS,
  STATS_COLUMNS,
  STATS_COUNTERS,
  STATS_LEVELS,
} from "./schema.ts";
import { PROCESS_COLUMNS, processRow } from "../text/processes.ts";

const minuteUs = 60_000_000;

/** `flowIdBase` is added to the ids of flows, which count from 1 in each run. */
export function packetInserter(
  database: DatabaseSync,
  flowIdBase: () => number,
): RowInserter<PacketRow> {
  return new RowInserter({
    database,
    table: "packets",
    columns: PACKET_COLUMNS,
    pushCells: (row, cells) => {
      cells.push(
        Math.trunc(row.tsUs),
        row.interfaceId,
        row.wireLength,
        row.capturedLength,
        row.src,
        row.dst,
        row.srcPort,
        row.dstPort,
        row.protocol,
        row.application,
        row.tcpFlags,
        row.vlanId,
        row.flowId === 0 ? null : flowIdBase() + row.flowId,
        row.sampleK,
        row.info,
      );
    },
  });
}

/** A flow that is written again (a long one, told of twice) replaces its row. */
export function flowInserter(database: DatabaseSync, flowIdBase: () => number): RowInserter<Flow> {
  return new RowInserter({
    database,
    table: "flows",
    columns: FLOW_COLUMNS,
    conflictClause: `ON CONFLICT(id) DO UPDATE SET ${assign(FLOW_COLUMNS.slice(1))}`,
    isRarelyThere: true,
    pushCells: (flow, cells) => pushFlow(flow, flowIdBase() + flow.id, cells),
  });
}

function pushFlow(flow: Flow, id: number, cells: Cell[]): void {
  cells.push(
    id,
    Math.trunc(flow.startUs),
    Math.trunc(flow.endUs),
    flow.origH,
    flow.origP,
    flow.respH,
    flow.respP,
    flow.ipVersion,
    flow.proto,
    flow.service,
    flow.name,
    flow.ja4,
    flow.origPkts,
    flow.origBytes,
    flow.origWireBytes,
    flow.respPkts,
    flow.respBytes,
    flow.respWireBytes,
    flow.connState,
    flow.history,
    flow.communityId,
    flow.rttUs < 0 ? null : Math.trunc(flow.rttUs),
    flow.origRetransmissions,
    flow.respRetransmissions,
    flow.origCopies,
    flow.respCopies,
    flow.isOrigLocal ? 1 : 0,
    flow.isRespLocal ? 1 : 0,
    flow.interfaceId,
    flow.vlanId < 0 ? null : flow.vlanId,
    flow.endReason,
  );
  const { process } = flow;
  if (process === undefined) cells.push(null, null, null, null, null, null);
  else {
    const row = processRow(process);
    for (const column of PROCESS_COLUMNS) cells.push(row[column]);
  }
  cells.push(flow.summed?.flows ?? null);
}

/** Two rows of one second (two runs, or two parts of a replay) add up, as their packets do. */
export function statsInserter(
  database: DatabaseSync,
  table: "stats" | "stats_minutes",
  floorUs: (tsUs: number) => number,
): RowInserter<StatsSecond> {
  const sums = STATS_COUNTERS.map((column) => `${column} = ${column} + excluded.${column}`);
  const levels = STATS_LEVELS.map((column) => `${column} = max(${column}, excluded.${column})`);
  return new RowInserter({
    database,
    table,
    columns: STATS_COLUMNS,
    conflictClause: `ON CONFLICT(ts_us) DO UPDATE SET ${[...sums, ...levels].join(", ")}`,
    pushCells: (second, cells) => {
      cells.push(
        floorUs(Math.trunc(second.tsUs)),
        second.packets,
        second.bytes,
        second.inBytes,
        second.outBytes,
        second.internalBytes,
        second.tcpPackets,
        second.udpPackets,
        second.icmpPackets,
        second.otherPackets,
        second.newFlows,
        second.kernelDrops,
        second.interfaceDrops,
        second.queueDrops,
        second.activeFlows,
        second.activeHosts,
      );
    },
  });
}

/** Counters add up; times widen; the newest MAC address and name that are known win. */
export function hostInserter(database: DatabaseSync): RowInserter<HostTotals> {
  return new RowInserter({
    database,
    table: "hosts",
    columns: HOST_COLUMNS,
    conflictClause: `ON CONFLICT(address) DO UPDATE SET
      mac = CASE excluded.mac WHEN '' THEN mac ELSE excluded.mac END,
      name = CASE excluded.name WHEN '' THEN name ELSE excluded.name END,
      is_local = excluded.is_local,
      first_seen_us = min(first_seen_us, excluded.first_seen_us),
      last_seen_us = max(last_seen_us, excluded.last_seen_us),
      in_packets = in_packets + excluded.in_packets,
      in_bytes = in_bytes + excluded.in_bytes,
      out_packets = out_packets + excluded.out_packets,
      out_bytes = out_bytes + excluded.out_bytes`,
    pushCells: (host, cells) => {
      cells.push(
        host.address,
        host.mac,
        host.name,
        host.isLocal ? 1 : 0,
        Math.trunc(host.firstSeenUs),
        Math.trunc(host.lastSeenUs),
        host.inPackets,
        host.inBytes,
        host.outPackets,
        host.outBytes,
      );
    },
  });
}

function assign(columns: readonly string[]): string {
  return columns.map((column) => `${column} = excluded.${column}`).join(", ");
}

/** Start of the minute, in microseconds. */
export function floorToMinute(tsUs: number): number {
  return Math.floor(tsUs / minuteUs) * minuteUs;
}
