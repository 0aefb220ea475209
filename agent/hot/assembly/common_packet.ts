/**
 * The packet that most packets are: Ethernet II with at most one 802.1Q tag, IPv4 without options or fragments or IPv6
 * without extensions, TCP or UDP that is no tunnel, headers whole. Everything else is left to the walk from header to header
 * in agent/decode; a test holds the two together.
 */
import {
  P_ARP_OFFSET,
  P_DESTINATION,
  P_DESTINATION_PORT,
  P_ETHER_TYPE,
  P_ICMP_IDENTIFIER,
  P_IP_IDENTIFICATION,
  P_IP_LENGTH,
  P_IP_PROTOCOL,
  P_IP_VERSION,
  KIND_IPV4,
  KIND_IPV6,
  KIND_TAGGED,
  P_KIND,
  P_IS_FRAGMENT,
  P_IS_LATER_FRAGMENT,
  P_LINK_OFFSET,
  P_NETWORK,
  P_OUTER_DESTINATION_OFFSET,
  P_OUTER_IP_VERSION,
  P_OUTER_SOURCE_OFFSET,
  P_OUTER_TCP_FLAGS,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_LENGTH,
  P_PAYLOAD_OFFSET,
  P_SOURCE,
  P_SOURCE_PORT,
  P_STOP_AVAILABLE,
  P_STOP_LAYER,
  P_STOP_NEEDED,
  P_STOP_REASON,
  P_TCP_ACKNOWLEDGEMENT,
  P_TCP_FLAGS,
  P_TCP_SEQUENCE,
  P_TCP_WINDOW,
  P_TRANSPORT,
  P_TTL,
  P_TUNNEL_DEPTH,
  P_VLAN_ID,
  PACKET_AT,
  TUNNEL_PORTS_AT,
} from "../layout";
import { read16, read32 } from "./words";

/** EtherType (big-endian) and version; IPv4 with its header length. */
const TYPE_IPV4: u32 = 0x450008;
const TYPE_IPV6: u32 = 0x60dd86;
const TYPE_VLAN: u32 = 0x0081;
const ETHERNET_LENGTH: i32 = 14;
/** IEEE 802.1Q: priority and id, then what an untagged frame would have had. */
const TAG_LENGTH: i32 = 4;
const IPV4_LENGTH: i32 = 20;
const IPV6_LENGTH: i32 = 40;
const TCP_LENGTH_MIN: i32 = 20;
const UDP_LENGTH: i32 = 8;
const FRAME_LENGTH_MIN: u32 = ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH;
const PROTOCOL_TCP: i32 = 6;
const PROTOCOL_UDP: i32 = 17;
const TRANSPORT_TCP: i32 = 1;
const TRANSPORT_UDP: i32 = 2;

@inline
function set(field: i32, value: i32): void {
  store<i32>(PACKET_AT + (field << 2), value);
}

/** The 16 or 32 bits of a word that begin `bit` bits from its first byte. An access costs more than what is done with it. */
@inline
function half(word: u64, bit: u64): i32 {
  return <i32> bswap<u16>(<u16> (word >> bit));
}

@inline
function whole(word: u64, bit: u64): i32 {
  return <i32> bswap<u32>(<u32> (word >> bit));
}

/**
 * Fills the packet and returns true, or returns false for any other packet. `base` is the address of the batch's bytes,
 * from which the packet's offsets count.
 */
export function decodeCommon(base: usize, offset: i32, capturedLength: u32, wireLength: u32): bool {
  const at = base + offset;
  if (capturedLength < FRAME_LENGTH_MIN) return false;
  const wire = wireLength > capturedLength ? wireLength : capturedLength;
  if (load<u16>(at, 12) != TYPE_VLAN) {
    return decodeIp(at, offset, ETHERNET_LENGTH, 0, capturedLength, wire);
  }
  if (!decodeIp(at, offset, ETHERNET_LENGTH + TAG_LENGTH, KIND_TAGGED, capturedLength, wire)) {
    return false;
  }
  const id = read16(at + 14) & 0x0fff;
  set(P_VLAN_ID, id);
  set(P_NETWORK, id);
  return true;
}

