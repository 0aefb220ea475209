/** Processes in rows, and in words. Safe in browsers. */
import type { Finding, FlowProcess } from "../records.ts";

/** Of `flows`, `scans`, `anomalies` and `incidents`. */
export const PROCESS_COLUMNS = [
  "pid",
  "process",
  "executable",
  "command",
  "user",
  "unit",
] as const;

interface ProcessRow {
  readonly pid: number | null;
  readonly process: string | null;
  readonly executable: string | null;
  readonly command: string | null;
  readonly user: string | null;
  readonly unit: string | null;
}

/** What is not known is null. */
export function processRow(process: FlowProcess | undefined): ProcessRow {
  return {
    pid: process?.pid || null,
    process: process?.name || null,
    executable: process?.executable || null,
    command: process?.command || null,
    user: process?.user || null,
    unit: process?.unit || null,
  };
}

/** Undefined for a row without one. */
export function readProcess(row: object): FlowProcess | undefined {
  const cells = row as { readonly [column in keyof ProcessRow]?: unknown };
  if (typeof cells.process !== "string" && typeof cells.user !== "string") return undefined;
  const text = (cell: unknown) => typeof cell === "string" ? cell : "";
  return {
    pid: Number(cells.pid ?? 0),
    name: text(cells.process),
    executable: text(cells.executable),
    command: text(cells.command),
    user: text(cells.user),
    unit: text(cells.unit),
  };
}

/** "nmap (bob)"; "a process of bob" where no more is known. */
export function processName({ name, user }: FlowProcess): string {
  if (name === "") return `a process of ${user}`;
  return user === "" ? name : `${name} (${user})`;
}

/** The finding with its process, which comes first in what is said of it. */
export function withProcess(finding: Finding, process: FlowProcess): Finding {
  const { reason, sources } = finding;
  const name = processName(process);
  const isActor = reason.startsWith("This host ") ||
    sources.some((source) => reason.startsWith(`${source} `));
  return {
    ...finding,
    process,
    reason: isActor
      ? `${name} on ${reason.replace(/^This/, "this")}`
      : `${reason}; on this host it was ${name}`,
  };
}

/** "nmap (bob), process 4711 in session-3.scope, /usr/bin/nmap". */
export function processText(process: FlowProcess): string {
  const { pid, executable, command, unit } = process;
  const where = unit === "" ? "" : ` in ${unit}`;
  const program = [executable, command].filter((text) => text !== "" && text !== process.name);
  return [
    processName(process),
    ...pid === 0 ? [] : [`process ${pid}${where}`],
    ...new Set(program),
  ].join(", ");
}
