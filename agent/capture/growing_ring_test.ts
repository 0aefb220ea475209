import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { CaptureError, type CaptureFault } from "../../ffi/capture/capture_error.ts";
import type {
  BatchResult,
  CaptureStats,
  PacketGroup,
  SharingHandle,
} from "../../ffi/capture/capture_handle.ts";
import { headerBytes, openUdpSocket, payload, records } from "../../ffi/capture/testing.ts";
import { testAsRoot } from "../../ffi/pcap/testing.ts";
import { chooseCapture } from "./capture_method.ts";
import { GrowingRing } from "./growing_ring.ts";
import { openInGroup } from "./live_open.ts";
import { RingNeed, smallRingBytes } from "./ring_need.ts";

const wholeBytes = 2 * smallRingBytes;
const calmMs = 11 * 60_000;
const gone = new CaptureError("read", "other", "The interface disappeared");

/** Socket filters of the kernel: where the group's packets go. */
const indexOf = (program: Uint8Array) => new DataView(program.buffer).getUint32(4, true);

/** A device with the group of its handles; `receive()` has a packet come. */
class FakeDevice {
  readonly opened: string[] = [];
  readonly members: FakeHandle[] = [];
  index = 0;
  #opening = Promise.resolve();
  refuses: CaptureFault | null = null;
  mibMax = Infinity;

  open = async (bufferBytes: number, group: PacketGroup): Promise<SharingHandle> => {
    await this.#opening;
    const refusal = bufferBytes / 2 ** 20 > this.mibMax ? "other" : this.refuses;
    if (refusal !== null) throw new CaptureError("open", refusal, "no memory");
    const handle = new FakeHandle(this, bufferBytes / 2 ** 20);
    this.opened.push(`${handle.mib} MiB`);
    await handle.join(group);
    return handle;
  };

  /** Has the next openings wait for what is returned. */
  hold(): PromiseWithResolvers<void> {
    const held = Promise.withResolvers<void>();
    this.#opening = held.promise;
    return held;
  }

  receive(): void {
    this.members[this.index % this.members.length]!.waiting++;
  }
}

class FakeHandle implements SharingHandle {
  waiting = 0;
  received = 0;
  interfaceDrops = 0;
  isExact = true;
  fails = false;
  /** The next read. */
  isBroken = false;
  /** Its reads, for packets or to be broken off. */
  waits = false;
  readonly #broken = Promise.withResolvers<void>();
  readonly method = "pcap";
  readonly linktype = 1;
  readonly isNanosecond = true;
  readonly isPromiscuous = true;
  readonly warning = "";
  readonly isSlow = false;
  readonly bytes = new Uint8Array();
  readonly groupId = 7;

  constructor(readonly device: FakeDevice, readonly mib: number) {}

  /** One packet of so many bytes that five are many. */
  async read(): Promise<BatchResult> {
    if (this.fails) throw gone;
    if (this.waits && this.waiting === 0) await this.#broken.promise;
    const { isBroken } = this;
    this.isBroken = false;
    const packetCount = isBroken ? 0 : Math.min(1, this.waiting);
    this.waiting -= packetCount;
    this.received += packetCount;
    const byteLength = 2_000_000 * packetCount;
    return { byteLength, packetCount, lostPackets: 0, isBroken };
  }
  breakLoop() {
    this.#broken.resolve();
  }
  join({ program }: PacketGroup) {
    this.device.members.push(this);
    return program === null ? Promise.resolve() : this.steer(program);
  }
  steer(program: Uint8Array<ArrayBuffer>) {
    this.device.index = indexOf(program);
    return Promise.resolve();
  }
  stats(): CaptureStats {
    const { received, waiting, interfaceDrops } = this;
    return { received: received + waiting, kernelDrops: 0, interfaceDrops };
  }
  close() {
    const { members } = this.device;
    // As the kernel does it.
    members[members.indexOf(this)] = members.at(-1)!;
    members.pop();
    return Promise.resolve();
  }
}

