/**
 * Blocks of a pcapng file, indexed in place.
 *
 *     block   type:4 totalLength:4 body padding totalLength:4     (totalLength counts all of it, a multiple of 4; some
 *                                                                  writers leave the padding out, as Wireshark forgives)
 *     SHB     0x0a0d0d0a   magic:4 major:2 minor:2 sectionLength:8 options
 *     IDB     1            linktype:2 reserved:2 snaplen:4 options
 *     PB      2 (obsolete) interface:2 drops:2 high:4 low:4 capturedLength:4 wireLength:4 data
 *     SPB     3            wireLength:4 data
 *     EPB     6            interface:4 high:4 low:4 capturedLength:4 wireLength:4 data options
 *
 * Source: draft-ietf-opsawg-pcapng. Each section has its own byte order and interfaces. Other block types are
 * skipped. The section length is not used: it may be missing, and damaged files lie about it.
 */
import type { PacketBatch } from "../records.ts";
import { capturedLengthMax } from "./linktypes.ts";
import type { IndexCursor } from "./pcap_records.ts";
import { createTickClock, defaultClock, setTimestamp, type TickClock } from "./pcapng_time.ts";

export const sectionHeaderType = 0x0a0d0d0a;
export const sectionHeaderLengthMin = 28;
const byteOrderMagic = 0x1a2b3c4d;
/** Largest block that is taken for one and not for damage; libpcap's limit too. */
const blockLengthMax = 16 * 1024 * 1024;
/** Interfaces in a file, over all sections: their numbers are stored in 16 bits. */
const interfaceCountMax = 65_535;
const interfaceNameLengthMax = 64;
const packetHeaderLength = 20;

interface Interface {
  /** Number in the file, over all sections. */
  readonly id: number;
  readonly linktype: number;
  readonly snaplen: number;
  readonly clock: TickClock;
}

/** What an indexer tells its reader besides the packets. */
interface IndexListener {
  addInterface(linktype: number, name: string): void;
  warn(text: string): void;
}

export class PcapngIndexer {
  readonly #listener: IndexListener;
  #isLittleEndian = true;
  #interfaces: Interface[] = [];
  #interfaceCount = 0;
  /** Time of the newest packet, for packets that have none. */
  #lastUs = 0;

  constructor(listener: IndexListener) {
    this.#listener = listener;
  }

  /** As `indexRecords`, for blocks. */
  index(batch: PacketBatch, view: DataView, cursor: IndexCursor, end: number): void {
    const capacity = batch.offsets.length;
    cursor.needed = 0;
    while (batch.count < capacity) {
      const totalLength = this.#blockLength(view, cursor, end);
      if (totalLength === 0) return;
      const fault = this.#block(batch, view, cursor.position, totalLength);
      if (fault !== "") {
        cursor.fault = fault;
        return;
      }
      cursor.position += totalLength;
    }
  }

