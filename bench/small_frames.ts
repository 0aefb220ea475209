/** A capture file of small UDP frames, for senders. */
import { pcapFileHeader } from "../agent/capture/pcap_records.ts";

interface FrameOptions {
  /** Bytes of a frame. */
  readonly length: number;
  readonly packets: number;
  /** Each of two hosts of its own. */
  readonly flows: number;
}

export async function writeFrames(
  path: string,
  { length, packets, flows }: FrameOptions,
): Promise<void> {
  const recordBytes = 16 + length;
  const view = new DataView(new ArrayBuffer(packets * recordBytes));
  for (let i = 0; i < packets; i++) {
    const flow = i % flows;
    const at = i * recordBytes;
    view.setUint32(at, 1_700_000_000, true);
    view.setUint32(at + 4, i, true);
    view.setUint32(at + 8, length, true);
    view.setUint32(at + 12, length, true);
    const frame = at + 16;
    [0x02000000, 0x00020200, 0x00000001, 0x08004500].forEach((word, k) =>
      view.setUint32(frame + 4 * k, word)
    );
    view.setUint16(frame + 16, length - 14);
    view.setUint16(frame + 18, i % 0x10000);
    view.setUint16(frame + 22, 64 << 8 | 17);
    view.setUint32(frame + 26, 0x0a090001 + (flow >> 6));
    view.setUint32(frame + 30, 0x0a0a0001 + (flow & 63));
    view.setUint16(frame + 34, 1024 + flow);
    view.setUint16(frame + 36, 9000);
    view.setUint16(frame + 38, length - 34);
  }
  await using file = await Deno.create(path);
  for (const part of [pcapFileHeader(1, 65_535, false), new Uint8Array(view.buffer)]) {
    for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
  }
}
