/** Capture files at random: pcap and pcapng in their variants around FrameMaker's packets, then, mostly, damaged. */
import { pcapFile, PcapngBuilder, type SamplePacket } from "../../agent/capture/sample_captures.ts";
import { Prng } from "../../agent/detect/common/prng.ts";
import { FrameMaker, type FuzzFrame } from "./frames.ts";

interface FuzzCapture {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The packets as they were before any damage. */
  readonly frames: readonly FuzzFrame[];
}

/** The same seed makes the same capture. */
export function fuzzCapture(seed: number): FuzzCapture {
  const prng = new Prng(seed);
  const isPcapng = prng.below(2) === 0;
  const maker = new FrameMaker(prng);
  const count = 1 + prng.below(40);
  const first = maker.frame();
  // A pcap file has one link type.
  const frames = [
    first,
    ...Array.from({ length: count - 1 }, () => maker.frame(isPcapng ? undefined : first.linktype)),
  ];
  const whole = isPcapng ? pcapng(prng, frames) : pcap(prng, frames);
  return { bytes: damage(prng, whole), frames };
}

/** Seconds that go on, stand, jump; now and then any that the field holds. */
class Clock {
  readonly #prng: Prng;
  #seconds = 1_700_000_000;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  next(): { readonly seconds: number; readonly nanosecond: number } {
    const steps = [
      0,
      0,
      0,
      1,
      1,
      11,
      70,
      3600,
      -1,
      -3600,
      86_400,
      -86_400,
      315_360_000,
      -315_360_000,
    ];
    this.#seconds += steps[this.#prng.below(steps.length)];
    const isAny = this.#prng.below(100) === 0;
    const seconds = isAny ? this.#prng.next() : Math.min(Math.max(this.#seconds, 0), 2 ** 32 - 1);
    return { seconds, nanosecond: this.#prng.below(1_000_000_000) };
  }
}

function pcap(prng: Prng, frames: readonly FuzzFrame[]): Uint8Array<ArrayBuffer> {
  const clock = new Clock(prng);
  const packets: SamplePacket[] = frames.map(({ bytes }) => {
    const cut = prng.below(10) === 0 ? prng.below(bytes.length + 1) : bytes.length;
    return { ...clock.next(), data: bytes.subarray(0, cut), wireLength: bytes.length };
  });
  return pcapFile(packets, {
    linktype: frames[0].linktype,
    isLittleEndian: prng.below(2) === 0,
    isNanosecond: prng.below(2) === 0,
    isModified: prng.below(10) === 0,
  });
}

function pcapng(prng: Prng, frames: readonly FuzzFrame[]): Uint8Array<ArrayBuffer> {
  const clock = new Clock(prng);
  const builder = new PcapngBuilder(prng.below(2) === 0);
  let interfaces: number[] = [];
  const begin = () => {
    builder.section();
    interfaces = [];
  };
  begin();
  for (const { linktype, bytes } of frames) {
    if (prng.below(25) === 0) begin();
    let id = interfaces.indexOf(linktype);
    if (id < 0) {
      const resolution = [6, 9, 3, 0, 0x80 | 10, 0x80 | 31, 200][prng.below(7)];
      const options = prng.below(2) === 0 ? [] : [[9, Uint8Array.of(resolution)] as const];
      builder.interface(linktype, prng.below(3) === 0 ? prng.below(2000) : 0, options);
      id = interfaces.push(linktype) - 1;
    }
    const { seconds, nanosecond } = clock.next();
    const ticks = BigInt(seconds) * 1_000_000n + BigInt(Math.floor(nanosecond / 1000));
    const kind = prng.below(12);
    if (kind === 0) builder.simple(bytes);
    else if (kind === 1) builder.obsolete(id, ticks, bytes);
    else if (kind === 2) {
      builder.block(prng.below(16), [Uint8Array.from(bytes).slice(0, bytes.length & ~3)]);
    } else builder.enhanced(prng.below(50) === 0 ? prng.below(9) : id, ticks, bytes);
  }
  return builder.build();
}

/** Bits turned, numbers made extreme, pieces left out, doubled or cut off: none to some. */
function damage(prng: Prng, whole: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let bytes = whole;
  const extremes = [0, 1, 0x7f, 0x80, 0xff];
  for (let count = Math.max(0, prng.below(8) - 3); count > 0 && bytes.length > 0; count--) {
    const at = prng.below(bytes.length);
    const length = Math.min(1 + prng.below(16), bytes.length - at);
    switch (prng.below(6)) {
      case 0:
        bytes[at] ^= 1 << prng.below(8);
        break;
      case 1:
        bytes[at] = extremes[prng.below(extremes.length)];
        break;
      case 2:
        bytes.fill(extremes[prng.below(extremes.length)], at, at + Math.min(length, 4));
        break;
      case 3:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 4:
        bytes = joined(bytes.subarray(0, at + length), bytes.subarray(at));
        break;
      default:
        if (prng.below(4) === 0) bytes = bytes.slice(0, at);
    }
  }
  return bytes;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
