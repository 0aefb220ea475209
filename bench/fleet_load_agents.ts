/**
 * Agents of a fleet in one process: SERVER FOLDER COUNT LEVEL SECONDS. Each has a connection of its own, with TLS and its own key, and
 * sends 20 flows a second: each five seconds, or as sums of them each minute. Says "ready" when all are connected, then what was sent.
 */
import { join } from "node:path";
import type { NatsConnection } from "@nats-io/nats-core";
import { readCredentials } from "../agent/fleet/credentials.ts";
import { connectEngine } from "../agent/fleet/engine_link.ts";
import { rollUp } from "../agent/fleet/roll_up.ts";
import { agentSubject, messageId } from "../agent/fleet/streams.ts";
import { healthReport } from "../agent/fleet/testing.ts";
import { encodeBatch, type Rows } from "../agent/fleet/wire.ts";
import { type BenchAgent, makeAgents, makeFlows } from "./fleet_data.ts";

const [server = "", folder = "", countText = "", level = "", secondsText = ""] = Deno.args;
const count = Number(countText);
const flowsPerS = 20;
const everyS = level === "flows" ? 5 : 60;
const healthMs = 30_000;
const { headers } = await import("@nats-io/nats-core/internal");

interface Connected {
  readonly agent: BenchAgent;
  readonly connection: NatsConnection;
}

const agents = makeAgents(count);
const connected: Connected[] = [];
for (let from = 0; from < count; from += 20) {
  connected.push(
    ...await Promise.all(
      agents.slice(from, from + 20).map(async (agent) => {
        const credentials = readCredentials(join(folder, `a${agent.number}.json`), "agent");
        const connection = await connectEngine({ servers: [server], credentials });
        return { agent: { ...agent, token: credentials.agent }, connection };
      }),
    ),
  );
}
console.log("ready");

let [sent, failed, flows, rows] = [0, 0, 0, 0];
const times: number[] = [];
const endMs = Date.now() + Number(secondsText) * 1000;

async function publish({ agent, connection }: Connected, batch: Rows): Promise<void> {
  const firstSeq = agent.next;
  agent.next += batch.rows.length;
  const head = { epoch: agent.epoch, firstSeq, madeUs: Date.now() * 1000 };
  const given = headers();
  given.set("Nats-Msg-Id", messageId(agent.token, head, 0));
  const startedMs = performance.now();
  try {
    const subject = agentSubject("flows", agent.token);
    await connection.request(subject, encodeBatch(batch, head), {
      headers: given,
      timeout: 10_000,
    });
    sent++;
    rows += batch.rows.length;
    times.push(performance.now() - startedMs);
  } catch {
    failed++;
  }
}

async function run(own: Connected): Promise<void> {
  const { agent, connection } = own;
  // Not all at one moment.
  let atMs = Date.now() + Math.random() * everyS * 1000;
  let healthAtMs = 0;
  while (atMs < endMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now())));
    const spanUs = everyS * 1e6;
    const made = makeFlows(agent, {
      count: everyS * flowsPerS,
      fromUs: Date.now() * 1000 - spanUs,
      spanUs,
    });
    flows += made.length;
    if (level === "flows") await publish(own, { kind: "flows", rows: made });
    else await publish(own, { kind: "rollups", rows: rollUp(made) });
    if (Date.now() >= healthAtMs) {
      healthAtMs = Date.now() + healthMs;
      const report = healthReport({ name: `a${agent.number}`, now_us: Date.now() * 1000 });
      const head = { epoch: agent.epoch, firstSeq: 0, madeUs: Date.now() * 1000 };
      connection.publish(
        agentSubject("health", agent.token),
        encodeBatch({ kind: "health", rows: [report] }, head),
      );
    }
    atMs += everyS * 1000;
  }
}

await Promise.all(connected.map((own) =>
  run(own).catch((error) => {
    throw new Error(`agent a${own.agent.number} lost its connection: ${error.message}`);
  })
));
const sorted = times.toSorted((a, b) => a - b);
const share = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
console.log(JSON.stringify({ sent, failed, flows, rows, p50: share(0.5), p99: share(0.99) }));
Deno.exit(0);
