/**
 * A small fleet of real parts: an engine and a hub on this host, two agents and a scanner in network namespaces of their own, all on
 * one switch. X is made of the process' number, so that two labs are not in each other's way.
 *
 *     here 10.X.0.1 (engine, hub) ── switch ── 10.X.1.1 web-1 (agent)
 *                                      ├────── 10.X.2.1 web-2 (agent)
 *                                      └────── 10.X.9.9 scanner
 */
import { Lab } from "./lab.ts";
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

export class FleetLab extends Lab {
  readonly folder: string;
  readonly #here = `tw${Deno.pid % 1_000_000}`;
  readonly #port = freePort();
  #engine: Deno.ChildProcess | null = null;
  readonly #programs: Program[] = [];

  private constructor(folder: string) {
    super("f");
    this.folder = folder;
  }

  /** The network, the engine with its streams, and the agents' credentials. */
  static create(folder: string): Promise<FleetLab> {
    return Lab.ready(new FleetLab(folder), async (lab) => {
      await lab.#connect();
      await lab.#prepare();
    });
  }

  async startHub(): Promise<Program> {
    return await this.#startProgram(["hub", "--results", "hub"]);
  }

  async startAgent(index: number): Promise<Program> {
    const name = agentNames[index]!;
    const options = ["run", "--allow-ffi", "-i", "tw0", "--results", name];
    return await this.#startProgram(
      [...options, "--fleet", this.#url, "--fleet-credentials", `fleet/agents/${name}.json`],
      this.on(name),
    );
  }

  /** Runs nmap as the scanner to its end. */
  async scan(...args: string[]): Promise<void> {
    await this.run("scanner", "nmap", "-n", "--max-retries", "1", ...args);
  }

  /** Each agent's host serves pages on port 80, and each fetches some of the other's. */
  async browse(): Promise<void> {
    for (const name of agentNames) await this.serve(name, serverCode);
    for (const [index, name] of agentNames.entries()) {
      await this.runCode(name, clientCode(agentAddress(1 - index)));
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

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    this.#engine?.kill("SIGKILL");
    await this.#engine?.status;
    await super[Symbol.asyncDispose]();
    await runCommand(["ip", "link", "del", this.#here]);
  }

  get #url(): string {
    return `tls://${hereAddress}:${this.#port}`;
  }

  async #startProgram(args: readonly string[], prefix: readonly string[] = []): Promise<Program> {
    const program = await Program.start(args, { cwd: this.folder, prefix });
    this.#programs.push(program);
    return program;
  }

  async #connect(): Promise<void> {
    await this.addHost("switch");
    await this.ip("switch", "link", "add", "br0", "type", "bridge");
    await this.ip("switch", "link", "set", "br0", "up");
    const port = ["peer", "name", "here", "netns", this.namespace("switch")];
    await mustRun("ip", "link", "add", this.#here, "type", "veth", ...port);
    await this.#plugIn("here");
    await mustRun("ip", "address", "add", `${hereAddress}/16`, "dev", this.#here);
    await mustRun("ip", "link", "set", this.#here, "up");
    for (const [index, name] of agentNames.entries()) await this.#join(name, agentAddress(index));
    await this.#join("scanner", scannerAddress);
  }

  async #join(host: string, address: string): Promise<void> {
    await this.addHost(host);
    await this.cable(["switch", host], [host, "tw0"]);
    await this.#plugIn(host);
    await this.setUp(host, "tw0", `${address}/16`);
    await this.ip(host, "route", "add", "default", "via", hereAddress);
  }

  async #plugIn(port: string): Promise<void> {
    await this.ip("switch", "link", "set", port, "master", "br0", "up");
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
