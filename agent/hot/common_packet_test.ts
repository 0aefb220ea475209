import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CaptureFileReader, captureMemoryBytes } from "../capture/file_reader.ts";
import { corpusPath, doesCorpusExist, readManifest } from "../capture/corpus.ts";
import { Linktype, Packet } from "../records.ts";
import { decodePacket } from "../decode/decode.ts";
import { HotPath } from "./hot_path.ts";

const demo = new URL("../../tests/fixtures/demo.pcapng.gz", import.meta.url).pathname;

const hot = new HotPath({ flowCountMax: 1, hostCountMax: 1, captureBytes: captureMemoryBytes });

/** Decodes each Ethernet packet of a capture both ways; returns how many were common. */
async function comparePackets(path: string): Promise<number> {
  const reader = await CaptureFileReader.open(path, { memory: hot.captureMemory });
  const [common, any] = [new Packet(), new Packet()];
  let count = 0;
  try {
    for (let batch = await reader.nextBatch(); batch; batch = await reader.nextBatch()) {
      // A record that is larger than the memory's slots lies elsewhere.
      if (batch.bytes.buffer !== hot.bytes.buffer) continue;
      const base = batch.bytes.byteOffset;
      for (let row = 0; row < batch.count; row++) {
        if (batch.linktypes[row] !== Linktype.ethernet) continue;
        const offset = batch.offsets[row];
        const [captured, wire] = [batch.capturedLengths[row], batch.wireLengths[row]];
        if (hot.exports.decodeCommon(base, offset, captured, wire) === 0) continue;
        hot.getPacket(common);
        decodePacket(batch.bytes, offset, captured, wire, Linktype.ethernet, any);
        if (!isEqual(common, any)) deepStrictEqual(common, any, `${path}, packet ${row}`);
        count++;
      }
    }
  } finally {
    reader.close();
  }
  return count;
}

const fields = Object.keys(new Packet()) as (keyof Packet)[];

function isEqual(a: Packet, b: Packet): boolean {
  return fields.every((field) => a[field] === b[field]);
}

Deno.test("decodeCommon() fills every field as the walk over the headers does", async () => {
  strictEqual(await comparePackets(demo) > 20_000, true);
});

Deno.test({
  name: `decodeCommon() agrees with the walk on the corpus, hostile files included${
    doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)"
  }`,
  ignore: !doesCorpusExist,
  // The read ahead in a file that is no capture may still be under way when the file has been refused.
  sanitizeOps: false,
  async fn() {
    let count = 0;
    for (const capture of await readManifest()) {
      if (/\.(snoop|csv)$/.test(capture.file)) continue;
      try {
        count += await comparePackets(corpusPath(capture));
      } catch (error) {
        if ((error as Error).name !== "CaptureFormatError") throw error;
      }
    }
    strictEqual(count > 200_000, true, `${count} common packets`);
  },
});
