/**
 * The capture file reader alone: bytes of a file to an index of packets, for each container, beside reading the bytes and
 * nothing more, and beside a reader that makes an object for each packet.
 */
import { gzipSync } from "node:zlib";
import { concatenate, PcapngBuilder } from "../agent/capture/sample_captures.ts";
import { CaptureFileReader } from "../agent/capture/file_reader.ts";
import { pcapFileHeader, recordHeaderLength, RecordWriter } from "../agent/capture/pcap_records.ts";
import { Linktype, type PacketBatch } from "../agent/records.ts";
import {
  type Contestant,
  formatCount,
  formatMb,
  printSection,
  size,
  takeTurnsWarm,
  timeAsync,
  timesTable,
} from "./harness.ts";
import { makeFrames } from "./packet_data.ts";

const packets = size(200_000, 20_000);
const rounds = size(7, 2);
const seed = 3;

const folder = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
try {
  const frames = makeFrames(packets, seed);
  const pcap = pcapBytes(frames);
  const pcapPath = await write("large.pcap", pcap);
  const pcapngPath = await write("large.pcapng", pcapngBytes(frames));
  const gzipPath = await write("large.pcap.gz", gzipSync(pcap, { level: 6 }));
  const contestants: Contestant[] = [
    contestant("tapwatch, pcap", () => readPackets(pcapPath)),
    contestant("tapwatch, pcapng", () => readPackets(pcapngPath)),
    contestant("tapwatch, pcap in gzip", () => readPackets(gzipPath)),
    contestant("the bytes of the pcap alone", () => readBytes(pcapPath)),
    contestant("an object a packet, pcap", () => readObjects(pcapPath)),
  ];
  const results = await takeTurnsWarm(contestants, rounds, 1);
  printSection({
    title: "file_reader: capture files alone",
    blocks: [
      `${formatCount(packets)} packets, ${
        formatMb(pcap.length)
      } as pcap (seed ${seed}), in the page cache. Nothing is ` +
      "decoded.",
      timesTable(results, { unit: "packets" }),
    ],
    targets: [],
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}

function contestant(name: string, read: () => Promise<number>): Contestant {
  return { name, operations: packets, run: () => timeAsync(read) };
}

async function readPackets(path: string): Promise<number> {
  const reader = await CaptureFileReader.open(path);
  let bytes = 0;
  for (let batch; (batch = await reader.nextBatch()) !== null;) {
    for (let row = 0; row < batch.count; row++) bytes += batch.wireLengths[row];
  }
  reader.close();
  if (reader.info.packets !== packets) throw new Error(`${path}: ${reader.info.packets} packets`);
  return bytes;
}

async function readBytes(path: string): Promise<number> {
  using file = await Deno.open(path);
  const chunk = new Uint8Array(2 << 20);
  let bytes = 0;
  for (let read; (read = await file.read(chunk)) !== null;) bytes += read;
  return bytes;
}

interface PlainRecord {
  readonly date: Date;
  readonly wireLength: number;
  readonly data: Uint8Array;
}

async function readObjects(path: string): Promise<number> {
  const records: PlainRecord[] = [];
  const bytes = await Deno.readFile(path);
  const view = new DataView(bytes.buffer);
  for (let at = 24; at < bytes.length;) {
    const end = at + recordHeaderLength + view.getUint32(at + 8, true);
    records.push({
      date: new Date(view.getUint32(at, true) * 1000 + view.getUint32(at + 4, true) / 1e6),
      wireLength: view.getUint32(at + 12, true),
      data: bytes.subarray(at + recordHeaderLength, end),
    });
    at = end;
  }
  return records.reduce((total, { wireLength }) => total + wireLength, 0);
}

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = `${folder}/${name}`;
  await Deno.writeFile(path, bytes);
  return path;
}

function pcapBytes(frames: PacketBatch): Uint8Array {
  const records = new RecordWriter(
    new ArrayBuffer(frames.bytes.length + packets * recordHeaderLength),
  );
  for (let row = 0; row < frames.count; row++) records.append(frames, row);
  const header = pcapFileHeader(Linktype.ethernet, 65_535, true);
  return concatenate([header, new Uint8Array(records.buffer, 0, records.byteLength)]);
}

function pcapngBytes({ bytes, count, offsets, capturedLengths, timestampsUs }: PacketBatch) {
  const builder = new PcapngBuilder().section().interface(Linktype.ethernet);
  for (let row = 0; row < count; row++) {
    const frame = bytes.subarray(offsets[row], offsets[row] + capturedLengths[row]);
    builder.enhanced(0, BigInt(timestampsUs[row]), frame);
  }
  return builder.build();
}
