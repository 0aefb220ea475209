import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CaptureFileReader } from "../capture/file_reader.ts";
import { corpusPath, doesCorpusExist, readManifest } from "../capture/corpus.ts";
import { Linktype, Packet } from "../records.ts";
import { decodeCommonPacket } from "./common_packet.ts";
import { decodeAnyPacket } from "./decode.ts";

const demo = new URL("../../tests/fixtures/demo.pcapng.gz", import.meta.url).pathname;

/** Decodes each Ethernet packet of a capture both ways; returns how many were common. */
async function comparePackets(path: string): Promise<number> {
  const reader = await CaptureFileReader.open(path);
  const [common, any] = [new Packet(), new Packet()];
  let count = 0;
  try {
    for (let batch = await reader.nextBatch(); batch; batch = await reader.nextBatch()) {
      for (let row = 0; row < batch.count; row++) {
        if (batch.linktypes[row] !== Linktype.ethernet) continue;
        const offset = batch.offsets[row];
        const [captured, wire] = [batch.capturedLengths[row], batch.wireLengths[row]];
        if (!decodeCommonPacket(batch.bytes, offset, captured, wire, common)) continue;
        decodeAnyPacket(batch.bytes, offset, captured, wire, Linktype.ethernet, any);
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

Deno.test("decodeCommonPacket() fills every field as the walk over the headers does", async () => {
  strictEqual(await comparePackets(demo) > 20_000, true);
});

Deno.test({
  name: `decodeCommonPacket() agrees with the walk on the corpus, hostile files included${
    doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)"
  }`,
  ignore: !doesCorpusExist,
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
