import { mustRun, OutputText, runCommand, spawn } from "./program.ts";

/**
 * Hosts in network namespaces of their own, silent but for what a test sends: no IPv6. The programs that are started on them, and
 * then the namespaces with their cables, go with the lab.
 */
export class Lab implements AsyncDisposable {
  readonly #prefix: string;
  readonly #hosts: string[] = [];
  readonly #children: Deno.ChildProcess[] = [];

  /** `letter` keeps the names of labs apart that one test process makes. */
  constructor(letter: string) {
    this.#prefix = `tw${Deno.pid}${letter}`;
  }

  /** A lab that `build` has made ready. Nothing is left of it when that fails. */
  static async ready<T extends Lab>(lab: T, build: (lab: T) => Promise<void>): Promise<T> {
    try {
      await build(lab);
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The namespace of a host. */
  namespace(host: string): string {
    return `${this.#prefix}${host}`;
  }

  /** What starts a command on a host. */
  on(host: string): readonly string[] {
    return ["ip", "netns", "exec", this.namespace(host)];
  }

  /** Runs a command on a host to its end. Throws Error when it fails. */
  run(host: string, ...command: readonly string[]): Promise<string> {
    return mustRun(...this.on(host), ...command);
  }

  /** Starts a child on a host; it is ended with the lab. */
  start(host: string, ...command: readonly string[]): Deno.ChildProcess {
    const child = spawn([...this.on(host), ...command], {});
    this.#children.push(child);
    return child;
  }

  /** Starts Deno code on a host, as start(). */
  startCode(host: string, code: string): Deno.ChildProcess {
    return this.start(host, ...evalCommand(code));
  }

  /** Starts Deno code on a host and waits until it has printed "ready". Throws Error with what it says when it ends before. */
  async serve(host: string, code: string): Promise<Deno.ChildProcess> {
    const child = this.startCode(host, code);
    const complaints = new OutputText(child.stderr);
    await new OutputText(child.stdout).waitFor(/ready/).catch((error) => {
      throw new Error(`${error.message} ${complaints.text}`);
    });
    return child;
  }

  async runCode(host: string, code: string): Promise<void> {
    await this.run(host, ...evalCommand(code));
  }

  async addHost(host: string): Promise<void> {
    await mustRun("ip", "netns", "add", this.namespace(host));
    this.#hosts.push(host);
    await this.ip(host, "link", "set", "lo", "up");
    await this.run(host, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
  }

  /** Runs `ip` for a host. */
  async ip(host: string, ...command: readonly string[]): Promise<void> {
    await mustRun("ip", "-n", this.namespace(host), ...command);
  }

  /** Joins devices of two hosts, as ["sensor", "tw0"], which are made for it. */
  async cable(...[[host, device], [other, end]]: [End, End]): Promise<void> {
    const peer = ["peer", "name", end, "netns", this.namespace(other)];
    await this.ip(host, "link", "add", device, "type", "veth", ...peer);
  }

  /** Gives a device addresses, as "10.0.0.1/24", and sets it up. */
  async setUp(host: string, device: string, ...addresses: readonly string[]): Promise<void> {
    for (const address of addresses) await this.ip(host, "address", "add", address, "dev", device);
    await this.ip(host, "link", "set", device, "up");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await end(child);
    for (const host of this.#hosts) {
      // What a shell has started is still there.
      const { stdout } = await runCommand(["ip", "netns", "pids", this.namespace(host)]);
      const pids = stdout.split("\n").filter((line) => line !== "");
      if (pids.length > 0) await runCommand(["kill", "-9", ...pids]);
      await runCommand(["ip", "netns", "del", this.namespace(host)]);
    }
  }
}

type End = readonly [host: string, device: string];

function evalCommand(code: string): string[] {
  return [Deno.execPath(), "eval", "--no-lock", code];
}

/** Kills a child, and reads what nobody has read of it. */
async function end(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch {
    // it has ended
  }
  await child.output().catch(() => child.status);
}
