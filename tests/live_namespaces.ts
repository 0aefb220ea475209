/**
 * Two network namespaces with two cables between them, silent but for what a test sends: no IPv6, no ARP.
 *
 *     sensor  tw0 10.91.0.1 ---- tw0 10.91.0.2  peer: HTTP on port 80, DNS on port 53
 *             tw1 10.91.1.1 ---- tw1 10.91.1.2
 *
 * The sensor's default route leads through tw0.
 */
import { Lab } from "./lab.ts";
import { OutputText, Program } from "./program.ts";

export const devices = ["tw0", "tw1"] as const;

export class Namespaces extends Lab {
  /** Makes both, and starts the peer's servers. */
  static create(): Promise<Namespaces> {
    return Lab.ready(new Namespaces("n"), async (lab) => {
      await lab.#connect();
      await lab.serve("peer", serverCode);
    });
  }

  /** What starts a command on the sensor's side. */
  get onSensor(): readonly string[] {
    return this.on("sensor");
  }

  /** Packets that a device of the sensor has sent and received, as the kernel counts them. */
  async countPackets(device: string): Promise<number> {
    const [link] = JSON.parse(
      await this.run("sensor", "ip", "-json", "-s", "link", "show", device),
    );
    return link.stats64.rx.packets + link.stats64.tx.packets;
  }

  /** Sends 5 HTTP requests, 3 DNS queries, an echo request and probes to 40 ports over a cable; ends with the last answer. */
  async makeTraffic(cable: 0 | 1): Promise<void> {
    const peer = `10.91.${cable}.2`;
    await this.runCode("sensor", clientCode(peer));
    await this.run("sensor", "nmap", "-n", "-sn", "-PE", "--send-ip", peer);
    await this.run("sensor", "nmap", "-n", "-Pn", "-sS", "--send-ip", "-p1001-1040", peer);
  }

  /** What a program on the sensor's side says of itself, at each event of its dashboard. */
  watch(program: Program): Watcher {
    return new Watcher(this.startCode("sensor", watcherCode(program.url)));
  }

  async #connect(): Promise<void> {
    await this.addHost("sensor");
    await this.addHost("peer");
    for (const [cable, device] of devices.entries()) {
      await this.cable(["sensor", device], ["peer", device]);
      await this.#setUp("sensor", device, cable, 1);
      await this.#setUp("peer", device, cable, 2);
    }
    await this.ip("sensor", "route", "add", "default", "via", "10.91.0.2");
  }

  async #setUp(host: string, device: string, cable: number, side: number): Promise<void> {
    const other = 3 - side;
    await this.ip(host, "link", "set", device, "address", mac(cable, side));
    await this.setUp(host, device, `10.91.${cable}.${side}/24`);
    const neighbour = [`10.91.${cable}.${other}`, "lladdr", mac(cable, other), "dev", device];
    await this.ip(host, "neigh", "replace", ...neighbour, "nud", "permanent");
  }
}

/** The newest `/metrics` and `/api/stats` of a program in a namespace. */
class Watcher {
  readonly #lines: OutputText;

  constructor(child: Deno.ChildProcess) {
    this.#lines = new OutputText(child.stdout);
    child.stderr.cancel();
  }

  /** Waits until `isTrue` of what the program says. */
  until(isTrue: (said: Said) => boolean): Promise<Said> {
    return this.#lines.until("a state of the program", (text) => {
      const line = text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1);
      const said = line ? JSON.parse(line) as Said : null;
      return said !== null && isTrue(said) ? said : null;
    });
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