  /** Length of the whole block at the cursor; 0, and `needed` or `fault` set, when there is none. */
  #blockLength(view: DataView, cursor: IndexCursor, end: number): number {
    const position = cursor.position;
    cursor.needed = 12;
    if (position + 12 > end) return 0;
    if (view.getUint32(position, true) === sectionHeaderType) {
      this.#isLittleEndian = view.getUint32(position + 8, true) === byteOrderMagic;
      if (!this.#isLittleEndian && view.getUint32(position + 8, false) !== byteOrderMagic) {
        return fail(cursor, "the section header has no byte-order magic");
      }
    }
    const claimedLength = view.getUint32(position + 4, this.#isLittleEndian);
    if (claimedLength < 12 || claimedLength > blockLengthMax) {
      return fail(cursor, `a block claims a length of ${claimedLength} bytes`);
    }
    const totalLength = withPadding(claimedLength);
    if (position + totalLength > end) {
      cursor.needed = totalLength;
      return 0;
    }
    const trailer = view.getUint32(position + totalLength - 4, this.#isLittleEndian);
    if (withPadding(trailer) !== totalLength) {
      return fail(cursor, `a block of ${claimedLength} bytes ends with the length ${trailer}`);
    }
    if (claimedLength !== totalLength || trailer !== totalLength) {
      this.#listener.warn("Blocks claim a length without their padding: it was rounded up.");
    }
    return totalLength;
  }

  /** Takes one whole block; returns what is wrong with it, or "". */
  #block(batch: PacketBatch, view: DataView, position: number, totalLength: number): string {
    const body = position + 8;
    const bodyEnd = position + totalLength - 4;
    switch (view.getUint32(position, this.#isLittleEndian)) {
      case 6:
      case 2:
        return this.#packet(batch, view, body, bodyEnd);
      case 3:
        return this.#simplePacket(batch, view, body, bodyEnd);
      case 1:
        return this.#interface(view, body, bodyEnd);
      case sectionHeaderType:
        return this.#section(view, body, bodyEnd);
      default:
        return "";
    }
  }

  #section(view: DataView, body: number, bodyEnd: number): string {
    if (bodyEnd - body < 16) return "a section header is too short";
    const major = view.getUint16(body + 4, this.#isLittleEndian);
    if (major !== 1) return `a section has format version ${major}, and only 1 is known`;
    this.#interfaces = [];
    return "";
  }

  #interface(view: DataView, body: number, bodyEnd: number): string {
    if (bodyEnd - body < 8) return "an interface block is too short";
    if (this.#interfaceCount === interfaceCountMax) {
      return `there are more than ${interfaceCountMax} interface blocks`;
    }
    const linktype = view.getUint16(body, this.#isLittleEndian);
    const snaplen = view.getUint32(body + 4, this.#isLittleEndian);
    const { name, clock } = this.#interfaceOptions(view, body + 8, bodyEnd);
    this.#interfaces.push({ id: this.#interfaceCount, linktype, snaplen, clock });
    this.#interfaceCount++;
    this.#listener.addInterface(linktype, name);
    return "";
  }

  /** Options: code:2 length:2 value padding, until code 0. Damaged ones are left out with a warning. */
  #interfaceOptions(
    view: DataView,
    start: number,
    end: number,
  ): { name: string; clock: TickClock } {
    let name = "";
    let resolution = 6;
    let offsetSeconds = 0n;
    for (let position = start; position + 4 <= end;) {
      const code = view.getUint16(position, this.#isLittleEndian);
      const length = view.getUint16(position + 2, this.#isLittleEndian);
      const value = position + 4;
      if (code === 0) break;
      if (value + length > end) {
        this.#listener.warn("An interface block has an option that is longer than the block.");
        break;
      }
      if (code === 2) name = readName(view, value, length);
      if (code === 9 && length === 1) resolution = view.getUint8(value);
      if (code === 14 && length === 8) {
        offsetSeconds = view.getBigInt64(value, this.#isLittleEndian);
      }
      position = value + withPadding(length);
    }
    const isDefault = resolution === 6 && offsetSeconds === 0n;
    return { name, clock: isDefault ? defaultClock : createTickClock(resolution, offsetSeconds) };
  }

  /** An enhanced packet block, or an obsolete one: they differ in how the interface is written. */
  #packet(batch: PacketBatch, view: DataView, body: number, bodyEnd: number): string {
    const isLittleEndian = this.#isLittleEndian;
    if (bodyEnd - body < packetHeaderLength) return "a packet block is too short";
    const isObsolete = view.getUint32(body - 8, isLittleEndian) === 2;
    const number = isObsolete
      ? view.getUint16(body, isLittleEndian)
      : view.getUint32(body, isLittleEndian);
    const from = this.#interfaces[number];
    if (from === undefined) {
      return `a packet names interface ${number}, and the section has ${this.#interfaces.length}`;
    }
    const capturedLength = view.getUint32(body + 12, isLittleEndian);
    const room = bodyEnd - body - packetHeaderLength;
    if (capturedLength > room || capturedLength > capturedLengthMax(from.linktype)) {
      return `a packet claims ${capturedLength} captured bytes in a block with room for ${room}`;
    }
    const high = view.getUint32(body + 4, isLittleEndian);
    setTimestamp(batch, batch.count, from.clock, high, view.getUint32(body + 8, isLittleEndian));
    this.#lastUs = batch.timestampsUs[batch.count];
    const wireLength = view.getUint32(body + 16, isLittleEndian);
    addRow(batch, from, body + packetHeaderLength, capturedLength, wireLength);
    return "";
  }

  /** A packet of the section's first interface without a time of its own. */
  #simplePacket(batch: PacketBatch, view: DataView, body: number, bodyEnd: number): string {
    const from = this.#interfaces[0];
    if (from === undefined) return "a simple packet block comes before any interface block";
    if (bodyEnd - body < 4) return "a simple packet block is too short";
    const wireLength = view.getUint32(body, this.#isLittleEndian);
    const snaplen = from.snaplen === 0 ? wireLength : from.snaplen;
    const capturedLength = Math.min(wireLength, snaplen, bodyEnd - body - 4);
    if (capturedLength > capturedLengthMax(from.linktype)) {
      return `a packet has ${capturedLength} captured bytes`;
    }
    this.#listener.warn(
      "Simple packet blocks have no time: their packets got that of the packet before them.",
    );
    batch.timestampsUs[batch.count] = this.#lastUs;
    batch.nanoseconds[batch.count] = 0;
    addRow(batch, from, body + 4, capturedLength, wireLength);
    return "";
  }
}

function withPadding(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function fail(cursor: IndexCursor, fault: string): 0 {
  cursor.fault = fault;
  return 0;
}

function addRow(
  batch: PacketBatch,
  from: Interface,
  offset: number,
  capturedLength: number,
  wireLength: number,
): void {
  const row = batch.count;
  batch.offsets[row] = offset;
  batch.capturedLengths[row] = capturedLength;
  batch.wireLengths[row] = wireLength;
  batch.linktypes[row] = from.linktype;
  batch.interfaceIds[row] = from.id;
  batch.count = row + 1;
}

function readName(view: DataView, offset: number, length: number): string {
  const size = Math.min(length, interfaceNameLengthMax);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, size);
  // deno-lint-ignore no-control-regex
  return new TextDecoder().decode(bytes).replace(/[\x00-\x1f\x7f-\x9f]/g, "");
}
