/**
 * Which virtual network a packet is in, as a number that two networks hardly ever share: 0 in none, the id of a single VLAN
 * tag, and from 4096 up to 65,512 what stands for several tags or for the network id of VXLAN or Geneve and the tags inside.
 *
 * What lies outside of such a tunnel says nothing about who is inside. Other tunnels have no such id: GTP and GRE number
 * each direction by itself, and an MPLS label is given by the next router.
 */
import { readUint16 } from "./bytes.ts";

/** One more than a VLAN id can be, and the largest prime that leaves a number of 16 bits. */
const VLAN_COUNT = 4096;
const FOLDED_COUNT = 61_417;
/** So that network ids do not begin where pairs of tags do. */
const FIRST_ID = 2 ** 24;

/** Inside of a VLAN tag that stands in `network`. Id 0 is a priority and no VLAN (IEEE 802.1Q). */
export function insideVlan(network: number, id: number): number {
  if (id === 0) return network;
  return network === 0 ? id : fold(network * VLAN_COUNT + id);
}

/** Inside of VXLAN or Geneve whose network id, 24 bits, stands at `offset` (RFC 7348 section 5, RFC 8926 section 3.4). */
export function networkOfId(bytes: Uint8Array, offset: number): number {
  return fold(FIRST_ID + (readUint16(bytes, offset) << 8 | bytes[offset + 2]));
}

function fold(number: number): number {
  return VLAN_COUNT + number % FOLDED_COUNT;
}
