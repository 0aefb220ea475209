import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Layer, Linktype, Packet, StopReason } from "../records.ts";
import { decodePacket, furtherPacketAt } from "./decode.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { amsdu, ethernet, filler, ipv4, join, udp, uint16, uint32 } from "./packet_builder.ts";
import { FURTHER_PACKET } from "./step.ts";

const IP = ipv4({ protocol: 17 }, udp({ destination: 53 }, filler(5)));
const LLC = join([0xaa, 0xaa, 3, 0, 0, 0, 8, 0], IP);
const STATION = [2, 0, 0, 0, 0, 2];
const OTHER = [2, 0, 0, 0, 0, 9];

interface Frame {
  /** To and from the distribution system: the two bits of the second byte of frame control. */
  readonly ds?: number;
  /** First byte of the QoS control field. */
  readonly qos?: number;
  readonly hasHtControl?: boolean;
  readonly isPadded?: boolean;
}

/** A data frame from STATION. */
function wifi(frame: Frame, body: Uint8Array): Uint8Array {
  const { ds = 1, qos, hasHtControl = false, isPadded = false } = frame;
  const third = ds === 2 ? STATION : OTHER;
  const head = join(
    [qos === undefined ? 0x08 : 0x88, ds | (hasHtControl ? 0x80 : 0), 0, 0],
    OTHER,
    (ds & 2) === 0 ? STATION : OTHER,
    third,
    [0, 0],
    ds === 3 ? STATION : [],
    qos === undefined ? [] : [qos, 0],
    hasHtControl ? [0, 0, 0, 0] : [],
  );
  const padding = isPadded ? -head.length & 3 : 0;
  return join(head, new Uint8Array(padding), body);
}

/** A subframe of an A-MSDU. */
function subframe(body: Uint8Array, length = body.length): Uint8Array {
  return join(OTHER, STATION, uint16(length), body);
}

/** The flags at their place: behind words of the bitmap, and a time (TSFT), which is aligned to eight bytes. */
function radiotap(flags: number, { hasTime = false, moreWords = 0 } = {}): number[] {
  const words = Array.from({ length: 1 + moreWords }, (_, index) => [
    index === 0 ? (hasTime ? 3 : 2) : 0,
    0,
    0,
    index < moreWords ? 0x80 : 0,
  ]);
  const head = [0, 0, 0, 0, ...words.flat()];
  while (hasTime && head.length % 8 !== 0) head.push(0xee);
  const fields = [...(hasTime ? [1, 2, 3, 4, 5, 6, 7, 8] : []), flags, 0];
  head[2] = head.length + fields.length;
  return [...head, ...fields];
}

const linktype = Linktype.ieee80211;

Deno.test("decodeWifi() reads data frames in the clear with each form of header", () => {
  for (const ds of [0, 1, 2, 3]) {
    for (const qos of [undefined, 3]) {
      const bytes = wifi({ ds, ...(qos !== undefined && { qos }) }, LLC);
      const packet = decodeBytes(bytes, { linktype });
      strictEqual(packet.destinationPort, 53);
      strictEqual(bytes[packet.linkOffset - START + 11], 2, "the station's address");
      checkPrefixes(bytes, bytes.length - 5, { linktype });
    }
  }
  const withHt = wifi({ qos: 0, hasHtControl: true }, LLC);
  strictEqual(decodeBytes(withHt, { linktype }).destinationPort, 53);
});

Deno.test("decodeWifi() leaves beacons, empty, protected and future frames", () => {
  for (const head of [[0x80, 0], [0x48, 1], [0x08, 0x41], [0x09, 0x01]]) {
    const packet = decodeBytes(join(head, filler(60)), { linktype });
    strictEqual(packet.stopReason, StopReason.unsupported);
    strictEqual(packet.stopLayer, Layer.wifi);
  }
});

Deno.test("decodeRadiotap() finds the flag for padding wherever it stands", () => {
  const frames: Frame[] = [
    {},
    { qos: 0 },
    { ds: 3 },
    { ds: 3, qos: 0 },
    { qos: 0, hasHtControl: true },
  ];
  for (const hasTime of [false, true]) {
    for (const moreWords of [0, 1, 2]) {
      for (const frame of frames) {
        for (const isPadded of [false, true]) {
          const head = radiotap(isPadded ? 0x20 : 0, { hasTime, moreWords });
          const bytes = join(head, wifi({ ...frame, isPadded }, LLC));
          const packet = decodeBytes(bytes, { linktype: Linktype.radiotap });
          strictEqual(packet.destinationPort, 53, JSON.stringify({ head, frame, isPadded }));
          checkPrefixes(bytes, bytes.length - 5, { linktype: Linktype.radiotap });
        }
      }
    }
  }
});

