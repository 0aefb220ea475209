import assert from "node:assert/strict";
import type { RecorderOptions } from "../messages.ts";
import { readCaptureFile } from "./read_packets.ts";
import { RingWriter } from "./ring_writer.ts";
import { pcapFile, sampleBatch, samplePackets, udpFrame } from "./sample_captures.ts";
import { testOnSmallDisk } from "../../tests/small_disk.ts";

interface Ring {
  readonly folder: string;
  readonly options: RecorderOptions;
  readonly notes: string[];
  /** Wall clock. */
  nowMs: number;
  open(): RingWriter;
  names(): string[];
}

/** Runs `use` with a ring in a folder of its own. */
async function withRing(
  limits: Partial<RecorderOptions>,
  use: (ring: Ring) => Promise<void> | void,
): Promise<void> {
  const parent = await Deno.makeTempDir();
  const folder = limits.folder ?? `${parent}/results`;
  const options = { folder, fileBytesMax: 1e6, fileCountMax: 3, snaplen: 65_535, ...limits };
  const ring: Ring = {
    folder,
    options,
    notes: [],
    nowMs: 0,
    open() {
      const note = (_: string, text: string) => this.notes.push(text);
      const writer = new RingWriter(this.options, { note, now: () => this.nowMs });
      writer.start();
      return writer;
    },
    names: () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort(),
  };
  try {
    await use(ring);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

/** Packets that tcpdump reads; it fails the test when tcpdump finds fault with the file. */
async function tcpdumpCount(path: string): Promise<number> {
  const command = new Deno.Command("tcpdump", { args: ["-nn", "-r", path] });
  const { code, stdout, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").length - 1;
}

/**
 * Packets that tcpdump reads from the file in progress. It is asked again where it catches a write() half way, as the
 * comment of ring_writer.ts says, or the moment between two files of the ring; any other fault fails the test.
 */
async function tcpdumpCountInProgress(path: string): Promise<number> {
  for (let triesLeft = 50;; triesLeft--) {
    try {
      const count = await tcpdumpCount(path);
      if (count > 0 || triesLeft === 0) return count;
    } catch (error) {
      const isPassing = /truncated dump file|No such file/.test(String(error));
      if (!isPassing || triesLeft === 0) throw error;
    }
  }
}

const hasTcpdump = await new Deno.Command("tcpdump", { args: ["--version"], stderr: "null" })
  .output()
  .then(() => true, () => false);
const tcpdumpNote = hasTcpdump ? "" : " (SKIPPED: no tcpdump)";
const packets = samplePackets(100);
const recordBytes = sampleBatch(packets).byteLength;

Deno.test("RingWriter makes the folder, and what it was given is in the file at once", async () => {
  await withRing({}, async (ring) => {
    const writer = ring.open();
    assert.deepEqual(ring.names(), []);
    writer.write(sampleBatch(packets));
    const { packets: read, info } = await readCaptureFile(`${ring.folder}/captured_traffic.pcap`);
    assert.deepEqual(read.map(({ data }) => data), packets.map(({ data }) => data));
    assert.equal(read[0].timestampUs, 1_700_000_000_123_456);
    assert.equal(read[0].nanosecond, 789);
    assert.deepEqual(info.warnings, []);
    assert.deepEqual(writer.state, {
      state: "ok",
      detail: "",
      path: `${ring.folder}/captured_traffic.pcap`,
      bytesWritten: recordBytes,
      packetsWritten: 100,
      packetsLost: 0,
      files: 1,
      sizeBytes: recordBytes + 24,
      bytesMax: 3e6,
      filesMax: 3,
      oldestUs: 1_700_000_000_000_000,
    });
    writer.close();
    assert.equal(writer.state.files, 1);
    assert.equal(writer.state.sizeBytes, recordBytes + 24);
  });
});

Deno.test("RingWriter names older files by their first packet and keeps as many as it may", async () => {
  await withRing({ fileBytesMax: 24 + recordBytes }, async (ring) => {
    const writer = ring.open();
    for (let file = 0; file < 6; file++) {
      writer.write(sampleBatch(samplePackets(100, 1_700_000_000 + 3600 * file)));
    }
    assert.deepEqual(ring.names(), [
      "captured_traffic-20231115T011320Z.pcap",
      "captured_traffic-20231115T021320Z.pcap",
      "captured_traffic.pcap",
    ]);
    assert.equal(writer.state.files, 3);
    assert.equal(writer.state.sizeBytes, 3 * (24 + recordBytes));
    writer.close();
    for (const name of ring.names()) {
      assert.equal((await readCaptureFile(`${ring.folder}/${name}`)).packets.length, 100);
    }
  });
});

Deno.test("RingWriter numbers files that start in the same second", async () => {
  await withRing({ fileBytesMax: 24 + recordBytes, fileCountMax: 9 }, (ring) => {
    const writer = ring.open();
    for (let file = 0; file < 4; file++) writer.write(sampleBatch(packets));
    writer.close();
    assert.deepEqual(ring.names(), [
      "captured_traffic-20231114T221320Z-2.pcap",
      "captured_traffic-20231114T221320Z-3.pcap",
      "captured_traffic-20231114T221320Z.pcap",
      "captured_traffic.pcap",
    ]);
  });
});

Deno.test("RingWriter divides a batch among files at whole records", async () => {
  await withRing({ fileBytesMax: 1000, fileCountMax: 100 }, async (ring) => {
    const writer = ring.open();
    writer.write(sampleBatch(packets));
    writer.close();
    const sizes = ring.names().map((name) => Deno.statSync(`${ring.folder}/${name}`).size);
    assert(Math.max(...sizes) <= 1000 && sizes.length > 9, sizes.join());
    let count = 0;
    for (const name of ring.names()) {
      const { packets, info } = await readCaptureFile(`${ring.folder}/${name}`);
      assert.deepEqual(info.warnings, []);
      count += packets.length;
    }
    assert.equal(count, 100);
  });
});

Deno.test("RingWriter gives a packet that is larger than a file a file of its own", async () => {
  await withRing({ fileBytesMax: 100, fileCountMax: 9 }, async (ring) => {
    const writer = ring.open();
    const large = [{ seconds: 1, nanosecond: 0, data: udpFrame(5000) }];
    writer.write(sampleBatch([...large, ...large]));
    writer.close();
    assert.equal(ring.names().length, 2);
    assert.equal((await readCaptureFile(`${ring.folder}/captured_traffic.pcap`)).packets.length, 1);
  });
});

for (const isNanosecond of [true, false]) {
  const kind = isNanosecond ? "nanosecond" : "microsecond";
  Deno.test(`RingWriter keeps a ${kind} file such and converts batches of the other kind`, async () => {
    await withRing({}, async (ring) => {
      const writer = ring.open();
      writer.write(sampleBatch(packets, { isNanosecond }));
      writer.write(sampleBatch(packets, { isNanosecond: !isNanosecond }));
      writer.close();
      const { packets: read } = await readCaptureFile(`${ring.folder}/captured_traffic.pcap`);
      const times = read.map(({ timestampUs }) => timestampUs);
      assert.deepEqual(times.slice(0, 100), times.slice(100));
      const nanoseconds = isNanosecond ? [789, 0] : [0, 0];
      assert.deepEqual([read[0].nanosecond, read[100].nanosecond], nanoseconds);
    });
  });
}

Deno.test("RingWriter puts packets of other link types into an Ethernet file", async () => {
  await withRing({}, async (ring) => {
    const writer = ring.open();
    const raw = packets.map((packet) => ({ ...packet, data: packet.data.subarray(14) }));
    writer.write(sampleBatch(packets));
    writer.write(sampleBatch(raw, { linktype: 101 }));
    writer.write(sampleBatch(raw, { linktype: 127 }));
    writer.close();
    const { packets: read } = await readCaptureFile(`${ring.folder}/captured_traffic.pcap`);
    assert.deepEqual(
      read.map(({ data }) => data.length),
      [...packets, ...packets].map((p) => p.data.length),
    );
    assert.deepEqual(read[100].data.subarray(12), packets[0].data.subarray(12));
    assert.equal(writer.state.packetsLost, 100);
    assert.match(ring.notes[0], /127 .* have no Ethernet form/);
  });
});

Deno.test("RingWriter starts an Ethernet file when the first link type was another one", async () => {
  await withRing({}, async (ring) => {
    const writer = ring.open();
    const raw = packets.map((packet) => ({ ...packet, data: packet.data.subarray(14) }));
    writer.write(sampleBatch(raw, { linktype: 101 }));
    writer.write(sampleBatch(packets));
    writer.write(sampleBatch(raw, { linktype: 101 }));
    writer.close();
    const [older, current] = ring.names();
    const first = await readCaptureFile(`${ring.folder}/${older}`);
    const second = await readCaptureFile(`${ring.folder}/${current}`);
    assert.deepEqual([first.info.linktypes, first.info.packets], [[101], 100]);
    assert.deepEqual([second.info.linktypes, second.info.packets], [[1], 200]);
    assert.equal(writer.state.packetsLost, 0);
  });
});

Deno.test("RingWriter never overwrites what an earlier run left", async () => {
  await withRing({}, async (ring) => {
    for (let run = 0; run < 2; run++) {
      const writer = ring.open();
      writer.write(sampleBatch(samplePackets(100, 1_700_000_000 + run)));
      writer.close();
    }
    assert.deepEqual(ring.names(), [
      "captured_traffic-20231114T221320Z.pcap",
      "captured_traffic.pcap",
    ]);
    const older = await readCaptureFile(`${ring.folder}/${ring.names()[0]}`);
    assert.equal(older.packets.length, 100);
    assert.deepEqual(ring.notes, []);
  });
});

Deno.test("RingWriter cuts an unfinished record off a leftover, wherever it ends", async () => {
  const file = pcapFile(samplePackets(2));
  const first = 24 + 16 + 60;
  for (let length = first; length < file.length; length += 7) {
    await withRing({}, async (ring) => {
      await Deno.mkdir(ring.folder);
      await Deno.writeFile(`${ring.folder}/captured_traffic.pcap`, file.subarray(0, length));
      ring.open().close();
      assert.deepEqual(ring.names(), ["captured_traffic-20231114T221320Z.pcap"]);
      const { size } = await Deno.stat(`${ring.folder}/${ring.names()[0]}`);
      assert.equal(size, first);
      assert.equal(ring.notes.length, length === first ? 0 : 1);
    });
  }
});

Deno.test("RingWriter removes a leftover without packets and sets a damaged one aside", async () => {
  const damaged = pcapFile(packets);
  damaged.fill(0xff, 24 + 16 + 60 + 8, 24 + 16 + 60 + 12);
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /^$/],
    [pcapFile([]), /^$/],
    [pcapFile(packets).subarray(0, 30), /^$/],
    [new TextEncoder().encode("some other file of the user"), /^captured_traffic-.*Z\.damaged$/],
    [damaged, /^captured_traffic-20231114T221320Z\.pcap$/],
  ];
  for (const [bytes, expected] of cases) {
    await withRing({}, async (ring) => {
      await Deno.mkdir(ring.folder);
      await Deno.writeFile(`${ring.folder}/captured_traffic.pcap`, bytes);
      ring.open().close();
      const [name = ""] = ring.names();
      assert.match(name, expected);
      if (name !== "") {
        assert.deepEqual(await Deno.readFile(`${ring.folder}/${name}`), bytes.slice());
      }
    });
  }
});

Deno.test("RingWriter fails with a sentence, tries again later, and counts what was lost", async () => {
  await withRing({}, async (ring) => {
    await Deno.writeTextFile(ring.folder, "a file where the folder should be");
    const writer = ring.open();
    assert.equal(writer.state.state, "failed");
    assert.match(writer.state.detail, /^Cannot write .*captured_traffic\.pcap: /);
    writer.write(sampleBatch(packets));
    ring.nowMs = 1000;
    writer.write(sampleBatch(packets));
    assert.deepEqual([writer.state.packetsLost, writer.state.packetsWritten], [200, 0]);
    await Deno.remove(ring.folder);
    ring.nowMs = 2999;
    writer.write(sampleBatch(packets));
    assert.equal(writer.state.packetsLost, 300);
    ring.nowMs = 3000;
    writer.write(sampleBatch(packets));
    assert.deepEqual([writer.state.packetsLost, writer.state.packetsWritten], [300, 100]);
    assert.equal(writer.state.state, "ok");
    assert.equal(ring.notes.length, 2);
    assert.match(ring.notes[1], /written again/);
    writer.close();
  });
});

Deno.test("RingWriter starts anew when the folder or the file was removed", async () => {
  await withRing({}, async (ring) => {
    const writer = ring.open();
    writer.write(sampleBatch(packets));
    await Deno.remove(ring.folder, { recursive: true });
    ring.nowMs = 1000;
    writer.write(sampleBatch(packets));
    writer.close();
    const { packets: read } = await readCaptureFile(`${ring.folder}/captured_traffic.pcap`);
    assert.equal(read.length, 100);
    assert.match(ring.notes[0], /was moved or removed/);
  });
});

Deno.test("RingWriter writes nothing when it may keep no file", async () => {
  await withRing({ fileCountMax: 0 }, async (ring) => {
    const writer = ring.open();
    writer.write(sampleBatch(packets));
    assert.deepEqual([writer.state.state, writer.state.packetsLost], ["off", 0]);
    await assert.rejects(Deno.stat(ring.folder));
  });
});

testOnSmallDisk(
  "RingWriter leaves whole records on a full disk",
  128 << 10,
  (disk) =>
    withRing({ folder: `${disk}/results` }, async (ring) => {
      const writer = ring.open();
      for (let i = 0; i < 40; i++) writer.write(sampleBatch(packets));
      assert.equal(writer.state.state, "failed");
      assert.match(writer.state.detail, /the disk is full; free some space/);
      assert.equal(writer.state.packetsLost + writer.state.packetsWritten, 4000);
      const path = `${ring.folder}/captured_traffic.pcap`;
      const { packets: read, info } = await readCaptureFile(path);
      assert.equal(read.length, writer.state.packetsWritten);
      assert.deepEqual(info.warnings, []);
      await Deno.remove(path);
      ring.nowMs = 60_000;
      writer.write(sampleBatch(packets));
      assert.equal(writer.state.state, "ok");
      writer.close();
    }),
);

Deno.test({
  name: `tcpdump reads the ring while it is written and after kill -9${tcpdumpNote}`,
  ignore: !hasTcpdump,
  fn: () =>
    withRing({ fileBytesMax: 4e6, fileCountMax: 4 }, async (ring) => {
      const writing = `
        import { RingWriter } from "./ring_writer.ts";
        import { sampleBatch, samplePackets } from "./sample_captures.ts";
        const options = ${JSON.stringify(ring.options)};
        const writer = new RingWriter(options, { note: console.error, now: () => performance.now() });
        writer.start();
        for (let round = 0; ; round++) {
          writer.write(sampleBatch(samplePackets(2000, 1_700_000_000 + round)));
          if (round % 20 === 19) console.log(writer.state.packetsWritten);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      `;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", writing],
        cwd: new URL(".", import.meta.url),
        stdout: "piped",
      }).spawn();
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      for (let reading = 0; reading < 5; reading++) {
        await lines.read();
        assert(await tcpdumpCountInProgress(`${ring.folder}/captured_traffic.pcap`) > 0);
      }
      child.kill("SIGKILL");
      await child.status;
      await lines.cancel();
      ring.open().close();
      // The kill may have come between the first packets of a file, so only all of them together are sure to be many.
      let packetCount = 0;
      for (const name of ring.names()) {
        if (name.endsWith(".pcap")) packetCount += await tcpdumpCount(`${ring.folder}/${name}`);
      }
      assert(packetCount >= 2000);
    }),
});

