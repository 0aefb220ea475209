/** Reads a whole capture into plain objects, for tests. */
import { createByteSource } from "./byte_source.ts";
import { type CaptureFileInfo, type CaptureFileOptions, CaptureFileReader } from "./file_reader.ts";
import type { ByteInput } from "./plain_source.ts";

export interface ReadPacket {
  readonly timestampUs: number;
  readonly nanosecond: number;
  readonly wireLength: number;
  readonly linktype: number;
  readonly interfaceId: number;
  readonly data: Uint8Array;
}

export interface ReadResult {
  readonly packets: ReadPacket[];
  readonly info: CaptureFileInfo;
}

/** Reads the bytes of a capture file as if they came from a pipe that gives `readBytes` at a time. */
export async function readCaptureBytes(
  bytes: Uint8Array,
  options: CaptureFileOptions & { readonly readBytes?: number } = {},
): Promise<ReadResult> {
  const input = bytesInput(bytes, options.readBytes ?? Infinity);
  const source = await createByteSource(input, "sample", null);
  const sizes = { chunkBytes: 64 * 1024, batchPackets: 1024, ...options };
  return await readAll(await CaptureFileReader.openSource(source, sizes));
}

/** Reads the capture file at `path`. */
export async function readCaptureFile(
  path: string,
  options: CaptureFileOptions = {},
): Promise<ReadResult> {
  return await readAll(await CaptureFileReader.open(path, options));
}

async function readAll(reader: CaptureFileReader): Promise<ReadResult> {
  const packets: ReadPacket[] = [];
  try {
    for (let batch; (batch = await reader.nextBatch()) !== null;) {
      for (let row = 0; row < batch.count; row++) {
        const offset = batch.offsets[row];
        packets.push({
          timestampUs: batch.timestampsUs[row],
          nanosecond: batch.nanoseconds[row],
          wireLength: batch.wireLengths[row],
          linktype: batch.linktypes[row],
          interfaceId: batch.interfaceIds[row],
          data: batch.bytes.slice(offset, offset + batch.capturedLengths[row]),
        });
      }
    }
  } finally {
    reader.close();
  }
  return { packets, info: reader.info };
}

/** A pipe that gives `readBytes` at a time. */
export function bytesInput(bytes: Uint8Array, readBytes: number): ByteInput {
  let position = 0;
  return {
    read(into) {
      const part = bytes.subarray(position, position + Math.min(into.length, readBytes));
      into.set(part);
      position += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
    close() {},
  };
}
