/** All floods at once on a live link, twice the same: nothing is lost in silence, memory does not grow again, pages come. */
import { ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { v8Flags } from "../../tools/compile.ts";
import { pcapFile } from "../../agent/capture/sample_captures.ts";
import { Prng } from "../../agent/detect/common/prng.ts";
import { runInNamespace, withVeth } from "../live_veth.ts";
import {
  metricOf,
  missingForRoot,
  missingNamespaces,
  Program,
  testWith,
  withFolder,
} from "../program.ts";
import { FLOODS, setSource } from "./floods.ts";
import { byForm, checkDatabase, checkLog, resources, sleep } from "./lab.ts";

const test = testWith.bind(null, missingForRoot("ip", "tcpreplay") || await missingNamespaces());
const sources = byForm(40_000, 1_000_000);
const perSecond = byForm(20_000, 50_000);
/** The short form runs beside other tests. */
const pageMsMax = byForm(5000, 200);
/** Memory has settled after the second. */
const rounds = 4;

async function writeFlood(path: string): Promise<void> {
  const prng = new Prng(7);
  const floods = Object.values(FLOODS);
  const packets = Array.from({ length: sources }, (_, index) => {
    const flood = floods[index % floods.length]!;
    const data = flood.make(prng);
    setSource(data, flood, prng);
    return { seconds: 1_700_000_000, nanosecond: 0, data };
  });
  await Deno.writeFile(path, pcapFile(packets));
}

test("floods from as many sources as packets on a live link: memory flat, pages in time, what is lost is counted", () =>
  withVeth((veth) =>
    withFolder(async (folder) => {
      const pcap = `${folder}/flood.pcap`;
      await writeFlood(pcap);
      const results = `${folder}/r`;
      await using program = await Program.start(
        ["run", "--allow-ffi", "-i", veth.device, "--results", results],
        { env: { DENO_V8_FLAGS: v8Flags.join(",") } },
      );
      const up = `tapwatch_capture_up{interface="${veth.device}"}`;
      await program.untilMetrics((text) => metricOf(text, up) === 1);
      await program.get("/");
      const memory: number[] = [];
      const pagesMs: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const sender = runInNamespace(veth, [
          ...["tcpreplay", "--pps", String(perSecond), "--preload-pcap", "--quiet"],
          ...["-i", veth.far, pcap],
        ]);
        let isSending = true;
        void sender.status.then(() => isSending = false);
        while (isSending) {
          const beganMs = performance.now();
          await program.get("/");
          pagesMs.push(performance.now() - beganMs);
          await sleep(300);
        }
        memory.push(resources(program.pid).rss);
      }
      const metrics = await program.untilMetrics((text) =>
        metricOf(text, "tapwatch_packets_total") + dropsOf(text) >= rounds * sources
      );
      ok(metricOf(metrics, "tapwatch_packets_total") > 0);
      const slow = pagesMs.toSorted((a, b) => a - b)[Math.ceil(pagesMs.length * 0.95) - 1]!;
      ok(slow <= pageMsMax, `pages take ${Math.round(slow)} ms`);
      ok(memory.at(-1)! < memory[1]! + 150e6, memory.join());
      ok(memory.at(-1)! < 900e6, memory.join());
      strictEqual(await program.stop(), 0);
      checkLog(program.log);
      checkDatabase(results);
      // A starved machine may have to give up what was in flight.
      const isWhole = program.log.includes("nothing was lost");
      checkFlows(results, isWhole ? 0.9 * sources : 0, program.log);
    })
  ));

/** Rows are few, and count all flows, `flowCount` of which have to be there. */
function checkFlows(results: string, flowCount: number, log: string): void {
  using database = new DatabaseSync(`${results}/packet_logs.db`, { readOnly: true });
  const one = (sql: string) => Number(database.prepare(`SELECT (${sql}) AS n`).get()!.n);
  const rows = one("SELECT count(*) FROM flows");
  const flows = one("SELECT ifnull(sum(ifnull(summed_flows, 1)), 0) FROM flows");
  ok(flows >= flowCount, `${flows} of ${flowCount} flows\n${log}`);
  ok(rows * 5 <= sources, `${rows} rows of ${flows} flows`);
  const rolled = one(
    "SELECT ifnull(sum(flows), 0) FROM rollups WHERE span_us = 86400000000 AND kind = 'service'",
  );
  strictEqual(rolled, flows);
}

function dropsOf(metrics: string): number {
  return ["kernel", "interface", "queue"].reduce(
    (sum, where) => sum + metricOf(metrics, `tapwatch_capture_drops_total{where="${where}"}`),
    0,
  );
}
