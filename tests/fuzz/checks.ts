/** What must hold of any capture, however it was made. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { CaptureFileReader } from "../../agent/capture/file_reader.ts";
import { decodeBytes } from "../../agent/decode/decode_checks.ts";
import { CaptureFormatError } from "../../agent/errors.ts";
import { Pipeline } from "../../agent/pipeline/pipeline.ts";
import { analyzeFile, replayFile, type Told } from "../batch_sizes.ts";

/** Throws when a file is read differently in other pieces, or counted wrongly; a file that is refused is refused each time. */
export async function checkCapture(path: string, seed: number): Promise<void> {
  const usual = { chunkBytes: 262_144, batchPackets: 4096 };
  const expected = await orRefusal(() => analyzeFile(path, { ...usual, isInMemory: true }));
  const pieces = { chunkBytes: 64 + seed % 5000, batchPackets: 1 + seed % 7 };
  const inPieces = await orRefusal(() => analyzeFile(path, { ...pieces, isInMemory: false }));
  deepStrictEqual(inPieces, expected);
  if (typeof expected === "string") return;
  await replayFile(path, { ...pieces, bufferBytes: 1_000_000 });
  const protocols = await checkPackets(path);
  ok(protocols.packets === protocols.byProtocol, "every packet is in exactly one protocol");
}

async function orRefusal(read: () => Promise<Told>): Promise<Told | string> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CaptureFormatError)) throw error;
    return error.message;
  }
}

/** Each packet alone, and all with rows, details and names, as a live capture has them. */
async function checkPackets(path: string) {
  const rows: string[] = [];
  const pipeline = new Pipeline({
    flowCountMax: 64,
    rowPolicy: "all",
    observesNames: true,
    observations: { wordsMin: 0, exchange: (words) => words },
    onRow: (row) => rows.push(JSON.stringify(row)),
    onFlow: (flow) => rows.push(JSON.stringify(flow)),
    onDetails: (details) => rows.push(JSON.stringify(details)),
  });
  const reader = await CaptureFileReader.open(path, { chunkBytes: 262_144, batchPackets: 4096 });
  // It has been read before: no error comes that would leave it open.
  for (let batch; (batch = await reader.nextBatch()) !== null;) {
    for (let row = 0; row < batch.count; row++) {
      const at = batch.offsets[row];
      const linktype = batch.linktypes[row];
      const wireLength = batch.wireLengths[row];
      ok(at >= 0 && at + batch.capturedLengths[row] <= batch.bytes.length, "packet in its batch");
      decodeBytes(batch.bytes.slice(at, at + batch.capturedLengths[row]), { linktype, wireLength });
    }
    pipeline.process(batch);
  }
  reader.close();
  pipeline.finish();
  // deno-lint-ignore no-control-regex
  for (const row of rows) ok(!/[\u0000-\u001f]/.test(row), "a control character in a row");
  const totals = Object.values(pipeline.protocolTotals());
  return {
    packets: pipeline.packets,
    byProtocol: totals.reduce((sum, { packets }) => sum + packets, 0),
  };
}