Deno.test("decodeRadiotap() takes nothing behind its end for flags, and refuses lengths below its own", () => {
  // The bitmap promises flags that the length leaves out; what follows has the bit of padding.
  const bytes = join([0, 0, 8, 0, 2, 0, 0, 0], [0xa8], wifi({ qos: 0 }, LLC).subarray(1));
  strictEqual(decodeBytes(bytes, { linktype: Linktype.radiotap }).destinationPort, 53);
  const endless = join([0, 0, 12, 0, 2, 0, 0, 0x80, 0, 0, 0, 0x80], wifi({}, LLC));
  strictEqual(decodeBytes(endless, { linktype: Linktype.radiotap }).destinationPort, 53);
  for (
    const [head, reason] of [
      [[0, 0, 7, 0, 0, 0, 0, 0], StopReason.malformed],
      [[0, 0, 0xff, 0xff, 0, 0, 0, 0], StopReason.malformed],
      [[1, 0, 8, 0, 0, 0, 0, 0], StopReason.unsupported],
    ] as const
  ) {
    const packet = decodeBytes(join(head, wifi({}, LLC)), { linktype: Linktype.radiotap });
    strictEqual(packet.stopReason, reason, String(head));
  }
});

Deno.test("decodePrism() and decodeAvs() pass their headers", () => {
  const frame = wifi({}, LLC);
  const prism = new Uint8Array(144);
  const cases: [string, number, Uint8Array][] = [
    ["Prism, little-endian", Linktype.prism, join([0x44, 0, 0, 0, 144, 0, 0, 0], prism.slice(8))],
    ["Prism, big-endian", Linktype.prism, join([0, 0, 0, 0x44, 0, 0, 0, 144], prism.slice(8))],
    ["AVS", Linktype.avs, join(uint32(0x80211001), uint32(64), new Uint8Array(56))],
    ["AVS 2", Linktype.avs, join(uint32(0x80211002), uint32(80), new Uint8Array(72))],
    ["AVS as Prism", Linktype.prism, join(uint32(0x80211001), uint32(64), new Uint8Array(56))],
  ];
  for (const [name, linktype, head] of cases) {
    const bytes = join(head, frame);
    strictEqual(decodeBytes(bytes, { linktype }).destinationPort, 53, name);
    checkPrefixes(bytes, bytes.length - 5, { linktype });
  }
  const short = join(uint32(0x80211001), uint32(8), frame);
  strictEqual(decodeBytes(short, { linktype: Linktype.avs }).stopReason, StopReason.malformed);
  const other = decodeBytes(join(uint32(7), uint32(64), frame), { linktype: Linktype.avs });
  strictEqual(other.stopReason, StopReason.unsupported);
  const tooShort = decodeBytes(filler(60).fill(0, 4, 8), { linktype: Linktype.prism });
  strictEqual(tooShort.stopReason, StopReason.malformed);
});

Deno.test("decodeAmsdu() reads the packet of a frame that holds one", () => {
  for (const frame of [{ qos: 0x80 }, { ds: 3, qos: 0x80 }, { qos: 0x80, hasHtControl: true }]) {
    const bytes = wifi(frame, subframe(LLC));
    const packet = decodeBytes(bytes, { linktype });
    strictEqual(packet.destinationPort, 53);
    strictEqual(packet.stopReason, StopReason.complete);
    strictEqual(bytes[packet.linkOffset - START + 11], 2);
    checkPrefixes(bytes, bytes.length - 5, { linktype });
    // Padding of the last subframe, and a frame check sequence.
    const more = decodeBytes(join(bytes, filler(7)), { linktype });
    strictEqual(more.stopReason, StopReason.complete);
    strictEqual(more.payloadLength, 5);
  }
});

Deno.test("decodePacket() goes from one packet of an A-MSDU to the next", () => {
  const port = (destination: number, payload: number) =>
    ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination }, filler(payload))));
  // Each amount of padding.
  for (const more of [0, 1, 2, 3]) {
    const bytes = amsdu([port(53, more), port(123, 9), port(5353, 9)]);
    const packet = new Packet();
    const seen: number[] = [];
    let link: number = linktype;
    for (let at = 0; at >= 0; at = furtherPacketAt(), link = FURTHER_PACKET) {
      decodePacket(bytes, at, bytes.length - at, bytes.length - at, link, packet);
      strictEqual(packet.stopReason, StopReason.complete);
      seen.push(packet.destinationPort);
    }
    deepStrictEqual(seen, [53, 123, 5353]);
  }
});

Deno.test("a packet of an A-MSDU that the capture cut off is truncated", () => {
  const frame = ethernet(0x0800, IP);
  const bytes = amsdu([frame, frame]);
  const packet = new Packet();
  decodePacket(bytes, 0, 90, bytes.length, linktype, packet);
  const at = furtherPacketAt();
  strictEqual(packet.stopReason, StopReason.complete);
  for (const captured of [0, 13, 21, 40]) {
    decodePacket(bytes, at, captured, bytes.length - at, FURTHER_PACKET, packet);
    strictEqual(packet.stopReason, StopReason.truncated);
    strictEqual(furtherPacketAt(), -1);
  }
});

Deno.test("decodeAmsdu() is malformed when a subframe is longer than its frame", () => {
  const packet = decodeBytes(wifi({ qos: 0x80 }, subframe(LLC, 300)), { linktype });
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.stopLayer, Layer["a-msdu"]);
});
