/**
 * Whether rows can be: addresses, ports, times and counts of flows and roll-ups, kinds and lengths of findings. Whoever has an agent's
 * credentials can send anything; what no database or page takes, what makes every sum wrong for good, and what only the hub can find ends in
 * the dead letters with its batch.
 */
import { parseIp } from "../../decode/addresses.ts";
import type { Cell } from "../../store/schema.ts";
import { FLEET_KINDS } from "../../records.ts";
import { type Batch, type FindingItem, type IncidentItem, WireError } from "../wire.ts";

/** Times from 1970 to 2100, in microseconds. */
const timeMaxUs = 4_102_444_800_000_000;
/** A petabyte or packets of one flow. */
const countMax = 2 ** 50;
const textMax = 512;
/** Of a command with its arguments. */
const lineMax = 8192;
/** Of a list of a finding as JSON: 64 addresses, 200 stretches of ports and the like take a tenth. */
const listMax = 32_768;
/** Flows of a finding, findings of an incident: agents send 64 and 500. */
const linksMax = 1000;
const knownMax = 100_000;
const known = new Set<string>();

const times = ["start_us", "end_us"];
const ports = ["orig_p", "resp_p"];
const counts = ["flows", "failed_flows", "orig_pkts", "orig_bytes", "orig_wire_bytes"]
  .concat("resp_pkts", "resp_bytes", "resp_wire_bytes", "rtt_us", "pid", "summed_flows");
const texts = ["proto", "service", "name", "ja4", "conn_state", "history"]
  .concat("community_id", "end_reason");

const nullableTexts = ["process", "executable", "command", "user", "unit"];

/** Throws WireError. */
export function checkRows(batch: Batch): void {
  if (batch.kind === "findings") batch.items.forEach(checkFinding);
  if (batch.kind === "incidents") batch.items.forEach(checkIncident);
  if (batch.kind !== "flows" && batch.kind !== "rollups") return;
  const columns = batch.columns as Readonly<Record<string, readonly Cell[]>>;
  const each = (names: readonly string[], fits: (cell: Cell) => boolean) => {
    for (const name of names) {
      for (const cell of columns[name] ?? []) {
        if (!fits(cell)) throw impossible(name, cell);
      }
    }
  };
  const isUpTo = (max: number) => (cell: Cell) =>
    cell === null || typeof cell === "number" && cell >= 0 && cell <= max;
  const isText = (cell: Cell) => typeof cell === "string" && cell.length <= textMax;
  each(times, isUpTo(timeMaxUs));
  each(ports, isUpTo(65_535));
  each(counts, isUpTo(countMax));
  each(texts, isText);
  each(
    nullableTexts,
    (cell) => cell === null || typeof cell === "string" && cell.length <= lineMax,
  );
  each(["orig_h"], isAddress);
  // What an agent adds up beyond the rows that it may send has no address.
  each(["resp_h"], (cell) => isAddress(cell) || batch.kind === "rollups" && cell === "");
}

function checkFinding({ row, flow_ids }: FindingItem): void {
  if (FLEET_KINDS.some((kind) => kind === row.kind)) throw impossible("kind", row.kind);
  if (flow_ids.length > linksMax) throw impossible("number of flows", flow_ids.length);
  checkTexts(row);
}

function checkIncident(item: IncidentItem): void {
  if ("gone" in item) return;
  if (item.findings.length > linksMax) {
    throw impossible("number of findings", item.findings.length);
  }
  checkTexts(item.row);
}

function checkTexts(row: Readonly<Record<string, Cell>>): void {
  for (const [name, cell] of Object.entries(row)) {
    if (typeof cell === "string" && cell.length > listMax) throw impossible(name, cell);
  }
}

function impossible(name: string, cell: Cell): WireError {
  return new WireError("damaged", `${name} cannot be ${String(cell).slice(0, 60)}`);
}

function isAddress(cell: Cell): boolean {
  const text = String(cell);
  if (known.has(text)) return true;
  if (parseIp(text) === null) return false;
  if (known.size >= knownMax) known.clear();
  known.add(text);
  return true;
}
