/** Blocks of a ring as the kernel writes them, and as it never would. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { framesModule } from "./frames_code.ts";
import type { FrameExports } from "./ring.ts";

const blockBytes = 1 << 18;
const recordBytes = 1 << 20;
const pageBytes = 1 << 16;
const outgoing = 4;
const loopback = 772;

interface Frame {
  readonly data: Uint8Array;
  readonly wire?: number;
  readonly tci?: number;
  /** TP_STATUS_ bits. */
  readonly status?: number;
  readonly tpid?: number;
  readonly packetType?: number;
  readonly hardware?: number;
}

/** A ring of one block, mapped nowhere. */
function makeRing({ snaplen = 262_144, isCooked = false, tagOffset = 12 } = {}) {
  const exports = new WebAssembly.Instance(framesModule()).exports as unknown as FrameExports;
  const at = exports.setUp(blockBytes, recordBytes);
  exports.setFormat(snaplen, isCooked ? 1 : 0, tagOffset);
  const block = new Uint8Array(exports.memory.buffer, at, blockBytes);
  const records = new Uint8Array(exports.memory.buffer, exports.recordsAddress(), recordBytes);
  const take = (most = 1000, offset = 0, byteLength = recordBytes) => {
    const end = exports.takeFrames(offset, byteLength, most);
    return { end, packets: exports.packetCount(), lost: exports.lostCount() };
  };
  return { exports, at, block, records, take, open: () => exports.openBlock(at, blockBytes) };
}

/** Writes a block of frames, as tpacket_rcv() in net/packet/af_packet.c. */
function writeBlock(block: Uint8Array, frames: readonly Frame[]): DataView {
  block.fill(0xee);
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  let at = 48;
  view.setUint32(12, frames.length, true);
  view.setUint32(16, at, true);
  for (const [index, frame] of frames.entries()) {
    const mac = 82;
    const size = (mac + frame.data.length + 15) & ~15;
    const isLast = index === frames.length - 1;
    view.setUint32(at, isLast ? 0 : size, true);
    view.setUint32(at + 4, 1_700_000_000 + index, true);
    view.setUint32(at + 8, 123_456_789, true);
    view.setUint32(at + 12, frame.data.length, true);
    view.setUint32(at + 16, frame.wire ?? frame.data.length, true);
    view.setUint32(at + 20, 1 | (frame.status ?? 0), true);
    view.setUint16(at + 24, mac, true);
    view.setUint32(at + 32, frame.tci ?? 0, true);
    view.setUint16(at + 36, frame.tpid ?? 0, true);
    view.setUint16(at + 48 + 2, 0x0008, true); // ETH_P_IP, big-endian
    view.setUint16(at + 48 + 8, frame.hardware ?? 1, true);
    view.setUint8(at + 48 + 10, frame.packetType ?? 0);
    view.setUint8(at + 48 + 11, 6);
    block.set([2, 0, 0, 0, 0, 9, 0xaa, 0xaa], at + 48 + 12);
    block.set(frame.data, at + mac);
    at += size;
  }
  view.setUint32(20, at, true);
  return view;
}

/** Records as (seconds, nanoseconds, wire length, captured bytes). */
function readRecords(records: Uint8Array, end: number) {
  const view = new DataView(records.buffer, records.byteOffset, end);
  const found: [number, number, number, string][] = [];
  for (let at = 0; at < end;) {
    const length = view.getUint32(at + 8, true);
    const data = records.subarray(at + 16, at + 16 + length);
    const [seconds, fraction, wire] = [0, 4, 12].map((field) => view.getUint32(at + field, true));
    found.push([seconds!, fraction!, wire!, data.toHex()]);
    at += 16 + length;
  }
  return found;
}

const numbered = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7 + length);

Deno.test("frames of any length become records, byte by byte", () => {
  const { block, records, take, open } = makeRing();
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1600 }), { maxLength: 120 }), (lengths) => {
      writeBlock(block, lengths.map((length) => ({ data: numbered(length) })));
      open();
      const { end, packets, lost } = take();
      deepStrictEqual([packets, lost], [lengths.length, 0]);
      const expected = lengths.map((length, i) => [
        1_700_000_000 + i,
        123_456_789,
        length,
        numbered(length).toHex(),
      ]);
      deepStrictEqual(readRecords(records, end), expected);
    }),
  );
});

Deno.test("a block is taken in pieces, as many packets and bytes as there is room for", () => {
  const { exports, block, records, take, open } = makeRing({ snaplen: 2000 });
  const lengths = [60, 61, 1514, 62, 63];
  writeBlock(block, lengths.map((length) => ({ data: numbered(length) })));
  open();
  const first = take(2);
  strictEqual(first.packets, 2);
  // Room for the longest kind of record, and no more.
  const second = take(1000, first.end, first.end + 2036);
  strictEqual(second.packets, 1);
  strictEqual(exports.framesLeft(), 2);
  const third = take(1000, second.end);
  strictEqual(third.packets, 2);
  deepStrictEqual(
    readRecords(records, third.end).map(([, , wire]) => wire),
    lengths,
  );
});

