import fc from "fast-check";
import { gzipSync } from "node:zlib";
import assert from "node:assert/strict";
import { CaptureFormatError } from "../errors.ts";
import { createPacketBatch } from "../records.ts";
import { createByteSource } from "./byte_source.ts";
import { CaptureFileReader, captureMemoryBytes } from "./file_reader.ts";
import { readCaptureBytes, readCaptureFile, type ReadPacket } from "./read_packets.ts";
import {
  concatenate,
  pcapFile,
  PcapngBuilder,
  type PcapShape,
  samplePackets,
  udpFrame,
} from "./sample_captures.ts";

const packets = samplePackets(5);
const frame = udpFrame(61, 7);
const tsresol = (value: number) => [9, Uint8Array.of(value)] as const;
const ticks = 1_700_000_000n;

function summary({ timestampUs, nanosecond, data }: ReadPacket): string {
  return `${timestampUs}.${nanosecond} ${data.length} ${data.at(-1)}`;
}

async function failure(bytes: Uint8Array): Promise<string> {
  try {
    await readCaptureBytes(bytes);
  } catch (error) {
    assert(error instanceof CaptureFormatError, String(error));
    assert.equal(error.exitCode, 4);
    return error.message;
  }
  throw new Error("it was read");
}

const shapes: readonly (readonly [string, PcapShape])[] = [
  ["micro, little-endian", {}],
  ["micro, big-endian", { isLittleEndian: false }],
  ["nano, little-endian", { isNanosecond: true }],
  ["nano, big-endian", { isNanosecond: true, isLittleEndian: false }],
  ["Kuznetzov's, little-endian", { isModified: true }],
  ["Kuznetzov's, big-endian", { isModified: true, isLittleEndian: false }],
];

for (const [name, shape] of shapes) {
  Deno.test(`CaptureFileReader reads a pcap file: ${name}`, async () => {
    const result = await readCaptureBytes(pcapFile(packets, shape));
    assert.equal(result.info.format, "pcap");
    assert.deepEqual(result.info.linktypes, [1]);
    assert.deepEqual(result.info.warnings, []);
    assert.equal(result.info.packets, packets.length);
    for (const [index, packet] of result.packets.entries()) {
      assert.deepEqual(packet.data, packets[index].data);
      assert.equal(packet.timestampUs, packets[index].seconds * 1e6 + 123_456);
      assert.equal(packet.nanosecond, shape.isNanosecond ? 789 : 0);
    }
  });
}

Deno.test("CaptureFileReader takes the link type from below the FCS bits", async () => {
  const result = await readCaptureBytes(pcapFile(packets, { linktype: 0x24000001 }));
  assert.deepEqual(result.info.linktypes, [1]);
});

Deno.test("CaptureFileReader carries a fraction of a second and more into the seconds", async () => {
  const late = [{ seconds: 10, nanosecond: 99_999_999_000, data: frame }];
  assert.equal((await readCaptureBytes(pcapFile(late))).packets[0].timestampUs, 109_999_999);
});

Deno.test("CaptureFileReader warns of an unknown link type by number, and counts its packets", async () => {
  const { info } = await readCaptureBytes(pcapFile(packets, { linktype: 60_000 }));
  assert.equal(info.packets, 5);
  assert.match(info.warnings[0], /60000 is not decoded/);
});

Deno.test("CaptureFileReader warns of another version than 2.4", async () => {
  const { info } = await readCaptureBytes(pcapFile(packets, { version: [9, 9] }));
  assert.equal(info.packets, 5);
  assert.match(info.warnings[0], /version 9\.9/);
});

for (const isLittleEndian of [true, false]) {
  const order = isLittleEndian ? "little" : "big";
  Deno.test(`CaptureFileReader reads every packet block of a ${order}-endian pcapng file`, async () => {
    const file = new PcapngBuilder(isLittleEndian).section().interface(1)
      .block(5, [new Uint8Array(8)]).enhanced(0, ticks * 1_000_000n + 5n, frame, {
        wireLength: 1500,
      })
      .block(0x0bad, [new Uint8Array(20)]).obsolete(0, ticks * 1_000_000n + 6n, frame)
      .simple(frame).build();
    const { packets, info } = await readCaptureBytes(file);
    assert.equal(info.format, "pcapng");
    assert.deepEqual(packets.map(summary), [
      "1700000000000005.0 61 7",
      "1700000000000006.0 61 7",
      "1700000000000006.0 61 7",
    ]);
    assert.equal(packets[0].wireLength, 1500);
    assert.match(info.warnings[0], /no time/);
  });
}

