/** What a service manager is told (sd_notify) and what it asks for (SIGHUP), before a receiver of our own. */
import { match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type ChildOptions,
  freePort,
  metricOf,
  missingForRoot,
  OutputText,
  Program,
  programCommand,
  spawn,
  testWith,
  withFolder,
  withOpenCache,
} from "./program.ts";

const test = testWith.bind(null, missingForRoot("python3", "unshare"));
const receiverScript = fileURLToPath(new URL("notify_receiver.py", import.meta.url));

class Receiver implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: OutputText;

  static async start(address: string): Promise<Receiver> {
    const receiver = new Receiver(address);
    await receiver.got(/"bound"/);
    return receiver;
  }

  private constructor(address: string) {
    this.#child = spawn(["python3", receiverScript, address], {});
    this.#child.stderr.cancel();
    this.#output = new OutputText(this.#child.stdout);
  }

  async got(pattern: RegExp): Promise<RegExpExecArray> {
    return await this.#output.waitFor(pattern);
  }

  get text(): string {
    return this.#output.text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output.ended;
  }
}

async function checkNotified(
  { folder, address, args, options }: {
    readonly folder: string;
    readonly address: string;
    readonly args: readonly string[];
    readonly options: ChildOptions;
  },
): Promise<void> {
  await using receiver = await Receiver.start(address);
  const env = { ...options.env, NOTIFY_SOCKET: address, WATCHDOG_USEC: "900000" };
  const all = ["run", "--allow-ffi", "-i", "lo", "--results", `${folder}/r`, ...args];
  await using program = await Program.start(all, { ...options, env });
  await receiver.got(/"READY=1\\nSTATUS=[^\\"]*packets; 0 dropped; 0 incidents open"/);
  await receiver.got(/"WATCHDOG=1\\nSTATUS=capturing lo;/);
  program.signal("SIGHUP");
  const [, us] = await receiver.got(/"RELOADING=1\\nMONOTONIC_USEC=(\d+)\\nSTATUS=/);
  const uptimeS = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
  ok(Math.abs(Number(us) / 1e6 - uptimeS) < 3600 * 24 && Number(us) > 0);
  await receiver.got(/RELOADING=1.*\n(.*\n)*"READY=1/);
  strictEqual(await program.stop(), 0);
  await receiver.got(/"STOPPING=1\\nSTATUS=/);
  strictEqual(receiver.text.split("STOPPING=1").length, 2);
}

test("the service manager is told that it is ready, lives, reloads and stops", () =>
  withFolder((folder) =>
    checkNotified({ folder, address: `${folder}/notify`, args: [], options: {} })
  ));

test("so it is by an abstract socket, and after root was given up", () =>
  withOpenCache((options) =>
    withFolder(async (folder) => {
      await Deno.chmod(folder, 0o755);
      const address = `@tapwatch-test-${Deno.pid}`;
      await checkNotified({ folder, address, args: ["--user", "nobody"], options });
    })
  ));

test("SIGHUP takes alert options up again, says what needs a restart, and what is wrong changes nothing", () =>
  withFolder(async (folder) => {
    const file = `${folder}/settings`;
    const write = (...lines: string[]) => Deno.writeTextFileSync(file, lines.join("\n"));
    write("TAPWATCH_SYSLOG=udp://127.0.0.1:5514");
    const args = ["run", "--allow-ffi", "-i", "lo", "--results", `${folder}/r`, "--env-file", file];
    await using program = await Program.start(args);
    match(program.log, /Settings were read from .*settings\./);
    match(await program.get("/status"), /127\.0\.0\.1:5514/);
    write(
      "TAPWATCH_SYSLOG=udp://127.0.0.1:5515",
      "TAPWATCH_SNAPLEN=128",
      "TAPWATCH_ALERT_SEVERITY=critical",
    );
    program.signal("SIGHUP");
    await program.logged(/read again: --syslog and --alert-severity are taken up/);
    await program.logged(/warning: --snaplen is changed, which needs a restart/);
    const status = await program.get("/status");
    match(status, /127\.0\.0\.1:5515/);
    strictEqual(status.includes("127.0.0.1:5514"), false);
    match(await program.get("/alerts"), /critical/);
    const list = `${folder}/list`;
    Deno.writeTextFileSync(list, "127.0.0.77\n");
    write("TAPWATCH_SYSLOG=udp://127.0.0.1:5515", `TAPWATCH_BLOCKLIST=${list}`);
    program.signal("SIGHUP");
    await program.logged(/read again: --alert-severity and --blocklist are taken up/);
    await program.logged(/1 block list read: 1 entries/);
    // Nobody listens there; that somebody asks is enough.
    await Deno.connect({ hostname: "127.0.0.77", port: 9 }).catch(() => {});
    await program.untilMetrics((text) =>
      metricOf(text, 'tapwatch_findings_total{kind="blocklist"}') > 0
    );
    write("TAPWATCH_SYSLOG=udp://127.0.0.1:5515", `TAPWATCH_BLOCKLIST=${folder}/none`);
    program.signal("SIGHUP");
    await program.logged(/The configuration stays as it was: Cannot read .*none \(--blocklist\)/);
    write("TAPWATCH_SYSLOG=nonsense");
    program.signal("SIGHUP");
    await program.logged(/warning: The configuration stays as it was: TAPWATCH_SYSLOG/);
    match(await program.get("/status"), /127\.0\.0\.1:5515/);
    strictEqual(await program.stop(), 0);
  }));

test("a terminal that is closed ends it in order, as SIGTERM does", () =>
  withFolder(async (folder) => {
    const command = programCommand(
      ["run", "--allow-ffi", "-i", "lo", "--results", `${folder}/r`, "--port", String(freePort())],
    );
    // A terminal of its own; closing it is what a closed window does.
    const script = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while b"Dashboard:" not in seen: seen += os.read(terminal, 4096)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
`;
    const child = spawn(["python3", "-c", script, ...command], {});
    child.stderr.cancel();
    const output = new OutputText(child.stdout);
    await output.waitFor(/^0\n/);
    await child.status;
    await output.ended;
  }));