/** `start` is where the IP header begins in the frame, behind its EtherType; `tagged` is 0 or KIND_TAGGED. */
function decodeIp(
  at: usize,
  offset: i32,
  start: i32,
  tagged: i32,
  capturedLength: u32,
  wire: u32,
): bool {
  // EtherType and the first byte of the IP header.
  const type = load<u32>(at + start - 2) & 0xffffff;
  if (type == TYPE_IPV4) return decodeIpv4(at, offset, start, tagged, capturedLength, wire);
  return (type & 0xf0ffff) == TYPE_IPV6 &&
    decodeIpv6(at, offset, start, tagged, capturedLength, wire);
}

@inline
function decodeIpv4(
  at: usize,
  offset: i32,
  start: i32,
  tagged: i32,
  capturedLength: u32,
  wire: u32,
): bool {
  const ip = at + start;
  const transport = start + IPV4_LENGTH;
  if (capturedLength < <u32> (transport + UDP_LENGTH)) return false;
  // Version to fragment; time to live to source; destination, and the ports behind it.
  const first = load<u64>(ip);
  const second = load<u64>(ip, 8);
  const third = load<u64>(ip, 16);
  const totalLength = half(first, 16);
  if ((first >> 48 & 0xff3f) != 0 || totalLength < IPV4_LENGTH) return false;
  const ipLengthEnd: u32 = start + totalLength;
  const ipEnd: u32 = ipLengthEnd < wire ? ipLengthEnd : wire;
  const protocol = <i32> (second >> 8 & 0xff);
  const ports = <u32> (third >> 32);
  if (!decodeTransport(at, offset, transport, protocol, ports, ipEnd, capturedLength)) return false;
  setConstants(KIND_IPV4 | tagged);
  set(P_SOURCE + 3, whole(second, 32));
  set(P_DESTINATION + 3, whole(third, 0));
  set(P_OUTER_SOURCE_OFFSET, offset + start + 12);
  set(P_OUTER_DESTINATION_OFFSET, offset + start + 16);
  set(P_IP_LENGTH, totalLength);
  set(P_TTL, <i32> (second & 0xff));
  return true;
}

function decodeIpv6(
  at: usize,
  offset: i32,
  start: i32,
  tagged: i32,
  capturedLength: u32,
  wire: u32,
): bool {
  const ip = at + start;
  const transport = start + IPV6_LENGTH;
  if (capturedLength < <u32> (transport + UDP_LENGTH)) return false;
  const payloadLength = read16(ip + 4);
  // No length: a jumbogram or segmentation offload.
  if (payloadLength == 0) return false;
  const ipLengthEnd: u32 = transport + payloadLength;
  const ipEnd: u32 = ipLengthEnd < wire ? ipLengthEnd : wire;
  const protocol = <i32> load<u8>(ip, 6);
  const ports = load<u32>(at + transport);
  if (!decodeTransport(at, offset, transport, protocol, ports, ipEnd, capturedLength)) return false;
  setConstants(KIND_IPV6 | tagged);
  for (let word = 0; word < 8; word++) set(P_SOURCE + word, read32(ip + 8 + (word << 2)));
  set(P_OUTER_SOURCE_OFFSET, offset + start + 8);
  set(P_OUTER_DESTINATION_OFFSET, offset + start + 24);
  set(P_IP_LENGTH, IPV6_LENGTH + payloadLength);
  set(P_TTL, load<u8>(ip, 7));
  return true;
}

/**
 * TCP or UDP at `start` of the frame, whose first four bytes are `ports`; all ends count from the start of the frame. Fills
 * what does not need the IP header.
 */
