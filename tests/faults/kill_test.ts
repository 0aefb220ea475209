/** kill -9 of the process at random moments, two of it in one folder, signals at load. */
import { match, ok, strictEqual } from "node:assert/strict";
import {
  freePort,
  metricOf,
  missingCommands,
  runProgram,
  testWith,
  withFolder,
} from "../program.ts";
import {
  ask,
  byForm,
  checkDatabase,
  checkLog,
  countRing,
  randomMs,
  sleep,
  startLoad,
  writeLoad,
} from "./lab.ts";

const test = testWith.bind(null, missingCommands("tcpdump"));

test("kill -9 at random moments: the database is sound, what was told as written is there, once", () =>
  withFolder(async (folder) => {
    const load = await writeLoad(folder);
    const results = `${folder}/r`;
    let inRing = 0;
    for (let round = 0; round < byForm(2, 100); round++) {
      await using program = await startLoad(
        load,
        results,
        "--pcap-files",
        "400",
        "--pcap-file-mb",
        "50",
      );
      await sleep(500 + randomMs(2000));
      const metrics = await program.get("/metrics");
      await sleep(randomMs(100));
      program.signal("SIGKILL");
      strictEqual((await program.ended()).signal, "SIGKILL");
      checkLog(program.log);
      checkDatabase(results);
      const told = metricOf(metrics, "tapwatch_recorder_packets_total");
      const { packets } = await countRing(results);
      ok(packets >= inRing + told, `round ${round}: ${packets} packets, ${inRing} + ${told} told`);
      inRing = packets;
      const rows = metricOf(metrics, "tapwatch_store_rows_total");
      const [stored] = ask(
        results,
        "SELECT (SELECT count(*) FROM packets) + (SELECT count(*) FROM flows)",
      );
      ok(rows === 0 || Number(stored) > 0, `round ${round}: ${rows} rows told, ${stored} there`);
    }
    // The next start cuts off what a kill in the middle of a write has left.
    await using program = await startLoad(load, results);
    await program.untilMetrics((text) => metricOf(text, "tapwatch_packets_total") > 0);
    strictEqual(await program.stop(), 0);
    strictEqual((await countRing(results)).isWhole, true);
  }));

test("SIGTERM and SIGINT at load, once or twice, end it in seconds", () =>
  withFolder(async (folder) => {
    const load = await writeLoad(folder, 6);
    for (let round = 0; round < byForm(2, 50); round++) {
      const results = `${folder}/r${round % 2}`;
      await using program = await startLoad(load, results);
      await sleep(randomMs(2000));
      const isTwice = round % 2 === 1;
      const beganMs = performance.now();
      program.signal(round % 4 < 2 ? "SIGTERM" : "SIGINT");
      if (isTwice) {
        await sleep(randomMs(300));
        program.signal("SIGINT");
      }
      const { code } = await program.ended();
      const tookMs = performance.now() - beganMs;
      // It waits for at most six seconds, and the machine may be busy.
      ok(tookMs < 30_000, `${tookMs} ms`);
      ok(code === 0 || isTwice && code === 1, `${code}: ${program.log}`);
      checkLog(program.log);
      checkDatabase(results);
    }
  }));

test("a second program on the folder is refused and told who holds it, and does no harm", () =>
  withFolder(async (folder) => {
    const load = await writeLoad(folder, 2);
    const results = `${folder}/r`;
    await using first = await startLoad(load, results, "--speed", "100");
    await first.untilMetrics((text) => metricOf(text, "tapwatch_store_rows_total") > 0);
    const port = String(freePort());
    const { code, stderr } = await runProgram([
      "replay",
      load,
      "--results",
      results,
      "--port",
      port,
    ]);
    strictEqual(code, 1);
    match(stderr, new RegExp(`in use by another tapwatch \\(pid ${first.pid}\\)`));
    first.signal("SIGKILL");
    await first.ended();
    // The lock went with the process.
    await using next = await startLoad(load, results);
    await next.untilMetrics((text) => metricOf(text, "tapwatch_store_rows_total") > 0);
    strictEqual(await next.stop(), 0);
    checkDatabase(results);
  }));
