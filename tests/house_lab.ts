/**
 * A house between namespaces, for what people see while it happens: a router that bridges five hosts and a camera and leads to a
 * world outside. tapwatch runs on the router.
 *
 *     .11 downloads without an end     .12 serves on port 80     .13 and .14 ask now and then
 *     .15 scans .12 to .14 when told   .16 the camera, which sends to 203.0.113.99 without an end
 *
 *     192.168.50.11 … .16 ---- br0 192.168.50.1 router 198.51.100.1 ---- 198.51.100.2 world: 192.0.2.10, 203.0.113.99
 */
import { Lab } from "./lab.ts";

export const house = {
  downloader: "192.168.50.11",
  server: "192.168.50.12",
  scanner: "192.168.50.15",
  camera: "192.168.50.16",
  films: "192.0.2.10",
  stranger: "203.0.113.99",
} as const;

const hosts = ["11", "12", "13", "14", "15", "16"];

export class HouseLab extends Lab {
  static create(): Promise<HouseLab> {
    return Lab.ready(new HouseLab("h"), (lab) => lab.#connect());
  }

  /** What starts a command on the router. */
  get onRouter(): readonly string[] {
    return this.on("router");
  }

  /** Begins a scan of three hosts, which goes on by itself. */
  scan(): void {
    const targets = [12, 13, 14].map((host) => `192.168.50.${host}`);
    this.start("15", "nmap", "-n", "-Pn", "-sS", "-p1-150", ...targets);
  }

  /** Everybody begins with what they do. */
  async live(): Promise<void> {
    await this.serve("world", worldCode);
    await this.serve("12", serverCode);
    const ask = (path: string) =>
      `exec 3<>/dev/tcp/${house.films}/80; printf 'GET ${path} HTTP/1.1\\r\\nHost: films.example\\r\\n` +
      `Connection: close\\r\\n\\r\\n' >&3; cat <&3 >/dev/null`;
    const shell = (host: string, script: string) => this.start(host, "bash", "-c", script);
    shell("11", ask("/endless"));
    for (const host of ["13", "14"]) shell(host, `while :; do (${ask("/small")}); sleep 1; done`);
    shell(
      "16",
      `exec 3>/dev/tcp/${house.stranger}/9000; while :; do head -c 3000 /dev/zero; sleep 0.2; done >&3`,
    );
  }

  async #connect(): Promise<void> {
    await this.addHost("router");
    await this.ip("router", "link", "add", "br0", "address", "02:00:5e:50:00:01", "type", "bridge");
    await this.setUp("router", "br0", "192.168.50.1/24");
    for (const host of hosts) {
      await this.addHost(host);
      await this.cable(["router", `p${host}`], [host, "eth0"]);
      await this.ip("router", "link", "set", `p${host}`, "master", "br0", "up");
      await this.ip(host, "link", "set", "eth0", "address", `02:00:5e:50:00:${host}`);
      await this.setUp(host, "eth0", `192.168.50.${host}/24`);
      await this.ip(host, "route", "add", "default", "via", "192.168.50.1");
    }
    await this.addHost("world");
    await this.cable(["router", "wan"], ["world", "eth0"]);
    await this.setUp("router", "wan", "198.51.100.1/30");
    await this.setUp(
      "world",
      "eth0",
      "198.51.100.2/30",
      `${house.films}/32`,
      `${house.stranger}/32`,
    );
    await this.ip("world", "route", "add", "default", "via", "198.51.100.1");
    await this.ip("router", "route", "add", "default", "via", "198.51.100.2");
    await this.run("router", "sysctl", "-qw", "net.ipv4.ip_forward=1");
  }
}

/** Pages small and endless, and a port that takes all that comes. */
const worldCode = `
const some = new Uint8Array(20_000);
Deno.serve({ hostname: "0.0.0.0", port: 80, onListen() {} }, (request) => {
  if (!request.url.endsWith("/endless")) return new Response("small");
  return new Response(new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      controller.enqueue(some);
    },
  }));
});
const sink = Deno.listen({ hostname: "0.0.0.0", port: 9000 });
console.log("ready");
for await (const connection of sink) connection.readable.pipeTo(new WritableStream()).catch(() => {});
`;

const serverCode = `
Deno.serve({ hostname: "0.0.0.0", port: 80, onListen() { console.log("ready"); } },
  () => new Response("nas"));
`;
