/** Words that nearly every part reads: of the packet in hand, of the state, and of captured bytes, which are big-endian. */
import { PACKET_AT, STATE_AT } from "../layout";

/** A word of the packet in hand, P_ of the layout. */
@inline
export function field(index: i32): i32 {
  return load<i32>(PACKET_AT + (index << 2));
}

/** A word of the state, S_ of the layout. */
@inline
export function state(index: i32): i32 {
  return load<i32>(STATE_AT + (index << 2));
}

@inline
export function read16(at: usize): i32 {
  return <i32> bswap<u16>(load<u16>(at));
}

@inline
export function read32(at: usize): i32 {
  return <i32> bswap<u32>(load<u32>(at));
}
