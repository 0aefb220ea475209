/**
 * The kernel ring that grows and shrinks (agent/capture/growing_ring.ts) under traffic that does not pause: each packet is handed over
 * once and in order, or counted as lost. Needs Linux, root, libpcap, iproute2 and tcpreplay.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { chooseCapture } from "../agent/capture/capture_method.ts";
import { GrowingRing } from "../agent/capture/growing_ring.ts";
import { openInGroup } from "../agent/capture/live_open.ts";
import { RingNeed, smallRingBytes } from "../agent/capture/ring_need.ts";
import { CAPTURE_METHODS } from "../ffi/capture/capture_handle.ts";
import { records } from "../ffi/capture/testing.ts";
import { testAsRoot } from "../ffi/pcap/testing.ts";
import { runInNamespace, type Veth, withVeth, writePcap } from "./live_veth.ts";
import { missingCommands, missingNamespaces, testWith } from "./program.ts";

const missing = missingCommands("tcpreplay") || await missingNamespaces();
const test = missing === "" ? testAsRoot : testWith.bind(null, missing);

const perLoop = 20_000;
const sent = 20 * perLoop;
const wholeBytes = 2 * smallRingBytes;
/** Of the number in a frame. */
const numberAt = 42;

/** Frames of UDP that differ in a number. */
const frames = Array.from(
  { length: perLoop },
  (_, number) =>
    "020000000001020000000002" + "0800" + "45000020000000004011" + "0000" + "0a0900010a090002" +
    "00010002000c0000" + number.toString(16).padStart(8, "0") + "00".repeat(14),
);

/** Another size is needed after each fifty reads. */
class RestlessNeed extends RingNeed {
  #asked = 0;

  override add(): void {
    this.isLarge = Math.floor(++this.#asked / 50) % 2 === 1;
  }
}

for (const method of CAPTURE_METHODS) {
  test(`a ring that grows and shrinks again and again loses nothing that is not counted (${method})`, () =>
    withVeth(async (veth) => {
      const sizes: number[] = [];
      const ring = await openRing(method, veth, sizes);
      const pcap = await writePcap(frames);
      const args = ["--pps=80000", "--preload-pcap", `--loop=${sent / perLoop}`];
      const sending = runInNamespace(veth, ["tcpreplay", ...args, "-i", veth.far, pcap]).status;
      const timer = setInterval(() => ring.breakLoop(), 100);
      let [packets, gaps, next] = [0, 0, 0];
      const isAllThere = () => packets + ring.stats().kernelDrops >= sent;
      while (!isAllThere()) {
        const { byteLength, packetCount, lostPackets } = await ring.read();
        deepStrictEqual(lostPackets, 0);
        packets += packetCount;
        for (const { data } of records(ring.bytes.subarray(0, byteLength))) {
          const number = data.getUint32(numberAt);
          // Backwards would be a gap of nearly all.
          gaps += (number - next + perLoop) % perLoop;
          next = (number + 1) % perLoop;
        }
      }
      clearInterval(timer);
      await sending;
      const { received, kernelDrops } = ring.stats();
      deepStrictEqual([packets + kernelDrops, received], [sent, sent]);
      // What is missing at the very end leaves no gap.
      ok(gaps <= kernelDrops, `${gaps} missing or out of order, ${kernelDrops} lost`);
      ok(sizes.length > 4, `opened ${sizes.length} times`);
      deepStrictEqual(new Set(sizes), new Set([smallRingBytes, wholeBytes]));
      await ring.close();
      await Deno.remove(pcap);
    }));
}

function openRing(
  method: "pcap" | "afpacket",
  { device }: Veth,
  sizes: number[],
): Promise<GrowingRing> {
  const capture = chooseCapture(method);
  return GrowingRing.open({
    open: (bufferBytes, group) => {
      sizes.push(bufferBytes);
      const options = {
        device,
        snaplen: 65_535,
        isPromiscuous: true,
        bufferBytes,
        timeoutMs: 10,
        filter: "",
        batchPacketsMax: 1000,
      };
      return openInGroup(options, group, capture.open);
    },
    bufferBytes: wholeBytes,
    timeoutMs: 10,
    hasFilter: false,
    warn: (text) => ok(false, text),
    need: new RestlessNeed(),
  });
}
