import assert from "node:assert/strict";
import { exportPcap } from "./pcap_export.ts";
import { readCaptureBytes } from "./read_packets.ts";
import { RingWriter } from "./ring_writer.ts";
import { sampleBatch, udpFrame } from "./sample_captures.ts";

Deno.test("a file that has been read is read again from its middle, with the same packets", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = { folder, fileBytesMax: 1e9, fileCountMax: 3, snaplen: 65_535 };
    const writer = new RingWriter(options, { note: () => {}, now: () => 0 });
    writer.start();
    let seen = 0;
    const times = async (from: number, to: number) => {
      seen = 0;
      const matches = () => ++seen > 0;
      const stream = exportPcap({ folder, fromUs: from * 1e6, toUs: to * 1e6, matches });
      const { packets } = await readCaptureBytes(await new Response(stream).bytes());
      return packets.map(({ timestampUs }) => Math.floor(timestampUs / 1e6));
    };
    // Nearly in order: every tenth packet is five seconds late.
    const seconds = Array.from(
      { length: 12_000 },
      (_, index) => index - (index % 10 === 9 ? 5 : 0),
    );
    for (let at = 0; at < seconds.length; at += 1000) {
      writer.write(sampleBatch(
        seconds.slice(at, at + 1000).map((second) => ({
          seconds: 1000 + second,
          nanosecond: 0,
          data: udpFrame(1000),
        })),
      ));
    }
    const wanted = (from: number, to: number) =>
      seconds.map((second) => 1000 + second).filter((second) => second >= from && second <= to);
    for (
      const [from, to] of [[1000, 13_000], [1000, 13_000], [9000, 9100], [6000, 6003], [
        12_990,
        13_000,
      ]]
    ) {
      assert.deepEqual(await times(from!, to!), wanted(from!, to!), `${from} to ${to}`);
    }
    for (let from = 1000; from < 13_000; from += 777) {
      assert.deepEqual(await times(from, from + 50), wanted(from, from + 50));
    }
    writer.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
