/**
 * The program as users meet it, for tests: started as a child process, watched through its output and its dashboard, and
 * always ended by its process number. Every wait ends with an event, or as a failure after `patienceMs`.
 */
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Far longer than anything takes on a busy machine: what is ended by this hangs. */
export const patienceMs = 120_000;

/** Without a `.env`, and nothing that a run leaves behind there would matter. */
const emptyFolder = Deno.makeTempDirSync({ prefix: "tapwatch-test-" });
addEventListener("unload", () => Deno.removeSync(emptyFolder, { recursive: true }));

/** 25,208 packets of our own. */
export const demoCapture = fileURLToPath(new URL("fixtures/demo.pcapng.gz", import.meta.url));

export interface ChildOptions {
  /** Where it is started; an empty folder unless told. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What starts it, as ["setpriv", "--reuid", "65534"]; it must exec, so that its process is the program's. */
  readonly prefix?: readonly string[];
  readonly stdin?: Uint8Array<ArrayBuffer>;
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line that starts tapwatch. */
export function programCommand(args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--config", `${root}deno.json`, `${root}main.ts`, ...args];
}

/**
 * Options of a child that becomes another user: it finds Deno's packages in a place that everybody may read, and not below the
 * folder of root, as `deno run` does. The executable needs no such thing.
 */
export async function withOpenCache(use: (options: ChildOptions) => Promise<void>): Promise<void> {
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  const place = await Deno.makeTempDir({ prefix: "tapwatch-cache-" });
  await Deno.chmod(place, 0o755);
  const script = `mount --make-rprivate / && mount --bind "${cache}" "${place}" && exec "$@"`;
  try {
    await use({ prefix: ["unshare", "-m", "sh", "-c", script, "sh"], env: { DENO_DIR: place } });
  } finally {
    await Deno.remove(place);
  }
}

/** Runs tapwatch to its end. */
export async function runProgram(args: readonly string[], options: ChildOptions = {}) {
  return await collect(spawn(programCommand(args), options), options.stdin);
}

/** Runs any command to its end. */
export async function runCommand(command: readonly string[], options: ChildOptions = {}) {
  return await collect(spawn(command, options), options.stdin);
}

/** As runCommand(), of a command that must succeed; its output. Throws Error when it fails. */
export async function mustRun(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}

/** Runs `use` with an empty folder, which is removed afterwards. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-test-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const portsGiven = new Set<number>();

/** A TCP port of loopback that is free, and stays so: below those that systems give to connections by themselves (from 32768). */
export function freePort(): number {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 21_000);
    if (portsGiven.has(port)) continue;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) continue;
      throw error;
    }
    portsGiven.add(port);
    return port;
  }
}

/** A test that is left out, and says why in its name, where something is missing. */
export function testWith(missing: string, name: string, fn: () => Promise<void>): void {
  const isMissing = missing !== "";
  Deno.test({ name: isMissing ? `${name} (SKIPPED: ${missing})` : name, ignore: isMissing, fn });
}

/** What stands in the way of tests that need root on Linux and these commands; "" when nothing does. */
export function missingForRoot(...commands: string[]): string {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "needs Linux and root";
  return missingCommands(...commands);
}

/** As "needs nmap" when it is not installed; "" when all are. */
export function missingCommands(...commands: string[]): string {
  const folders = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  const missing = commands.filter((name) => !folders.some((path) => isFile(`${path}/${name}`)));
  return missing.length === 0 ? "" : `needs ${missing.join(", ")}`;
}

/** "" where namespaces and cables can be made; containers often may not. */
export async function missingNamespaces(): Promise<string> {
  if (Deno.build.os !== "linux") return "needs Linux";
  const name = `tw${Deno.pid}t`;
  const made = await runCommand(["ip", "netns", "add", name]).catch(() => null);
  if (made?.code !== 0) return "no network namespaces here";
  await runCommand(["ip", "netns", "del", name]);
  return "";
}

