import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { findLinktype, listDevices } from "./device_list.ts";
import { CaptureError } from "../capture/capture_error.ts";
import { headerBytes, openUdpSocket, payload, records } from "../capture/testing.ts";
import { type BatchMethod, Pcap, type PcapOptions } from "./pcap.ts";
import { openLibrary } from "./symbols.ts";
import { testAsRoot, testWithLibpcap } from "./testing.ts";

const lo: PcapOptions = {
  device: "lo",
  snaplen: 262144,
  isPromiscuous: true,
  bufferBytes: 4 << 20,
  timeoutMs: 10,
  filter: "",
  batchPacketsMax: 16384,
};
const methods: readonly BatchMethod[] = ["dump", "copy"];

testWithLibpcap("listDevices() knows the loopback device", () => {
  const loopback = listDevices(openLibrary()).find((device) => device.isLoopback);
  ok(loopback);
  ok(loopback.isUp);
  ok(
    loopback.addresses.some(({ address, prefixLength }) =>
      address === "127.0.0.1" && prefixLength === 8
    ),
  );
});

testAsRoot("findLinktype() is Ethernet for lo, cooked for any and null for nothing", () => {
  const library = openLibrary();
  strictEqual(findLinktype(library, "lo"), 1);
  strictEqual(findLinktype(library, "any"), 113);
  strictEqual(findLinktype(library, "tapwatch-absent"), null);
});

testAsRoot("Pcap.open() has a code for a device that is not there", () => {
  throws(() => open({ device: "tapwatch-absent" }), (error) => {
    ok(error instanceof CaptureError);
    deepStrictEqual([error.operation, error.fault], ["open", "noSuchDevice"]);
    return true;
  });
});

testAsRoot("Pcap.open() shows libpcap's text together with a bad filter", () => {
  throws(() => open({ filter: "tcp prot 80" }), (error) => {
    ok(error instanceof CaptureError);
    strictEqual(error.operation, "filter");
    ok(error.message.includes("syntax error"), error.message);
    ok(error.message.includes('"tcp prot 80"'), error.message);
    return true;
  });
});

testAsRoot("Pcap.open() says that any is not promiscuous", async () => {
  const pcap = open({ device: "any" });
  strictEqual(pcap.isPromiscuous, false);
  strictEqual(pcap.linktype, 113);
  await pcap.close();
});

for (const batchMethod of methods) {
  testAsRoot(`Pcap hands over each filtered packet in nanoseconds by ${batchMethod}`, async () => {
    const socket = await openUdpSocket();
    const pcap = open({ batchMethod, filter: `udp dst port ${socket.port}` });
    strictEqual(pcap.batchMethod, batchMethod);
    ok(pcap.isNanosecond);
    const sent = Array.from({ length: 300 }, (_, i) => i);
    for (const i of sent) await socket.send(payload(i));
    const seen: number[] = [];
    while (seen.length < sent.length) {
      const batch = await pcap.read();
      strictEqual(batch.lostPackets, 0);
      seen.push(...readPayloads(pcap.bytes.subarray(0, batch.byteLength)));
    }
    deepStrictEqual(seen, sent);
    strictEqual(pcap.stats().kernelDrops, 0);
    socket.close();
    await pcap.close();
  });

  testAsRoot(`Pcap.breakLoop() ends a wait for nothing by ${batchMethod}`, async () => {
    const pcap = open({ batchMethod, filter: "ether proto 0x4242" });
    const reading = pcap.read();
    pcap.breakLoop();
    const nothing = { byteLength: 0, packetCount: 0, lostPackets: 0, isBroken: true };
    deepStrictEqual(await reading, nothing);
    const next = pcap.read();
    pcap.breakLoop();
    deepStrictEqual(await next, nothing);
    await pcap.close();
  });

  testAsRoot(`Pcap keeps frames of 64 KiB whole by ${batchMethod}`, async () => {
    const socket = await openUdpSocket();
    const pcap = open({
      batchMethod,
      bufferBytes: 64 << 20,
      filter: `udp dst port ${socket.port}`,
    });
    const udpBytesMax = 65507;
    const sent = 120;
    for (let i = 0; i < sent; i++) await socket.send(new Uint8Array(udpBytesMax));
    let packets = 0;
    while (packets < sent) {
      const batch = await pcap.read();
      strictEqual(batch.lostPackets, 0);
      packets += countOfLength(pcap.bytes.subarray(0, batch.byteLength), udpBytesMax + headerBytes);
    }
    strictEqual(packets, sent);
    socket.close();
    await pcap.close();
  });
}

function open(options: Partial<PcapOptions>): Pcap {
  return Pcap.open(openLibrary(), { ...lo, ...options });
}

function readPayloads(bytes: Uint8Array): number[] {
  return Array.from(records(bytes), ({ data }) => data.getUint32(headerBytes));
}

function countOfLength(bytes: Uint8Array, capturedLength: number): number {
  return Array.from(records(bytes)).filter(({ data }) => data.byteLength === capturedLength).length;
}
