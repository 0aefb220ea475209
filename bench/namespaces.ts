/**
 * Live benches run between two network namespaces: the bench starts itself again in private namespaces of network and
 * processes, makes a second one for the sender, and joins them by a veth pair. Nothing of the host's network is seen or
 * touched, and every process and device goes with the bench, however it ends.
 *
 *     private namespace: bench, tapwatch --- twbench0 ===veth=== twbench1 --- sender: tcpreplay
 *
 * The MTU is the largest, so that every frame of a capture fits. tcpreplay gives whole frames to a packet socket, so
 * segmentation and checksum offloads have nothing to do; ethtool turns them off all the same where it is installed.
 */
import { run } from "../tools/run.ts";
import { printSection, type Section } from "./harness.ts";
import { denoRun, isInstalled } from "./programs.ts";

const ip = (...args: readonly string[]) => run("ip", args);

/** The end to capture on. */
export const device = "twbench0";
const far = "twbench1";
const veth = { mtu: "65535", queueLength: "10000" };
const offloads = ["tso", "gso", "gro", "tx", "rx", "sg"];

/** Prints the section that `bench` makes in a private namespace, or why it cannot: what is missing for all, or as `isMissing` says. */
export async function printLive(
  { title, promises, isMissing = null }: {
    readonly title: string;
    readonly promises: readonly string[];
    readonly isMissing?: string | null;
  },
  bench: (sender: Sender) => Promise<Section>,
): Promise<void> {
  const reason = whyNotLive() ?? isMissing;
  if (reason === null) {
    return await inPrivateNamespace(async (sender) => printSection(await bench(sender)));
  }
  const targets = promises.map((promise) => ({ promise, measured: "", isMet: null }));
  printSection({ title, blocks: [reason], targets });
}

/** Needed programs that are missing, or the missing rights, as a sentence; null when all is there. */
function whyNotLive(): string | null {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "Not run: it needs Linux and root.";
  const missing = ["ip", "unshare", "tcpreplay"].filter((program) => !isInstalled(program));
  return missing.length > 0 ? `Not run: ${missing.join(", ")} is missing.` : null;
}

/**
 * Runs `bench` in a private namespace with a silent veth pair: by starting the main module again with the same
 * arguments, and in that process by calling it.
 */
async function inPrivateNamespace(bench: (sender: Sender) => Promise<void>): Promise<void> {
  if (!Deno.args.includes("--inside")) return await startInside();
  const namespace = Deno.env.get("TMPDIR")!.slice("/tmp/".length);
  await ip("netns", "add", namespace);
  try {
    await createPair(namespace);
    await bench(new Sender(namespace));
  } finally {
    // Takes the far end and with it the pair along.
    await ip("netns", "del", namespace);
  }
}

/** Starts this program again inside, and cleans up after it however it ends. */
async function startInside(): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "twbench-" });
  const child = new Deno.Command("unshare", {
    args: ["--net", "--pid", "--fork", "--kill-child", "--mount-proc", ...denoRun(Deno.mainModule)]
      .concat(Deno.args, "--inside"),
    env: { TMPDIR: folder },
  }).spawn();
  const kill = () => child.kill("SIGKILL");
  Deno.addSignalListener("SIGINT", kill);
  Deno.addSignalListener("SIGTERM", kill);
  const { code } = await child.status;
  Deno.removeSignalListener("SIGINT", kill);
  Deno.removeSignalListener("SIGTERM", kill);
  await Deno.remove(folder, { recursive: true });
  // The mark that a killed `ip netns` leaves behind.
  await Deno.remove(`/run/netns/${folder.slice("/tmp/".length)}`).catch(() => {});
  if (code !== 0) throw new Error(`The bench failed in its namespace with status ${code}`);
}

/** What tcpreplay says at its end. */
export interface Sent {
  readonly packets: number;
  readonly seconds: number;
  readonly failed: number;
}

/** Sends captures from the other namespace. */
export class Sender {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** The far end of the pair. */
  get device(): string {
    return far;
  }

  /** Starts a program in the other namespace. */
  start(...command: readonly string[]): Deno.ChildProcess {
    const args = ["netns", "exec", this.#namespace, ...command];
    return new Deno.Command("ip", { args, stdout: "null", stderr: "null" }).spawn();
  }

  /** Runs one to its end. Throws Error when it fails. */
  async run(...command: readonly string[]): Promise<void> {
    await ip("netns", "exec", this.#namespace, ...command);
  }

  /** Sends a capture, loaded into memory before, as fast as tcpreplay can, as many times as told. */
  async sendAll(path: string, loops = 1): Promise<Sent> {
    return await this.#send(["--topspeed", `--loop=${loops}`], path);
  }

  /** Sends a capture, loaded into memory before, again and again for so many seconds. */
  async sendFor(path: string, packetsPerSecond: number, seconds: number): Promise<Sent> {
    const options = [`--pps=${packetsPerSecond}`, "--loop=0", `--duration=${seconds}`];
    return await this.#send(options, path);
  }

  async #send(options: readonly string[], path: string): Promise<Sent> {
    const { args } = this.#command([...options, "--preload-pcap"], path);
    const { stdout, stderr, success } = await new Deno.Command("ip", { args }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (!success) throw new Error(`tcpreplay failed: ${text}`);
    const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? NaN);
    return {
      packets: number(/Successful packets:\s+(\d+)/),
      seconds: number(/sent in ([\d.]+) seconds/),
      failed: number(/Failed packets:\s+(\d+)/),
    };
  }

  /** Sends a capture with the gaps that it has. */
  async sendAtOwnSpeed(path: string): Promise<void> {
    const { args } = this.#command(["--multiplier=1", "--quiet"], path);
    const { stderr, success } = await new Deno.Command("ip", { args }).output();
    if (!success) throw new Error(`tcpreplay failed: ${new TextDecoder().decode(stderr)}`);
  }

  /** Sends a capture again and again at `packetsPerSecond` until it is killed. */
  sendSteadily(path: string, packetsPerSecond: number): Deno.ChildProcess {
    const options = ["--pps", String(packetsPerSecond), "--loop", "0", "--preload-pcap", "--quiet"];
    const { args } = this.#command(options, path);
    return new Deno.Command("ip", { args, stdout: "null", stderr: "null" }).spawn();
  }

  #command(options: readonly string[], path: string) {
    const tcpreplay = ["tcpreplay", "--intf1", far, ...options, path];
    return { args: ["netns", "exec", this.#namespace, ...tcpreplay] };
  }
}

async function createPair(namespace: string): Promise<void> {
  const end = ["mtu", veth.mtu, "txqueuelen", veth.queueLength];
  await ip(
    ...["link", "add", device, ...end, "type", "veth"],
    ...["peer", "name", far, ...end, "netns", namespace],
  );
  await run("sysctl", ["-qw", `net.ipv6.conf.${device}.disable_ipv6=1`]);
  await ip("netns", "exec", namespace, "sysctl", "-qw", `net.ipv6.conf.${far}.disable_ipv6=1`);
  if (isInstalled("ethtool")) await turnOffloadsOff(namespace);
  await ip("link", "set", "lo", "up");
  await ip("link", "set", device, "up");
  await ip("-n", namespace, "link", "set", far, "up");
}

async function turnOffloadsOff(namespace: string): Promise<void> {
  const features = offloads.flatMap((name) => [name, "off"]);
  await run("ethtool", ["-K", device, ...features]);
  await ip("netns", "exec", namespace, "ethtool", "-K", far, ...features);
}
