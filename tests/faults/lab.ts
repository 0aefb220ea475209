/**
 * What the tests of faults share. Each has a short form, for the normal tests, and a long one: `deno task faults` (an hour or two),
 * by TAPWATCH_FAULTS=long.
 */
import { ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { writeLargeCapture } from "../large_capture.ts";
import { patienceMs, Program, runCommand } from "../program.ts";

const isLong = Deno.env.get("TAPWATCH_FAULTS") === "long";

/** How often, or how long, by form. */
export const byForm = (short: number, long: number): number => isLong ? long : short;

/** Told with the result, so that a round can be found in the log. */
export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for `work` to end, however it does, but no longer than `ms`. */
export async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer = 0;
  const over = new Promise((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([work.catch(() => {}), over]);
  clearTimeout(timer);
}
export const randomMs = (below: number) => Math.random() * below;

/** About 25,000 packets a round of the capture; the file is made once. */
export async function writeLoad(folder: string, rounds = 12): Promise<string> {
  const path = `${folder}/large.pcap`;
  await writeLargeCapture(path, rounds);
  return path;
}

/** Replays a large file with everything written to `results`, at some 60,000 packets a second. */
export function startLoad(path: string, results: string, ...args: string[]): Promise<Program> {
  const load = ["replay", path, "--speed", "1000", "--log-packets", "all", "--min-free-mb", "0"];
  return Program.start([...load, "--results", results, ...args]);
}

/** A row of the database as an array, or null while it cannot be opened. */
export function ask(results: string, sql: string): unknown[] {
  const database = new DatabaseSync(`${results}/packet_logs.db`);
  try {
    database.exec("PRAGMA busy_timeout = 60000");
    return Object.values(database.prepare(sql).get()!);
  } finally {
    database.close();
  }
}

/** A sound database, in which nothing stands twice. */
export function checkDatabase(results: string): void {
  strictEqual(ask(results, "PRAGMA integrity_check")[0], "ok");
  const counted =
    "SELECT coalesce((SELECT value FROM meta WHERE key = 'flows_rows'), 0), count(*) FROM flows";
  const [told, rows] = ask(results, counted);
  strictEqual(told, rows);
  const doubled = `SELECT count(*) FROM (SELECT kind, sources, first_us FROM anomalies
    GROUP BY kind, sources, targets, first_us HAVING count(*) > 1)`;
  strictEqual(ask(results, doubled)[0], 0);
}

/** Packets in the whole records of all capture files, and whether each ends with a whole one. */
export async function countRing(results: string): Promise<{ packets: number; isWhole: boolean }> {
  let packets = 0;
  let isWhole = true;
  for (const { name } of Deno.readDirSync(results)) {
    if (!name.endsWith(".pcap")) continue;
    const { stdout, stderr } = await runCommand([
      "tcpdump",
      "-nn",
      "-t",
      "-q",
      "-r",
      `${results}/${name}`,
    ]);
    packets += stdout.match(/^\S/gm)?.length ?? 0;
    isWhole &&= !stderr.includes("truncated dump file");
  }
  return { packets, isWhole };
}

/** Waits until `isTrue`; asked every 100 ms. Throws with what was waited for. */
export async function until(what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!await isTrue()) {
    ok(performance.now() < endMs, `waited in vain: ${what}`);
    await sleep(100);
  }
}

/** Nothing that only a fault of the program writes. */
export function checkLog(log: string): void {
  ok(!/Uncaught|panicked| {4}at .*\.ts:\d+|\bTypeError\b/.test(log), log);
}

/** Resident memory in bytes, and open handles. */
export function resources(pid: number): { rss: number; handles: number } {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
  return { rss, handles: [...Deno.readDirSync(`/proc/${pid}/fd`)].length };
}

/** Runs `use` with a small file system in memory at a path, where root may mount one. */
export async function withTmpfs(
  sizeMb: number,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "tapwatch-full-" });
  const { code, stderr } = await runCommand([
    "mount",
    "-t",
    "tmpfs",
    "-o",
    `size=${sizeMb}m`,
    "tmpfs",
    path,
  ]);
  strictEqual(code, 0, stderr);
  try {
    await use(path);
  } finally {
    await runCommand(["umount", "-l", path]);
    await Deno.remove(path);
  }
}