Deno.test("CaptureFileReader gives each section its own byte order and interfaces", async () => {
  const first = new PcapngBuilder().section().interface(1, 0, [[
    2,
    new TextEncoder().encode("eth0"),
  ]])
    .enhanced(0, ticks * 1_000_000n, frame).build();
  const second = new PcapngBuilder(false).section().interface(101).interface(113)
    .enhanced(1, ticks * 1_000_000n, frame).enhanced(0, ticks * 1_000_000n, frame).build();
  const { packets, info } = await readCaptureBytes(concatenate([first, second]));
  assert.deepEqual(packets.map(({ linktype }) => linktype), [1, 113, 101]);
  assert.deepEqual(packets.map(({ interfaceId }) => interfaceId), [0, 2, 1]);
  assert.deepEqual(info.linktypes, [1, 101, 113]);
  assert.deepEqual(info.interfaceNames, ["eth0", "", ""]);
});

const clocks: readonly (readonly [string, number, bigint, string])[] = [
  ["10^-3", 3, ticks * 1000n + 7n, "1700000000007000.0"],
  ["10^-6", 6, ticks * 1_000_000n + 7n, "1700000000000007.0"],
  ["10^-7", 7, ticks * 10_000_000n + 7n, "1700000000000000.700"],
  ["10^-9", 9, ticks * 1_000_000_000n + 123_456_789n, "1700000000123456.789"],
  ["10^-12", 12, 1_000_000n * 1_000_000_000_000n + 123_456_789_999n, "1000000123456.789"],
  ["2^-10", 0x8a, (ticks << 10n) + 512n, "1700000000500000.0"],
  ["2^-20", 0x94, (ticks << 20n) + 5n, "1700000000000004.768"],
  ["10^-127", 0x7f, 12345n, "0.0"],
];

for (const [name, resolution, time, expected] of clocks) {
  Deno.test(`CaptureFileReader reads times of a resolution of ${name}`, async () => {
    const file = new PcapngBuilder().section().interface(1, 0, [tsresol(resolution)])
      .enhanced(0, time, frame).build();
    const [packet] = (await readCaptureBytes(file)).packets;
    assert.equal(`${packet.timestampUs}.${packet.nanosecond}`, expected);
  });
}

Deno.test("CaptureFileReader adds if_tsoffset, and keeps absurd times within what a double holds", async () => {
  const offset = (seconds: bigint) => {
    const value = new DataView(new ArrayBuffer(8));
    value.setBigInt64(0, seconds, true);
    return [14, new Uint8Array(value.buffer)] as const;
  };
  const file = new PcapngBuilder().section().interface(1, 0, [offset(3600n)])
    .interface(1, 0, [offset(-(2n ** 62n))]).interface(1, 0, [offset(2n ** 62n)])
    .enhanced(0, 5n, frame).enhanced(1, 5n, frame).enhanced(2, 5n, frame).build();
  const times = (await readCaptureBytes(file)).packets.map(({ timestampUs }) => timestampUs);
  assert.deepEqual(times, [3_600_000_005, 0, Number.MAX_SAFE_INTEGER]);
});

Deno.test("CaptureFileReader cuts a simple packet at the interface's snaplen", async () => {
  const file = new PcapngBuilder().section().interface(1, 32).simple(frame.subarray(0, 32), 1500)
    .build();
  const [packet] = (await readCaptureBytes(file)).packets;
  assert.deepEqual([packet.data.length, packet.wireLength], [32, 1500]);
});

Deno.test("CaptureFileReader reads gzip, also of several members", async () => {
  const file = pcapFile(samplePackets(2000));
  const half = 24 + 10_000;
  const members = [gzipSync(file.subarray(0, half)), gzipSync(file.subarray(half))];
  const { info } = await readCaptureBytes(concatenate(members));
  assert.deepEqual([info.packets, info.isGzip, info.warnings.length], [2000, true, 0]);
  assert.equal(info.bytesRead, members[0].length + members[1].length);
});

Deno.test("CaptureFileReader keeps what a cut-off gzip file gives", async () => {
  const packed = gzipSync(pcapFile(samplePackets(20_000)));
  const { info } = await readCaptureBytes(packed.subarray(0, packed.length - 100));
  assert(info.isTruncated);
  assert(info.packets > 19_000, `${info.packets} packets`);
  assert.match(info.warnings[0], /gzip data is cut off at byte/);
});

Deno.test("CaptureFileReader keeps what comes before damage in a gzip file", async () => {
  const packed = gzipSync(pcapFile(samplePackets(60_000)));
  packed.fill(0xff, packed.length / 2, packed.length / 2 + 50);
  const { info } = await readCaptureBytes(packed);
  assert(info.isDamaged);
  assert(info.packets > 20_000, `${info.packets} packets`);
  assert.match(info.warnings[0], /damaged at packed byte \d+: the gzip data is damaged/);
});

