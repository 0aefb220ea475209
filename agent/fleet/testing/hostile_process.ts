/** A hub that is given as many of the largest messages as it may get at once: tests run it with less memory than they need together. */
import { randomId } from "../base32.ts";
import { HubService } from "../hub/hub_service.ts";
import { agentSubject } from "../streams.ts";
import { many, rollupRow } from "../testing.ts";
import { BATCH_ROWS_MAX, encodeBatch, inflatedBytes } from "../wire.ts";

const [path = "", count = "0"] = Deno.args;
const us = Date.now() * 1000;
const wide = (text: string) => text.padEnd(512, "x");
const rows = many(
  BATCH_ROWS_MAX,
  (row) =>
    rollupRow(1, { proto: wide(`p${row}`), service: wide(`s${row}`), start_us: us, end_us: us }),
);
const messages = many(Number(count), () => {
  const [agent, epoch] = [randomId(), randomId()];
  const data = encodeBatch({ kind: "rollups", rows }, { epoch, firstSeq: 1, madeUs: us });
  return { subject: agentSubject("flows", agent), data, messageId: "", publishedUs: us };
});
const hub = new HubService({
  path,
  retentionDays: 14,
  historyDays: 365,
  retentionBytes: 1e9,
  toolVersion: "0.0.0-test",
  nowUs: () => us,
  archive: null,
  onJudged: () => {},
});
await hub.take(messages);
const inflated = messages.reduce((sum, { data }) => sum + inflatedBytes(data), 0);
console.log(JSON.stringify({ rows: hub.counts.rows, inflated }));
hub.close();
