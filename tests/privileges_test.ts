/**
 * `run --user`: no thread keeps root, a device that comes back is opened all the same, by threads of before and after, and
 * what is written is the user's alone.
 */
import { CAPTURE_METHODS } from "../ffi/capture/capture_handle.ts";
import { match, ok, strictEqual } from "node:assert/strict";
import { withVeth } from "./live_veth.ts";
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
