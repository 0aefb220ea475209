/** A veth pair for a test: one end here, the other in a network namespace, both silent until something is sent. */
import { mustRun } from "./program.ts";

export interface Veth {
  /** This end, to capture on. */
  readonly device: string;
  /** The other end, to send from. */
  readonly far: string;
  readonly namespace: string;
  /** Deletes the pair; the namespace stays. */
  readonly remove: () => Promise<void>;
  /** Makes the pair again under the same names. */
  readonly create: () => Promise<void>;
}

let made = 0;

/** Calls `use` with a new pair, and removes it whatever happens. */
export async function withVeth(use: (veth: Veth) => Promise<void>): Promise<void> {
  const unique = `tw${Deno.pid}x${made++}`;
  const veth: Veth = {
    device: `${unique}a`,
    far: `${unique}b`,
    namespace: unique,
    remove: async () => void await mustRun("ip", "link", "del", `${unique}a`),
    create: () => createPair(veth),
  };
  await mustRun("ip", "netns", "add", veth.namespace);
  try {
    await veth.create();
    await use(veth);
  } finally {
    // Takes the far end and with it the pair along.
    await mustRun("ip", "netns", "del", veth.namespace);
  }
}

/** Starts a command in the namespace of the far end. */
export function runInNamespace(veth: Veth, command: string[]): Deno.ChildProcess {
  const args = ["netns", "exec", veth.namespace, ...command];
  return new Deno.Command("ip", { args, stdout: "null", stderr: "null" }).spawn();
}

/** UDP frames as hexadecimal text, each different, source ports from 1000; of `frameLength`, or of many lengths. */
export function makeFrames(count: number, frameLength?: number): string[] {
  return Array.from({ length: count }, (_, i) => makeFrame(i, frameLength ?? 60 + i * 37 % 1455));
}

/** Writes a capture file of frames a millisecond apart and returns its path. */
export async function writePcap(frames: readonly string[]): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  const head = hexWords([0xa1b2c3d4, 0x00020004, 0, 0, 65535, 1]);
  const records = frames.map((frame, i) => {
    const length = frame.length / 2;
    return hexWords([1_700_000_000, i * 1000 % 1_000_000, length, length]) + frame;
  });
  await Deno.writeFile(path, Uint8Array.fromHex(head + records.join("")));
  return path;
}

async function createPair({ device, far, namespace }: Veth): Promise<void> {
  await mustRun(
    "ip",
    "link",
    "add",
    device,
    "type",
    "veth",
    "peer",
    "name",
    far,
    "netns",
    namespace,
  );
  await mustRun(...silenceCommand(device));
  await mustRun("ip", "netns", "exec", namespace, ...silenceCommand(far));
  await mustRun("ip", "link", "set", device, "up");
  await mustRun("ip", "-n", namespace, "link", "set", far, "up");
}

/** Without this the kernel itself sends router solicitations and multicast reports. */
function silenceCommand(device: string): string[] {
  return ["sysctl", "-qw", `net.ipv6.conf.${device}.disable_ipv6=1`];
}

function makeFrame(i: number, frameLength: number): string {
  const view = new DataView(new ArrayBuffer(frameLength));
  const words = [0x02000000, 0x00020200, 0x00000001, 0x08004500];
  words.forEach((word, k) => view.setUint32(4 * k, word));
  view.setUint16(16, frameLength - 14);
  view.setUint16(18, i % 0x10000);
  view.setUint16(22, 64 << 8 | 17);
  view.setUint32(26, 0x0a090001);
  view.setUint32(30, 0x0a090002);
  view.setUint16(34, 1000 + i % 60_000);
  view.setUint16(36, 9);
  view.setUint16(38, frameLength - 34);
  return new Uint8Array(view.buffer).toHex();
}

function hexWords(words: readonly number[]): string {
  return words.map((word) => word.toString(16).padStart(8, "0")).join("");
}
