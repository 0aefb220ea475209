/**
 * A small fleet of real parts: an engine and a hub on this host, two agents and a scanner in network namespaces of their own, all on
 * one switch. X is made of the process' number, so that two labs are not in each other's way.
 *
 *     here 10.X.0.1 (engine, hub) ── switch ── 10.X.1.1 web-1 (agent)
 *                                      ├────── 10.X.2.1 web-2 (agent)
 *                                      └────── 10.X.9.9 scanner
 */
import {
  freePort,
  mustRun,
  OutputText,
  Program,
  runCommand,
  runProgram,
  spawn,
} from "./program.ts";

export const agentNames = ["web-1", "web-2"] as const;
const octet = 100 + Deno.pid % 150;
export const scannerAddress = `10.${octet}.9.9`;
export const agentAddress = (index: number) => `10.${octet}.${index + 1}.1`;
const hereAddress = `10.${octet}.0.1`;

export class FleetLab implements AsyncDisposable {
  readonly folder: string;
  readonly #switch = `tw${Deno.pid}w`;
  readonly #scanner = `tw${Deno.pid}x`;
  readonly #agents = agentNames.map((_, index) => `tw${Deno.pid}y${index}`);
  readonly #here = `tw${Deno.pid % 1_000_000}`;
  readonly #port = freePort();
  #engine: Deno.ChildProcess | null = null;
  readonly #programs: Program[] = [];
  readonly #children: Deno.ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** The network, the engine with its streams, and the agents' credentials. */
  static async create(folder: string): Promise<FleetLab> {
    const lab = new FleetLab(folder);
    try {
      await lab.#connect();
      await lab.#prepare();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  async startHub(): Promise<Program> {
    return await this.#start(["hub", "--results", "hub"]);
  }

  async startAgent(index: number): Promise<Program> {
    const name = agentNames[index]!;
    const options = ["run", "--allow-ffi", "-i", "tw0", "--results", name];
    return await this.#start(
      [...options, "--fleet", this.#url, "--fleet-credentials", `fleet/agents/${name}.json`],
      ["ip", "netns", "exec", this.#agents[index]!],
    );
  }

  /** Runs nmap as the scanner to its end. */
  async scan(...args: string[]): Promise<void> {
    await mustRun(
      "ip",
      "netns",
      "exec",
      this.#scanner,
      "nmap",
      "-n",
      "--max-retries",
      "1",
      ...args,
    );
  }

  /** Each agent's host serves pages on port 80, and each fetches some of the other's. */
  async browse(): Promise<void> {
    for (const name of this.#agents) {
      const server = this.#startIn(name, serverCode);
      await new OutputText(server.stdout).waitFor(/ready/);
      server.stderr.cancel();
    }
    for (const [index, name] of this.#agents.entries()) {
      const peer = agentAddress(1 - index);
      await mustRun(
        ...["ip", "netns", "exec", name, Deno.execPath(), "eval", "--no-lock"],
        clientCode(peer),
      );
    }
  }

  /** Runs `tapwatch fleet` to its end, and has the engine read what it wrote. */
  async fleet(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runProgram(["fleet", ...args], { cwd: this.folder });
    if (code !== 0) {
      throw new Error(`tapwatch fleet ${args.join(" ")} ended with ${code}: ${stderr}`);
    }
    this.#engine?.kill("SIGHUP");
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    for (
      const child of this.#engine === null ? this.#children : [this.#engine, ...this.#children]
    ) {
      child.kill("SIGKILL");
      await child.status;
    }
    for (const name of [...this.#agents, this.#scanner, this.#switch]) {
      await runCommand(["ip", "netns", "del", name]);
    }
    await runCommand(["ip", "link", "del", this.#here]);
  }

  /** Deno code, ended with the lab. */
  #startIn(namespace: string, code: string): Deno.ChildProcess {
    const command = ["ip", "netns", "exec", namespace, Deno.execPath(), "eval", "--no-lock", code];
    const child = spawn(command, {});
    this.#children.push(child);
    return child;
  }

  get #url(): string {
    return `tls://${hereAddress}:${this.#port}`;
  }

  async #start(args: readonly string[], prefix: readonly string[] = []): Promise<Program> {
    const program = await Program.start(args, { cwd: this.folder, prefix });
    this.#programs.push(program);
    return program;
  }

  async #connect(): Promise<void> {
    await mustRun("ip", "netns", "add", this.#switch);
    await this.#onSwitch("ip", "link", "add", "br0", "type", "bridge");
    await this.#onSwitch("ip", "link", "set", "br0", "up");
    await this.#cable("here", ["name", this.#here]);
    await mustRun("ip", "address", "add", `${hereAddress}/16`, "dev", this.#here);
    await mustRun("ip", "link", "set", this.#here, "up");
    for (const [index, name] of this.#agents.entries()) await this.#host(name, agentAddress(index));
    await this.#host(this.#scanner, scannerAddress);
  }

  async #host(name: string, address: string): Promise<void> {
    await mustRun("ip", "netns", "add", name);
    const inside = (...command: string[]) => mustRun("ip", "netns", "exec", name, ...command);
    await inside("ip", "link", "set", "lo", "up");
    await inside("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
    await this.#cable(name, ["name", "tw0", "netns", name]);
    await inside("ip", "address", "add", `${address}/16`, "dev", "tw0");
    await inside("ip", "link", "set", "tw0", "up");
    await inside("ip", "route", "add", "default", "via", hereAddress);
  }

  /** From a port of the switch to a device elsewhere. */
  async #cable(name: string, device: readonly string[]): Promise<void> {
    const port = name.slice(-12);
    const link = ["link", "add", port, "netns", this.#switch, "type", "veth", "peer", ...device];
    await mustRun("ip", ...link);
    await this.#onSwitch("ip", "link", "set", port, "master", "br0", "up");
  }

  #onSwitch(...command: string[]): Promise<string> {
    return mustRun("ip", "netns", "exec", this.#switch, ...command);
  }

  async #prepare(): Promise<void> {
    await this.fleet("init", `${hereAddress}:${this.#port}`);
    const config = `${this.folder}/fleet/nats-server.conf`;
    this.#engine = spawn(["nats-server", "-c", config], { cwd: this.folder });
    this.#engine.stdout.cancel();
    await new OutputText(this.#engine.stderr).waitFor(/Server is ready/);
    await this.fleet("streams");
    for (const name of agentNames) await this.fleet("enroll", name);
  }
}

const serverCode = `
Deno.serve({ hostname: "0.0.0.0", port: 80, onListen() { console.log("ready"); } },
  () => new Response("hello".repeat(20_000), { headers: { connection: "close" } }));
`;

function clientCode(peer: string): string {
  return `
for (let i = 0; i < 30; i++) {
  const response = await fetch("http://${peer}/page/" + i, { headers: { connection: "close" } });
  await response.text();
}
`;
}
