/**
 * Reads and decodes the capture files named by its arguments, one after the other, and prints a line of JSON for each,
 * then one with the most memory that the process held. Run by malformed_test.ts under a time limit.
 */
import { CaptureFileReader } from "../agent/capture/file_reader.ts";
import { decodePacket } from "../agent/decode/decode.ts";
import { CaptureFormatError } from "../agent/errors.ts";
import { Packet, type PacketBatch } from "../agent/records.ts";

const packet = new Packet();
for (const path of Deno.args) {
  const startMs = performance.now();
  const result = await read(path);
  console.log(JSON.stringify({ path, ...result, ms: performance.now() - startMs }));
}
console.log(JSON.stringify({ rssMax: readRssMax() }));

async function read(
  path: string,
): Promise<{ packets: number; error: string; warnings: readonly string[] }> {
  let packets = 0;
  try {
    const reader = await CaptureFileReader.open(path);
    for (let batch; (batch = await reader.nextBatch()) !== null;) {
      packets += batch.count;
      for (let row = 0; row < batch.count; row++) {
        const { bytes, offsets, capturedLengths, wireLengths, linktypes } = batch;
        const lengths = [capturedLengths[row], wireLengths[row]] as const;
        decodePacket(bytes, offsets[row], ...lengths, linktypes[row], packet);
      }
      // Throws for a time that no date can show; the extremes of a batch stand for all.
      for (const timeUs of extremes(batch)) new Date(timeUs / 1000).toISOString();
    }
    reader.close();
    return { packets, error: "", warnings: reader.info.warnings };
  } catch (error) {
    if (!(error instanceof CaptureFormatError)) throw error;
    return { packets, error: error.message, warnings: [] };
  }
}

function extremes({ timestampsUs, count }: PacketBatch): [number, number] {
  let least = Infinity;
  let most = -Infinity;
  for (let row = 0; row < count; row++) {
    least = Math.min(least, timestampsUs[row]);
    most = Math.max(most, timestampsUs[row]);
  }
  return [least, most];
}

/** Peak resident size as the kernel knows it, else the present one; bytes. */
function readRssMax(): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    return Number(kilobytes) * 1024;
  } catch {
    return Deno.memoryUsage().rss;
  }
}
