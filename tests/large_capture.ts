/** A larger capture for tests: the demo's packets over and over, each round later than the one before. */
import { readCaptureFile } from "../agent/capture/read_packets.ts";
import { pcapFile } from "../agent/capture/sample_captures.ts";
import { demoCapture } from "./program.ts";

const headerBytes = 24;
/** Longer than the demo lasts, so that flows of one round do not go on in the next. */
const roundSeconds = 900;

/** Writes a pcap file of `rounds` times 25,208 packets (4.5 MB each); returns how many there are. */
export async function writeLargeCapture(path: string, rounds: number): Promise<number> {
  const { packets } = await readCaptureFile(demoCapture);
  const whole = pcapFile(packets.map(({ timestampUs, data, wireLength }) => ({
    seconds: Math.floor(timestampUs / 1e6),
    nanosecond: timestampUs % 1e6 * 1000,
    data,
    wireLength,
  })));
  const records = new DataView(whole.buffer, headerBytes);
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  await file.write(whole.subarray(0, headerBytes));
  for (let round = 0; round < rounds; round++) {
    for (let rest = whole.subarray(headerBytes); rest.length > 0;) {
      rest = rest.subarray(await file.write(rest));
    }
    shift(records, roundSeconds);
  }
  return packets.length * rounds;
}

/** Adds seconds to the time of every record. */
function shift(records: DataView, seconds: number): void {
  for (let at = 0; at < records.byteLength;) {
    records.setUint32(at, records.getUint32(at, true) + seconds, true);
    at += 16 + records.getUint32(at + 8, true);
  }
}