Deno.test("CaptureFileReader gives the same packets whatever the sizes of chunk, read and batch", async () => {
  const files = [
    pcapFile(samplePackets(300), { isNanosecond: true }),
    samplePackets(300).reduce(
      (builder, { data }, index) => builder.enhanced(index % 2, BigInt(index), data),
      new PcapngBuilder().section().interface(1).interface(1, 0, [tsresol(9)]),
    ).build(),
  ];
  const sizes = fc.record({
    file: fc.constantFrom(...files),
    chunkBytes: fc.integer({ min: 1, max: 5000 }),
    readBytes: fc.integer({ min: 1, max: 5000 }),
    batchPackets: fc.integer({ min: 1, max: 400 }),
  });
  const expected = new Map<Uint8Array, ReadPacket[]>();
  for (const file of files) expected.set(file, (await readCaptureBytes(file)).packets);
  await fc.assert(
    fc.asyncProperty(sizes, async ({ file, ...options }) => {
      const result = await readCaptureBytes(file, options);
      assert.deepEqual(result.packets, expected.get(file));
      assert.deepEqual([result.info.recordsEnd, result.info.isTruncated], [file.length, false]);
    }),
    { numRuns: 60 },
  );
});

Deno.test("CaptureFileReader reads the same from a file when the thread waits for it", async () => {
  const path = await Deno.makeTempFile();
  const bytes = pcapFile(samplePackets(300));
  for (const content of [bytes, gzipSync(bytes), bytes.subarray(0, -1)]) {
    await Deno.writeFile(path, content);
    const expected = await readCaptureFile(path, { chunkBytes: 5000 });
    assert.equal(expected.packets.length >= 299, true);
    const read = await readCaptureFile(path, { chunkBytes: 5000, isBlocking: true });
    assert.deepEqual(read, expected);
  }
  await Deno.remove(path);
});

Deno.test("CaptureFileReader reads records that are larger than its chunks", async () => {
  const data = new Uint8Array(5_000_000).map((_, index) => index);
  const large = [{ seconds: 1, nanosecond: 0, data }, { seconds: 2, nanosecond: 0, data: frame }];
  const file = pcapFile([...large, ...large], { linktype: 231 });
  const { packets } = await readCaptureBytes(file, { chunkBytes: 300_000 });
  assert.deepEqual(packets.map((packet) => packet.data.length), [5_000_000, 61, 5_000_000, 61]);
  assert.deepEqual(packets[2].data, data);
});

Deno.test("CaptureFileReader reads every shorter prefix as far as it goes", async () => {
  const pcap = pcapFile(packets);
  const pcapng = new PcapngBuilder().section().interface(1).enhanced(0, 5n, frame).enhanced(
    0,
    6n,
    frame,
  )
    .build();
  for (const file of [pcap, pcapng]) {
    const whole = (await readCaptureBytes(file)).packets;
    for (let length = 28; length < file.length; length++) {
      const { packets, info } = await readCaptureBytes(file.subarray(0, length));
      assert.deepEqual(packets, whole.slice(0, packets.length));
      assert(packets.length < whole.length);
      assert.equal(info.isTruncated, info.recordsEnd < length);
      assert.equal(info.warnings.length, info.isTruncated ? 1 : 0);
    }
    for (let length = 0; length < 24; length++) await failure(file.subarray(0, length));
  }
});

