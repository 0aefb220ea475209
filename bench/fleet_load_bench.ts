/**
 * A thousand agents with 20 flows a second each for five minutes, over a real nats-server with TLS, to a hub on SQLite: as sums by the
 * minute, and with every flow. What engine and hub need, and how far the hub is behind.
 */
import { join } from "node:path";
import { hasNoEngine, makeKey, TestEngine, until } from "../agent/fleet/testing/engine.ts";
import {
  formatCount,
  formatMb,
  isQuick,
  printSection,
  type Section,
  size,
  table,
  type Target,
} from "./harness.ts";

const agentCount = size(1000, 50);
const seconds = size(300, 70);
const root = new URL("..", import.meta.url).pathname;
const ticksPerS = 100;
/** The hub has so long for what is left when the agents have ended. */
const catchUpMs = 120_000;

interface Measured {
  readonly hubCores: number;
  readonly engineCores: number;
  readonly engineBytes: number;
  readonly lagS: number;
  readonly pendingMax: number;
  readonly sent: {
    sent: number;
    failed: number;
    flows: number;
    rows: number;
    p50: number;
    p99: number;
  };
  readonly rows: number;
}

if (hasNoEngine) {
  printSection({
    title: "A thousand agents",
    blocks: ["Not run: nats-server is missing."],
    targets: [],
  });
} else printSection(await bench());

async function bench(): Promise<Section> {
  const levels = ["rollups", "flows"] as const;
  const results = new Map<string, Measured>();
  for (const level of levels) results.set(level, await measure(level));
  const { hubCores, engineBytes, lagS, rows, sent } = results.get("rollups")!;
  const percent = (cores: number) => `${Math.round(cores * 100)} %`;
  const failed = levels.map((level) => results.get(level)!.sent.failed);
  return {
    title: "A thousand agents",
    blocks: [
      `${
        formatCount(agentCount)
      } connections with TLS and a key each, 20 flows a second each, ${seconds} s; shares are of one core.`,
      table(
        ["level", "flows", "rows", "hub", "engine", "engine's memory", "behind at most"].concat(
          "waiting at most",
          "publish p50",
          "p99",
          "failed",
        ),
        [...results].map(([level, one]) => [
          level,
          formatCount(one.sent.flows),
          one.rows < one.sent.rows
            ? `${formatCount(one.rows)} of ${formatCount(one.sent.rows)}`
            : formatCount(one.rows),
          percent(one.hubCores),
          percent(one.engineCores),
          formatMb(one.engineBytes),
          `${one.lagS.toFixed(1)} s`,
          formatCount(one.pendingMax),
          `${one.sent.p50} ms`,
          `${one.sent.p99} ms`,
          String(one.sent.failed),
        ]),
      ),
    ],
    targets: [
      target(
        "1,000 agents: no batch fails, as roll-ups and as flows",
        `${failed.join(" and ")} failed`,
        failed.every((count) => count === 0),
      ),
      target(
        "1,000 agents: all rows that were sent are in the hub, roll-ups",
        `${formatCount(rows)} of ${formatCount(sent.rows)}`,
        rows === sent.rows,
      ),
      target(
        "1,000 agents: hub behind by 5 s at most, roll-ups",
        `${lagS.toFixed(1)} s (with every flow ${results.get("flows")!.lagS.toFixed(1)} s)`,
        lagS <= 5,
      ),
      target("1,000 agents: engine below 300 MB", formatMb(engineBytes), engineBytes < 300e6),
      target(
        "1,000 agents: hub at most half a core on SQLite, roll-ups",
        percent(hubCores),
        hubCores <= 0.5,
      ),
    ],
  };
}

/** Fifty agents for a minute say nothing of a thousand. */
function target(promise: string, measured: string, isMet: boolean): Target {
  return { promise, measured, isMet: isQuick ? null : isMet };
}

