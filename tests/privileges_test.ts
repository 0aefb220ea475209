/**
 * `run --user`: no thread keeps root, a device that comes back is opened all the same, by threads of before and after, and
 * what is written is the user's alone.
 */
import { CAPTURE_METHODS } from "../ffi/capture/capture_handle.ts";
import { match, ok, strictEqual } from "node:assert/strict";
import { until } from "./faults/lab.ts";
import { smallRingBytes } from "../agent/capture/ring_need.ts";
import { makeFrames, runInNamespace, withVeth, writePcap } from "./live_veth.ts";
import {
  type ChildOptions,
  metricOf,
  missingForRoot,
  missingNamespaces,
  Program,
  runProgram,
  testWith,
  withFolder,
  withOpenCache,
} from "./program.ts";

const test = testWith.bind(
  null,
  missingForRoot("ip", "sysctl", "unshare") || await missingNamespaces(),
);
const netRaw = "0000000000002000";
const none = "0000000000000000";

interface Thread {
  readonly name: string;
  readonly uid: string;
  readonly gid: string;
  readonly groups: string;
  readonly permitted: string;
  readonly inheritable: string;
  readonly bar: string;
}

function threadsOf(pid: number): Thread[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
    let status = "";
    try {
      status = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    } catch {
      return []; // it has ended meanwhile
    }
    const field = (key: string) =>
      new RegExp(`^${key}:[ \\t]*(.*?)[ \\t]*$`, "m").exec(status)?.[1] ?? "";
    return [{
      name: field("Name"),
      uid: field("Uid"),
      gid: field("Gid"),
      groups: field("Groups"),
      permitted: field("CapPrm"),
      inheritable: field("CapInh"),
      bar: field("NoNewPrivs"),
    }];
  });
}

function checkThreads(pid: number): void {
  const threads = threadsOf(pid);
  ok(threads.length > 5);
  for (const { name, uid, gid, groups, permitted, inheritable, bar } of threads) {
    strictEqual(uid, "65534\t65534\t65534\t65534", name);
    strictEqual(gid, "65534\t65534\t65534\t65534", name);
    strictEqual(groups, "", name);
    ok(permitted === none || permitted === netRaw, `${name} may ${permitted}`);
    strictEqual(inheritable, none, name);
    strictEqual(bar, "1", name);
  }
}

const inOpenFolder = (use: (folder: string, options: ChildOptions) => Promise<void>) =>
  withOpenCache((options) => withFolder((folder) => use(folder, options)));

async function untilUp(program: Program, device: string, isUp: boolean): Promise<void> {
  await program.untilMetrics((metrics) =>
    metricOf(metrics, `tapwatch_capture_up{interface="${device}"}`) === Number(isUp)
  );
}

for (const method of CAPTURE_METHODS) {
  test(`run --user by ${method} gives root up in every thread, and opens a device again all the same`, () =>
    withVeth((veth) =>
      inOpenFolder(async (folder, options) => {
        await Deno.chmod(folder, 0o755);
        const results = `${folder}/r`;
        const args = [
          "run",
          "--allow-ffi",
          "--capture",
          method,
          "--user",
          "nobody",
          "-i",
          veth.device,
        ];
        await using program = await Program.start([...args, "--results", results], options);
        await untilUp(program, veth.device, true);
        checkThreads(program.pid);
        const page = await program.get("/status");
        match(page, /<dt>Runs as<\/dt><dd>nobody<\/dd>/);
        match(page, /<dt>Can gain rights<\/dt><dd>no<\/dd>/);
        const doctor = await runProgram([
          "doctor",
          "--results",
          results,
          "-i",
          veth.device,
          "--json",
        ]);
        const checks: { name: string; text: string }[] = JSON.parse(doctor.stdout);
        match(
          checks.find(({ name }) => name === "privileges")!.text,
          new RegExp(
            `^tapwatch \\(pid ${program.pid}\\) runs as nobody; it may open devices .*no further rights$`,
          ),
        );
        await veth.remove();
        await untilUp(program, veth.device, false);
        await veth.create();
        await untilUp(program, veth.device, true);
        checkThreads(program.pid);
        strictEqual(await program.stop(), 0);
        for (const name of [".", ...[...Deno.readDirSync(results)].map((entry) => entry.name)]) {
          const { uid, mode, isDirectory } = await Deno.stat(`${results}/${name}`);
          strictEqual(uid, 65534, name);
          strictEqual((mode! & 0o777).toString(8), isDirectory ? "700" : "600", name);
        }
      })
    ));
}

test("--user refuses who is not there, root, and whoever is not root", async () => {
  const refused = async (args: readonly string[], prefix: readonly string[], expected: RegExp) => {
    const { code, stderr } = await runProgram(["run", "--allow-ffi", ...args], { prefix });
    strictEqual(code, 2, stderr);
    match(stderr, expected);
  };
  await refused(["--user", "no-such-user"], [], /There is no user "no-such-user"/);
  await refused(["--user", "root"], [], /gives nothing up/);
});

/** Of all rings that the process has, bytes. */
function ringBytes(pid: number): number {
  let [sum, isRing] = [0, false];
  for (const line of Deno.readTextFileSync(`/proc/${pid}/smaps`).split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isRing = line.includes("socket:");
    else if (isRing && line.startsWith("Rss:")) sum += 1024 * parseInt(line.slice("Rss:".length));
  }
  return sum;
}

const testBurst = testWith.bind(
  null,
  missingForRoot("ip", "tcpreplay") || await missingNamespaces(),
);

for (const method of CAPTURE_METHODS) {
  testBurst(
    `a ring shrinks and grows after root was given up, and each packet is counted (${method})`,
    () =>
      withVeth((veth) =>
        inOpenFolder(async (folder, options) => {
          await Deno.chmod(folder, 0o755);
          const args = ["run", "--allow-ffi", "--user", "nobody", "-i", veth.device];
          const capture = ["--capture", method, "--results", `${folder}/r`];
          await using program = await Program.start([...args, ...capture], options);
          await untilUp(program, veth.device, true);
          strictEqual(ringBytes(program.pid), 64 * 2 ** 20);
          await until("the ring is small", () => ringBytes(program.pid) === smallRingBytes);
          const pcap = await writePcap(makeFrames(2000, 1400));
          const pace = ["--pps=40000", "--preload-pcap", "--loop=60"];
          await runInNamespace(veth, ["tcpreplay", ...pace, "-i", veth.far, pcap]).status;
          await program.untilMetrics((metrics) =>
            metricOf(metrics, "tapwatch_packets_total") +
                metricOf(metrics, 'tapwatch_capture_drops_total{where="kernel"}') >= 120_000
          );
          strictEqual(ringBytes(program.pid), 64 * 2 ** 20);
          await Deno.remove(pcap);
        })
      ),
  );
}