/** What can go on by itself does. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Its ring is small until five packets have come at once. */
async function create({ hasFilter = false, isLarge = false, device = new FakeDevice() } = {}) {
  const clock = { ms: 0 };
  const warnings: string[] = [];
  const need = new RingNeed();
  need.isLarge = isLarge;
  const ring = await GrowingRing.open({
    open: device.open,
    bufferBytes: wholeBytes,
    timeoutMs: 10,
    hasFilter,
    warn: (text) => warnings.push(text),
    need,
    nowMs: () => clock.ms,
  });
  /** Reads until so many packets have come. */
  const take = async (packets: number) => {
    for (let read = 0; read < packets;) {
      clock.ms += 10;
      read += (await ring.read()).packetCount;
      await turn();
    }
  };
  return { device, ring, clock, warnings, take };
}

Deno.test("a ring grows under load, reads the old one to its end first, and shrinks when it has long been calm", async () => {
  const { device, ring, clock, take } = await create();
  for (let i = 0; i < 20; i++) device.receive();
  await take(10);
  deepStrictEqual(device.opened, ["20 MiB", "40 MiB"]);
  // What comes now goes to the new one, and waits for the rest of the old one.
  for (let i = 0; i < 7; i++) device.receive();
  deepStrictEqual(device.members.map(({ waiting }) => waiting), [10, 7]);
  await take(10);
  deepStrictEqual(device.members.map(({ waiting }) => waiting), [0, 7]);
  await take(7);
  deepStrictEqual(device.members.map(({ mib }) => mib), [40]);
  clock.ms += calmMs;
  for (let i = 0; i < 3; i++) {
    await ring.read();
    await turn();
  }
  device.receive();
  await take(1);
  deepStrictEqual(device.members.map(({ mib }) => mib), [20]);
  deepStrictEqual(ring.stats(), { received: 28, kernelDrops: 0, interfaceDrops: 0 });
  await ring.close();
  strictEqual(device.members.length, 0);
});

Deno.test("the old ring is read while the new one is opened, and gets what comes until that is done", async () => {
  const { device, ring, take } = await create();
  const opening = device.hold();
  for (let i = 0; i < 20; i++) device.receive();
  await take(15);
  deepStrictEqual(device.opened, ["20 MiB"]);
  for (let i = 0; i < 3; i++) device.receive();
  opening.resolve();
  await turn();
  for (let i = 0; i < 7; i++) device.receive();
  deepStrictEqual(device.members.map(({ waiting }) => waiting), [8, 7]);
  await take(15);
  deepStrictEqual(device.opened, ["20 MiB", "40 MiB"]);
  deepStrictEqual(ring.stats(), { received: 30, kernelDrops: 0, interfaceDrops: 0 });
  await ring.close();
});

Deno.test("a read that waits for packets of the old ring ends when the new one has them", async () => {
  const { device, ring, take } = await create();
  device.members[0]!.waits = true;
  for (let i = 0; i < 5; i++) device.receive();
  await take(5);
  await ring.read();
  device.receive();
  for (let packets = 0; packets === 0;) packets += (await ring.read()).packetCount;
  deepStrictEqual(device.opened, ["20 MiB", "40 MiB"]);
  await ring.close();
});

Deno.test("a ring that is closed while another one is opened closes both", async () => {
  const { device, ring, take } = await create();
  const opening = device.hold();
  for (let i = 0; i < 10; i++) device.receive();
  await take(5);
  const closing = ring.close();
  opening.resolve();
  await closing;
  deepStrictEqual(device.opened, ["20 MiB", "40 MiB"]);
  deepStrictEqual(device.members, []);
});

Deno.test("a ring that has been read to its end when the new one is there is left at once", async () => {
  const { device, ring, take } = await create();
  const opening = device.hold();
  for (let i = 0; i < 6; i++) device.receive();
  await take(5);
  opening.resolve();
  await turn();
  device.receive();
  await take(1);
  strictEqual((await ring.read()).packetCount, 1);
  deepStrictEqual(device.members.map(({ mib }) => mib), [40]);
  await ring.close();
});

Deno.test("what fails by no device's fault while a ring is opened is thrown by the next read", async () => {
  const { device, ring, take, warnings } = await create();
  const fault = new TypeError("no memory");
  const opening = device.hold();
  for (let i = 0; i < 10; i++) device.receive();
  await take(5);
  opening.reject(fault);
  await turn();
  await rejects(ring.read(), fault);
  deepStrictEqual(warnings, []);
  await ring.close();
  deepStrictEqual(device.members, []);
});

