import { deepStrictEqual as deepEqual, ok, rejects } from "node:assert/strict";
import { SearchError } from "../search/search_error.ts";
import { StoreError } from "../store/failure.ts";
import { hostRow, openWriter } from "../store/testing.ts";
import { ReaderHost } from "./reader_host.ts";

async function withReader(work: (host: ReaderHost, path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-reader-" });
  const path = `${folder}/packet_logs.db`;
  const host = new ReaderHost(path, (text) => {
    throw new Error(text);
  });
  host.start();
  try {
    await work(host, path);
  } finally {
    host.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("questions are answered from another thread, before and after there is a database", () =>
  withReader(async ({ reader }, path) => {
    deepEqual((await reader.hosts()).rows, []);
    const writer = openWriter(path);
    writer.write({ packets: [], flows: [], seconds: [], hosts: [hostRow("10.0.0.2")] });
    writer.close();
    const [page, host, none] = await Promise.all([
      reader.hosts({ limit: 10 }),
      reader.host("10.0.0.2"),
      reader.host("10.0.0.3"),
    ]);
    deepEqual(page.rows.map(({ address }) => address), ["10.0.0.2"]);
    deepEqual([host?.address, none], ["10.0.0.2", null]);
    deepEqual(await reader.mutedCounts(), new Map());
  }));

Deno.test("what a question throws arrives with its class, its column and its kind", () =>
  withReader(async ({ reader }, path) => {
    openWriter(path).close();
    await rejects(
      reader.flows({ q: "port banana" }),
      (error: Error) => error instanceof SearchError && error.column === 6,
    );
    await rejects(
      reader.flows({ limit: 0 }),
      (error: Error) => error instanceof RangeError && !(error instanceof SearchError),
    );
    await Deno.writeTextFile(
      path,
      "this is no database, but long enough to look like one\n".repeat(99),
    );
    await rejects(
      reader.counts(),
      (error: Error) => error instanceof StoreError && error.message.includes(path),
    );
  }));

Deno.test("what is asked when the thread has ended is refused, and so is what it had not answered", () =>
  withReader(async (host) => {
    const asked = rejects(host.reader.counts(), StoreError);
    host.stop();
    await asked;
    await rejects(host.reader.counts(), StoreError);
  }));

Deno.test("a reader that nobody asks ends, and a question starts it again", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-reader-" });
  const host = new ReaderHost(`${folder}/packet_logs.db`, (text) => {
    throw new Error(text);
  }, 300);
  host.start();
  try {
    for (let round = 0; round < 2; round++) {
      deepEqual((await host.reader.hosts()).rows, []);
      deepEqual(host.isAtRest, false);
      while (!host.isAtRest) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    host.stop();
    await rejects(host.reader.hosts(), /cannot be read just now/);
  } finally {
    host.stop();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a reader that is asked again and again after it has ended stays longer each time, a day at most", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-reader-" });
  const original = globalThis.setTimeout;
  const pauses: { readonly ms: number; readonly end: () => void }[] = [];
  globalThis.setTimeout = ((end: () => void, ms = 0) => {
    pauses.push({ ms, end });
    return 0;
  }) as typeof setTimeout;
  const host = new ReaderHost(`${folder}/packet_logs.db`, (text) => {
    throw new Error(text);
  });
  host.start();
  const quietS: number[] = [];
  try {
    while (quietS.length < 14) {
      await host.reader.hosts();
      const { ms, end } = pauses.at(-1)!;
      quietS.push(ms / 1000);
      end();
      ok(host.isAtRest);
    }
  } finally {
    host.stop();
    globalThis.setTimeout = original;
    await Deno.remove(folder, { recursive: true });
  }
  deepEqual(quietS.slice(0, 3), [60, 120, 240]);
  deepEqual(quietS.slice(-2), [86_400, 86_400]);
});
