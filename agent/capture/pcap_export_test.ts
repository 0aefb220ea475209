import assert from "node:assert/strict";
import { exportPcap, type PcapExportOptions } from "./pcap_export.ts";
import { readCaptureBytes, type ReadResult } from "./read_packets.ts";
import { RingWriter } from "./ring_writer.ts";
import { pcapFile, sampleBatch, samplePackets } from "./sample_captures.ts";

const start = 1_700_000_000;
const startUs = start * 1e6 + 123_456;

/** A folder with a ring of some files, 1,000 packets in all, one a second. */
async function withRing(use: (folder: string, ring: RingWriter) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const options = { folder, fileBytesMax: 30_000, fileCountMax: 20, snaplen: 65_535 };
  const ring = new RingWriter(options, { note() {}, now: () => 0 });
  ring.start();
  for (let batch = 0; batch < 10; batch++) {
    ring.write(
      sampleBatch(samplePackets(100, start + 100 * batch), { isNanosecond: batch % 2 === 0 }),
    );
  }
  try {
    await use(folder, ring);
  } finally {
    ring.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<ReadResult & { size: number }> {
  const bytes = new Uint8Array(
    await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
  );
  return { ...await readCaptureBytes(bytes), size: bytes.length };
}

const secondsOf = (result: ReadResult) =>
  result.packets.map(({ timestampUs }) => Math.floor(timestampUs / 1e6) - start);
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const slices: readonly (readonly [string, Omit<PcapExportOptions, "folder">, number[]])[] = [
  ["everything", {}, range(0, 999)],
  [
    "a span of time, both ends included",
    { fromUs: startUs + 250e6, toUs: startUs + 350e6 },
    range(250, 350),
  ],
  ["no more packets than allowed", { fromUs: startUs + 10e6, packetsMax: 3 }, [10, 11, 12]],
  ["no packet at all when none is allowed", { packetsMax: 0 }, []],
  ["nothing before the first packet", { toUs: 5 }, []],
  [
    "what a predicate picks",
    { matches: (bytes, offset, capturedLength) => bytes[offset + capturedLength - 1] === 7 },
    range(0, 9).map((hundred) => 100 * hundred + 7),
  ],
];

for (const [name, options, expected] of slices) {
  Deno.test(`exportPcap() gives ${name}`, async () => {
    await withRing(async (folder) => {
      const result = await collect(exportPcap({ folder, ...options }));
      assert.deepEqual(secondsOf(result), expected);
      assert.deepEqual(result.info.warnings, []);
      assert.deepEqual(result.info.linktypes, [1]);
    });
  });
}

Deno.test("exportPcap() never exceeds its size, and ends with a whole record", async () => {
  await withRing(async (folder) => {
    for (const bytesMax of [24, 25, 24 + 76, 24 + 76 + 76, 5000]) {
      const result = await collect(exportPcap({ folder, bytesMax }));
      assert(result.size <= bytesMax, `${result.size} of ${bytesMax}`);
      assert.equal(result.info.isTruncated, false);
      assert.equal(result.packets.length > 0, bytesMax >= 100);
    }
  });
});

Deno.test("exportPcap() of an empty folder is a capture without packets", async () => {
  const folder = await Deno.makeTempDir();
  const result = await collect(exportPcap({ folder }));
  assert.deepEqual([result.packets.length, result.size], [0, 24]);
  await Deno.remove(folder);
});

Deno.test("exportPcap() reads on in files that are rotated and removed meanwhile", async () => {
  await withRing(async (folder, ring) => {
    const stream = exportPcap({ folder });
    const reader = stream.getReader();
    const pieces = [(await reader.read()).value!];
    for (let batch = 10; batch < 20; batch++) {
      ring.write(sampleBatch(samplePackets(100, start + 100 * batch)));
    }
    for (const { name } of [...Deno.readDirSync(folder)]) await Deno.remove(`${folder}/${name}`);
    for (let piece; (piece = await reader.read()).value !== undefined;) pieces.push(piece.value);
    const blob = new Uint8Array(await new Blob(pieces).arrayBuffer());
    const seconds = secondsOf(await readCaptureBytes(blob));
    assert.deepEqual(seconds.slice(0, 1000), range(0, 999));
  });
});

Deno.test("exportPcap() makes Ethernet of files with different link types", async () => {
  await withRing(async (folder) => {
    const raw = samplePackets(2, start - 500).map((packet) => ({
      ...packet,
      data: packet.data.subarray(14),
    }));
    const name = `${folder}/captured_traffic-20231114T220500Z.pcap`;
    await Deno.writeFile(name, pcapFile(raw, { linktype: 101 }));
    await Deno.utime(name, 1, 1);
    const result = await collect(exportPcap({ folder, packetsMax: 3 }));
    assert.deepEqual(secondsOf(result), [-500, -499, 0]);
    assert.deepEqual(result.info.linktypes, [1]);
    assert.deepEqual(result.packets.map(({ data }) => data[12]), [8, 8, 8]);
  });
});

Deno.test("exportPcap() leaves out what is no capture, and goes on after damage", async () => {
  await withRing(async (folder) => {
    const damaged = pcapFile(samplePackets(2, start - 500));
    damaged.fill(0xff, 24 + 16 + 60 + 8, 24 + 16 + 60 + 12);
    const atStart = pcapFile(samplePackets(2, start - 400));
    atStart.fill(0xff, 32, 36);
    const files = [
      damaged,
      atStart,
      new TextEncoder().encode("not a capture, but some text of length"),
    ];
    for (const [index, bytes] of files.entries()) {
      const name = `${folder}/captured_traffic-2023111${index}T220500Z.pcap`;
      await Deno.writeFile(name, bytes);
      await Deno.utime(name, index, index);
    }
    const result = await collect(exportPcap({ folder, packetsMax: 2 }));
    assert.deepEqual(secondsOf(result), [-500, 0]);
  });
});

Deno.test("exportPcap() closes its files when nobody reads any more", async () => {
  await withRing(async (folder) => {
    const reader = exportPcap({ folder }).getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
  });
});

Deno.test("exportPcap() leaves no file open, whenever its reader goes away", async () => {
  await withRing(async (folder) => {
    for (let reads = 0; reads < 4; reads++) {
      for (const isPending of [false, true]) {
        const reader = exportPcap({ folder }).getReader();
        for (let read = 0; read < reads; read++) await reader.read();
        const pending = isPending ? reader.read() : null;
        await reader.cancel();
        await pending;
      }
    }
  });
});
