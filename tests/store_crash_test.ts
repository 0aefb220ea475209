/**
 * kill -9 while the store worker writes as fast as it can: afterwards the database is sound, and everything that was
 * acknowledged is in it. This file is also the program that is killed (`deno run … store_crash_test.ts child PATH`).
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { MainToStore, StoreToMain, StoreToPipeline } from "../agent/messages.ts";
import { StoreQueries } from "../agent/store/queries.ts";
import {
  flow,
  hostRow,
  many,
  packetRow,
  rows,
  second,
  withDatabasePath,
} from "../agent/store/testing.ts";

const batchPackets = 500;
const batchFlows = 100;
/** As many as the pipeline has on their way. */
const batchesOut = 16;
const kills = 4;

function startStore(path: string): { worker: Worker; port: MessagePort } {
  const worker = new Worker(new URL("../agent/store/store_worker.ts", import.meta.url), {
    type: "module",
  });
  const { port1, port2 } = new MessageChannel();
  const options = { path, retentionDays: 14, retentionBytes: 1e9, continuedRun: 0, file: null };
  const start: MainToStore = { type: "start", options, pipelines: [port2] };
  worker.postMessage(start, [port2]);
  return { worker, port: port1 };
}

/** Sends batches without end and prints the number of each acknowledged one. */
function runChild(path: string): void {
  const { port } = startStore(path);
  let sequence = 0;
  const send = () => {
    const from = sequence * batchPackets;
    port.postMessage(rows({
      sequence,
      packets: many(
        batchPackets,
        (number) => packetRow(number, { info: `batch ${sequence}` }),
        from,
      ),
      flows: many(batchFlows, flow, 1 + sequence * batchFlows),
      seconds: [second(sequence)],
      hosts: [hostRow("10.0.0.1", { outPackets: 1 })],
    }));
    sequence++;
  };
  port.onmessage = ({ data }: MessageEvent<StoreToPipeline>) => {
    if (data.type !== "ack") return;
    Deno.stdout.writeSync(new TextEncoder().encode(`${data.sequence}\n`));
    send();
  };
  for (let out = 0; out < batchesOut; out++) send();
}

/** Runs the child, kills it after `ackCount` acknowledgements, and returns the highest one. */
async function runAndKill(path: string, ackCount: number): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", fileURLToPath(import.meta.url), "child", path],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  let isKilled = false;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    // What it had said before comes after the kill, too.
    if (!isKilled && text.split("\n").length > ackCount) {
      child.kill("SIGKILL");
      isKilled = true;
    }
  }
  const { signal } = await child.status;
  strictEqual(signal, "SIGKILL");
  return Number(text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1));
}

function checkDatabase(path: string, run: number, lastAcked: number): void {
  const database = new DatabaseSync(path);
  const one = (sql: string) => Object.values(database.prepare(sql).get()!)[0];
  strictEqual(one("PRAGMA integrity_check"), "ok");
  const inRun = `flow_id / 4294967296 = ${run}`;
  const batches = Number(one(`SELECT count(DISTINCT info) FROM packets WHERE ${inRun}`));
  ok(batches > lastAcked, `${batches} batches in the database, ${lastAcked + 1} acknowledged`);
  // Batches are there wholly or not at all, in every table.
  strictEqual(one(`SELECT count(*) FROM packets WHERE ${inRun}`), batches * batchPackets);
  strictEqual(
    one(`SELECT count(*) FROM flows WHERE id / 4294967296 = ${run}`),
    batches * batchFlows,
  );
  deepStrictEqual(one("SELECT out_packets FROM hosts"), one("SELECT sum(packets) / 10 FROM stats"));
  strictEqual(
    one("SELECT value FROM meta WHERE key = 'packets_rows'"),
    one("SELECT count(*) FROM packets"),
  );
  database.close();
}

async function killRepeatedly(path: string): Promise<void> {
  for (let run = 1; run <= kills; run++) {
    const lastAcked = await runAndKill(path, run * 23);
    // A reader comes first and finds the log as the crash left it.
    const queries = new StoreQueries(path);
    ok(queries.packets().rows.length > 0);
    queries.close();
    checkDatabase(path, run, lastAcked);
  }
}

/** Resolves with the worker's first message that `isIt`. */
function nextMessage(
  worker: Worker,
  isIt: (message: StoreToMain) => boolean,
): Promise<StoreToMain> {
  return new Promise((resolve) => {
    worker.addEventListener("message", ({ data }: MessageEvent<StoreToMain>) => {
      if (isIt(data)) resolve(data);
    });
  });
}

if (Deno.args[0] === "child") runChild(Deno.args[1]!);
else {
  Deno.test("kill -9 under load leaves a sound database with all that was acknowledged", () =>
    withDatabasePath(killRepeatedly));

  Deno.test("the store worker writes what it was given before it says that it stopped", () =>
    withDatabasePath(async (path) => {
      const { worker, port } = startStore(path);
      const opened = await nextMessage(worker, ({ type }) => type === "state");
      strictEqual(opened.type === "state" && opened.state.state, "ok");
      const acked = new Promise((resolve) => {
        port.onmessage = ({ data }: MessageEvent<StoreToPipeline>) => {
          if (data.type === "ack") resolve(data);
        };
      });
      port.postMessage(rows({ sequence: 41, packets: many(10, packetRow) }));
      deepStrictEqual(await acked, { type: "ack", sequence: 41 });
      worker.postMessage({ type: "stop" } satisfies MainToStore);
      await nextMessage(worker, ({ type }) => type === "stopped");
      worker.terminate();
      port.close();
      const queries = new StoreQueries(path);
      strictEqual(queries.packets().rows.length, 10);
      strictEqual(queries.size().walBytes, 0);
      queries.close();
    }));

  Deno.test("the store worker refuses a newer database with exit status 2", () =>
    withDatabasePath(async (path) => {
      const database = new DatabaseSync(path);
      database.exec(
        "PRAGMA user_version = 99; PRAGMA application_id = 0x74617077; CREATE TABLE meta(key, value)",
      );
      database.close();
      const { worker, port } = startStore(path);
      const fatal = await nextMessage(worker, ({ type }) => type === "fatal");
      strictEqual(fatal.type === "fatal" && fatal.exitCode, 2);
      worker.terminate();
      port.close();
    }));
}
