/** Writes flow rows at a steady rate into a database, in a thread of its own, until it is told to stop. */
import { FLOWS_PER_RUN } from "../agent/store/schema.ts";
import { flow, openWriter, rows } from "../agent/store/testing.ts";

declare const self: DedicatedWorkerGlobalScope;

const batchMs = 100;

self.onmessage = ({ data: { path, perSecond } }: MessageEvent) => {
  if (path === undefined) return void (isStopping = true);
  run(path, perSecond);
};
let isStopping = false;

async function run(path: string, perSecond: number): Promise<void> {
  const nowUs = () => Date.now() * 1000;
  const writer = openWriter(path, {
    ...{ retentionDays: 3650, retentionBytes: 2 ** 40, nowUs: nowUs() },
  });
  const startMs = performance.now();
  let [sent, behindMs] = [0, 0];
  while (!isStopping) {
    const dueMs = startMs + sent / perSecond * 1000;
    const waitMs = dueMs - performance.now();
    behindMs = Math.max(behindMs, -waitMs);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
    const atUs = nowUs();
    const count = perSecond * batchMs / 1000;
    const flows = Array.from({ length: count }, (_, index) => {
      const id = sent + index + 1;
      const respH = `198.51.${id % 100}.${id % 250}`;
      return flow(id, { startUs: atUs - id % 20 * 1_000_000, endUs: atUs, respH });
    });
    writer.write(rows({ flows }));
    sent += count;
  }
  const seconds = (performance.now() - startMs) / 1000;
  const { run } = writer;
  writer.close();
  self.postMessage({ sent, seconds, behindMs, firstId: run * FLOWS_PER_RUN });
}
