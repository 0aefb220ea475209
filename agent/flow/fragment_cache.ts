/**
 * Ports of fragmented datagrams: the first fragment leaves them, the later ones, which have none, take them. A fixed
 * number of places; a datagram that falls on another's place takes it over, and its later fragments then belong to a
 * flow without ports, like those that arrive before their first fragment.
 */
import type { Packet } from "../records.ts";

/** A datagram is complete after this long or never (RFC 791: 15 s; Linux and RFC 8200: up to 60 s). */
const reassemblyUs = 60_000_000;
const placeCount = 1024;
const wordsPerPlace = 11;

export class FragmentCache {
  /** Source and destination words; virtual network, protocol and IP version; identification; ports. */
  readonly #words = new Int32Array(placeCount * wordsPerPlace);
  readonly #timestampsUs = new Float64Array(placeCount).fill(-Infinity);

  /** Remembers the ports of a first fragment. */
  put(packet: Packet, timestampUs: number): void {
    if (packet.sourcePort < 0 || packet.ipIdentification === -1) return;
    const place = placeOf(packet);
    const base = place * wordsPerPlace;
    const words = this.#words;
    words[base] = packet.source0;
    words[base + 1] = packet.source1;
    words[base + 2] = packet.source2;
    words[base + 3] = packet.source3;
    words[base + 4] = packet.destination0;
    words[base + 5] = packet.destination1;
    words[base + 6] = packet.destination2;
    words[base + 7] = packet.destination3;
    words[base + 8] = contextOf(packet);
    words[base + 9] = packet.ipIdentification;
    words[base + 10] = packet.sourcePort << 16 | packet.destinationPort;
    this.#timestampsUs[place] = timestampUs;
  }

  /** Source port << 16 | destination port (signed) of a later fragment's datagram; NaN when it is not known. */
  ports(packet: Packet, timestampUs: number): number {
    if (packet.ipIdentification === -1) return NaN;
    const place = placeOf(packet);
    const isRecent = Math.abs(timestampUs - this.#timestampsUs[place]) <= reassemblyUs;
    if (!isRecent || !this.#holds(place, packet)) return NaN;
    return this.#words[place * wordsPerPlace + 10];
  }

  #holds(place: number, packet: Packet): boolean {
    const base = place * wordsPerPlace;
    const words = this.#words;
    return words[base + 9] === packet.ipIdentification &&
      words[base + 8] === contextOf(packet) &&
      words[base] === packet.source0 && words[base + 1] === packet.source1 &&
      words[base + 2] === packet.source2 && words[base + 3] === packet.source3 &&
      words[base + 4] === packet.destination0 && words[base + 5] === packet.destination1 &&
      words[base + 6] === packet.destination2 && words[base + 7] === packet.destination3;
  }
}

function contextOf({ virtualNetwork, ipProtocol, ipVersion }: Packet): number {
  return virtualNetwork << 16 | ipProtocol << 8 | ipVersion;
}

function placeOf(packet: Packet): number {
  const mixed = Math.imul(
    packet.ipIdentification ^ Math.imul(packet.source3, 0x9e3779b1) ^
      Math.imul(packet.destination3, 0x85ebca6b),
    0xc2b2ae35,
  );
  return (mixed ^ mixed >>> 15) & (placeCount - 1);
}
