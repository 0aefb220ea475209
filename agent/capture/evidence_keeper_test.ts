import assert from "node:assert/strict";
import type { KeptFinding } from "../messages.ts";
import { createPacketSorter } from "../pipeline/packet_filter.ts";
import { EvidenceKeeper } from "./evidence_keeper.ts";
import { evidenceName, listEvidence } from "./evidence_files.ts";
import { exportPcap } from "./pcap_export.ts";
import { readCaptureBytes, readCaptureFile } from "./read_packets.ts";
import { RingWriter } from "./ring_writer.ts";
import { sampleBatch, type SamplePacket, udpFrame } from "./sample_captures.ts";

const startSeconds = 1_700_000_000;
const recordBytes = 16 + 100;

/** One a second; every second one is of 10.0.0.9 instead of 10.0.0.1. */
function traffic(from: number, count: number): SamplePacket[] {
  return Array.from({ length: count }, (_, index) => {
    const data = udpFrame(100, (from + index) & 255);
    data[29] = (from + index) % 2 === 0 ? 9 : 1;
    return { seconds: startSeconds + from + index, nanosecond: 5000, data };
  });
}

const finding: KeptFinding = {
  id: 7,
  severity: "high",
  hosts: ["10.0.0.9"],
  peers: ["10.0.0.2"],
  fromUs: startSeconds * 1e6,
  lastUs: null,
};

interface Lab {
  readonly folder: string;
  readonly ring: RingWriter;
  write(from: number, count: number): void;
  keeper(bytes?: { bytesMax?: number; findingBytesMax?: number }): EvidenceKeeper;
  /** Seconds of the packets of 10.0.0.9 that an export gives. */
  exported(): Promise<number[]>;
}