Deno.test("CaptureFileReader survives any bytes after a good start", async () => {
  const starts = [
    pcapFile(packets).subarray(0, 24),
    pcapFile(packets),
    new PcapngBuilder().section().interface(1).enhanced(0, 5n, frame).build(),
    Uint8Array.of(0x1f, 0x8b, 8, 0),
    new Uint8Array(0),
  ];
  const bytes = fc.uint8Array({ maxLength: 400 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...starts), bytes, async (start, rest) => {
      try {
        await readCaptureBytes(concatenate([start, rest]));
      } catch (error) {
        assert(error instanceof CaptureFormatError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("CaptureFileReader survives any overwritten bytes", async () => {
  const files = [
    pcapFile(packets),
    new PcapngBuilder().section().interface(1, 64, [tsresol(9)]).enhanced(0, 5n, frame)
      .simple(frame).obsolete(0, 1n, frame).build(),
  ];
  const overwrites = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), overwrites, async (file, changes) => {
      const damaged = file.slice();
      for (const [position, value] of changes) damaged[position % file.length] = value;
      try {
        const { packets } = await readCaptureBytes(damaged);
        assert(packets.length <= file.length / 16);
      } catch (error) {
        assert(error instanceof CaptureFormatError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("CaptureFileReader stops at damage in the middle and says where", async () => {
  const file = pcapFile(packets);
  const second = 24 + 16 + packets[0].data.length;
  file.fill(0xff, second + 8, second + 12);
  const { packets: read, info } = await readCaptureBytes(file);
  assert.equal(read.length, 1);
  assert(info.isDamaged && !info.isTruncated);
  assert.match(info.warnings[0], new RegExp(`damaged at byte ${second}: .*4294967295`));
});

Deno.test("CaptureFileReader throws for damage before the first packet", async () => {
  const file = pcapFile(packets);
  file.fill(0xff, 32, 36);
  assert.match(
    await failure(file),
    /damaged at byte 24: a record claims 4294967295 captured bytes/,
  );
});

const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["nothing", new Uint8Array(0), /is empty \(0 bytes\)/],
  [
    "text",
    new TextEncoder().encode("number,time\n"),
    /not a pcap or pcapng file; it looks like text/,
  ],
  ["a snoop capture", new TextEncoder().encode("snoop\0\0\0....."), /Solaris snoop capture/],
  [
    "unknown bytes",
    Uint8Array.of(1, 2, 3, 4, 5),
    /starts with the bytes 01 02 03 04 \(at byte 0\)/,
  ],
  ["a cut-off pcap header", pcapFile([]).subarray(0, 23), /header is cut off at byte 23/],
  ["gzip of nothing", gzipSync(new Uint8Array(0)), /holds no data/],
  ["a packet before any interface", ngOf((b) => b.enhanced(0, 1n, frame)), /names interface 0/],
  ["a packet of no interface", ngOf((b) => b.interface(1).enhanced(7, 1n, frame)), /interface 7/],
];

for (const [name, bytes, expected] of refused) {
  Deno.test(`CaptureFileReader refuses ${name}`, async () => {
    assert.match(await failure(bytes), expected);
  });
}

function ngOf(build: (builder: PcapngBuilder) => PcapngBuilder): Uint8Array {
  return build(new PcapngBuilder().section()).build();
}

Deno.test("CaptureFileReader refuses a missing file and a folder, and says what to do", async () => {
  const folder = await Deno.makeTempDir();
  for (
    const [path, expected] of [[`${folder}/none.pcap`, /no such file/], [
      folder,
      /is a folder/,
    ]] as const
  ) {
    await assert.rejects(CaptureFileReader.open(path), (error) => {
      assert(error instanceof CaptureFormatError);
      assert.equal(error.exitCode, 4);
      assert.match(error.message, expected);
      return true;
    });
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("CaptureFileReader reads standard input", async () => {
  const script = `
    import { createPacketBatch } from "../records.ts";
import { createByteSource } from "./byte_source.ts";
import { CaptureFileReader, captureMemoryBytes } from "./file_reader.ts";
    const reader = await CaptureFileReader.open("-");
    while (await reader.nextBatch() !== null);
    console.log(JSON.stringify(reader.info));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    cwd: new URL(".", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(pcapFile(samplePackets(3)));
  await writer.close();
  const info = JSON.parse(new TextDecoder().decode((await child.output()).stdout));
  assert.deepEqual([info.packets, info.name, info.sizeBytes], [3, "standard input", null]);
});

Deno.test("CaptureFileReader reads into memory it is given, but not while an earlier reader may", async () => {
  const file = pcapFile(packets, {});
  const memory = {
    batch: createPacketBatch(16),
    bytes: new Uint8Array(captureMemoryBytes),
    readsUnderWay: 0,
    takePcap: () => 0,
  };
  const slowRead = Promise.withResolvers<number | null>();
  const open = async (rest: Promise<number | null>) => {
    let isRead = false;
    const read = (into: Uint8Array) => {
      if (isRead) return rest;
      isRead = true;
      into.set(file);
      return Promise.resolve(file.length);
    };
    const source = await createByteSource({ read, close() {} }, "sample", null);
    return await CaptureFileReader.openSource(source, { memory });
  };
  const usesMemory = async (reader: CaptureFileReader) => {
    const batch = await reader.nextBatch();
    assert.equal(batch?.count, packets.length);
    reader.close();
    return batch?.bytes.buffer === memory.bytes.buffer;
  };
  assert.equal(await usesMemory(await open(slowRead.promise)), true);
  assert.equal(await usesMemory(await open(Promise.resolve(null))), false);
  slowRead.resolve(null);
  await slowRead.promise;
  assert.equal(await usesMemory(await open(Promise.resolve(null))), true);
});