async function measure(level: "rollups" | "flows"): Promise<Measured> {
  await using engine = await TestEngine.start();
  const names = Array.from({ length: agentCount }, (_, number) => `a${number}`);
  for (const name of names) engine.folder.enroll(name, makeKey, Date.now() * 1000);
  await engine.reload();
  console.error(`${level}: ${agentCount} agents are enrolled`);
  const hub = start("agent/fleet/testing/hub_process.ts", [
    join(engine.path, "packet_logs.db"),
    engine.url,
    join(engine.folder.path, "hub.json"),
    "0",
  ]);
  const agents = start("bench/fleet_load_agents.ts", [
    engine.url,
    join(engine.folder.path, "agents"),
    String(agentCount),
    level,
    String(seconds),
  ]);
  try {
    return await watch(engine, hub, agents);
  } catch (error) {
    throw new Error(`${level}: ${(error as Error).message}`);
  } finally {
    for (const process of [hub, agents]) {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await process.status;
    }
  }
}

/** Until all rows that the agents have sent are in the hub. Throws Error with what one of them said when it ends before. */
async function watch(
  engine: TestEngine,
  hub: Deno.ChildProcess,
  agents: Deno.ChildProcess,
): Promise<Measured> {
  let [lagS, pendingMax, rows] = [0, 0, 0];
  let sent: Measured["sent"] | null = null;
  let isReady = false;
  const early = Promise.race([
    saidAtEnd(agents, "the agents", () => sent !== null),
    saidAtEnd(hub, "the hub", () => false),
  ]);
  const wait = (isTrue: () => boolean, what: string, ms: number) =>
    Promise.race([until(isTrue, what, ms), early]);
  void eachLine(hub, (line) => {
    const state = JSON.parse(line);
    lagS = Math.max(lagS, state.lagS);
    pendingMax = Math.max(pendingMax, state.pending);
    rows = state.rows;
  });
  void eachLine(agents, (line) => {
    if (line === "ready") isReady = true;
    else sent = JSON.parse(line);
  });
  await wait(() => isReady, "all agents", 180_000);
  const before = { hub: cpuS(hub.pid), engine: cpuS(engine.pid), ms: Date.now() };
  let engineBytes = 0;
  const sampler = setInterval(
    () => engineBytes = Math.max(engineBytes, rssBytes(engine.pid)),
    1000,
  );
  let lastedS = 0;
  try {
    await wait(() => sent !== null, "the end of the agents", (seconds + 120) * 1000);
    lastedS = (Date.now() - before.ms) / 1000;
    // What a hub that is too slow has by then is told, not an error.
    const isWhole = until(() => rows >= sent!.rows, "all rows", catchUpMs).catch(() => {});
    await Promise.race([isWhole, early]);
  } finally {
    clearInterval(sampler);
  }
  return {
    hubCores: (cpuS(hub.pid) - before.hub) / lastedS,
    engineCores: (cpuS(engine.pid) - before.engine) / lastedS,
    engineBytes,
    lagS,
    pendingMax,
    sent: sent!,
    rows,
  };
}

/** Rejects when a process ends before it `mayEnd`, with what it said last; else never settles. */
async function saidAtEnd(
  process: Deno.ChildProcess,
  who: string,
  mayEnd: () => boolean,
): Promise<never> {
  let said = "";
  for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
    console.error(text.trimEnd());
    said = (said + text).slice(-2000);
  }
  const { code, signal } = await process.status;
  // What it has said on its output is read at once.
  await new Promise((resolve) => setTimeout(resolve, 100));
  if (!mayEnd()) throw new Error(`${who} ended early with ${signal ?? code}: ${said.trim()}`);
  return await new Promise(() => {});
}

function start(script: string, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--no-check", `--config=${root}deno.json`, "--frozen"]
      .concat(`--lock=${root}deno.lock`, root + script, args),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function eachLine(process: Deno.ChildProcess, take: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
}

/** proc_pid_stat(5): user and system time, in ticks. */
function cpuS(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerS;
}

function rssBytes(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  return Number(kb) * 1024;
}
