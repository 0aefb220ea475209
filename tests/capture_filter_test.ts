/** Filters in the kernel: what AF_PACKET's own compiler lets pass is what libpcap does, of tagged frames that come and that go. */
import { deepEqual, ok } from "node:assert/strict";
import { testAsRoot } from "../ffi/pcap/testing.ts";
import { CaptureRun } from "./live_capture_run.ts";
import { missingForRoot, missingNamespaces, mustRun, testWith } from "./program.ts";
import { makeFrames, runInNamespace, type Veth, withVeth, writePcap } from "./live_veth.ts";

const missing = missingForRoot("ip", "tcpreplay") || await missingNamespaces();
const test = missing === ""
  ? testAsRoot
  : (name: string, fn: () => Promise<void>) => testWith(missing, name, fn);
/** Of a UDP frame without a tag. */
const macBytes = 12;

function tagged(frame: string, ...tags: readonly string[]): string {
  return frame.slice(0, 2 * macBytes) + tags.join("") + frame.slice(2 * macBytes);
}

/** Two of each kind, told apart by their ports: 1000 and on. */
const frames = makeFrames(12, 100).map((frame, n) => {
  const kinds = [[], ["81000005"], ["81000064"], ["88a80007", "81000005"], ["81006005"], [
    "91000005",
  ]];
  return tagged(frame, ...kinds[n % kinds.length]);
});
/** Behind what a test waits for: no filter lets it pass that has a port. */
const filters = [
  ...["vlan", "vlan 5", "vlan 5 and udp port 1001", "not vlan", "udp port 1000 or udp port 1001"],
  ...["vlan and vlan", "vlan 7 and vlan 5 and udp src port 1003", "not vlan 5 and udp", "ip"],
  ...["src port 1002 or (vlan 5 and src port 1004)", "ether proto 0x8100", "len = 104"],
];

test("filters have one meaning in both captures, with tags in the frame and beside it", () =>
  withVeth(async (veth) => {
    const path = await writePcap(frames);
    // The first brings the worker's code in for all.
    const inbound = await capture(veth, "afpacket", "inbound");
    const outbound = await capture(veth, "afpacket", "outbound and not vlan");
    const pairs = await Promise.all(filters.map(async (filter) => ({
      filter,
      mine: await capture(veth, "afpacket", filter),
      theirs: await capture(veth, "pcap", filter),
    })));
    await sendBothWays(veth, path);
    for (const { filter, mine, theirs } of pairs) {
      await Promise.all([mine.stop(), theirs.stop()]);
      deepEqual(mine.frames.toSorted(), theirs.frames.toSorted(), filter);
      ok(mine.frames.length > 0 && mine.frames.length <= 2 * frames.length, filter);
    }
    // libpcap looks itself at the packets of its first turn through the ring, and has not kept their direction.
    await Promise.all([inbound.stop(), outbound.stop()]);
    deepEqual([inbound.frames.length, outbound.frames.length], [12, 2]);
    await Deno.remove(path);
  }));

function capture({ device }: Veth, method: "afpacket" | "pcap", filter: string) {
  return CaptureRun.start({ device, capture: method, filter, bufferBytes: 1 << 20 });
}

/** From the other end, and from this one, where frames have their tags in them. */
async function sendBothWays(veth: Veth, path: string): Promise<void> {
  const tcpreplay = (
    device: string,
  ) => ["tcpreplay", "--quiet", "--topspeed", "--intf1", device, path];
  ok((await runInNamespace(veth, tcpreplay(veth.far)).status).success);
  await mustRun(...tcpreplay(veth.device));
}