Deno.test("a ring that is held turns on in the bytes it has, and grows again afterwards", async () => {
  const limits = { fileBytesMax: 24 + recordBytes, fileCountMax: 9 };
  await withRing(limits, (ring) => {
    const writer = ring.open();
    const hours = (from: number, to: number) => {
      for (let hour = from; hour < to; hour++) {
        writer.write(sampleBatch(samplePackets(100, 1_700_000_000 + 3600 * hour)));
      }
    };
    hours(0, 4);
    const { sizeBytes } = writer.state;
    assert.equal(writer.state.oldestUs, 1_700_000_000_000_000);
    writer.hold(true);
    hours(4, 10);
    assert.ok(writer.state.sizeBytes <= sizeBytes, `${writer.state.sizeBytes}`);
    assert.equal(writer.state.packetsLost, 0);
    assert.equal(writer.state.oldestUs, (1_700_000_000 + 3600 * 6) * 1e6);
    writer.hold(false);
    hours(10, 15);
    assert.equal(writer.state.files, 9);
    writer.close();
  });
});

Deno.test("a held ring without an older file writes nothing and counts it", async () => {
  await withRing({}, (ring) => {
    const writer = ring.open();
    writer.write(sampleBatch(packets));
    writer.hold(true);
    writer.write(sampleBatch(packets));
    assert.equal(writer.state.packetsLost, 100);
    assert.equal(writer.state.state, "ok");
    writer.hold(false);
    writer.write(sampleBatch(packets));
    assert.deepEqual([writer.state.packetsWritten, writer.state.packetsLost], [200, 100]);
    writer.close();
  });
});
