/**
 * Every capture of the corpus: as many packets as the manifest says, and times and lengths as tshark's. Malformed
 * files are held to that where the manifest calls them VALID; of the others see tests/malformed_test.ts.
 */
import assert from "node:assert/strict";
import {
  type CorpusFile,
  corpusPath,
  doesCorpusExist,
  readCorpusText,
  readManifest,
} from "./corpus.ts";
import { readCaptureFile } from "./read_packets.ts";

/** snoop is neither pcap nor pcapng. */
const isExpected = ({ file, contains }: CorpusFile) =>
  !file.endsWith(".snoop") && (!file.startsWith("malformed/") || contains.startsWith("VALID"));

for (const folder of ["decode", "benign", "attack", "malformed"]) {
  const suffix = doesCorpusExist ? "" : " (SKIPPED: the corpus is not there)";
  Deno.test({
    name: `CaptureFileReader agrees with the manifest and tshark on ${folder}/${suffix}`,
    ignore: !doesCorpusExist,
    fn: async () => {
      const files = (await readManifest()).filter(({ file }) => file.startsWith(`${folder}/`));
      for (const file of files.filter(isExpected)) await compare(file);
    },
  });
}

async function compare(file: CorpusFile): Promise<void> {
  const { packets } = await readCaptureFile(corpusPath(file));
  assert.equal(packets.length, file.packets, file.file);
  const rows = (await readCorpusText(`${file.file}.tshark.tsv`)).trim().split("\n").slice(1)
    .map((line) => line.split("\t")).filter((columns) => columns[13] !== "PCAPNG");
  for (const [index, [number, time, wireLength, capturedLength]] of rows.entries()) {
    const packet = packets[index];
    const read = [packet.wireLength, packet.data.length].join();
    assert.equal(read, `${wireLength},${capturedLength}`, `${file.file}, packet ${number}`);
    // Simple packet blocks have no time; tshark leaves it empty, and we take that of the packet before.
    if (time !== "") assert.equal(epoch(packet.timestampUs, packet.nanosecond), time, file.file);
  }
}

function epoch(timestampUs: number, nanosecond: number): string {
  const microsecond = String(timestampUs % 1e6).padStart(6, "0");
  return `${Math.floor(timestampUs / 1e6)}.${microsecond}${String(nanosecond).padStart(3, "0")}`;
}
