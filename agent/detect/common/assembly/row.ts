/** The row of observations taken up: agent/detect/observation.ts draws it. */
import { TRANSPORT_ICMP, TRANSPORT_ICMPV6 } from "../row_layout";

/** Address of the row. */
let row: usize = 0;

/** Takes up the row at an address. */
@inline
export function takeUp(address: usize): void {
  row = address;
}

@inline
export function source(): usize {
  return row + 3 * 4;
}

@inline
export function destination(): usize {
  return row + 7 * 4;
}

/** Address of a word of the row. */
@inline
export function wordAt(index: i32): usize {
  return row + (index << 2);
}

@inline
export function word(index: i32): u32 {
  return load<u32>(row + (index << 2));
}

@inline
export function kind(): i32 {
  return <i32> load<u8>(row);
}

@inline
export function transport(): i32 {
  return <i32> load<u8>(row, 1);
}

@inline
export function timestampUs(): f64 {
  return <f64> word(1) * 1e6 + <f64> <i32> word(2);
}

@inline
export function sourcePort(): i32 {
  return <i32> (word(11) >> 16);
}

@inline
export function destinationPort(): i32 {
  return <i32> (word(11) & 0xffff);
}

@inline
export function flowId(): u32 {
  return word(12);
}

@inline
export function marks(): i32 {
  return <i32> word(13);
}

@inline
export function has(mark: i32): bool {
  return (marks() & mark) != 0;
}

@inline
export function tcpFlags(): i32 {
  return <i32> (word(14) >> 16);
}

@inline
export function ttl(): i32 {
  return <i32> (word(14) & 0xffff);
}

@inline
export function tcpWindow(): i32 {
  return <i32> (word(15) >> 16);
}

@inline
export function ipIdentification(): i32 {
  return <i32> (word(15) & 0xffff);
}

@inline
export function headerLength(): i32 {
  return <i32> (word(16) >> 16);
}

@inline
export function payloadLength(): u32 {
  return word(17);
}

@inline
export function origPackets(): u32 {
  return word(18);
}

@inline
export function respPackets(): u32 {
  return word(19);
}

@inline
export function origBytes(): u32 {
  return word(20);
}

@inline
export function respBytes(): u32 {
  return word(21);
}

@inline
export function durationMs(): u32 {
  return word(22);
}

@inline
export function application(): i32 {
  return <i32> (word(23) >> 16);
}

/** Whether the words from `index` on begin an address that is IPv4. */
@inline
export function isIpv4At(index: i32): bool {
  return word(index) == 0 && word(index + 1) == 0 && word(index + 2) == 0xffff;
}

/** Whether the four words at an address are an IPv4 one. */
@inline
export function isIpv4Address(address: usize): bool {
  return load<i64>(address) == 0 && load<u32>(address, 8) == 0xffff;
}

@inline
export function isIcmp(): bool {
  return transport() == TRANSPORT_ICMP || transport() == TRANSPORT_ICMPV6;
}

export function isToItself(): bool {
  return load<i64>(source(), 8) == load<i64>(destination(), 8) &&
    load<i64>(source()) == load<i64>(destination());
}

/** Whether both ends are one host, as far as addresses say. */
export function isWithinHost(): bool {
  return isToItself() || isLoopback(source()) && isLoopback(destination());
}

/** Whether the row, of kind contact, can have come from elsewhere: loopback has no MAC addresses, or zeros. */
export function isOnCable(): bool {
  return (word(24) | word(25)) != 0 && !isLoopback(source());
}

function isLoopback(address: usize): bool {
  if (isIpv4Address(address)) return load<u32>(address, 12) >> 24 == 127;
  return load<i64>(address) == 0 && load<u32>(address, 8) == 0 && load<u32>(address, 12) == 1;
}