/** `promise`, or a failure that says what was waited for. */
export async function patiently<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Waited in vain for ${what}`)), patienceMs);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** A running `run` or `replay`. */
export class Program implements AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #log: OutputText;
  #hasEnded = false;

  /** Starts it on a free port, or the one that `args` name, and waits for the line that says where its dashboard is. */
  static async start(args: readonly string[], options: ChildOptions = {}): Promise<Program> {
    const port = args.includes("--port") ? [] : ["--port", String(freePort())];
    const command = programCommand([...args, ...port]);
    const child = spawn(command, options);
    child.stdout.cancel();
    feed(child, options.stdin);
    const log = new OutputText(child.stderr);
    try {
      const line = await log.waitFor(/Dashboard: (http:\S+)\. Results/);
      return new Program(child, log, line[1]!);
    } catch (error) {
      signal(child, "SIGKILL");
      await child.status;
      await log.ended;
      throw error;
    }
  }

  private constructor(child: Deno.ChildProcess, log: OutputText, url: string) {
    this.#child = child;
    this.pid = child.pid;
    this.#log = log;
    this.url = url;
    child.status.then(() => this.#hasEnded = true);
  }

  /** What it has written to stderr so far. */
  get log(): string {
    return this.#log.text;
  }

  /** Waits until its log has a line that fits. */
  async logged(pattern: RegExp): Promise<void> {
    await this.#log.waitFor(pattern);
  }

  /** The body of a page of its dashboard. */
  async get(path: string): Promise<string> {
    const signal = AbortSignal.timeout(patienceMs);
    const response = await fetch(this.url + path, { signal });
    const body = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${body}`);
    return body;
  }

  /** A sample of `/metrics`; `name` with its labels, as `tapwatch_drops{where="queue"}`. */
  async metric(name: string): Promise<number> {
    return metricOf(await this.get("/metrics"), name);
  }

  /** Waits until `isTrue` of the text of `/metrics`, asked at each event of the dashboard. */
  async untilMetrics(isTrue: (metrics: string) => boolean): Promise<string> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), patienceMs);
    let metrics = "";
    try {
      const response = await fetch(`${this.url}/api/events`, { signal: abort.signal });
      for await (const _ of response.body ?? []) {
        metrics = await this.get("/metrics");
        if (isTrue(metrics)) return metrics;
      }
      throw new Error("the event stream ended");
    } catch (error) {
      throw new Error(`Waited in vain for a state; the last was\n${metrics}\n${this.log}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }

  /** Nothing happens when it has ended. */
  signal(name: Deno.Signal): void {
    if (!this.#hasEnded) signal(this.#child, name);
  }

  /** Its end; by force when it does not come. */
  async ended(): Promise<Deno.CommandStatus> {
    const timer = setTimeout(() => this.signal("SIGKILL"), patienceMs);
    const status = await this.#child.status;
    clearTimeout(timer);
    await this.#log.ended;
    return status;
  }

  /** Asks it to stop and returns its exit status. */
  async stop(name: Deno.Signal = "SIGTERM"): Promise<number> {
    this.signal(name);
    return (await this.ended()).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }
}

/** The value of a sample in the text of `/metrics`; NaN when there is none. */
export function metricOf(metrics: string, name: string): number {
  const line = metrics.split("\n").find((text) => text.startsWith(`${name} `));
  return line === undefined ? NaN : Number(line.slice(name.length + 1));
}

/** Text that a child writes, as it comes. */
export class OutputText {
  text = "";
  /** Resolves when the child has closed it. */
  readonly ended: Promise<void>;
  #hasEnded = false;
  #check = () => {};

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  /** Waits for text that fits. Throws Error when the stream ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(`${pattern} in the output`, (text) => pattern.exec(text));
  }

  /** Waits until `find` finds something in all text. Throws Error when the stream ends before. */
  until<T>(what: string, find: (text: string) => T | null | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.onText((text) => {
      const found = find(text);
      if (found) resolve(found);
      else if (this.#hasEnded) reject(new Error(`It ended before ${what}: ${text}`));
    });
    return patiently(what, promise);
  }

  /** Calls `check` with all text, now and whenever there is more, in the place of an earlier one. */
  onText(check: (text: string) => void): void {
    this.#check = () => check(this.text);
    this.#check();
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const part of stream) {
      this.text += decoder.decode(part, { stream: true });
      this.#check();
    }
    this.#hasEnded = true;
    this.#check();
  }
}

/** No colours, and no question to the network for a newer Deno. */
const quietEnv = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };

/** Starts a command without the variables that would change what tapwatch does. */
export function spawn(command: readonly string[], options: ChildOptions): Deno.ChildProcess {
  const [program, ...args] = [...options.prefix ?? [], ...command];
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("TAPWATCH_")
  );
  return new Deno.Command(program!, {
    args,
    cwd: options.cwd ?? emptyFolder,
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), ...quietEnv, ...captureEnv(), ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What captures in the programs under test, where the task says so (`deno task live`). */
function captureEnv(): Record<string, string> {
  const capture = Deno.env.get("LIVE_CAPTURE");
  return capture === undefined ? {} : { TAPWATCH_CAPTURE: capture };
}

async function collect(child: Deno.ChildProcess, stdin?: Uint8Array): Promise<Output> {
  const timer = setTimeout(() => signal(child, "SIGKILL"), patienceMs);
  feed(child, stdin);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function feed(child: Deno.ChildProcess, stdin: Uint8Array | undefined): void {
  if (stdin === undefined) return;
  const writer = child.stdin.getWriter();
  // It may end without having read all.
  writer.write(stdin).then(() => writer.close()).catch(() => {});
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // it has ended by itself
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** What to put before a command for which the files of libpcap are to look empty: a mount namespace of its own. */
export async function withoutLibpcap(): Promise<string[]> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", "ls /usr/lib/*/libpcap.so* /usr/lib/libpcap.so* /lib/*/libpcap.so* 2>/dev/null"],
  }).output();
  const paths = new TextDecoder().decode(stdout).trim().split("\n");
  const real = new Set(paths.map((path) => Deno.realPathSync(path)));
  const hide = [...real].map((path) => `mount --bind /dev/null '${path}'`).join(" && ");
  return ["unshare", "-m", "sh", "-c", `${hide} && exec "$@"`, "sh"];
}