Deno.test("nothing is told of a ring that cannot be opened any more because it is over", async () => {
  for (const isClosed of [true, false]) {
    const { device, ring, take, warnings } = await create();
    const opening = device.hold();
    for (let i = 0; i < 10; i++) device.receive();
    await take(5);
    // Gone, or stopped.
    device.refuses = isClosed ? "other" : "noSuchDevice";
    const closing = isClosed ? ring.close() : Promise.resolve();
    opening.resolve();
    await closing;
    await turn();
    deepStrictEqual(warnings, []);
    if (!isClosed) await ring.close();
  }
});

Deno.test("what the interface lost is counted by one ring at a time", async () => {
  const { device, ring, take } = await create();
  const [small] = device.members as [FakeHandle];
  small.interfaceDrops = 3;
  for (let i = 0; i < 10; i++) device.receive();
  await take(5);
  // Both count this one.
  small.interfaceDrops = 4;
  device.members[1]!.interfaceDrops = 1;
  strictEqual(ring.stats().interfaceDrops, 4);
  await take(1);
  small.interfaceDrops = 5;
  device.members[1]!.interfaceDrops = 2;
  strictEqual(ring.stats().interfaceDrops, 5);
  await take(4);
  await ring.read();
  strictEqual(ring.stats().interfaceDrops, 5);
  await ring.close();
});

Deno.test("where packets are counted otherwise the old ring is read until nothing has come for the kernel's time", async () => {
  const { device, ring, clock, take } = await create();
  device.members[0]!.isExact = false;
  for (let i = 0; i < 10; i++) device.receive();
  await take(10);
  strictEqual(device.members.length, 2);
  await ring.read();
  strictEqual(device.members.length, 2);
  clock.ms += 200;
  for (let i = 0; i < 3; i++) await ring.read();
  deepStrictEqual(device.members.map(({ mib }) => mib), [40]);
  await ring.close();
});

Deno.test("what is in the old ring is read whatever time it takes, and a read that is broken off ends nothing", async () => {
  const { device, ring, clock, take } = await create();
  const [small] = device.members as [FakeHandle];
  for (let i = 0; i < 10; i++) device.receive();
  await take(5);
  clock.ms += 60_000;
  small.isBroken = true;
  strictEqual((await ring.read()).packetCount, 0);
  device.receive();
  await take(6);
  deepStrictEqual(ring.stats(), { received: 11, kernelDrops: 0, interfaceDrops: 0 });
  await ring.close();
});

for (const [hasFilter, kernelDrops] of [[false, 3], [true, 0]] as const) {
  const what = hasFilter ? "what libpcap itself filters" : "lost, and counted";
  Deno.test(`what can never be read of the old ring is ${what}`, async () => {
    const { device, ring, clock, take } = await create({ hasFilter });
    const [small] = device.members as [FakeHandle];
    for (let i = 0; i < 10; i++) device.receive();
    await take(5);
    small.received += 3;
    await take(5);
    clock.ms += 200;
    for (let i = 0; i < 3; i++) await ring.read();
    deepStrictEqual(ring.stats(), { received: 13, kernelDrops, interfaceDrops: 0 });
    strictEqual(device.members.length, 1);
    await ring.close();
  });
}

Deno.test("a ring is whole at the start, and small after ten calm seconds", async () => {
  const { device, ring, clock, take } = await create({ isLarge: true });
  device.receive();
  await take(1);
  clock.ms += 11_000;
  for (let i = 0; i < 3; i++) {
    await ring.read();
    await turn();
  }
  device.receive();
  await take(1);
  deepStrictEqual(device.opened, ["40 MiB", "20 MiB"]);
  deepStrictEqual(device.members.map(({ mib }) => mib), [20]);
  await ring.close();
});

Deno.test("a start without memory for the whole ring takes the small one, says so, and tries again", async () => {
  const device = new FakeDevice();
  device.mibMax = 20;
  const { ring, clock, warnings, take } = await create({ isLarge: true, device });
  strictEqual(warnings.length, 1);
  ok(warnings[0]!.includes("40 MiB"));
  device.mibMax = Infinity;
  for (let i = 0; i < 10; i++) device.receive();
  await take(5);
  deepStrictEqual(device.opened, ["20 MiB"]);
  clock.ms += 61_000;
  await take(5);
  deepStrictEqual(device.opened, ["20 MiB", "40 MiB"]);
  await ring.close();
});

