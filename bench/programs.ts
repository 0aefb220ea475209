/** Running programs under measurement: tapwatch in both its forms, and its peers. */
import { isQuick } from "./harness.ts";

const root = new URL("..", import.meta.url).pathname;

/** What one run of a program cost. */
interface ProgramRun {
  readonly seconds: number;
  /** Largest resident memory. */
  readonly rssBytes: number;
  /** Processor time, user and system, of all its threads. */
  readonly cpuSeconds: number;
}

/** tapwatch as a command line, without its arguments. */
export interface Tapwatch {
  readonly name: string;
  readonly command: readonly string[];
}

/** The executable if there is one that is newer than the sources, and `deno run`. */
export function tapwatchVariants(): Tapwatch[] {
  const executable = `${root}dist/tapwatch`;
  return [
    ...isExecutableCurrent() ? [{ name: "tapwatch, executable", command: [executable] }] : [],
    { name: "tapwatch, `deno run`", command: denoRun(`${root}main.ts`) },
  ];
}

/** Whether `dist/tapwatch` is there and no source is newer. */
export function isExecutableCurrent(): boolean {
  const builtMs = modifiedMs(`${root}dist/tapwatch`);
  const sources = ["agent", "components", "ffi", "fresh", "islands", "routes", "static"];
  const newest = [...sources, "main.ts", "dashboard.ts", "deno.json"]
    .map((path) => newestMs(root + path));
  return builtMs > Math.max(...newest);
}

/** The command line that runs a module as the tasks do; what it imports must have been downloaded. */
export function denoRun(module: string): string[] {
  const lock = ["--frozen", `--lock=${root}deno.lock`];
  return [Deno.execPath(), "run", "-A", "--cached-only", ...lock, module];
}

/** Runs a program to its end, its output thrown away, under GNU time. Throws Error when it fails. */
export async function runProgram(command: readonly string[]): Promise<ProgramRun> {
  const figures = await Deno.makeTempFile({ prefix: "tapwatch-bench-" });
  try {
    const startedMs = performance.now();
    const { success, stderr } = await new Deno.Command("/usr/bin/time", {
      args: ["-q", "-f", "%M %U %S", "-o", figures, ...command],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    const seconds = (performance.now() - startedMs) / 1000;
    if (!success) {
      throw new Error(`${command.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
    }
    const [kib, user, system] = (await Deno.readTextFile(figures)).trim().split(" ").map(Number);
    return { seconds, rssBytes: kib * 1024, cpuSeconds: user + system };
  } finally {
    await Deno.remove(figures);
  }
}

/** Standard output of a program, or null when it is missing or fails. */
export async function outputOf(command: string, ...args: string[]): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args, stdin: "null" }).output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch {
    return null;
  }
}

/** Whether a program is in one of the folders where programs are. */
export function isInstalled(program: string): boolean {
  return ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin", "/sbin"]
    .some((folder) => modifiedMs(`${folder}/${program}`) > 0);
}

/** Scapy is a package of Debian's own Python. */
export const python = "/usr/bin/python3";

/** What comes before a command that may use the first processor only, of those that this program may use. */
export function onOneProcessor(): string[] {
  const status = Deno.readTextFileSync("/proc/self/status");
  return ["taskset", "--cpu-list", /^Cpus_allowed_list:\s+(\d+)/m.exec(status)![1]!];
}

/** Calls `use` while so many programs use up that processor. */
export async function withHogs<T>(count: number, use: () => Promise<T>): Promise<T> {
  const [program, ...args] = [...onOneProcessor(), python, "-c", "while True: pass"];
  const hogs = Array.from({ length: count }, () => new Deno.Command(program!, { args }).spawn());
  try {
    return await use();
  } finally {
    for (const hog of hogs) hog.kill("SIGKILL");
    for (const hog of hogs) await hog.status;
  }
}

export function isScapyInstalled(): boolean {
  return modifiedMs("/usr/lib/python3/dist-packages/scapy/__init__.py") > 0;
}

/** Processor time so far, and largest resident memory so far, of a running process (Linux). */
export function readProcess(pid: number): { cpuSeconds: number; rssBytes: number } {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  // Fields 14 and 15 of proc(5), in hundredths of a second.
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    rssBytes: Number(peak?.[1] ?? 0) * 1024,
  };
}

/** What is said where the executable does not take part. */
export function executableNote(): string[] {
  if (isExecutableCurrent() || isQuick) return [];
  return ["There was no `dist/tapwatch` newer than the sources, so only `deno run` took part."];
}

function newestMs(path: string): number {
  const { isDirectory } = Deno.statSync(path);
  if (!isDirectory) return /(_test|testing)\.tsx?$/.test(path) ? 0 : modifiedMs(path);
  return Math.max(0, ...[...Deno.readDirSync(path)].map(({ name }) => newestMs(`${path}/${name}`)));
}

/** 0 for what is not there. */
function modifiedMs(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch {
    return 0;
  }
}
