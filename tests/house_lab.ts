/**
 * A house between namespaces, for what people see while it happens: a router that bridges five hosts and a camera and leads to a
 * world outside. tapwatch runs on the router.
 *
 *     .11 downloads without an end     .12 serves on port 80     .13 and .14 ask now and then
 *     .15 scans .12 to .14 when told   .16 the camera, which sends to 203.0.113.99 without an end
 *
 *     192.168.50.11 … .16 ---- br0 192.168.50.1 router 198.51.100.1 ---- 198.51.100.2 world: 192.0.2.10, 203.0.113.99
 */
import { OutputText, runCommand, spawn } from "./program.ts";

export const house = {
  downloader: "192.168.50.11",
  server: "192.168.50.12",
  scanner: "192.168.50.15",
  camera: "192.168.50.16",
  films: "192.0.2.10",
  stranger: "203.0.113.99",
} as const;

const hostNumbers = [11, 12, 13, 14, 15, 16];

export class HouseLab implements AsyncDisposable {
  readonly #name = `tw${Deno.pid}h`;
  readonly #children: Deno.ChildProcess[] = [];

  static async create(): Promise<HouseLab> {
    const lab = new HouseLab();
    try {
      await lab.#connect();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What starts a command on the router. */
  get onRouter(): readonly string[] {
    return this.#on("r");
  }

  /** Begins a scan of three hosts, which goes on by itself. */
  scan(): void {
    const targets = [12, 13, 14].map((host) => `192.168.50.${host}`);
    this.#start("15", "nmap", "-n", "-Pn", "-sS", "-p1-150", ...targets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await child.status;
    }
    for (const host of ["r", "w", ...hostNumbers]) {
      // What a shell has started ends with its namespace's processes.
      const { stdout } = await runCommand(["ip", "netns", "pids", `${this.#name}${host}`]);
      for (const pid of stdout.split("\n").filter((line) => line !== "")) {
        await runCommand(["kill", "-9", pid]);
      }
      await runCommand(["ip", "netns", "del", `${this.#name}${host}`]);
    }
  }

  #on(host: string): string[] {
    return ["ip", "netns", "exec", `${this.#name}${host}`];
  }

  #start(host: string, ...command: string[]): Deno.ChildProcess {
    const child = spawn([...this.#on(host), ...command], {});
    this.#children.push(child);
    child.stderr.cancel();
    return child;
  }

  async #connect(): Promise<void> {
    const [router, world] = [`${this.#name}r`, `${this.#name}w`];
    const lines = [
      ...["r", "w", ...hostNumbers].flatMap((host) => [
        `ip netns add ${this.#name}${host}`,
        `ip -n ${this.#name}${host} link set lo up`,
        `ip netns exec ${this.#name}${host} sysctl -qw net.ipv6.conf.default.disable_ipv6=1`,
      ]),
      `ip -n ${router} link add br0 type bridge`,
      `ip -n ${router} link set br0 address 02:00:5e:50:00:01`,
      `ip -n ${router} address add 192.168.50.1/24 dev br0`,
      `ip -n ${router} link set br0 up`,
      ...hostNumbers.flatMap((host) => [
        `ip link add p${host} netns ${router} type veth peer name eth0 netns ${this.#name}${host}`,
        `ip -n ${router} link set p${host} master br0 up`,
        `ip -n ${this.#name}${host} link set eth0 address 02:00:5e:50:00:${host}`,
        `ip -n ${this.#name}${host} address add 192.168.50.${host}/24 dev eth0`,
        `ip -n ${this.#name}${host} link set eth0 up`,
        `ip -n ${this.#name}${host} route add default via 192.168.50.1`,
      ]),
      `ip link add wan netns ${router} type veth peer name eth0 netns ${world}`,
      `ip -n ${router} address add 198.51.100.1/30 dev wan`,
      `ip -n ${router} link set wan up`,
      `ip -n ${world} address add 198.51.100.2/30 dev eth0`,
      `ip -n ${world} address add ${house.films}/32 dev eth0`,
      `ip -n ${world} address add ${house.stranger}/32 dev eth0`,
      `ip -n ${world} link set eth0 up`,
      `ip -n ${world} route add default via 198.51.100.1`,
      `ip -n ${router} route add default via 198.51.100.2`,
      `ip netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`,
    ];
    const { code, stderr } = await runCommand(["sh", "-ec", lines.join("\n")]);
    if (code !== 0) throw new Error(`The house cannot be built: ${stderr}`);
  }

  /** Everybody begins with what they do. */
  async live(): Promise<void> {
    for (const [host, code] of [["w", worldCode], ["12", serverCode]] as const) {
      const server = this.#start(host, Deno.execPath(), "eval", "--no-lock", code);
      await new OutputText(server.stdout).waitFor(/ready/);
    }
    const ask = (path: string) =>
      `exec 3<>/dev/tcp/${house.films}/80; printf 'GET ${path} HTTP/1.1\\r\\nHost: films.example\\r\\n` +
      `Connection: close\\r\\n\\r\\n' >&3; cat <&3 >/dev/null`;
    const shell = (host: string, script: string) =>
      this.#start(host, "bash", "-c", script).stdout.cancel();
    shell("11", ask("/endless"));
    for (const host of ["13", "14"]) shell(host, `while :; do (${ask("/small")}); sleep 1; done`);
    shell(
      "16",
      `exec 3>/dev/tcp/${house.stranger}/9000; while :; do head -c 3000 /dev/zero; sleep 0.2; done >&3`,
    );
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
