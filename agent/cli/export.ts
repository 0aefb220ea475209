/**
 * `tapwatch export packets | flows | anomalies | scans | incidents | alerts | hosts`: the rows of the database, newest first, as CSV or as
 * JSON lines, under the tables' column names. Streamed a thousand rows at a time, beside a running writer; rows that
 * come in meanwhile are not among them. (`export pcap` reads capture files instead and lives elsewhere.)
 */
import { RunError, systemReason, UsageError } from "../errors.ts";
import { StoreError } from "../store/failure.ts";
import { csvHeader, csvRow, type Row } from "../store/csv.ts";
import { placeColumns, placedRow } from "../geo/places.ts";
import { parseSearch } from "../search/parse.ts";
import { pointAt, SearchError } from "../search/search_error.ts";
import type { TimeRange } from "../store/filters.ts";
import { StoreQueries } from "../store/queries.ts";
import {
  ALERT_COLUMNS,
  ANOMALY_COLUMNS,
  BOOK_COLUMNS,
  FLOW_COLUMNS,
  INCIDENT_COLUMNS,
  INCIDENT_HUMAN_COLUMNS,
  PACKET_COLUMNS,
  SCAN_COLUMNS,
} from "../store/schema.ts";
import { type Page, pageRowsMax } from "../store/time_list.ts";
import type { BookHost } from "../store/device_queries.ts";
import { describeHosts } from "../vendor/describe_hosts.ts";
import { databasePath } from "./results_folder.ts";

/** Each kind of export and its columns. */
const exportColumns = {
  packets: ["id", ...PACKET_COLUMNS],
  flows: FLOW_COLUMNS,
  anomalies: ANOMALY_COLUMNS,
  scans: SCAN_COLUMNS,
  incidents: [...INCIDENT_COLUMNS, ...INCIDENT_HUMAN_COLUMNS],
  alerts: ALERT_COLUMNS,
  hosts: BOOK_COLUMNS,
} as const;
export type ExportKind = keyof typeof exportColumns;

/** The kinds that runExport() knows. */
export const EXPORT_KINDS = Object.keys(exportColumns) as ExportKind[];

/** Hosts have no time. */
export interface ExportOptions extends TimeRange {
  /** A search of agent/search. */
  readonly q?: string;
  readonly format: "csv" | "jsonl";
  /** The folder that holds `packet_logs.db`. */
  readonly resultsDir: string;
}

/**
 * Writes all rows and returns how many there were. `write` is awaited, so a slow reader holds the export up, not the
 * memory. Throws UsageError without a (readable) database, RunError when reading it fails.
 */
export async function runExport(
  kind: ExportKind,
  { format, resultsDir, ...filter }: ExportOptions,
  write: (text: string) => void | Promise<void>,
): Promise<number> {
  const path = databasePath(resultsDir);
  checkSearch(kind, filter.q ?? "");
  assertExists(path);
  const queries = new StoreQueries(path);
  const columns = [...exportColumns[kind], ...placeColumns(kind)];
  const toText = format === "csv" ? csvRow : jsonRow;
  try {
    queries.readSearch(kind, filter.q);
    if (format === "csv") await write(csvHeader(columns));
    let count = 0;
    for (
      const rows of pages((cursor) => queries[kind]({ ...filter, limit: pageRowsMax, cursor }))
    ) {
      count += rows.length;
      const whole = kind === "hosts" ? await describeHosts(rows as unknown as BookHost[]) : rows;
      await write(
        whole.map((row) => toText(placedRow(kind, row) as unknown as Row, columns)).join(""),
      );
    }
    return count;
  } catch (error) {
    if (error instanceof SearchError) throw searchRefusal(error, filter.q ?? "");
    if (!(error instanceof StoreError)) throw error;
    throw new RunError(`${error.message}. Try again, or see tapwatch doctor.`, { cause: error });
  } finally {
    queries.close();
  }
}

/** Throws UsageError for what cannot be understood, whatever there is to search. */
function checkSearch(kind: ExportKind, q: string): void {
  try {
    parseSearch(q, kind);
  } catch (error) {
    throw error instanceof SearchError ? searchRefusal(error, q) : error;
  }
}

/** A refused search for the terminal, with a caret below its place. */
export function searchRefusal(error: SearchError, q: string): UsageError {
  const end = /[.?]$/.test(error.message) ? "" : ".";
  return new UsageError(`${error.message}${end}\n${pointAt(q, error.column)}`, { cause: error });
}

function* pages(read: (cursor: string | undefined) => Page<object>): Generator<readonly Row[]> {
  let cursor: string | undefined;
  do {
    const page = read(cursor);
    if (page.rows.length > 0) yield page.rows as readonly Row[];
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

function jsonRow(row: Row): string {
  return JSON.stringify(row) + "\n";
}

function assertExists(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    throw new UsageError(
      error instanceof Deno.errors.NotFound
        ? `There is no database ${path} to export from. Name the folder of an earlier run with --results DIR.`
        : `Cannot read the database ${path}: ${systemReason(error)}.`,
      { cause: error },
    );
  }
}
