import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { countRecords } from "./batch_reader.ts";
import { RecordHeader } from "../capture/capture_handle.ts";
import { PcapPkthdr } from "./layout.ts";
import { MemoryFile } from "./memory_file.ts";
import { openLibrary } from "./symbols.ts";
import { testWithLibpcap } from "./testing.ts";

const dltEthernet = 1;
// void (*pcap_handler)(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes);
const pcapHandler = { parameters: ["pointer", "buffer", "buffer"], result: "void" } as const;

testWithLibpcap("MemoryFile holds packets as capture-file records", () => {
  withMemoryFile(4096, (file, dump) => {
    dump({ seconds: 7, fraction: 9, wireLength: 1500, bytes: new Uint8Array([1, 2, 3]) });
    dump({ seconds: 8, fraction: 1, wireLength: 60, bytes: new Uint8Array([4]) });
    const { byteLength, hasOverflowed } = file.take();
    strictEqual(hasOverflowed, false);
    strictEqual(byteLength, 2 * RecordHeader.size + 4);
    const words = new Uint32Array(file.bytes.slice(0, 16).buffer);
    deepStrictEqual([...words], [7, 9, 3, 1500]);
    deepStrictEqual([...file.bytes.subarray(16, 19)], [1, 2, 3]);
    deepStrictEqual(countRecords(file.bytes, byteLength), { byteLength, packetCount: 2 });
  });
});

testWithLibpcap("MemoryFile starts each batch at its first byte", () => {
  withMemoryFile(4096, (file, dump) => {
    for (const value of [1, 2, 3]) {
      dump({ seconds: value, fraction: 0, wireLength: 1, bytes: new Uint8Array([value]) });
      strictEqual(file.take().byteLength, RecordHeader.size + 1);
      strictEqual(file.bytes[0], value);
      strictEqual(file.bytes[RecordHeader.size], value);
    }
    strictEqual(file.take().byteLength, 0);
  });
});

testWithLibpcap("MemoryFile says when it was full, keeps the whole records and goes on", () => {
  withMemoryFile(40_000, (file, dump) => {
    const bytes = new Uint8Array(9000).fill(7);
    for (let i = 1; i <= 6; i++) dump({ seconds: i, fraction: 0, wireLength: 9000, bytes });
    const taken = file.take();
    strictEqual(taken.hasOverflowed, true);
    const records = countRecords(file.bytes, taken.byteLength);
    strictEqual(records.packetCount, 4);
    deepStrictEqual(recordSeconds(file.bytes, records.byteLength), [1, 2, 3, 4]);
    dump({ seconds: 9, fraction: 0, wireLength: 9000, bytes });
    deepStrictEqual(file.take(), { byteLength: RecordHeader.size + 9000, hasOverflowed: false });
    strictEqual(file.bytes[0], 9);
  });
});

interface Written {
  readonly seconds: number;
  readonly fraction: number;
  readonly wireLength: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Calls `pcap_dump` with a header laid out by layout.ts, as `pcap_dispatch` would. */
function withMemoryFile(
  byteLength: number,
  use: (file: MemoryFile, dump: (packet: Written) => void) => void,
): void {
  const library = openLibrary();
  const handle = library.pcap.pcap_open_dead(dltEthernet, 65535);
  if (library.dump === null || handle === null) return;
  const pcapDump = new Deno.UnsafeFnPointer(
    library.dump.pcapDump as Deno.PointerObject<typeof pcapHandler>,
    pcapHandler,
  );
  const file = new MemoryFile(library, library.dump, { handle, byteLength });
  use(file, (packet) => {
    const header = new DataView(new ArrayBuffer(PcapPkthdr.size));
    header.setUint32(PcapPkthdr.tvSec, packet.seconds, true);
    header.setUint32(PcapPkthdr.tvUsec, packet.fraction, true);
    header.setUint32(PcapPkthdr.caplen, packet.bytes.length, true);
    header.setUint32(PcapPkthdr.len, packet.wireLength, true);
    pcapDump.call(file.dumper, header.buffer, packet.bytes);
  });
  file.close();
  library.pcap.pcap_close(handle);
}

function recordSeconds(bytes: Uint8Array, byteLength: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, byteLength);
  const seconds: number[] = [];
  for (let at = 0; at < byteLength;) {
    seconds.push(view.getUint32(at, true));
    at += RecordHeader.size + view.getUint32(at + RecordHeader.capturedLength, true);
  }
  return seconds;
}
