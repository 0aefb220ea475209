/**
 * Two network namespaces with two cables between them, silent but for what a test sends: no IPv6, no ARP.
 *
 *     sensor  tw0 10.91.0.1 ---- tw0 10.91.0.2  peer: HTTP on port 80, DNS on port 53
 *             tw1 10.91.1.1 ---- tw1 10.91.1.2
 *
 * The sensor's default route leads through tw0.
 */
import { mustRun, OutputText, patiently, Program, runCommand, spawn } from "./program.ts";

export const devices = ["tw0", "tw1"] as const;

export class Namespaces implements AsyncDisposable {
  readonly #sensor: string;
  readonly #peer: string;
  readonly #children: Deno.ChildProcess[] = [];

  private constructor() {
    this.#sensor = `tw${Deno.pid}s`;
    this.#peer = `tw${Deno.pid}p`;
  }

  /** Makes both, and starts the peer's servers. */
  static async create(): Promise<Namespaces> {
    const namespaces = new Namespaces();
    try {
      await namespaces.#connect();
      await namespaces.#serve();
      return namespaces;
    } catch (error) {
      await namespaces[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What starts a command on the sensor's side. */
  get onSensor(): readonly string[] {
    return ["ip", "netns", "exec", this.#sensor];
  }

  /** Runs a command on the sensor's side to its end. Throws Error when it fails. */
  async run(...command: string[]): Promise<string> {
    return await mustRun(...this.onSensor, ...command);
  }

  /** Packets that a device of the sensor has sent and received, as the kernel counts them. */
  async countPackets(device: string): Promise<number> {
    const [link] = JSON.parse(await this.run("ip", "-json", "-s", "link", "show", device));
    return link.stats64.rx.packets + link.stats64.tx.packets;
  }

  /** Starts a child on one side; it is ended with the namespaces. */
  start(side: "sensor" | "peer", ...command: string[]): Deno.ChildProcess {
    const namespace = side === "sensor" ? this.#sensor : this.#peer;
    const child = spawn(["ip", "netns", "exec", namespace, ...command], {});
    this.#children.push(child);
    return child;
  }

  /** Sends 5 HTTP requests, 3 DNS queries, an echo request and probes to 40 ports over a cable; ends with the last answer. */
  async makeTraffic(cable: 0 | 1): Promise<void> {
    const peer = `10.91.${cable}.2`;
    await this.run(Deno.execPath(), "eval", "--no-lock", clientCode(peer));
    await this.run("nmap", "-n", "-sn", "-PE", "--send-ip", peer);
    await this.run("nmap", "-n", "-Pn", "-sS", "--send-ip", "-p1001-1040", peer);
  }

  /** What a program on the sensor's side says of itself, at each event of its dashboard. */
  watch(program: Program): Watcher {
    const code = watcherCode(program.url);
    return new Watcher(this.start("sensor", Deno.execPath(), "eval", "--no-lock", code));
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
    for (const name of [this.#sensor, this.#peer]) {
      await runCommand(["ip", "netns", "del", name]);
    }
  }

  async #connect(): Promise<void> {
    for (const name of [this.#sensor, this.#peer]) {
      await mustRun("ip", "netns", "add", name);
      await inNamespace(name, "ip", "link", "set", "lo", "up");
      for (const scope of ["all", "default"]) {
        await inNamespace(name, "sysctl", "-qw", `net.ipv6.conf.${scope}.disable_ipv6=1`);
      }
    }
    for (const [cable, device] of devices.entries()) {
      const make = ["ip", "link", "add", device, "netns", this.#sensor, "address", mac(cable, 1)];
      const other = ["name", device, "netns", this.#peer, "address", mac(cable, 2)];
      await mustRun(...make, "type", "veth", "peer", ...other);
      await setUp(this.#sensor, device, cable, 1);
      await setUp(this.#peer, device, cable, 2);
    }
    await this.run("ip", "route", "add", "default", "via", "10.91.0.2");
  }

  async #serve(): Promise<void> {
    const server = this.start("peer", Deno.execPath(), "eval", "--no-lock", serverCode);
    await new OutputText(server.stdout).waitFor(/ready/);
    server.stderr.cancel();
  }
}

/** The newest `/metrics` and `/api/stats` of a program in a namespace. */
class Watcher {
  #lines: OutputText;
  #child: Deno.ChildProcess;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = new OutputText(child.stdout);
    child.stderr.cancel();
  }

  /** Waits until `isTrue` of what the program says. */
  async until(isTrue: (said: Said) => boolean): Promise<Said> {
    const { promise, resolve, reject } = Promise.withResolvers<Said>();
    this.#lines.onText((text) => {
      const line = text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1);
      if (!line) return;
      const said = JSON.parse(line) as Said;
      if (isTrue(said)) resolve(said);
    });
    this.#child.status.then(({ code }) => reject(new Error(`The watcher ended with ${code}`)));
    return await patiently("a state of the program", promise);
  }
}

/** What was asked for at one event. */
export interface Said {
  readonly metrics: string;
  /** `/api/stats`. */
  readonly stats: {
    readonly snapshot: { readonly packets: number; readonly bytes: number } | null;
  };
}

function mac(cable: number, side: number): string {
  return `02:00:00:00:0${cable}:0${side}`;
}

async function setUp(namespace: string, device: string, cable: number, side: number) {
  const other = 3 - side;
  await inNamespace(namespace, "ip", "address", "add", `10.91.${cable}.${side}/24`, "dev", device);
  await inNamespace(namespace, "ip", "link", "set", device, "up");
  const neighbour = [`10.91.${cable}.${other}`, "lladdr", mac(cable, other), "dev", device];
  await inNamespace(namespace, "ip", "neigh", "replace", ...neighbour, "nud", "permanent");
}

async function inNamespace(namespace: string, ...command: string[]): Promise<string> {
  return await mustRun("ip", "netns", "exec", namespace, ...command);
}

/** Answers each DNS query with the query itself and one address (RFC 1035 section 4.1). */
const serverCode = `
import { createSocket } from "node:dgram";
Deno.serve({ hostname: "0.0.0.0", port: 80, onListen() {} },
  () => new Response("hello".repeat(1000), { headers: { connection: "close" } }));
const socket = createSocket("udp4");
socket.on("message", (query, from) => {
  const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7];
  const reply = Uint8Array.from([...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0,
    ...query.subarray(12), ...answer]);
  socket.send(reply, from.port, from.address);
});
socket.bind(53, "0.0.0.0", () => console.log("ready"));
`;

function clientCode(peer: string): string {
  return `
import { createSocket } from "node:dgram";
for (let i = 0; i < 5; i++) {
  const response = await fetch("http://${peer}/page/" + i, { headers: { connection: "close" } });
  await response.text();
}
const socket = createSocket("udp4");
const name = ["www", "example", "test"].flatMap((part) => [part.length, ...new TextEncoder().encode(part)]);
for (let id = 1; id <= 3; id++) {
  const query = Uint8Array.from([0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1]);
  const { promise, resolve } = Promise.withResolvers();
  socket.once("message", resolve);
  socket.send(query, 53, "${peer}");
  await promise;
}
socket.close();
`;
}

function watcherCode(url: string): string {
  return `
const text = async (path) => await (await fetch("${url}" + path)).text();
const events = await fetch("${url}/api/events");
for await (const _ of events.body) {
  const said = { metrics: await text("/metrics"), stats: JSON.parse(await text("/api/stats")) };
  console.log(JSON.stringify(said));
}`;
}
