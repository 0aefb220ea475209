/** Packets for the benches of single parts: a seeded mix of traffic, the same in each run and on each machine. */
import { createPacketBatch, Linktype, type PacketBatch } from "../agent/records.ts";

/** A small seeded generator (mulberry32); returns integers below `limit`. */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * limit);
  };
}

/** One side of a conversation to the other. */
export interface Endpoints {
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly isTcp: boolean;
}

/** `count` different conversations of TCP (three of four) and UDP between hosts of 10.0.0.0/8. */
export function makeConversations(count: number, seed: number): Endpoints[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    source: 0x0a000000 | index >>> 4,
    destination: 0x0a800000 | random(4096),
    sourcePort: 1024 + index % 60_000,
    destinationPort: [53, 80, 443, 8080][random(4)],
    isTcp: index % 4 !== 0,
  }));
}

/**
 * Ethernet frames one after the other in memory: IPv4 (seven of eight) and IPv6 with TCP and UDP, every tenth in a VLAN,
 * with 0 to 1,400 bytes of payload, a microsecond apart.
 */
export function makeFrames(count: number, seed: number): PacketBatch {
  const random = seededRandom(seed);
  const conversations = makeConversations(1000, seed);
  const bytes = new Uint8Array(count * 1500);
  const batch = createPacketBatch(count, bytes);
  let offset = 0;
  for (let row = 0; row < count; row++) {
    const payload = random(3) === 0 ? 0 : random(1400);
    const shape = { isIpv6: row % 8 === 7, isTagged: row % 10 === 9, payload };
    const length = writeFrame(bytes, offset, conversations[random(1000)], shape);
    batch.offsets[row] = offset;
    batch.capturedLengths[row] = batch.wireLengths[row] = length;
    batch.timestampsUs[row] = 1_700_000_000e6 + row;
    batch.linktypes[row] = Linktype.ethernet;
    offset += length;
  }
  batch.count = count;
  batch.bytes = bytes.subarray(0, offset);
  return batch;
}

function writeFrame(
  bytes: Uint8Array,
  offset: number,
  endpoints: Endpoints,
  { isIpv6, isTagged, payload }: { isIpv6: boolean; isTagged: boolean; payload: number },
): number {
  const view = new DataView(bytes.buffer, offset);
  const transportLength = (endpoints.isTcp ? 20 : 8) + payload;
  let at = 12;
  if (isTagged) {
    view.setUint32(at, 0x81000007);
    at += 4;
  }
  view.setUint16(at, isIpv6 ? 0x86dd : 0x0800);
  at += 2;
  const ip = isIpv6 ? writeIpv6 : writeIpv4;
  at += ip(new DataView(bytes.buffer, offset + at), endpoints, transportLength);
  view.setUint16(at, endpoints.sourcePort);
  view.setUint16(at + 2, endpoints.destinationPort);
  if (endpoints.isTcp) {
    // Data offset 5, ACK and PSH, window.
    view.setUint32(at + 12, 0x5018_fff0);
  } else {
    view.setUint16(at + 4, transportLength);
  }
  return at + transportLength;
}

function writeIpv4(view: DataView, endpoints: Endpoints, transportLength: number): number {
  view.setUint16(0, 0x4500);
  view.setUint16(2, 20 + transportLength);
  view.setUint8(8, 64);
  view.setUint8(9, endpoints.isTcp ? 6 : 17);
  view.setUint32(12, endpoints.source);
  view.setUint32(16, endpoints.destination);
  return 20;
}

function writeIpv6(view: DataView, endpoints: Endpoints, transportLength: number): number {
  view.setUint8(0, 0x60);
  view.setUint16(4, transportLength);
  view.setUint8(6, endpoints.isTcp ? 6 : 17);
  view.setUint8(7, 64);
  view.setUint32(8, 0x20010db8);
  view.setUint32(20, endpoints.source);
  view.setUint32(24, 0x20010db8);
  view.setUint32(36, endpoints.destination);
  return 40;
}
