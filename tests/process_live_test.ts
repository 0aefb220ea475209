/** The processes of this host behind its flows, as a run with real programs of two users names them. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { missingTrace } from "../ffi/linux/testing/missing_trace.ts";
import { peerAddress, ProcessLab, sensorAddress } from "./process_lab.ts";
import {
  missingForRoot,
  missingNamespaces,
  Program,
  runCommand,
  testWith,
  withFolder,
  withOpenCache,
} from "./program.ts";

const programs = ["ip", "nmap", "curl", "python3", "ssh-keygen", "sshd", "setpriv"];
const missing = missingForRoot(...programs) || await missingNamespaces();
const test = testWith.bind(null, missing);
/** What needs the kernel's word on who begins connections. */
const testTrace = testWith.bind(null, missing || missingTrace());
/** Debian's user nobody. */
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const sshd = "/usr/sbin/sshd";
const patience = 30_000;

const holdPython = `
import socket, time
with socket.create_connection(("${peerAddress}", 80)) as connection: time.sleep(3)`;
const speakUdp = `
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
  udp.connect(("${peerAddress}", 9999))
  for _ in range(20):
    try: udp.send(b"hello")
    except OSError: pass
    time.sleep(0.1)`;
const readBanner = `
import socket, time
with socket.create_connection(("${sensorAddress}", 2222)) as connection:
  print(connection.recv(100)); time.sleep(2)`;

testTrace(
  "run names curl, python3, sshd and nmap of two users, in flows, search, findings and pages",
  () =>
    withFolder(async (folder) => {
      await using lab = await ProcessLab.create();
      const args = ["run", "--allow-ffi", "-i", "tw0", "--results", "r", "--eve-log"];
      await using program = await Program.start(args, { cwd: folder, prefix: lab.on("sensor") });
      const get = (path: string) => lab.run("sensor", "curl", "-sS", `${program.url}${path}`);
      await untilUp(get);
      await startSshd(lab, folder);
      await Promise.all([
        lab.run("sensor", "curl", "-sS", `http://${peerAddress}/`),
        lab.run("sensor", ...asNobody, "/usr/bin/python3", "-c", holdPython),
        lab.run("peer", "/usr/bin/python3", "-c", readBanner),
      ]);
      const scan = ["nmap", "-n", "-Pn", "-sT", "--scan-delay", "15ms", "-p1001-1150", peerAddress];
      await lab.run("sensor", ...asNobody, ...scan);
      const found = (q: string) => async () => {
        const { flows } = JSON.parse(await get(`/api/flows?${new URLSearchParams({ q })}`));
        return flows as Record<string, string | number | null>[];
      };
      const [curl] = await until("curl", found("process curl and duration > 1s"));
      deepStrictEqual([curl!.user, curl!.process, curl!.resp_h], ["root", "curl", peerAddress]);
      match(String(curl!.executable), /\/curl$/);
      strictEqual(curl!.command, "curl");
      ok(Number(curl!.pid) > 1);
      const [python] = await until("python3", found("process python3* and user=nobody"));
      deepStrictEqual([python!.orig_h, python!.resp_p], [sensorAddress, 80]);
      const [ssh] = await until("sshd", found("process sshd* and port 2222"));
      deepStrictEqual([ssh!.orig_h, ssh!.user], [peerAddress, "root"]);
      await checkFinding(get, { curlId: Number(curl!.id) });
      const metrics = await get("/metrics");
      match(metrics, /tapwatch_process_lookups_total\{result="process"\} [1-9]/);
      match(await get("/status"), /the kernel says who begins them/);
      strictEqual(await program.stop(), 0);
      checkStored(folder);
    }),
);

/** The scan's process is the first thing that pages and lists say. */
async function checkFinding(
  get: (path: string) => Promise<string>,
  { curlId }: { readonly curlId: number },
): Promise<void> {
  // Its probes are refused at once.
  const start = /^nmap \(nobody\) on 10\.94\.0\.1 /;
  const [incident] = await until("the incident", async () => {
    const { incidents } = JSON.parse(await get("/api/incidents"));
    return incidents.filter(({ headline }: { headline: string }) => start.test(headline));
  });
  deepStrictEqual([incident.process, incident.user], ["nmap", "nobody"]);
  match(
    await get(`/incidents/${incident.id}`),
    /<p class="lead">nmap \(nobody\) on 10\.94\.0\.1 /,
  );
  match(await get(`/flows/${curlId}`), /Process: <b>curl \(root\), process \d+/);
  await until("the host's page", async () => {
    const page = await get(`/hosts/${sensorAddress}`);
    return /id="processes"[\s\S]*>python3[^<]* \(nobody\)</.test(page) ? [{}] : [];
  });
  match(await get("/flows?q=process+curl"), />curl \(root\)</);
  match(
    await get("/api/flows?format=csv&q=process+curl"),
    /pid,process,executable,command,user,unit/,
  );
}

