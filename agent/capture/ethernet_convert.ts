/**
 * Turns pcap records of other link types into Ethernet, for a capture file with packets of several: a pcap file has
 * one link type.
 *
 *     raw IP           nothing is taken away; EtherType by the IP version
 *     null, loopback   4 bytes (address family) are taken away; EtherType by the family
 *     Linux cooked     16 bytes (v2: 20) are taken away; EtherType and source address are kept
 *
 * The Ethernet header put in front has zero addresses where the link had none. A protocol number below 0x600
 * (LLC on a cooked capture) becomes the 802.3 length. Other link types, and records that are shorter than their own
 * link header, are left out and counted.
 */
import { Linktype } from "../records.ts";
import { recordHeaderLength } from "./pcap_records.ts";

export const ethernetHeaderLength = 14;
const etherTypeIpv4 = 0x0800;
const etherTypeIpv6 = 0x86dd;

/** Link header lengths of what can be converted. */
const headerLengths: Readonly<Record<number, number>> = {
  [Linktype.null]: 4,
  [Linktype.raw]: 0,
  [Linktype.loop]: 4,
  [Linktype.linuxSll]: 16,
  [Linktype.ipv4]: 0,
  [Linktype.ipv6]: 0,
  [Linktype.linuxSll2]: 20,
};

/** AF_INET6 of the systems that write null headers: Linux, NetBSD and OpenBSD, FreeBSD, macOS. */
const ipv6Families: ReadonlySet<number> = new Set([10, 24, 28, 30]);

interface EthernetRecords {
  /** Records; valid until the next call. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly packetCount: number;
  /** Records that were left out. */
  readonly skipped: number;
}

/** Converts buffers of records, one after the other, in a scratch buffer of its own. */
export class EthernetConverter {
  #scratch = new Uint8Array(0);

  /** `records` are whole native pcap records of link type `linktype`, not Ethernet. */
  convert(records: Uint8Array, packetCount: number, linktype: number): EthernetRecords {
    const headerLength = headerLengths[linktype];
    if (headerLength === undefined) {
      return { bytes: new Uint8Array(0), packetCount: 0, skipped: packetCount };
    }
    const lengthMax = records.length + packetCount * ethernetHeaderLength;
    if (this.#scratch.length < lengthMax) this.#scratch = new Uint8Array(lengthMax);
    const view = new DataView(records.buffer, records.byteOffset, records.length);
    const output = new DataView(this.#scratch.buffer);
    let written = 0;
    let converted = 0;
    for (let position = 0; position < records.length;) {
      const capturedLength = view.getUint32(position + 8, true);
      const data = position + recordHeaderLength;
      const end = data + capturedLength;
      const etherType = capturedLength < Math.max(headerLength, 1)
        ? -1
        : readEtherType(view, data, linktype);
      if (etherType >= 0) {
        this.#scratch.set(records.subarray(position, data), written);
        const growth = ethernetHeaderLength - headerLength;
        output.setUint32(written + 8, capturedLength + growth, true);
        output.setUint32(written + 12, view.getUint32(position + 12, true) + growth, true);
        written += recordHeaderLength;
        this.#scratch.fill(0, written, written + ethernetHeaderLength);
        copySourceAddress(records, data, this.#scratch, written, linktype);
        const isLength = etherType < 0x600;
        const length = Math.min(capturedLength - headerLength, 1500);
        output.setUint16(written + 12, isLength ? length : etherType);
        written += ethernetHeaderLength;
        this.#scratch.set(records.subarray(data + headerLength, end), written);
        written += end - data - headerLength;
        converted++;
      }
      position = end;
    }
    return {
      bytes: this.#scratch.subarray(0, written),
      packetCount: converted,
      skipped: packetCount - converted,
    };
  }
}

/** EtherType of the packet whose link header is at `offset`; -1 when it has none. */
function readEtherType(view: DataView, offset: number, linktype: number): number {
  switch (linktype) {
    case Linktype.linuxSll:
      return view.getUint16(offset + 14);
    case Linktype.linuxSll2:
      return view.getUint16(offset);
    case Linktype.loop:
      return etherTypeOfFamily(view.getUint32(offset));
    case Linktype.null: {
      // Written in the byte order of the capturing machine; families are small numbers.
      const family = view.getUint32(offset, true);
      return etherTypeOfFamily(family > 0xffff ? view.getUint32(offset) : family);
    }
    default: {
      const version = view.getUint8(offset) >> 4;
      return version === 4 ? etherTypeIpv4 : version === 6 ? etherTypeIpv6 : -1;
    }
  }
}

function etherTypeOfFamily(family: number): number {
  return family === 2 ? etherTypeIpv4 : ipv6Families.has(family) ? etherTypeIpv6 : -1;
}

/** Cooked headers hold the sender's address and its length; taken when it is a MAC address. */
function copySourceAddress(
  from: Uint8Array,
  offset: number,
  to: Uint8Array,
  start: number,
  linktype: number,
): void {
  if (linktype === Linktype.linuxSll && from[offset + 5] === 6) {
    to.set(from.subarray(offset + 6, offset + 12), start + 6);
  } else if (linktype === Linktype.linuxSll2 && from[offset + 11] === 6) {
    to.set(from.subarray(offset + 12, offset + 18), start + 6);
  }
}
