/** The decoder alone, on frames in memory, beside one that makes an object and address strings for each packet. */
import { decodePacket } from "../agent/decode/decode.ts";
import { Packet, type PacketBatch } from "../agent/records.ts";
import {
  formatCount,
  formatMb,
  printSection,
  size,
  takeTurnsWarm,
  time,
  timesTable,
} from "./harness.ts";
import { makeFrames } from "./packet_data.ts";

const packets = size(500_000, 50_000);
const rounds = size(9, 3);
const seed = 1;

const frames = makeFrames(packets, seed);
const packet = new Packet();
const results = await takeTurnsWarm([
  {
    name: "tapwatch: one reusable record",
    operations: packets,
    run: () => time(() => decodeAll(frames)),
  },
  {
    name: "an object and strings a packet",
    operations: packets,
    run: () => time(() => decodeToObjects(frames)),
  },
], rounds);
printSection({
  title: "decode: headers alone",
  blocks: [
    `${formatCount(packets)} Ethernet frames, ${
      formatMb(frames.bytes.length)
    }, IPv4 and IPv6 with TCP and UDP, every ` +
    `tenth in a VLAN (seed ${seed}). The peer reads the same headers, Ethernet to ports, and none other.`,
    timesTable(results, { unit: "packets" }),
  ],
  targets: [],
});

function decodeAll(
  { bytes, count, offsets, capturedLengths, wireLengths, linktypes }: PacketBatch,
) {
  let sum = 0;
  for (let row = 0; row < count; row++) {
    decodePacket(
      bytes,
      offsets[row],
      capturedLengths[row],
      wireLengths[row],
      linktypes[row],
      packet,
    );
    sum += packet.sourcePort + packet.payloadLength;
  }
  return sum;
}

interface PlainPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

function decodeToObjects({ bytes, count, offsets, capturedLengths }: PacketBatch): number {
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const frame = bytes.subarray(offsets[row], offsets[row] + capturedLengths[row]);
    const plain = decodeToObject(frame);
    sum += plain.sourcePort + plain.payload.length + plain.source.length;
  }
  return sum;
}

function decodeToObject(frame: Uint8Array): PlainPacket {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const ip = view.getUint16(12) === 0x8100 ? 18 : 14;
  const isIpv6 = frame[ip] >> 4 === 6;
  const protocol = frame[ip + (isIpv6 ? 6 : 9)];
  const transport = ip + (isIpv6 ? 40 : 20);
  return {
    source: isIpv6 ? ipv6Text(view, ip + 8) : frame.subarray(ip + 12, ip + 16).join("."),
    destination: isIpv6 ? ipv6Text(view, ip + 24) : frame.subarray(ip + 16, ip + 20).join("."),
    protocol,
    sourcePort: view.getUint16(transport),
    destinationPort: view.getUint16(transport + 2),
    payload: frame.subarray(transport + (protocol === 6 ? 20 : 8)),
  };
}

function ipv6Text(view: DataView, at: number): string {
  return Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i).toString(16)).join(":");
}
