/** The thread of the store, between a pipeline that sends more than it can write and the main thread. */
import { ok } from "node:assert/strict";
import type { MainToStore, StoreToMain, StoreToPipeline } from "../messages.ts";
import { inTurns } from "../turns.ts";
import { bruteForceFinding, many, packetRow, rows, withDatabasePath } from "./testing.ts";

/** As many messages as a pipeline has under way: Deno breaks off one port's row of messages after 128. */
const underWay = 16;
const rowsEach = 2000;

Deno.test("store_worker writes findings while rows never cease to wait", () =>
  withDatabasePath(async (path) => {
    const worker = new Worker(new URL("./store_worker.ts", import.meta.url), { type: "module" });
    const { port1, port2: port } = new MessageChannel();
    const post = (message: MainToStore, transfer: Transferable[] = []) =>
      worker.postMessage(message, transfer);
    let isTaken = false;
    const stopped = Promise.withResolvers<void>();
    worker.onmessage = ({ data }: MessageEvent<StoreToMain>) => {
      if (data.type === "findingsTaken") isTaken = true;
      else if (data.type === "stopped") stopped.resolve();
    };
    const options = {
      path,
      retentionDays: 14,
      retentionBytes: 1e9,
      continuedRun: 0,
      file: null,
    };
    post({ type: "start", options, pipelines: [port1] }, [port1]);
    let sent = 0;
    const packets = many(rowsEach, packetRow);
    const send = () => port.postMessage(rows({ sequence: ++sent, packets }));
    let acknowledged = 0;
    const enough = Promise.withResolvers<void>();
    const take = inTurns((message: StoreToPipeline) => {
      if (message.type !== "ack") return;
      if (++acknowledged === underWay) {
        post({ type: "findings", sequence: 1, findings: [bruteForceFinding(1)], incidents: [] });
      }
      if (isTaken || acknowledged === 6 * underWay) enough.resolve();
      else send();
    });
    port.onmessage = ({ data }) => take(data);
    while (sent < underWay) send();
    await enough.promise;
    ok(isTaken, `${acknowledged} messages of rows were written, and no finding`);
    post({ type: "stop" });
    await stopped.promise;
    worker.terminate();
    port.close();
  }));