@inline
function decodeTransport(
  at: usize,
  offset: i32,
  start: i32,
  protocol: i32,
  ports: u32,
  ipEnd: u32,
  captured: u32,
): bool {
  const transport = at + start;
  let payload: u32 = 0;
  let end = ipEnd;
  const source = half(ports, 0);
  const destination = half(ports, 16);
  if (protocol == PROTOCOL_TCP) {
    const readableEnd = ipEnd < captured ? ipEnd : captured;
    if (<u32> (start + TCP_LENGTH_MIN) > readableEnd) return false;
    // Header length, flags, window.
    const control = load<u32>(transport, 12);
    payload = start + ((control >> 4 & 0xf) << 2);
    if (payload < <u32> (start + TCP_LENGTH_MIN) || payload > readableEnd) return false;
    setTcp(load<u64>(transport, 4), control);
  } else if (protocol == PROTOCOL_UDP) {
    const length: u32 = read16(transport + 4);
    payload = start + UDP_LENGTH;
    if (payload > ipEnd || length < <u32> UDP_LENGTH || mayBeTunnel(source, destination)) return false;
    if (<u32> start + length < ipEnd) end = <u32> start + length;
    setUdp();
  } else return false;
  set(P_SOURCE_PORT, source);
  set(P_DESTINATION_PORT, destination);
  set(P_IP_PROTOCOL, protocol);
  set(P_LINK_OFFSET, offset);
  set(P_PAYLOAD_OFFSET, offset + <i32> payload);
  set(P_PAYLOAD_LENGTH, <i32> (end - payload));
  const payloadEnd = end < captured ? end : captured;
  set(P_PAYLOAD_CAPTURED_LENGTH, <i32> (payloadEnd - payload));
  return true;
}

/** Tunnels are told by either port; whether they are some is looked at elsewhere. */
@inline
function mayBeTunnel(source: i32, destination: i32): bool {
  return ((isTunnelPort(source) | isTunnelPort(destination)) & 1) != 0;
}

@inline
function isTunnelPort(port: i32): i32 {
  return <i32> load<u8>(TUNNEL_PORTS_AT + (port >> 3)) >> (port & 7);
}

@inline
function setTcp(numbers: u64, control: u32): void {
  const flags = half(control, 0);
  set(P_TRANSPORT, TRANSPORT_TCP);
  set(P_OUTER_TCP_FLAGS, flags & 0x0fff);
  set(P_TCP_FLAGS, flags & 0x01ff);
  set(P_TCP_SEQUENCE, whole(numbers, 0));
  set(P_TCP_ACKNOWLEDGEMENT, whole(numbers, 32));
  set(P_TCP_WINDOW, half(control, 16));
}

@inline
function setUdp(): void {
  set(P_TRANSPORT, TRANSPORT_UDP);
  set(P_OUTER_TCP_FLAGS, -1);
  set(P_TCP_FLAGS, -1);
  set(P_TCP_SEQUENCE, 0);
  set(P_TCP_ACKNOWLEDGEMENT, 0);
  set(P_TCP_WINDOW, 0);
}

/** What packets of a kind share; written again only after one of another kind has changed it. */
@inline
function setConstants(kind: i32): void {
  if (load<i32>(PACKET_AT, P_KIND << 2) != kind) changeConstants(kind);
}

function changeConstants(kind: i32): void {
  const isIpv4 = (kind & KIND_IPV4) != 0;
  const version = isIpv4 ? 4 : 6;
  set(P_KIND, kind);
  set(P_ETHER_TYPE, (kind & KIND_TAGGED) != 0 ? 0x8100 : isIpv4 ? 0x0800 : 0x86dd);
  set(P_IP_VERSION, version);
  set(P_OUTER_IP_VERSION, version);
  if (isIpv4) {
    set(P_SOURCE, 0);
    set(P_SOURCE + 1, 0);
    set(P_SOURCE + 2, 0xffff);
    set(P_DESTINATION, 0);
    set(P_DESTINATION + 1, 0);
    set(P_DESTINATION + 2, 0xffff);
  }
  set(P_VLAN_ID, -1);
  set(P_NETWORK, 0);
  set(P_TUNNEL_DEPTH, 0);
  set(P_IS_LATER_FRAGMENT, 0);
  set(P_IS_FRAGMENT, 0);
  set(P_IP_IDENTIFICATION, -1);
  set(P_ICMP_IDENTIFIER, -1);
  set(P_ARP_OFFSET, -1);
  set(P_STOP_REASON, 0);
  set(P_STOP_LAYER, 0);
  set(P_STOP_NEEDED, 0);
  set(P_STOP_AVAILABLE, 0);
}
