/** A small file system that fills up and is freed again: in order, counted, told, and without an end of the program. */
import { match, ok, strictEqual } from "node:assert/strict";
import { metricOf, missingForRoot, Program, testWith, withFolder } from "../program.ts";
import {
  checkDatabase,
  checkLog,
  countRing,
  startLoad,
  until,
  withTmpfs,
  writeLoad,
} from "./lab.ts";

const test = testWith.bind(null, missingForRoot("mount", "tcpdump"));
const mb = 1_000_000;

/** Fills the file system until so many bytes are free. */
async function fill(path: string, freeBytes: number): Promise<void> {
  await Deno.remove(`${path}/filler`).catch(() => {});
  const { bavail, bsize } = await import("node:fs").then(({ statfsSync }) => statfsSync(path));
  using file = await Deno.open(`${path}/filler`, { write: true, create: true });
  const piece = new Uint8Array(mb);
  for (let left = Number(bavail) * Number(bsize) - freeBytes; left > 0;) {
    const wanted = Math.min(left, mb);
    left -= await file.write(piece.subarray(0, wanted)).catch(() => wanted);
  }
}

/** A replay of three minutes or so at a hundred times its speed, some 6,000 packets a second. */
const slowLoad = (load: string, results: string, ...args: string[]) =>
  startLoad(load, results, "--speed", "100", "--retention-mb", "64", ...args);

const stepOf = async (program: Program) => await program.metric("tapwatch_disk_step");

test("as the disk fills up captures stop growing, then packet rows, then flow rows, and go on again in turn", () =>
  withFolder((folder) =>
    withTmpfs(220, async (disk) => {
      const load = await writeLoad(folder, 12);
      const results = `${disk}/r`;
      await using program = await slowLoad(
        load,
        results,
        "--min-free-mb",
        "80",
        "--pcap-file-mb",
        "1",
      );
      const counts = async () => {
        const metrics = await program.get("/metrics");
        return {
          ring: metricOf(metrics, "tapwatch_recorder_size_bytes"),
          heldBack: metricOf(metrics, "tapwatch_store_rows_held_back_total"),
          rows: metricOf(metrics, "tapwatch_store_rows_total"),
        };
      };
      await until("some files", async () => (await counts()).ring > 3 * mb);
      strictEqual(await stepOf(program), 0);

      await fill(disk, 70 * mb);
      await until("captures stand still", async () => await stepOf(program) === 1);
      const held = await counts();
      await until("rows go on", async () => (await counts()).rows > held.rows + 2000);
      const at1 = await counts();
      ok(at1.ring <= held.ring + mb && at1.heldBack === 0, JSON.stringify([held, at1]));

      await fill(disk, 30 * mb);
      await until("packet rows stand still", async () => await stepOf(program) === 2);
      await until("rows are left out", async () => (await counts()).heldBack > 500);
      match(await program.get("/status"), /capture files and packet rows do not grow until/);
      await fill(disk, 10 * mb);
      await until("flow rows stand still", async () => await stepOf(program) === 3);
      match(await program.get("/"), /The disk is nearly full/);

      await Deno.remove(`${disk}/filler`);
      await until("all is written again", async () => await stepOf(program) === 0);
      const freed = await counts();
      await until("captures grow", async () => (await counts()).ring > freed.ring);
      await until("rows come again", async () => (await counts()).rows > freed.rows + 2000);
      const again = await counts();
      await until("more rows come", async () => (await counts()).rows > again.rows + 2000);
      strictEqual((await counts()).heldBack, again.heldBack);
      strictEqual(await program.stop(), 0);
      checkLog(program.log);
      checkDatabase(results);
      strictEqual((await countRing(results)).isWhole, true);
    })
  ));

test("a disk that is full to the last byte costs what is counted, and all is written again once it is free", () =>
  withFolder((folder) =>
    withTmpfs(60, async (disk) => {
      const load = await writeLoad(folder, 12);
      const results = `${disk}/r`;
      await using program = await slowLoad(
        load,
        results,
        "--pcap-file-mb",
        "2",
        "--pcap-files",
        "4",
      );
      await program.untilMetrics((text) => metricOf(text, "tapwatch_store_rows_total") > 1000);
      await fill(disk, 0);
      await until("the store says so", async () => {
        const metrics = await program.get("/metrics");
        return metricOf(metrics, "tapwatch_store_up") === 0;
      });
      match(await program.get("/status"), /disk is full|retrying/);
      await Deno.remove(`${disk}/filler`);
      await program.untilMetrics((text) => metricOf(text, "tapwatch_store_up") === 1);
      const rows = await program.metric("tapwatch_store_rows_total");
      const recorded = await program.metric("tapwatch_recorder_packets_total");
      await program.untilMetrics((text) =>
        metricOf(text, "tapwatch_store_rows_total") > rows + 500 &&
        metricOf(text, "tapwatch_recorder_packets_total") > recorded + 500
      );
      strictEqual(await program.stop(), 0);
      checkLog(program.log);
      checkDatabase(results);
    })
  ));

test("a start on a full disk watches, says so, and writes as soon as there is room", () =>
  withFolder((folder) =>
    withTmpfs(60, async (disk) => {
      const load = await writeLoad(folder, 1);
      const results = `${disk}/r`;
      Deno.mkdirSync(results);
      await fill(disk, 0);
      await using program = await slowLoad(load, results);
      await program.untilMetrics((text) => metricOf(text, "tapwatch_store_up") === 0);
      match(program.log, /no room is left on the disk/);
      await Deno.remove(`${disk}/filler`);
      await program.untilMetrics((text) => metricOf(text, "tapwatch_store_rows_total") > 500);
      strictEqual(await program.stop(), 0);
      checkLog(program.log);
      checkDatabase(results);
    })
  ));
