/** History by who and what adds up to what tshark counts, and a restart shows the same. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { demoCapture, Program, withFolder } from "./program.ts";

const hasTshark = await new Deno.Command("sh", { args: ["-c", "command -v tshark"] }).output()
  .then(({ success }) => success);
const note = hasTshark ? "" : " (SKIPPED: no tshark)";

/** Frames and bytes that a display filter finds. */
async function tsharkTotals(path: string, filter: string): Promise<[number, number]> {
  const args = ["-r", path, "-Y", filter, "-T", "fields", "-e", "frame.len"];
  const { stdout, success } = await new Deno.Command("tshark", { args, stderr: "null" }).output();
  ok(success);
  const lengths = new TextDecoder().decode(stdout).trim().split("\n").filter(Boolean).map(Number);
  return [lengths.length, lengths.reduce((sum, length) => sum + length, 0)];
}

Deno.test({
  name: `roll-ups add up to tshark's totals, by service too, and a new start shows the same${note}`,
  ignore: !hasTshark,
  fn: () =>
    withFolder(async (cwd) => {
      const shown = async () => {
        const args = ["replay", demoCapture, "--speed", "max", "--results", "r"];
        await using program = await Program.start(args, { cwd });
        await program.logged(/The file is at its end; everything is written/);
        await program.stop("SIGINT");
        using database = new DatabaseSync(`${cwd}/r/packet_logs.db`, { readOnly: true });
        return [60e6, 600e6, 3600e6, 86_400e6].map((spanUs) =>
          Object.fromEntries(
            database.prepare(
              `SELECT kind, sum(packets) AS packets, sum(bytes) AS bytes FROM rollups
               WHERE span_us = ? GROUP BY kind`,
            ).all(spanUs).map(({ kind, packets, bytes }) => [String(kind), [packets, bytes]]),
          )
        );
      };
      const first = await shown();
      const everything = await tsharkTotals(demoCapture, "frame");
      const withFlows = await tsharkTotals(demoCapture, "ip or ipv6");
      for (const { all, service } of first) {
        deepStrictEqual(all, everything);
        deepStrictEqual(service, withFlows);
      }
      deepStrictEqual(await shown(), first);
      strictEqual(first.length, 4);
    }),
});
