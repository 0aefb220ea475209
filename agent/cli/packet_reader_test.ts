import assert from "node:assert/strict";
import { RingWriter } from "../capture/ring_writer.ts";
import { sampleBatch, samplePackets } from "../capture/sample_captures.ts";
import { ringSpan } from "../capture/pcap_export.ts";
import type { StoredPacket } from "../store/schema.ts";
import { readPacket } from "./packet_reader.ts";

const row: StoredPacket = {
  id: 1,
  ts_us: 0,
  interface_id: 0,
  wire_length: 0,
  captured_length: 0,
  src: "10.0.0.1",
  dst: "10.0.0.2",
  src_port: null,
  dst_port: null,
  protocol: "udp",
  application: "",
  tcp_flags: null,
  vlan_id: null,
  flow_id: null,
  sample_k: 1,
  info: "",
};

Deno.test("readPacket() finds packets in any file of the ring, also several of one moment, until they are overwritten", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = { folder, fileBytesMax: 3844, fileCountMax: 3, snaplen: 65_535 };
    const writer = new RingWriter(options, { note: () => {}, now: () => 0 });
    writer.start();
    const files = Array.from(
      { length: 5 },
      (_, file) => samplePackets(40, 1_700_000_000 + 7200 * file),
    );
    for (const packets of files) writer.write(sampleBatch(packets));
    writer.close();
    const read = (file: number, index: number, rank = 0) => {
      const packet = files[file][index];
      const tsUs = packet.seconds * 1e6 + Math.floor(packet.nanosecond / 1000);
      return readPacket({
        folder,
        row: { ...row, ...endsOf(packet.data), ts_us: tsUs, wire_length: packet.data.length },
        rank,
        vxlanPorts: [],
      });
    };
    for (const [file, index] of [[4, 39], [4, 0], [3, 20]]) {
      assert.deepEqual((await read(file, index))?.bytes, files[file][index].data);
    }
    assert.equal(await read(0, 0), null);
    assert(ringSpan(folder)!.startUs > 1_700_000_000e6);
    assert.equal(ringSpan(folder)!.newestFileUs, (1_700_000_000 + 7200 * 4) * 1e6);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Addresses of an Ethernet frame with IPv4. */
function endsOf(frame: Uint8Array): { src: string; dst: string } {
  return { src: frame.slice(26, 30).join("."), dst: frame.slice(30, 34).join(".") };
}