function checkStored(folder: string): void {
  using database = new DatabaseSync(`${folder}/r/packet_logs.db`, { readOnly: true });
  const count = (sql: string) => Number(database.prepare(sql).get()!.n);
  ok(count("SELECT count(*) AS n FROM flows WHERE process = 'curl' AND user = 'root'") >= 1);
  strictEqual(count("SELECT count(*) AS n FROM incidents WHERE process <> 'nmap'"), 0);
  const lines = Deno.readTextFileSync(`${folder}/r/eve.json`).trim().split("\n")
    .map((line) => JSON.parse(line));
  ok(lines.some(({ event_type, process }) => event_type === "flow" && process?.name === "curl"));
}

testTrace(
  "run --user tells of other users who begins connections, else the user alone, and says what to do",
  () =>
    withOpenCache(({ prefix, ...options }) =>
      withFolder(async (folder) => {
        await using lab = await ProcessLab.create();
        Deno.mkdirSync(`${folder}/r`);
        Deno.chownSync(`${folder}/r`, 65534, 65534);
        Deno.chmodSync(folder, 0o755);
        const args = ["run", "--allow-ffi", "-i", "tw0", "--results", "r", "--user", "nobody"];
        const start = { ...options, cwd: folder, prefix: [...lab.on("sensor"), ...prefix!] };
        await using program = await Program.start(args, start);
        const get = (path: string) => lab.run("sensor", "curl", "-sS", `${program.url}${path}`);
        await untilUp(get);
        await program.logged(/those of other users, tapwatch \(as nobody\) may not see/);
        await Promise.all([
          lab.run("sensor", "curl", "-sS", `http://${peerAddress}/`),
          lab.run("sensor", "python3", "-c", speakUdp),
        ]);
        const flowAt = async (port: number) => {
          const [flow] = await until(`the flow to port ${port}`, async () => {
            return JSON.parse(await get(`/api/flows?q=port+${port}+and+user%3Droot`)).flows;
          });
          return [flow.process, flow.command, flow.user];
        };
        deepStrictEqual(await flowAt(80), ["curl", "curl", "root"]);
        deepStrictEqual(await flowAt(9999), [null, null, "root"]);
        match(await get("/status"), /cap_sys_ptrace and cap_dac_read_search/);
        strictEqual(await program.stop(), 0);
      })
    ),
);

test("run --no-processes names none", () =>
  withFolder(async (folder) => {
    await using lab = await ProcessLab.create();
    const args = ["run", "--allow-ffi", "-i", "tw0", "--results", "r", "--no-processes"];
    await using program = await Program.start(args, { cwd: folder, prefix: lab.on("sensor") });
    const get = (path: string) => lab.run("sensor", "curl", "-sS", `${program.url}${path}`);
    await untilUp(get);
    await lab.run("sensor", "curl", "-sS", `http://${peerAddress}/`);
    const flows = await until("the flow", async () => {
      return JSON.parse(await get("/api/flows?q=port+80")).flows;
    });
    deepStrictEqual(flows.map(({ process, user }) => [process, user]), [[null, null]]);
    strictEqual(await program.stop(), 0);
  }));

async function startSshd(lab: ProcessLab, folder: string): Promise<void> {
  Deno.mkdirSync("/run/sshd", { recursive: true });
  const key = `${folder}/key`;
  const made = await runCommand(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
  strictEqual(made.code, 0, made.stderr);
  const child = lab.start("sensor", sshd, "-D", "-e", "-f", "/dev/null", "-p", "2222", "-h", key);
  child.stdout.cancel();
  child.stderr.cancel();
}

/** Packets are seen from now on. */
async function untilUp(get: (path: string) => Promise<string>): Promise<void> {
  await until("the capture", async () => {
    return /tapwatch_capture_up\{interface="tw0"\} 1/.test(await get("/metrics")) ? [{}] : [];
  });
}

/** Asks again until there are rows. */
async function until<T extends object>(
  what: string,
  ask: () => Promise<T[]>,
  // deno-lint-ignore no-explicit-any -- rows of JSON
): Promise<any[]> {
  const endMs = Date.now() + patience;
  for (;;) {
    const rows = await ask();
    if (rows.length > 0) return rows;
    ok(Date.now() < endMs, `${what} is not there`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
