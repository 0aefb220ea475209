/**
 * The same packets by tcpdump, by libpcap through the dump into memory and by AF_PACKET: VLAN tags, fragments, segments of up to
 * 64 KiB that the kernel has yet to cut, loopback, all devices at once. Times, lengths and bytes agree.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { CAPTURE_METHODS } from "../ffi/capture/capture_handle.ts";
import { readCaptureFile, type ReadPacket } from "../agent/capture/read_packets.ts";
import { makeFrames, writePcap } from "./live_veth.ts";
import { until } from "./faults/lab.ts";
import { Namespaces } from "./live_namespaces.ts";
import {
  missingForRoot,
  missingNamespaces,
  OutputText,
  spawn,
  testWith,
  withFolder,
} from "./program.ts";

const tools = ["ip", "sysctl", "tcpdump", "tcpreplay", "ping"];
const test = testWith.bind(null, missingForRoot(...tools) || await missingNamespaces());

const devices = ["tw0", "lo", "any"];
const capturer = new URL("capture_to_files.ts", import.meta.url).pathname;
/** Ours and tcpdump's are handed the packet one after the other, on a busy machine a while later. */
const clockUs = 1_000_000;
const cookedLinktype = 113;

test("tcpdump, libpcap and AF_PACKET give the same packets, byte by byte", () =>
  withFolder(async (folder) => {
    await using namespaces = await Namespaces.create();
    const tcpdumps = await Promise.all(
      devices.map(async (device) => {
        const args = ["-i", device, "-B", "32768", "-s", "262144", "-Z", "root"]
          .concat(device === "any" ? ["-y", "LINUX_SLL"] : []);
        const output = ["--time-stamp-precision=nano", "-U", "-w", `${folder}/${device}.pcap`];
        const child = namespaces.start("sensor", "tcpdump", ...args, ...output);
        await new OutputText(child.stderr).waitFor(/listening on/);
        return child;
      }),
    );
    const run = [Deno.execPath(), "run", "-A", "--no-lock", capturer, folder, ...devices];
    const ours = spawn([...namespaces.onSensor, ...run], { stdin: new Uint8Array() });
    const printed = new OutputText(ours.stdout);
    const complaints = new OutputText(ours.stderr);
    await printed.waitFor(/ready/);
    await makeTraffic(namespaces);
    await ours.stdin.close();
    strictEqual((await ours.status).code, 0, complaints.text);
    // The formats are the same, and tcpdump writes block by block.
    const size = (name: string) => Deno.statSync(`${folder}/${name}.pcap`).size;
    for (const device of devices) {
      await until("tcpdump's packets", () => size(device) >= size(`${device}-afpacket`));
    }
    for (const child of tcpdumps) {
      child.kill("SIGINT");
      await child.status;
    }
    for (const device of devices) {
      const expected = await packetsOf(`${folder}/${device}.pcap`);
      ok(expected.length > 10, `${device}: ${expected.length} packets`);
      for (const method of CAPTURE_METHODS) {
        const actual = await packetsOf(`${folder}/${device}-${method}.pcap`);
        const texts = [actual, expected].map((packets) => packets.map(({ text }) => text));
        deepStrictEqual(texts[0], texts[1], `${method} on ${device}`);
        // Of a packet that arrives each socket takes the time by itself.
        const differences = actual.map(({ timestampUs }, i) =>
          Math.abs(timestampUs - expected[i]!.timestampUs)
        );
        ok(Math.max(...differences) < clockUs, `${method} on ${device}`);
      }
    }
    const tags = (await packetsOf(`${folder}/tw0.pcap`)).filter(({ text }) =>
      /^1 \d+ .{24}(8100|88a8)/.test(text)
    );
    strictEqual(tags.length, 20);
    // Segments that are yet to be cut.
    for (const device of ["tw0", "lo"]) {
      const { packets } = await readCaptureFile(`${folder}/${device}.pcap`);
      const longest = Math.max(...packets.map(({ data }) => data.length));
      ok(longest > 20_000, `${device}: ${longest} bytes at most`);
    }
  }));

/** Frames of one tag, of two, and of one that is all zero, which the kernel takes out as they arrive. */
async function sendTagged(namespaces: Namespaces): Promise<void> {
  const tags = ["81002005", "88a80007810000c8", "81000000", "88a81001"];
  const frames = makeFrames(20).map((frame, i) =>
    frame.slice(0, 24) + tags[i % tags.length] + frame.slice(24)
  );
  const path = await writePcap(frames);
  const child = namespaces.start("peer", "tcpreplay", "--pps=1000", "-i", "tw0", path);
  strictEqual((await child.status).code, 0);
  await Deno.remove(path);
}

async function makeTraffic(namespaces: Namespaces): Promise<void> {
  for (const address of ["10.91.0.2", "127.0.0.1"]) {
    await namespaces.run("sensor", "ping", "-q", "-c", "2", "-i", "0.01", address);
    await namespaces.run("sensor", "ping", "-q", "-c", "2", "-i", "0.01", "-s", "4000", address);
  }
  await sendTagged(namespaces);
  await sendBytes(namespaces, "peer", "10.91.0.2");
  await sendBytes(namespaces, "sensor", "127.0.0.1");
}

/** A megabyte over TCP to a listener on a side. */
async function sendBytes(namespaces: Namespaces, side: "sensor" | "peer", address: string) {
  const listener = `
const listener = Deno.listen({ hostname: "${address}", port: 9000 });
console.log("ready");
for await (const _ of (await listener.accept()).readable) {}
Deno.exit();`;
  const child = await namespaces.serve(side, listener);
  const sender = `
const connection = await Deno.connect({ hostname: "${address}", port: 9000 });
const writer = connection.writable.getWriter();
await writer.write(new Uint8Array(1 << 20).map((_, i) => i >> 8));
await writer.close();`;
  await namespaces.runCode("sensor", sender);
  await child.status;
}

interface Seen {
  readonly timestampUs: number;
  readonly text: string;
}

/** In order of what they hold: several processors hand packets over in no certain order. */
async function packetsOf(path: string): Promise<Seen[]> {
  const { packets } = await readCaptureFile(path);
  return packets.map(({ timestampUs, ...packet }) => ({ timestampUs, text: asText(packet) }))
    .sort((a, b) => a.text < b.text ? -1 : a.text > b.text ? 1 : a.timestampUs - b.timestampUs);
}

function asText({ wireLength, linktype, data }: Omit<ReadPacket, "timestampUs">): string {
  const copy = data.slice();
  // Behind the six bytes of the address in a cooked header stands anything.
  if (linktype === cookedLinktype) copy.fill(0, 12, 14);
  return `${linktype} ${wireLength} ${copy.toHex()}`;
}
