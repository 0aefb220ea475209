/** Agents' batches and databases for the tests of the hub. */
import { randomId } from "../base32.ts";
import { storedFlow } from "../testing.ts";
import { type Batch, decodeBatch, encodeBatch, type Rows } from "../wire.ts";
import type { AgentBatch, Judgement } from "./hub_store.ts";
import { HubWriter, type HubWriterOptions } from "./hub_writer.ts";

export { withDatabasePath } from "../../store/testing.ts";
export { startUs } from "../testing.ts";

export const nothing: Judgement = { findings: [], incidents: [] };

export function openHub(path: string, options: Partial<HubWriterOptions> = {}): HubWriter {
  return new HubWriter({
    path,
    retentionDays: 14,
    historyDays: 365,
    retentionBytes: 1e9,
    toolVersion: "0.0.0-test",
    nowUs: 1_767_225_600_000_000,
    archive: null,
    ...options,
  });
}

export interface TestAgent {
  readonly token: string;
  readonly epoch: string;
  /** The next batch of a channel, whole as the wire brings it. */
  readonly batch: (rows: Exclude<Rows, { readonly kind: "health" }>) => AgentBatch;
}

export function testAgent(token = randomId(), epoch = randomId()): TestAgent {
  const next = { flows: 1, findings: 1 };
  return {
    token,
    epoch,
    batch: (rows) => {
      const channel = rows.kind === "flows" || rows.kind === "rollups" ? "flows" : "findings";
      const firstSeq = next[channel];
      next[channel] += rows.rows.length;
      return { agent: token, batch: sent(rows, { epoch, firstSeq }) };
    },
  };
}

function sent(
  rows: Rows,
  { epoch, firstSeq }: { readonly epoch: string; readonly firstSeq: number },
): AgentBatch["batch"] {
  const batch: Batch = decodeBatch(encodeBatch(rows, { epoch, firstSeq, madeUs: 1 }));
  if (batch.kind === "health") throw new TypeError("health is no numbered batch");
  return batch;
}

/** So many flows from a number on. */
export function flowRows(from: number, count: number): Rows & { readonly kind: "flows" } {
  return { kind: "flows", rows: Array.from({ length: count }, (_, at) => storedFlow(from + at)) };
}
