/**
 * The writer of the database alone: batches of rows with their indexes, beside an INSERT a row into the same tables in
 * transactions of the same size.
 */
import { DatabaseSync } from "node:sqlite";
import type { PacketRow } from "../agent/records.ts";
import { PACKET_COLUMNS } from "../agent/store/schema.ts";
import { flow, many, openWriter, packetRow } from "../agent/store/testing.ts";
import {
  type Contestant,
  formatCount,
  formatMb,
  printSection,
  size,
  takeTurnsWarm,
  time,
  timesTable,
} from "./harness.ts";

const rounds = size(5, 2);
const batchRows = 2000;
const packetRows = many(size(100_000, 10_000), packetRow);
const flowRows = many(size(50_000, 5_000), (number) => flow(number + 1));

const folder = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
let databases = 0;
let packetFileBytes = 0;
try {
  const contestants: Contestant[] = [
    {
      name: "tapwatch, packet rows",
      operations: packetRows.length,
      run: () => inNewDatabase(writePackets),
    },
    {
      name: "an INSERT a row, packet rows",
      operations: packetRows.length,
      run: () => inNewDatabase(insertPackets),
    },
    {
      name: "tapwatch, flow rows",
      operations: flowRows.length,
      run: () => inNewDatabase(writeFlows),
    },
  ];
  const results = await takeTurnsWarm(contestants, rounds, 1);
  printSection({
    title: "store: rows into SQLite alone",
    blocks: [
      `${formatCount(packetRows.length)} packet rows and ${
        formatCount(flowRows.length)
      } flow rows in transactions of ` +
      `${
        formatCount(batchRows)
      }, into a new database each run, with all indexes, WAL, until the file is closed. A ` +
      `packet row takes ${
        Math.round(packetFileBytes / packetRows.length)
      } bytes with its indexes (${formatMb(packetFileBytes)}).`,
      timesTable(results, { unit: "rows" }),
    ],
    targets: [],
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Seconds that `write` takes with an empty database. */
function inNewDatabase(write: (path: string) => number): number {
  const path = `${folder}/${databases++}.db`;
  openWriter(path).close();
  const seconds = time(() => write(path));
  if (write === writePackets) packetFileBytes = Deno.statSync(path).size;
  Deno.removeSync(path);
  return seconds;
}

function writePackets(path: string): number {
  const writer = openWriter(path);
  for (let at = 0; at < packetRows.length; at += batchRows) {
    const packets = packetRows.slice(at, at + batchRows);
    writer.write({ packets, flows: [], seconds: [], hosts: [] });
  }
  writer.close();
  return packetRows.length;
}

function writeFlows(path: string): number {
  const writer = openWriter(path);
  for (let at = 0; at < flowRows.length; at += batchRows) {
    const flows = flowRows.slice(at, at + batchRows);
    writer.write({ packets: [], flows, seconds: [], hosts: [] });
  }
  writer.close();
  return flowRows.length;
}

function insertPackets(path: string): number {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA synchronous = NORMAL");
  const places = PACKET_COLUMNS.map(() => "?").join(",");
  const insert = database.prepare(
    `INSERT INTO packets(${PACKET_COLUMNS.join(",")}) VALUES (${places})`,
  );
  for (let at = 0; at < packetRows.length; at += batchRows) {
    database.exec("BEGIN");
    for (const row of packetRows.slice(at, at + batchRows)) insert.run(...cells(row));
    database.exec("COMMIT");
  }
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return packetRows.length;
}

function cells(row: PacketRow) {
  return [
    ...[row.tsUs, row.interfaceId, row.wireLength, row.capturedLength, row.src, row.dst],
    ...[row.srcPort, row.dstPort, row.protocol, row.application, row.tcpFlags, row.vlanId],
    ...[row.flowId, row.sampleK, row.info],
  ];
}