Deno.test("a VLAN tag that the kernel took out stands where it was", () => {
  const { block, records, take, open } = makeRing();
  const data = numbered(60);
  const plain = data.toHex();
  writeBlock(block, [
    { data, tci: 0x2005, status: 0x10 },
    { data, tci: 0x2005, status: 0x50, tpid: 0x88a8 },
    { data, tci: 0, status: 0x10 },
    { data },
    { data: data.subarray(0, 11), tci: 7, status: 0x10 },
  ]);
  open();
  const { end } = take();
  const tagged = (tag: string) => plain.slice(0, 24) + tag + plain.slice(24);
  deepStrictEqual(readRecords(records, end).map(([, , wire, hex]) => [wire, hex]), [
    [64, tagged("81002005")],
    [64, tagged("88a82005")],
    [64, tagged("81000000")],
    [60, plain],
    [11, plain.slice(0, 22)],
  ]);
});

Deno.test("packets without their link's header get a cooked one, with a tag in it where there was one", () => {
  const { block, records, take, open } = makeRing({ isCooked: true, tagOffset: 14 });
  const data = numbered(40);
  writeBlock(block, [
    { data, packetType: outgoing },
    { data, tci: 5, status: 0x10 },
  ]);
  open();
  const { end } = take();
  const address = "00060200000000090000";
  deepStrictEqual(readRecords(records, end).map(([, , wire, hex]) => [wire, hex]), [
    [56, `00040001${address}0800${data.toHex()}`],
    [60, `00000001${address}8100${"0005"}0800${data.toHex()}`],
  ]);
});

Deno.test("of what loopback shows twice one is taken", () => {
  const { block, take, open } = makeRing();
  const data = numbered(60);
  writeBlock(block, [
    { data, hardware: loopback, packetType: outgoing },
    { data, hardware: loopback },
    { data, packetType: outgoing },
  ]);
  open();
  strictEqual(take().packets, 2);
});

Deno.test("no more than the snaplen is kept, tag and cooked header included", () => {
  const { block, records, take, open } = makeRing({ snaplen: 64 });
  writeBlock(block, [{ data: numbered(500), wire: 1500, tci: 9, status: 0x10 }]);
  open();
  const [[, , wire, hex]] = readRecords(records, take().end);
  deepStrictEqual([wire, hex.length / 2], [1504, 64]);
});

Deno.test("frames that reach out of their block are counted as lost, and nothing behind them is read", () => {
  const lengths = [100, 200, 300];
  const damages: [number, number, boolean][] = [
    [0, 0xffff_fff0, true], // next
    [0, 0, true],
    [12, 0x7fff_ffff, true], // captured length
    [12, blockBytes, true],
    [24, 0xffff, false], // mac
  ];
  for (const [field, value, isLong] of damages) {
    const { block, records, take, open } = makeRing();
    const view = writeBlock(block, lengths.map((length) => ({ data: numbered(length) })));
    const second = 48 + ((82 + 100 + 15) & ~15);
    if (isLong) view.setUint32(second + field, value, true);
    else view.setUint16(second + field, value, true);
    open();
    const { packets, lost, end } = take();
    strictEqual(packets + lost, 3);
    ok(lost > 0, `${field}=${value}`);
    strictEqual(readRecords(records, end).length, packets);
  }
});

Deno.test("frames at the end of all memory are counted as lost", () => {
  const { at, block, take, open } = makeRing();
  const view = writeBlock(block, [{ data: numbered(60) }]);
  view.setUint32(16, 0xffff_fff0 - at, true);
  open();
  deepStrictEqual(take(), { end: 0, packets: 0, lost: 1 });
});

Deno.test("whatever a block holds, taking it ends, stays in its memory and accounts for each frame", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 200, maxLength: 400 }),
      fc.nat({ max: 40 }),
      fc.nat({ max: 0xffff_ffff }),
      (noise, count, first) => {
        const { at, block, exports, records, take, open } = makeRing({ snaplen: 300 });
        block.set(noise);
        const view = new DataView(block.buffer, block.byteOffset, 48);
        view.setUint32(12, count, true);
        view.setUint32(16, first % 4 === 0 ? first : 48, true);
        view.setUint32(20, first % 3 === 0 ? first : blockBytes, true);
        const guard = new Uint8Array(exports.memory.buffer, pageBytes / 2, pageBytes / 2);
        const before = guard.toHex();
        open();
        const { packets, lost, end } = take();
        strictEqual(exports.framesLeft(), 0);
        ok(packets + lost <= count);
        ok(end <= recordBytes);
        strictEqual(readRecords(records, end).length, packets);
        strictEqual(guard.toHex(), before);
        strictEqual(at, pageBytes);
      },
    ),
    { numRuns: 300 },
  );
});
