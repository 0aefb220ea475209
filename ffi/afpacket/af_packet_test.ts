import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { compileSocketFilter } from "../../agent/capture/filter/compile.ts";
import { CaptureError } from "../capture/capture_error.ts";
import { headerBytes, openUdpSocket, payload, records } from "../capture/testing.ts";
import { testAsRoot } from "../pcap/testing.ts";
import { AfPacket, type AfPacketOptions } from "./af_packet.ts";
import { linkKindOf } from "./link_kinds.ts";
import { PacketSocket } from "./packet_socket.ts";
import { Ring } from "./ring.ts";
import { socketFunctions } from "./symbols.ts";

function open(options: Partial<AfPacketOptions> = {}): AfPacket {
  return AfPacket.open({
    device: "lo",
    snaplen: 262_144,
    isPromiscuous: true,
    bufferBytes: 4 << 20,
    timeoutMs: 10,
    filter: "",
    batchPacketsMax: 16_384,
    compileFilter: compileSocketFilter,
    ...options,
  });
}

testAsRoot(
  "AfPacket hands over each filtered packet in nanoseconds, and loopback's once",
  async () => {
    const socket = await openUdpSocket();
    const handle = open({ filter: `udp dst port ${socket.port}` });
    ok(handle.isNanosecond);
    const startedS = Math.floor(Date.now() / 1000);
    const sent = Array.from({ length: 300 }, (_, i) => i);
    for (const i of sent) await socket.send(payload(i));
    const seen: number[] = [];
    while (seen.length < sent.length) {
      const { byteLength, lostPackets } = await handle.read();
      strictEqual(lostPackets, 0);
      for (const { data, seconds } of records(handle.bytes.subarray(0, byteLength))) {
        ok(seconds >= startedS && seconds <= startedS + 60);
        seen.push(data.getUint32(headerBytes));
      }
    }
    deepStrictEqual(seen, sent);
    deepStrictEqual(handle.stats(), { received: 300, kernelDrops: 0, interfaceDrops: 0 });
    socket.close();
    await handle.close();
  },
);

testAsRoot(
  "AfPacket keeps frames of 64 KiB whole, and no more than the snaplen of them",
  async () => {
    const udpBytesMax = 65_507;
    const count = 120;
    for (const snaplen of [262_144, 1000]) {
      const socket = await openUdpSocket();
      const filter = `udp dst port ${socket.port}`;
      const handle = open({ bufferBytes: 64 << 20, filter, snaplen });
      for (let i = 0; i < count; i++) await socket.send(new Uint8Array(udpBytesMax));
      const lengths: string[] = [];
      while (lengths.length < count) {
        const { byteLength } = await handle.read();
        for (const { data, wireLength } of records(handle.bytes.subarray(0, byteLength))) {
          lengths.push(`${data.byteLength} of ${wireLength}`);
        }
      }
      const whole = udpBytesMax + headerBytes;
      deepStrictEqual(new Set(lengths), new Set([`${Math.min(snaplen, whole)} of ${whole}`]));
      socket.close();
      await handle.close();
    }
  },
);

testAsRoot("AfPacket counts what a full ring has lost", async () => {
  const socket = await openUdpSocket();
  const handle = open({ bufferBytes: 1 << 20, filter: `udp dst port ${socket.port}` });
  const sent = 3000;
  for (let i = 0; i < sent; i++) await socket.send(new Uint8Array(1400));
  let packets = 0;
  let stats = handle.stats();
  while (packets + stats.kernelDrops < sent) {
    packets += (await handle.read()).packetCount;
    stats = handle.stats();
  }
  ok(stats.kernelDrops > 0);
  deepStrictEqual([packets + stats.kernelDrops, stats.received], [sent, sent]);
  socket.close();
  await handle.close();
});

testAsRoot("AfPacket.breakLoop() ends a wait for nothing", async () => {
  const handle = open({ filter: "ether proto 0x4242" });
  for (let i = 0; i < 2; i++) {
    const reading = handle.read();
    handle.breakLoop();
    deepStrictEqual(await reading, {
      byteLength: 0,
      packetCount: 0,
      lostPackets: 0,
      isBroken: true,
    });
  }
  await handle.close();
});

testAsRoot(
  "AfPacket.open() has a fault for a device that is not there, and refuses no name",
  () => {
    for (const device of ["tapwatch-absent", "a name far too long for a device", ""]) {
      throws(() => open({ device }), (error) => {
        ok(error instanceof CaptureError);
        deepStrictEqual([error.operation, error.fault], ["open", "noSuchDevice"]);
        return true;
      });
    }
  },
);

testAsRoot("a ring that is closed can be looked at, and gives nothing", () => {
  const socket = PacketSocket.open(false);
  const options = { byteLength: 4 << 20, timeoutMs: 10, snaplen: 65_535, link: linkKindOf(1) };
  const ring = new Ring(socket, options);
  ring.close();
  socket.close();
  ring.close();
  strictEqual(ring.isReady, false);
  deepStrictEqual(ring.take(10), { byteLength: 0, packetCount: 0, lostPackets: 0 });
  strictEqual(ring.bytes[0], 0);
});

testAsRoot("what is no socket is no filter's fault", () => {
  const { eventfd, close } = socketFunctions();
  const file = eventfd(0, 0);
  throws(() => new PacketSocket(file).letNothingPass(), (error) => {
    ok(error instanceof CaptureError);
    deepStrictEqual([error.operation, error.fault], ["open", "other"]);
    return true;
  });
  close(file);
});
