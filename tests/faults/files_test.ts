/** What stands in the results folder is garbage, cut, a link or a folder: refused with a sentence, or put aside and gone on. */
import { match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { metricOf, withFolder } from "../program.ts";
import { byForm, checkDatabase, checkLog, sleep, startLoad, writeLoad } from "./lab.ts";

const targets = ["packet_logs.db", "captured_traffic.pcap", ".tapwatch.lock", "model.bin"] as const;
const damages = ["garbage", "cut", "link", "folder"] as const;
const victimText = "somebody else's file";

function damage(path: string, how: typeof damages[number], victim: string): void {
  const exists = (() => {
    try {
      return Deno.lstatSync(path).size;
    } catch {
      return 0;
    }
  })();
  switch (how) {
    case "garbage": {
      const bytes = crypto.getRandomValues(new Uint8Array(60_000));
      Deno.writeFileSync(path, bytes);
      break;
    }
    case "cut":
      if (exists === 0) Deno.writeFileSync(path, new Uint8Array(100));
      else Deno.truncateSync(path, Math.floor(exists * Math.random()));
      break;
    case "link":
      if (exists > 0) Deno.removeSync(path);
      Deno.symlinkSync(victim, path);
      break;
    default:
      if (exists > 0) Deno.removeSync(path);
      Deno.mkdirSync(path);
  }
}

/** All pairs in the long form, four of them in the short one. */
function pairs() {
  const all = targets.flatMap((target) => damages.map((how) => ({ target, how })));
  return all.map((pair) => ({ pair, order: Math.random() })).sort((a, b) => a.order - b.order)
    .slice(0, byForm(4, all.length)).map(({ pair }) => pair);
}

for (const { target, how } of pairs()) {
  Deno.test(`${target} as ${how}: refused with a sentence, or gone on without it`, () =>
    withFolder(async (folder) => {
      const load = await writeLoad(folder, 1);
      const results = `${folder}/r`;
      {
        await using first = await startLoad(load, results);
        await first.untilMetrics((text) => metricOf(text, "tapwatch_store_rows_total") > 2000);
        first.signal("SIGKILL");
        await first.ended();
      }
      const victim = `${folder}/victim.txt`;
      Deno.writeTextFileSync(victim, victimText);
      damage(`${results}/${target}`, how, victim);
      try {
        await using program = await startLoad(load, results);
        await program.untilMetrics((text) => metricOf(text, "tapwatch_packets_total") > 2000);
        await sleep(500);
        strictEqual(await program.stop(), 0, program.log);
        checkLog(program.log);
        if (target !== "packet_logs.db" || how !== "link") checkDatabase(results);
      } catch (error) {
        // It has ended before its dashboard stood: then with a sentence that names the place.
        const text = String(error);
        match(text, /It ended before/);
        ok(text.includes(target) || text.includes(results), text);
        ok(!/Uncaught|panicked| {4}at .*\.ts:\d+/.test(text), text);
      }
      strictEqual(Deno.readTextFileSync(victim), victimText);
    }));
}

Deno.test("damaged pages in the middle of the database are told at the next start", () =>
  withFolder(async (folder) => {
    const load = await writeLoad(folder, 1);
    const results = `${folder}/r`;
    {
      await using first = await startLoad(load, results);
      await first.untilMetrics((text) => metricOf(text, "tapwatch_store_rows_total") > 20_000);
      strictEqual(await first.stop(), 0);
    }
    const path = `${results}/packet_logs.db`;
    const bytes = Deno.readFileSync(path);
    bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 4 * 4096);
    Deno.writeFileSync(path, bytes);
    await using program = await startLoad(load, results);
    await program.logged(/packet_logs\.db is damaged: .*\.recover/);
    match(await program.get("/status"), /is damaged/);
  }));

Deno.test("capture files that cannot be written are told, and written again as soon as they can be", () =>
  withFolder(async (folder) => {
    const load = await writeLoad(folder, 1);
    const results = `${folder}/r`;
    const inTheWay = `${results}/captured_traffic.pcap`;
    Deno.mkdirSync(inTheWay, { recursive: true });
    await using program = await startLoad(load, results, "--speed", "30");
    await program.untilMetrics((text) => metricOf(text, "tapwatch_recorder_up") === 0);
    Deno.removeSync(inTheWay);
    await program.untilMetrics((text) => metricOf(text, "tapwatch_recorder_up") === 1);
    strictEqual(await program.stop(), 0);
    ok(Deno.statSync(inTheWay).isFile);
  }));

Deno.test("a database that another program locks for a while is written afterwards, and nothing is lost", () =>
  withFolder(async (folder) => {
    const load = await writeLoad(folder, 1);
    const results = `${folder}/r`;
    await using program = await startLoad(load, results, "--speed", "30");
    await program.untilMetrics((text) => metricOf(text, "tapwatch_store_rows_total") > 500);
    const other = new DatabaseSync(`${results}/packet_logs.db`);
    other.exec("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE");
    await program.untilMetrics((text) => metricOf(text, "tapwatch_store_up") === 0);
    await sleep(byForm(3, 60) * 1000);
    match(await program.get("/status"), /locked by another program/);
    other.exec("COMMIT");
    other.close();
    await program.untilMetrics((text) => metricOf(text, "tapwatch_store_up") === 1);
    strictEqual(await program.metric("tapwatch_store_rows_lost_total"), 0);
    strictEqual(await program.stop(), 0);
    checkDatabase(results);
  }));
