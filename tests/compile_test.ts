/** The executable, alone in an empty folder: the commands of the contract, its workers, its dashboard, live capture. */
import { match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { engineProgram, hasNoEngine, until } from "../agent/fleet/testing/engine.ts";
import { compile } from "../tools/compile.ts";
import { freePort, missingForRoot, withoutLibpcap } from "./program.ts";

const demo = new URL("fixtures/demo.pcapng.gz", import.meta.url).pathname;
const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;

Deno.test("the compiled executable does everything from an empty folder", async (t) => {
  await using box = await compileIntoEmptyFolder();

  await t.step("it is one file of at most 96 MiB", async () => {
    ok((await Deno.stat(box.executable)).size <= 96 * 1024 * 1024);
  });
  await t.step("version and help answer", async () => {
    match((await box.run("version")).stdout, /^tapwatch \d+\.\d+\.\d+\n$/);
    match((await box.run("help")).stdout, /tapwatch replay FILE/);
  });
  await t.step("an unknown option is refused with status 2", async () => {
    const { code, stderr } = await box.run("run", "--snaplenn", "5");
    strictEqual(code, 2);
    match(stderr, /--snaplen\b/);
  });
  await t.step("analyze --json and decode read a capture", async () => {
    const report = JSON.parse((await box.run("analyze", "--json", demo)).stdout);
    strictEqual(report.tool.name, "tapwatch");
    ok(report.packets > 1000);
    const lines = (await box.run("decode", demo)).stdout.trimEnd().split("\n");
    strictEqual(lines.length, report.packets + 1);
  });
  await t.step("live capture without consent is refused with status 3", async () => {
    const { code, stderr } = await box.run("run", "--results", "refused");
    strictEqual(code, 3);
    match(stderr, /--allow-ffi/);
  });
  await t.step("it reads a capture from standard input, also by that file's name", async () => {
    for (const name of ["-", "/dev/stdin"]) {
      const child = new Deno.Command(box.executable, {
        args: ["analyze", "--json", name],
        stdin: "piped",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const [{ stdout }] = await Promise.all([
        child.output(),
        Deno.openSync(demo).readable.pipeTo(child.stdin),
      ]);
      ok(JSON.parse(new TextDecoder().decode(stdout)).packets > 1000);
    }
  });
  await t.step("self-test takes a scan through all of it", async () => {
    const { code, stdout } = await box.run("self-test");
    strictEqual(code, 0, stdout);
    for (const stage of ["detected", "stored", "shown"]) {
      match(stdout, new RegExp(`^ok +${stage} `, "m"));
    }
  });
  await t.step("replay starts its workers and serves the dashboard", async () => {
    await checkReplay(box);
  });
  await t.step({
    name: "it makes a fleet, receives as its hub, and reports as its agent, over TLS",
    ignore: hasNoEngine,
    fn: () => checkFleet(box),
  });
  const missingService = missingForRoot("unshare", "useradd", "systemctl");
  await t.step({
    name: missingService
      ? `it becomes a service (SKIPPED: ${missingService})`
      : "it becomes a service and none again",
    ignore: missingService !== "",
    fn: () => checkService(box),
  });
  await t.step({
    name: isRoot ? "run --allow-ffi captures on loopback" : "run captures (SKIPPED: needs root)",
    ignore: !isRoot,
    fn: () => checkLiveCapture(box),
  });
  const missingHidden = missingForRoot("unshare", "mount");
  await t.step({
    name: missingHidden
      ? `it captures without libpcap (SKIPPED: ${missingHidden})`
      : "it captures without libpcap",
    ignore: missingHidden !== "",
    fn: () => checkCaptureWithoutLibrary(box),
  });
});

/** One file needs no library: it captures where libpcap cannot be loaded. */
async function checkCaptureWithoutLibrary(box: Box): Promise<void> {
  const args = ["run", "--allow-ffi", "-i", "lo", "--results", "without-library"];
  await using running = await start(box, args, await withoutLibpcap());
  ok(await running.packetsSeen() > 0);
  match((await running.get("/status")).body, /capturing by AF_PACKET/);
  strictEqual(await running.stop(), 0);
}

/**
 * Becomes a service and none again, in a mount namespace where /etc, /usr/local/bin, /var/lib and /run are copies of its own and
 * systemctl only says what it was asked.
 */
const serviceScript = `
set -e
cp -a /etc "$1/etc"; mkdir "$1/bin" "$1/lib" "$1/run"
printf '#!/bin/sh\\necho "systemctl $*"\\n' > "$1/systemctl"; chmod 755 "$1/systemctl"
mount --make-rprivate /
for pair in etc:/etc bin:/usr/local/bin lib:/var/lib run:/run systemctl:/usr/bin/systemctl; do
  mount --bind "$1/\${pair%%:*}" "\${pair#*:}"
done
mkdir -p /run/systemd/system
"$2" install-service --yes -i lo --port 8321
stat -c '%n %U %G %a' /usr/local/bin/tapwatch /etc/tapwatch /etc/tapwatch/tapwatch.env /var/lib/tapwatch /etc/systemd/system/tapwatch.service
/usr/local/bin/tapwatch --check-config --env-file /etc/tapwatch/tapwatch.env
"$2" install-service --yes --port 8322 || echo "status $?"
touch /var/lib/tapwatch/packet_logs.db; chown tapwatch /var/lib/tapwatch/packet_logs.db
/usr/local/bin/tapwatch install-service --uninstall --yes
stat -c '%n %U' /var/lib/tapwatch /var/lib/tapwatch/packet_logs.db
ls /usr/local/bin/tapwatch /etc/tapwatch /etc/systemd/system/tapwatch.service 2>/dev/null || echo gone
getent passwd tapwatch || echo nobody
`;

async function checkService(box: Box): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-service-" });
  try {
    const args = ["-m", "sh", "-c", serviceScript, "sh", folder, box.executable];
    const { code, stdout, stderr } = await new Deno.Command("unshare", { args }).output();
    const decoder = new TextDecoder();
    const lines = decoder.decode(stdout).split("\n");
    strictEqual(code, 0, decoder.decode(stderr));
    for (
      const line of [
        "systemctl restart tapwatch",
        "/usr/local/bin/tapwatch root root 755",
        "/etc/tapwatch root tapwatch 750",
        "/etc/tapwatch/tapwatch.env tapwatch tapwatch 600",
        "/var/lib/tapwatch tapwatch tapwatch 700",
        "/etc/systemd/system/tapwatch.service root root 644",
        "status 2",
        "systemctl disable --quiet --now tapwatch",
        "/var/lib/tapwatch root",
        "/var/lib/tapwatch/packet_logs.db root",
        "gone",
        "nobody",
      ]
    ) ok(lines.includes(line), `${line} is missing in\n${lines.join("\n")}`);
    ok(lines.some((line) => line.startsWith("The configuration is good.")));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Box extends AsyncDisposable {
  readonly executable: string;
  readonly folder: string;
  readonly run: (...args: string[]) => Promise<Output>;
}
interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function compileIntoEmptyFolder(): Promise<Box> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-alone-" });
  const executable = join(folder, "tapwatch");
  await compile(executable);
  return {
    folder,
    executable,
    run: async (...args) => {
      const { code, stdout, stderr } = await new Deno.Command(executable, { args, cwd: folder })
        .output();
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function checkReplay(box: Box): Promise<void> {
  await using running = await start(box, [
    "replay",
    demo,
    "--speed",
    "max",
    "--results",
    "replayed",
  ]);
  ok(await running.packetsSeen() > 0);
  strictEqual((await running.get("/healthz")).status, 200);
  const page = await running.get("/");
  match(page.body, /^<!DOCTYPE html>/);
  const paths = [...page.body.matchAll(/(?:href=|from)"(\/[^"]+\.(?:css|js)[^"]*)"/g)];
  ok(paths.length > 2);
  for (const [, path = ""] of paths) strictEqual((await running.get(path)).status, 200, path);
  strictEqual(await running.stop(), 0);
  ok((await Deno.stat(join(box.folder, "replayed/packet_logs.db"))).size > 0);
}

async function checkFleet(box: Box): Promise<void> {
  const address = `127.0.0.1:${freePort()}`;
  const does = async (...args: string[]) => {
    const { code, stderr } = await box.run("fleet", ...args);
    strictEqual(code, 0, stderr);
  };
  await does("init", address, "--fleet-store-gb", "1");
  await does("enroll", "web-01");
  const engine = new Deno.Command(engineProgram!, {
    args: ["-c", "fleet/nats-server.conf", "-l", "engine.log"],
    cwd: box.folder,
  }).spawn();
  try {
    await until(async () => (await box.run("fleet", "streams")).code === 0, "the engine");
    const fleet = ["--fleet", `tls://${address}`, "--fleet-credentials"];
    await using hub = await start(box, ["hub", ...fleet, "fleet/hub.json", "--results", "hub"]);
    const replay = ["replay", demo, "--speed", "max", "--results", "agent"];
    await using agent = await start(box, [...replay, ...fleet, "fleet/agents/web-01.json"]);
    const committed = /^tapwatch_fleet_rows_total\{channel="flows",state="committed"\} [1-9]/m;
    const isCommitted = async () => committed.test((await agent.get("/metrics")).body);
    await until(isCommitted, "flows at the hub").catch(async (error) => {
      const lines = (await agent.get("/metrics")).body.split("\n");
      const fleetLines = lines.filter((line) => line.startsWith("tapwatch_fleet"));
      throw new Error(`${error.message}: ${fleetLines.join(", ")}`);
    });
    match((await hub.get("/")).body, /web-01/);
    match((await agent.get("/status")).body, /takes what is sent/);
    strictEqual(await agent.stop(), 0);
    strictEqual(await hub.stop(), 0);
  } finally {
    engine.kill("SIGTERM");
    await engine.status;
  }
}

async function checkLiveCapture(box: Box): Promise<void> {
  await Deno.chmod(box.folder, 0o755);
  const args = ["run", "--allow-ffi", "-i", "lo", "--user", "nobody", "--results", "captured"];
  await using running = await start(box, args);
  // Asking for the counters is traffic on loopback by itself.
  ok(await running.packetsSeen() > 0);
  match((await running.get("/status")).body, /<dt>Runs as<\/dt><dd>nobody<\/dd>/);
  strictEqual(await running.stop(), 0);
  ok((await Deno.stat(join(box.folder, "captured/captured_traffic.pcap"))).size > 24);
}

/** Starts a command that serves the dashboard, and waits for the line that says where. */
async function start(box: Box, args: string[], prefix: readonly string[] = []) {
  const [program = "", ...before] = [...prefix, box.executable];
  const child = new Deno.Command(program, {
    args: [...before, ...args, "--port", String(freePort())],
    cwd: box.folder,
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let url: string | undefined;
  while (url === undefined) {
    const { done, value } = await lines.read();
    if (done) throw new Error(`tapwatch ended before it served: ${text}`);
    text += value;
    url = /Dashboard: (http:\S+?)\.? /.exec(text)?.[1];
  }
  const drained = drain(lines);
  let hasEnded = false;
  const stop = async () => {
    if (!hasEnded) child.kill("SIGTERM");
    hasEnded = true;
    await drained;
    return (await child.status).code;
  };
  const get = async (path: string) => {
    const response = await fetch(url + path);
    return { status: response.status, body: await response.text() };
  };
  const packetsSeen = () => waitForPackets(url, get);
  return { get, packetsSeen, stop, [Symbol.asyncDispose]: async () => void await stop() };
}

/** Asks for the packet counter at each event of the stream until it is above zero. */
async function waitForPackets(
  url: string,
  get: (path: string) => Promise<{ body: string }>,
): Promise<number> {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/events`, { signal: abort.signal });
  try {
    for await (const _ of response.body ?? []) {
      const { body } = await get("/metrics");
      const packets = Number(/^tapwatch_packets_total (\d+)/m.exec(body)?.[1] ?? 0);
      if (packets > 0) return packets;
    }
    throw new Error("The event stream ended before a packet was seen");
  } finally {
    abort.abort();
  }
}

async function drain(lines: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await lines.read()).done);
}