Deno.test("a ring that is not to be had is told once, and tried again", async () => {
  const { device, ring, clock, warnings, take } = await create();
  device.refuses = "other";
  for (let minute = 0; minute < 3; minute++) {
    for (let i = 0; i < 10; i++) device.receive();
    await take(10);
    clock.ms += 61_000;
  }
  deepStrictEqual(device.opened, ["20 MiB"]);
  strictEqual(warnings.length, 1);
  ok(warnings[0]!.includes("40 MiB"));
  device.refuses = null;
  for (let i = 0; i < 10; i++) device.receive();
  await take(10);
  deepStrictEqual(device.opened, ["20 MiB", "40 MiB"]);
  await ring.close();
});

Deno.test("nothing is told of a ring that a device has not because it is down", async () => {
  const { device, ring, clock, warnings, take } = await create();
  device.refuses = "notUp";
  for (let i = 0; i < 10; i++) device.receive();
  await take(10);
  deepStrictEqual(warnings, []);
  device.refuses = null;
  clock.ms += 61_000;
  await ring.read();
  deepStrictEqual(device.opened, ["20 MiB", "40 MiB"]);
  await ring.close();
});

Deno.test("a device that fails while its ring grows hands over what the new one has", async () => {
  const { device, ring, take } = await create();
  for (let i = 0; i < 10; i++) device.receive();
  await take(5);
  device.receive();
  const [small, whole] = device.members as [FakeHandle, FakeHandle];
  small.fails = true;
  // The one that finds the new ring, and the one that leaves the old one.
  for (let i = 0; i < 2; i++) strictEqual((await ring.read()).packetCount, 0);
  strictEqual((await ring.read()).packetCount, 1);
  whole.fails = true;
  await ring.read().then(() => ok(false), (error) => strictEqual(error, gone));
  await ring.close();
});

for (const method of ["pcap", "afpacket"] as const) {
  testAsRoot(
    `a ring that grows and shrinks has each packet once and in order (${method})`,
    async () => {
      const socket = await openUdpSocket();
      const capture = chooseCapture(method);
      const sizes: number[] = [];
      let nowMs = 0;
      // Some hundred of the packets below.
      const need = new RingNeed(40_000);
      need.isLarge = false;
      const ring = await GrowingRing.open({
        open: (bufferBytes, group) => {
          sizes.push(bufferBytes);
          const options = {
            device: "lo",
            snaplen: 65_535,
            isPromiscuous: true,
            bufferBytes,
            timeoutMs: 10,
            filter: `udp dst port ${socket.port}`,
            batchPacketsMax: 100,
          };
          return openInGroup(options, group, capture.open);
        },
        bufferBytes: wholeBytes,
        timeoutMs: 10,
        hasFilter: true,
        warn: (text) => ok(false, text),
        need,
        nowMs: () => performance.now() + nowMs,
      });
      const count = 30_000;
      const seen: number[] = [];
      const reading = (async () => {
        while (seen.length < count) {
          const { byteLength, lostPackets } = await ring.read();
          strictEqual(lostPackets, 0);
          for (const { data } of records(ring.bytes.subarray(0, byteLength))) {
            seen.push(data.getUint32(headerBytes));
          }
          // As long calm: the next read finds that less is needed, and what comes that more is.
          if (byteLength > 0 && seen.length % 7000 < 100) nowMs += calmMs;
        }
      })();
      for (let i = 0; i < count; i++) await socket.send(payload(i));
      const timer = setInterval(() => ring.breakLoop(), 50);
      await reading;
      clearInterval(timer);
      deepStrictEqual(seen, Array.from({ length: count }, (_, i) => i));
      ok(sizes.length >= 2, `${sizes}`);
      ok(sizes.includes(smallRingBytes) && sizes.includes(wholeBytes));
      strictEqual(ring.stats().kernelDrops, 0);
      socket.close();
      await ring.close();
    },
  );
}