/** A ring of three files of ten packets each. */
async function withLab(use: (lab: Lab) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const ring = new RingWriter(
    { folder, fileBytesMax: 24 + 10 * recordBytes, fileCountMax: 3, snaplen: 65_535 },
    { note: () => {}, now: () => 0 },
  );
  ring.start();
  try {
    await use({
      folder,
      ring,
      write: (from, count) => {
        for (const packet of traffic(from, count)) ring.write(sampleBatch([packet]));
      },
      keeper: ({ bytesMax = 1e6, findingBytesMax = 1e6 } = {}) => {
        const keeper = new EvidenceKeeper(
          { folder, bytesMax, findingBytesMax, vxlanPorts: [] },
          {
            note: () => {},
            makeSorter: (findings) =>
              createPacketSorter(findings.map(({ hosts, peers }) => ({ hosts, peers }))),
          },
        );
        keeper.start();
        return keeper;
      },
      exported: async () => {
        const matches = (bytes: Uint8Array, offset: number) => bytes[offset + 29] === 9;
        const file = await new Response(exportPcap({ folder, matches })).bytes();
        const { packets } = await readCaptureBytes(file);
        return packets.map(({ timestampUs }) => Math.floor(timestampUs / 1e6) - startSeconds);
      },
    });
  } finally {
    ring.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function evens(from: number, until: number): number[] {
  return Array.from({ length: until - from }, (_, index) => from + index)
    .filter((second) => second % 2 === 0);
}

Deno.test("EvidenceKeeper keeps a finding's packets, each once and in order, while the ring goes round", async () => {
  await withLab(async (lab) => {
    const keeper = lab.keeper();
    keeper.take(finding);
    for (let from = 0; from < 200; from += 20) {
      lab.write(from, 20);
      await keeper.pass();
    }
    keeper.take({ ...finding, lastUs: (startSeconds + 199) * 1e6 });
    await keeper.pass(true);
    lab.write(200, 60);
    // The ring has 30 of later ones.
    assert.deepEqual(await lab.exported(), [...evens(0, 200), ...evens(230, 260)]);
    assert.equal(keeper.state.packetsWritten, 100);
    assert.equal(keeper.state.following, 0);
    assert.equal(listEvidence(lab.folder).length, 1);
  });
});

Deno.test("EvidenceKeeper goes on after a restart in the middle, whatever was being written", async () => {
  await withLab(async (lab) => {
    let keeper = lab.keeper();
    for (let from = 0; from < 100; from += 10) {
      keeper.take(finding);
      lab.write(from, 10);
      await keeper.pass();
      // As kill -9 leaves it: a part of a file, and one that another was grown from.
      const [file] = listEvidence(lab.folder);
      if (file !== undefined) {
        const bytes = await Deno.readFile(file.path);
        await Deno.writeFile(`${file.path}.part`, bytes.subarray(0, 90));
        const older = evidenceName({ ...file, untilUs: file.untilUs - 1 });
        await Deno.writeFile(
          `${lab.folder}/evidence/${older}`,
          bytes.subarray(0, 24 + recordBytes),
        );
      }
      keeper = lab.keeper();
      for (const { path } of listEvidence(lab.folder)) await readCaptureFile(path);
    }
    await keeper.pass(true);
    keeper.take(finding);
    await keeper.pass(true);
    assert.deepEqual(await lab.exported(), evens(0, 100));
    const names = [...Deno.readDirSync(`${lab.folder}/evidence`)].map(({ name }) => name);
    assert.equal(names.length, 1, names.join());
  });
});

Deno.test("EvidenceKeeper keeps to the bytes of a finding and of all, the gravest longest", async () => {
  await withLab(async (lab) => {
    const share = 24 + 5 * recordBytes;
    const keeper = lab.keeper({ bytesMax: 2 * share, findingBytesMax: share });
    lab.write(0, 30);
    keeper.take({ ...finding, id: 1, severity: "low", lastUs: (startSeconds + 29) * 1e6 });
    await keeper.pass(true);
    assert.deepEqual(keeper.state.packetsLeftOut, 10);
    keeper.take({ ...finding, id: 2, lastUs: (startSeconds + 29) * 1e6 });
    await keeper.pass(true);
    assert.deepEqual(idsOf(lab), [1, 2]);
    keeper.take({ ...finding, id: 3, severity: "medium", lastUs: (startSeconds + 29) * 1e6 });
    await keeper.pass(true);
    assert.deepEqual(idsOf(lab), [2, 3]);
    // Nothing that is kept is as slight as this one.
    keeper.take({ ...finding, id: 4, severity: "info", lastUs: (startSeconds + 29) * 1e6 });
    await keeper.pass(true);
    assert.deepEqual(idsOf(lab), [2, 3]);
    assert.equal(keeper.state.filesRemoved, 1);
    assert(keeper.state.sizeBytes <= 2 * share);
  });
});

Deno.test("EvidenceKeeper gives files the severity that a finding has come to", async () => {
  await withLab(async (lab) => {
    const keeper = lab.keeper();
    lab.write(0, 10);
    keeper.take({ ...finding, severity: "low" });
    await keeper.pass(true);
    keeper.take({ ...finding, severity: "critical" });
    assert.deepEqual(listEvidence(lab.folder).map(({ severity }) => severity), ["critical"]);
    await keeper.pass(true);
    assert.deepEqual(await lab.exported(), evens(0, 10));
  });
});

Deno.test("EvidenceKeeper writes nothing while the disk is nearly full, and goes on from where it was", async () => {
  await withLab(async (lab) => {
    const keeper = lab.keeper();
    lab.write(0, 10);
    keeper.take(finding);
    keeper.hold(true);
    await keeper.pass();
    assert(!keeper.isBusy);
    assert.equal(keeper.state.files, 0);
    keeper.hold(false);
    await keeper.pass(true);
    assert.equal(keeper.state.packetsWritten, 5);
  });
});

Deno.test("EvidenceKeeper says why it cannot write, and tries again", async () => {
  await withLab(async (lab) => {
    await Deno.writeTextFile(`${lab.folder}/evidence`, "in the way");
    const keeper = lab.keeper();
    lab.write(0, 10);
    keeper.take(finding);
    await keeper.pass(true);
    assert.equal(keeper.state.state, "failed");
    assert.match(keeper.state.detail, /^Cannot keep packets of findings in /);
    await Deno.remove(`${lab.folder}/evidence`);
    await keeper.pass(true);
    assert.deepEqual([keeper.state.state, keeper.state.packetsWritten], ["ok", 5]);
  });
});

Deno.test("exportPcap() gives packets that several findings have kept once", async () => {
  await withLab(async (lab) => {
    const keeper = lab.keeper();
    lab.write(0, 30);
    keeper.take({ ...finding, id: 1, lastUs: (startSeconds + 20) * 1e6 });
    keeper.take({
      ...finding,
      id: 2,
      fromUs: (startSeconds + 10) * 1e6,
      lastUs: (startSeconds + 29) * 1e6,
    });
    await keeper.pass(true);
    lab.write(30, 60);
    assert.deepEqual(idsOf(lab), [1, 2]);
    assert.deepEqual(await lab.exported(), [...evens(0, 30), ...evens(60, 90)]);
  });
});

function idsOf({ folder }: Lab): number[] {
  return [...new Set(listEvidence(folder).map(({ findingId }) => findingId))].sort();
}
