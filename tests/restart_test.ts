/** A restart resets nothing that a page shows: the same answers before a program stops and after the next has begun on its folder. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { emptyPcap } from "./dashboard_fixture.ts";
import { replayed } from "./every_page.ts";
import { demoCapture, Program, withFolder } from "./program.ts";

interface Answers {
  readonly [path: string]: Record<string, unknown>;
}

/** What lists and charts are made of, as the interface tells it. */
async function answersOf(program: Program, paths: readonly string[]): Promise<Answers> {
  const answers: Record<string, Record<string, unknown>> = {};
  for (const path of paths) {
    const answer = JSON.parse(await program.get(path));
    // Beside them stand the numbers of the program that runs.
    answers[path] = path.startsWith("/api/stats") ? pick(answer) : answer;
  }
  return answers;
}

function pick({ range, series, history, beside, windows }: Record<string, unknown>) {
  ok(series && history && beside);
  return { range, series, history, beside, windows };
}

Deno.test("what charts and lists say is the same after a restart, with another file and with the same", () =>
  withFolder(async (cwd) => {
    await Deno.writeFile(`${cwd}/empty.pcap`, emptyPcap);
    const start = (file: string) =>
      Program.start(["replay", file, "--speed", "max", "--results", "r"], { cwd });
    let paths: string[] = [];
    let before: Answers = {};
    {
      await using first = await start(demoCapture);
      await replayed(first);
      const { flows } = JSON.parse(await first.get("/api/flows?order=last&limit=1"));
      const endUs = Math.ceil(flows[0].end_us / 60e6) * 60e6;
      const stretch = `from=${endUs - 3600e6}&to=${endUs}`;
      paths = [
        `/api/stats?${stretch}`,
        `/api/stats?${stretch}&q=service+dns`,
        "/api/hosts?limit=1000",
        "/api/hosts/new?limit=1000",
        "/api/incidents?limit=1000",
        "/api/scans?limit=1000",
        "/api/anomalies?limit=1000",
        "/api/flows?limit=1000",
        "/api/packets?limit=1000",
      ];
      before = await answersOf(first, paths);
      strictEqual(await first.stop(), 0);
    }
    for (const path of paths) {
      const lists = Object.values(before[path]!).filter(Array.isArray);
      ok(
        path.includes("/stats") || path.includes("/new") || lists.some(({ length }) => length > 0),
        `${path} has nothing`,
      );
    }
    for (const file of ["empty.pcap", demoCapture]) {
      await using next = await start(file);
      await replayed(next);
      const after = await answersOf(next, paths);
      for (const path of paths) deepStrictEqual(after[path], before[path], `${path}, ${file}`);
      strictEqual(await next.stop(), 0);
    }
  }));
