/** Builds capture files and batches for tests, in every container that the reader knows. */
import type { BatchMessage } from "../messages.ts";

export interface SamplePacket {
  readonly seconds: number;
  /** Nanoseconds after the second. */
  readonly nanosecond: number;
  readonly data: Uint8Array;
  /** The captured length when it is not given. */
  readonly wireLength?: number;
}

export interface PcapShape {
  readonly isLittleEndian?: boolean;
  readonly isNanosecond?: boolean;
  /** Kuznetzov's 24-byte record headers. */
  readonly isModified?: boolean;
  /** The whole 32-bit field. */
  readonly linktype?: number;
  readonly version?: readonly [number, number];
}

/** `count` Ethernet frames of IPv4/UDP between two addresses, one a second, of 60 bytes and more. */
export function samplePackets(count: number, startSeconds = 1_700_000_000): SamplePacket[] {
  return Array.from({ length: count }, (_, index) => ({
    seconds: startSeconds + index,
    nanosecond: 123_456_789,
    data: udpFrame(60 + index % 40, index),
  }));
}

/** An Ethernet frame with IPv4 and UDP from 10.0.0.1:1000 to 10.0.0.2:53; `mark` is its last byte. */
export function udpFrame(length: number, mark = 0): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(length);
  const view = new DataView(frame.buffer);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
  view.setUint16(12, 0x0800);
  frame.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 14);
  view.setUint16(16, length - 14);
  view.setUint16(34, 1000);
  view.setUint16(36, 53);
  view.setUint16(38, length - 34);
  frame[length - 1] = mark;
  return frame;
}

/** A pcap file. */
export function pcapFile(
  packets: readonly SamplePacket[],
  shape: PcapShape = {},
): Uint8Array<ArrayBuffer> {
  const { isLittleEndian = true, isNanosecond = false, isModified = false } = shape;
  const header = new DataView(new ArrayBuffer(24));
  header.setUint32(
    0,
    isModified ? 0xa1b2cd34 : isNanosecond ? 0xa1b23c4d : 0xa1b2c3d4,
    isLittleEndian,
  );
  const [major, minor] = shape.version ?? [2, 4];
  header.setUint16(4, major, isLittleEndian);
  header.setUint16(6, minor, isLittleEndian);
  header.setUint32(16, 65_535, isLittleEndian);
  header.setUint32(20, shape.linktype ?? 1, isLittleEndian);
  const records = packets.flatMap((packet) => {
    const record = new DataView(new ArrayBuffer(isModified ? 24 : 16));
    const fraction = isNanosecond ? packet.nanosecond : Math.floor(packet.nanosecond / 1000);
    record.setUint32(0, packet.seconds, isLittleEndian);
    record.setUint32(4, fraction, isLittleEndian);
    record.setUint32(8, packet.data.length, isLittleEndian);
    record.setUint32(12, packet.wireLength ?? packet.data.length, isLittleEndian);
    return [new Uint8Array(record.buffer), packet.data];
  });
  return concatenate([new Uint8Array(header.buffer), ...records]);
}

/** Lengths that a block claims, at its start and its end; the right ones when they are not given. */
interface ClaimedLengths {
  readonly first?: number;
  readonly last?: number;
}

/** Options of a pcapng block: code and value. */
type SampleOption = readonly [number, Uint8Array];

/** Writes pcapng blocks in one byte order. */
export class PcapngBuilder {
  readonly #isLittleEndian: boolean;
  #blocks: Uint8Array[] = [];

  constructor(isLittleEndian = true) {
    this.#isLittleEndian = isLittleEndian;
  }

  section(): this {
    return this.block(0x0a0d0d0a, [this.#u32(0x1a2b3c4d), this.#u16(1), this.#u16(0), u8(8, 0xff)]);
  }

  interface(
    linktype: number,
    snaplen = 0,
    options: readonly SampleOption[] = [],
    claimed: ClaimedLengths = {},
  ): this {
    const head = [this.#u16(linktype), this.#u16(0), this.#u32(snaplen)];
    return this.block(1, [...head, ...this.#options(options)], claimed);
  }

  /** `ticks` is the 64-bit timestamp as the interface counts it. */
  enhanced(
    interfaceId: number,
    ticks: bigint,
    data: Uint8Array,
    { wireLength = data.length, ...claimed }: ClaimedLengths & { wireLength?: number } = {},
  ): this {
    const time = [this.#u32(Number(ticks >> 32n)), this.#u32(Number(ticks & 0xffffffffn))];
    const lengths = [this.#u32(data.length), this.#u32(wireLength)];
    return this.block(6, [this.#u32(interfaceId), ...time, ...lengths, padded(data)], claimed);
  }

  obsolete(interfaceId: number, ticks: bigint, data: Uint8Array): this {
    const time = [this.#u32(Number(ticks >> 32n)), this.#u32(Number(ticks & 0xffffffffn))];
    const lengths = [this.#u32(data.length), this.#u32(data.length)];
    return this.block(2, [this.#u16(interfaceId), this.#u16(0), ...time, ...lengths, padded(data)]);
  }

  simple(data: Uint8Array, wireLength = data.length, claimed: ClaimedLengths = {}): this {
    return this.block(3, [this.#u32(wireLength), padded(data)], claimed);
  }

  block(type: number, parts: readonly Uint8Array[], claimed: ClaimedLengths = {}): this {
    const body = concatenate(parts);
    const length = 12 + body.length;
    const { first = length, last = first } = claimed;
    this.#blocks.push(concatenate([this.#u32(type), this.#u32(first), body, this.#u32(last)]));
    return this;
  }

  build(): Uint8Array<ArrayBuffer> {
    return concatenate(this.#blocks);
  }

  #options(options: readonly SampleOption[]): Uint8Array[] {
    if (options.length === 0) return [];
    const written = options.flatMap(([code, value]) => [
      this.#u16(code),
      this.#u16(value.length),
      padded(value),
    ]);
    return [...written, this.#u32(0)];
  }

  #u16(value: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(2));
    view.setUint16(0, value, this.#isLittleEndian);
    return new Uint8Array(view.buffer);
  }

  #u32(value: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, value, this.#isLittleEndian);
    return new Uint8Array(view.buffer);
  }
}

/** A batch message with these packets, in a buffer of its own. */
export function sampleBatch(
  packets: readonly SamplePacket[],
  { linktype = 1, isNanosecond = true, interfaceId = 0 } = {},
): BatchMessage {
  const buffer = pcapFile(packets, { isNanosecond }).slice(24).buffer;
  return {
    type: "batch",
    interfaceId,
    linktype,
    isNanosecond,
    buffer,
    byteLength: buffer.byteLength,
    packetCount: packets.length,
  };
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}

function padded(data: Uint8Array): Uint8Array {
  return concatenate([data, new Uint8Array((4 - data.length % 4) % 4)]);
}

function u8(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}
