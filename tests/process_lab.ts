/**
 * Two network namespaces with one cable. tapwatch and the processes that it is to name are on the sensor's side; on the other a
 * server that answers slowly.
 *
 *     sensor  tw0 10.94.0.1 ---- tw0 10.94.0.2  peer: HTTP on port 80, which takes two seconds for its answers
 */
import { mustRun, OutputText, runCommand, spawn } from "./program.ts";

export const sensorAddress = "10.94.0.1";
export const peerAddress = "10.94.0.2";
type Side = "sensor" | "peer";

export class ProcessLab implements AsyncDisposable {
  readonly #names = { sensor: `tw${Deno.pid}x`, peer: `tw${Deno.pid}y` };
  readonly #children: Deno.ChildProcess[] = [];

  static async create(): Promise<ProcessLab> {
    const lab = new ProcessLab();
    try {
      await lab.#connect();
      const server = lab.start("peer", Deno.execPath(), "eval", "--no-lock", slowServer);
      server.stderr.cancel();
      await new OutputText(server.stdout).waitFor(/ready/);
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What starts a command on a side. */
  on(side: Side): readonly string[] {
    return ["ip", "netns", "exec", this.#names[side]];
  }

  /** Runs a command on a side to its end. Throws Error when it fails. */
  async run(side: Side, ...command: string[]): Promise<string> {
    return await mustRun(...this.on(side), ...command);
  }

  /** Starts a child on a side; it is ended with the lab. */
  start(side: Side, ...command: string[]): Deno.ChildProcess {
    const child = spawn([...this.on(side), ...command], {});
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await child.output().catch(() => child.status);
    }
    for (const name of Object.values(this.#names)) await runCommand(["ip", "netns", "del", name]);
  }

  async #connect(): Promise<void> {
    const { sensor, peer } = this.#names;
    for (const name of [sensor, peer]) {
      await mustRun("ip", "netns", "add", name);
      await mustRun("ip", "-n", name, "link", "set", "lo", "up");
      const off = "net.ipv6.conf.default.disable_ipv6=1";
      await mustRun("ip", "netns", "exec", name, "sysctl", "-qw", off);
    }
    const other = ["peer", "name", "tw0", "netns", peer];
    await mustRun("ip", "link", "add", "tw0", "netns", sensor, "type", "veth", ...other);
    const ends = [[sensor, sensorAddress], [peer, peerAddress]] as const;
    for (const [name, address] of ends) {
      await mustRun("ip", "-n", name, "address", "add", `${address}/24`, "dev", "tw0");
      await mustRun("ip", "-n", name, "link", "set", "tw0", "up");
    }
  }
}

const slowServer = `
  Deno.serve({ port: 80, onListen: () => console.log("ready") }, async ({ url }) => {
    if (!url.endsWith("/now")) await new Promise((resolve) => setTimeout(resolve, 2000));
    return new Response("hello");
  });
`;
