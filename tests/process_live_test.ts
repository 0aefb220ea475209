/** The processes of this host behind its flows, as a run with real programs of two users names them. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { missingTrace } from "../ffi/linux/testing/missing_trace.ts";
import { hasMailServer, startMailServer } from "./mail_server.ts";
import { peerAddress, ProcessLab, sensorAddress } from "./process_lab.ts";
import {
  missingForRoot,
  missingNamespaces,
  patiently,
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
const noTrace = missing || missingTrace();
const testTrace = testWith.bind(null, noTrace);
const testScan = testWith.bind(null, noTrace || (hasMailServer ? "" : "needs python3-aiosmtpd"));
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

test(
  "run names curl, python3 and sshd of two users, in flows, search and pages",
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
      await checkPages(get, { curlId: Number(curl!.id) });
      const metrics = await get("/metrics");
      match(metrics, /tapwatch_process_lookups_total\{result="process"\} [1-9]/);
      strictEqual(await program.stop(), 0);
      checkStored(folder);
    }),
);

async function checkPages(
  get: (path: string) => Promise<string>,
  { curlId }: { readonly curlId: number },
): Promise<void> {
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
  const lines = readEve(folder);
  ok(lines.some(({ event_type, process }) => event_type === "flow" && process?.name === "curl"));
}

/** Its probes are refused at once: each has no socket any more when its packets are read. */
const slowScan = ["nmap", "-n", "-Pn", "-sT", "--scan-delay", "15ms", "-p1001-1150", peerAddress];

testScan(
  "run names who scans refused ports slowly, in finding, incident, page, mail and EVE",
  () =>
    withFolder(async (folder) => {
      await using lab = await ProcessLab.create();
      const mail = await startMailServer([], lab.on("sensor"));
      try {
        const args = ["run", "--allow-ffi", "-i", "tw0", "--results", "r", "--eve-log"];
        const mailUrl = `smtp://127.0.0.1:${mail.port}?security=none`;
        args.push("--smtp-url", mailUrl, "--mail-to", "ops@example.org", "--alert-severity", "low");
        await using program = await Program.start(args, { cwd: folder, prefix: lab.on("sensor") });
        const get = (path: string) => lab.run("sensor", "curl", "-sS", `${program.url}${path}`);
        await untilUp(get);
        await until("the trace", async () => {
          return /the kernel says who begins them/.test(await get("/status")) ? [{}] : [];
        });
        await lab.run("sensor", ...asNobody, ...slowScan);
        const [incident] = await until("the incident", async () => {
          const { incidents } = JSON.parse(await get("/api/incidents"));
          return incidents.filter(({ process }: { process: string | null }) => process !== null);
        });
        match(incident.headline, /^nmap \(nobody\) on 10\.94\.0\.1 /);
        deepStrictEqual([incident.process, incident.user], ["nmap", "nobody"]);
        match(
          await get(`/incidents/${incident.id}`),
          /<p class="lead">nmap \(nobody\) on 10\.94\.0\.1 /,
        );
        const { taken } = await patiently("the mail", mail.next());
        match(new Map(taken!.headers).get("Subject")!, /nmap \(nobody\) on 10\.94\.0\.1 /);
        match(
          taken!.parts[0]!.text!,
          /nmap \(nobody\) on 10\.94\.0\.1 [^]*Process: nmap \(nobody\), process \d+/,
        );
        strictEqual(await program.stop(), 0);
        checkScan(folder);
      } finally {
        await mail.stop();
      }
    }),
);

/** Of the scan's flows nearly all have their process; it and the findings have no other. */
function checkScan(folder: string): void {
  using database = new DatabaseSync(`${folder}/r/packet_logs.db`, { readOnly: true });
  const names = (sql: string) =>
    database.prepare(sql).all().map(({ name }) => name as string | null);
  const flows = names(
    "SELECT process || ' ' || user AS name FROM flows WHERE resp_p BETWEEN 1001 AND 1150",
  );
  const named = flows.filter((name) => name !== null);
  deepStrictEqual([...new Set(named)], ["nmap nobody"]);
  ok(named.length > 100, `${named.length} of ${flows.length}`);
  for (const table of ["scans", "incidents"]) {
    deepStrictEqual(names(`SELECT DISTINCT process || ' ' || user AS name FROM ${table}`), [
      "nmap nobody",
    ]);
  }
  const alerts = readEve(folder).filter(({ event_type }) => event_type === "alert");
  ok(alerts.length > 0);
  const last = new Map(alerts.map((line) => [line.alert.signature_id, line.alert.metadata]));
  for (const { process, user } of last.values()) {
    deepStrictEqual([process, user], [["nmap"], ["nobody"]]);
  }
}

// deno-lint-ignore no-explicit-any -- lines of JSON
function readEve(folder: string): any[] {
  return Deno.readTextFileSync(`${folder}/r/eve.json`).trim().split("\n").map((line) =>
    JSON.parse(line)
  );
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
        strictEqual(program.log.match(/tapwatch \(as nobody\) may not see/g)?.length, 1);
      })
    ),
);

const container = `docker-${"0123456789abcdef".repeat(4)}.scope`;
const groups = missing === "" ? controlGroups() : "";

testWith(
  missing || (groups === "" ? "no control group can be made" : ""),
  "run --process-arguments tells whole command lines, and which container they run in",
  () =>
    withFolder(async (folder) => {
      const group = `${groups}/${container}`;
      Deno.mkdirSync(group);
      try {
        await using lab = await ProcessLab.create();
        const args = ["run", "--allow-ffi", "-i", "tw0", "--results", "r", "--process-arguments"];
        await using program = await Program.start(args, { cwd: folder, prefix: lab.on("sensor") });
        const get = (path: string) => lab.run("sensor", "curl", "-sS", `${program.url}${path}`);
        await untilUp(get);
        const command = `curl -sS http://${peerAddress}/`;
        // `ip netns exec` has a /sys of its own, without control groups.
        const enter = ["sh", "-c", `echo $$ > '${group}/cgroup.procs' && exec "$@"`, "sh"];
        const ran = await runCommand([...enter, ...lab.on("sensor"), ...command.split(" ")]);
        strictEqual(ran.code, 0, ran.stderr);
        const [flow] = await until("the flow", async () => {
          return JSON.parse(await get("/api/flows?q=port+80+and+unit+docker-*")).flows;
        });
        deepStrictEqual([flow.process, flow.command, flow.unit], [
          "curl",
          command,
          "docker-0123456789ab",
        ]);
        strictEqual(await program.stop(), 0);
      } finally {
        Deno.removeSync(group);
      }
    }),
);

/** A folder of control groups, of version 2 or of systemd's beside version 1, in which one can be made; else "". */
function controlGroups(): string {
  for (const folder of ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"]) {
    const trial = `${folder}/tapwatch-test-${Deno.pid}`;
    try {
      Deno.mkdirSync(trial);
      const isGroup = Deno.statSync(`${trial}/cgroup.procs`).isFile;
      Deno.removeSync(trial);
      if (isGroup) return folder;
    } catch {
      // Read-only, or not there.
    }
  }
  return "";
}

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
