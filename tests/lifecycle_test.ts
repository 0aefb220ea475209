/** How a run ends: by a signal, by two, by kill -9, at the end of a file; and that what was seen is written then. */
import { match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { writeLargeCapture } from "./large_capture.ts";
import {
  demoCapture,
  metricOf,
  missingCommands,
  Program,
  runCommand,
  testWith,
  withFolder,
} from "./program.ts";

const demoPackets = 25_208;
const rounds = 12;
/** Packets, or rows, after which the load is ended. */
const loadMin = 30_000;
const test = testWith.bind(null, missingCommands("tcpdump"));

/** Numbers of the line with which a run ends. */
function tallyOf(log: string) {
  const text = /Stopped\. (.*)/.exec(log)?.[1] ?? "";
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1]?.replaceAll(",", "") ?? 0);
  return {
    text,
    seen: number(/([\d,]+) packets seen/),
    lostAtStore: number(/store ([\d,]+)/),
  };
}

function ask<T>(folder: string, use: (one: (sql: string) => number | string) => T): T {
  const database = new DatabaseSync(`${folder}/packet_logs.db`);
  try {
    return use((sql) => Object.values(database.prepare(sql).get()!)[0] as number | string);
  } finally {
    database.close();
  }
}

function captureFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
    name.endsWith(".pcap")
  ).sort().map((name) => `${folder}/${name}`);
}

/** Packets that tcpdump reads in a file, and whether it found a whole record at the end. */
async function tcpdumpCount(path: string): Promise<{ packets: number; isWhole: boolean }> {
  const { code, stdout, stderr } = await runCommand(["tcpdump", "-nn", "-t", "-q", "-r", path]);
  const isWhole = !stderr.includes("truncated dump file");
  strictEqual(code, isWhole ? 0 : 1, stderr);
  // A line that begins with white space goes on with the packet before.
  return { packets: stdout.match(/^\S/gm)?.length ?? 0, isWhole };
}

async function countAll(folder: string): Promise<number> {
  let packets = 0;
  for (const path of captureFiles(folder)) {
    const file = await tcpdumpCount(path);
    ok(file.isWhole, `${path} is cut off`);
    packets += file.packets;
  }
  return packets;
}

/** Replays a large file, 200 times as fast as it was (about 12,000 packets a second, as many as a busy machine bears), with everything written. */
async function startLoad(folder: string): Promise<Program> {
  await writeLargeCapture(`${folder}/large.pcap`, rounds);
  return await Program.start(
    ["replay", "large.pcap", "--speed", "200", "--log-packets", "all", "--results", "r"],
    { cwd: folder },
  );
}

test("a replay to the end of its file is written whole, while the dashboard stays up", () =>
  withFolder(async (cwd) => {
    const args = ["replay", demoCapture, "--speed", "max", "--log-packets", "all"];
    await using program = await Program.start([...args, "--results", "r"], { cwd });
    await program.logged(/The file is at its end; everything is written/);
    ask(`${cwd}/r`, (one) => {
      strictEqual(one("SELECT count(*) FROM packets"), demoPackets);
      strictEqual(one("SELECT sum(packets) FROM stats"), demoPackets);
      const inFlows = one("SELECT sum(orig_pkts + resp_pkts) FROM flows");
      strictEqual(one("SELECT count(*) FROM packets WHERE protocol <> 'arp'"), inFlows);
    });
    strictEqual(await countAll(`${cwd}/r`), demoPackets);
    match(await program.get("/"), /^<!DOCTYPE html>/);
    strictEqual(await program.metric("tapwatch_packets_total"), demoPackets);
    strictEqual(await program.stop("SIGINT"), 0);
    match(
      program.log,
      /Stopped\. 25,208 packets seen, 25,208 written to capture files, .* nothing was lost/,
    );
  }));

test("SIGTERM under load ends with status 0 and with all in flight written", () =>
  withFolder(async (cwd) => {
    await using program = await startLoad(cwd);
    const events = (await fetch(`${program.url}/api/events`)).text();
    await program.untilMetrics((text) => metricOf(text, "tapwatch_packets_total") > loadMin);
    strictEqual(await program.stop("SIGTERM"), 0);
    match(await events, /event: stats/);
    const tally = tallyOf(program.log);
    ok(!program.log.includes("given up"), program.log);
    ok(tally.seen > loadMin && tally.seen < rounds * demoPackets, tally.text);
    strictEqual(await countAll(`${cwd}/r`), tally.seen);
    ask(`${cwd}/r`, (one) => {
      strictEqual(one("PRAGMA integrity_check"), "ok");
      strictEqual(one("SELECT sum(packets) FROM stats"), tally.seen);
      strictEqual(one("SELECT count(*) FROM packets"), tally.seen - tally.lostAtStore);
    });
  }));

test("a second signal ends at once", () =>
  withFolder(async (cwd) => {
    const args = ["replay", demoCapture, "--results", "r"];
    await using program = await Program.start(args, { cwd });
    // A request that does not come to its end holds the server's shutdown up for a while.
    const { hostname, port } = new URL(program.url);
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const head = `POST /theme HTTP/1.1\r\nHost: ${hostname}:${port}\r\n` +
      "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\ntheme=";
    await connection.write(new TextEncoder().encode(head));
    await program.get("/healthz");
    program.signal("SIGINT");
    await program.logged(/Stopping/);
    // What comes together is one signal.
    await new Promise((resolve) => setTimeout(resolve, 200));
    program.signal("SIGINT");
    strictEqual((await program.ended()).code, 1);
    match(program.log, /Second signal: ending at once/);
    ok(!program.log.includes("Stopped."), program.log);
  }));

test("a signal that comes twice at once, as timeout sends it, ends it in order", () =>
  withFolder(async (cwd) => {
    const args = ["replay", demoCapture, "--results", "r"];
    await using program = await Program.start(args, { cwd });
    program.signal("SIGTERM");
    program.signal("SIGINT");
    strictEqual((await program.ended()).code, 0);
    match(program.log, /Stopped\./);
    ok(!program.log.includes("Second signal"), program.log);
  }));

test("kill -9 under load leaves a sound database and readable files, and the next run adds to them", () =>
  withFolder(async (cwd) => {
    const folder = `${cwd}/r`;
    let recordedAtLeast = 0;
    {
      await using program = await startLoad(cwd);
      const metrics = await program.untilMetrics((text) =>
        metricOf(text, "tapwatch_store_rows_total") > loadMin
      );
      recordedAtLeast = metricOf(metrics, "tapwatch_recorder_packets_total");
      program.signal("SIGKILL");
      strictEqual((await program.ended()).signal, "SIGKILL");
    }
    const rows = ask(folder, (one) => {
      strictEqual(one("PRAGMA integrity_check"), "ok");
      return Number(one("SELECT count(*) FROM packets"));
    });
    ok(rows > loadMin / 2, `${rows} rows`);
    const [inProgress] = captureFiles(folder);
    const killed = await tcpdumpCount(inProgress!);
    ok(killed.packets >= recordedAtLeast);

    const args = ["replay", demoCapture, "--speed", "max", "--log-packets", "all"];
    await using program = await Program.start([...args, "--results", "r"], { cwd });
    await program.logged(/The file is at its end/);
    strictEqual(await program.stop(), 0);
    strictEqual(captureFiles(folder).length, 2);
    strictEqual(await countAll(folder), killed.packets + demoPackets);
    ask(folder, (one) => {
      strictEqual(one("PRAGMA integrity_check"), "ok");
      strictEqual(one("SELECT count(*) FROM packets"), rows + demoPackets);
    });
  }));
