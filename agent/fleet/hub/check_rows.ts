/**
 * Whether rows of flows and roll-ups can be: addresses, ports, times and counts. Whoever has an agent's credentials can send any
 * number; one that no database takes, or that makes every sum wrong for good, ends in the dead letters with its batch.
 */
import { parseIp } from "../../decode/addresses.ts";
import type { Cell } from "../../store/schema.ts";
import { type Batch, WireError } from "../wire.ts";

/** Times from 1970 to 2100, in microseconds. */
const timeMaxUs = 4_102_444_800_000_000;
/** A petabyte or packets of one flow. */
const countMax = 2 ** 50;
const textMax = 512;
/** Of a command with its arguments. */
const lineMax = 8192;
const knownMax = 100_000;
const known = new Set<string>();

const times = ["start_us", "end_us"];
const ports = ["orig_p", "resp_p"];
const counts = ["flows", "failed_flows", "orig_pkts", "orig_bytes", "orig_wire_bytes"]
  .concat("resp_pkts", "resp_bytes", "resp_wire_bytes", "rtt_us", "pid");
const texts = ["proto", "service", "name", "ja4", "conn_state", "history", "community_id"];

const nullableTexts = ["process", "executable", "command", "user", "unit"];

/** Throws WireError. */
export function checkRows(batch: Batch): void {
  if (batch.kind !== "flows" && batch.kind !== "rollups") return;
  const columns = batch.columns as Readonly<Record<string, readonly Cell[]>>;
  const each = (names: readonly string[], fits: (cell: Cell) => boolean) => {
    for (const name of names) {
      for (const cell of columns[name] ?? []) {
        if (!fits(cell)) {
          throw new WireError("damaged", `${name} cannot be ${String(cell).slice(0, 60)}`);
        }
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

function isAddress(cell: Cell): boolean {
  const text = String(cell);
  if (known.has(text)) return true;
  if (parseIp(text) === null) return false;
  if (known.size >= knownMax) known.clear();
  known.add(text);
  return true;
}
