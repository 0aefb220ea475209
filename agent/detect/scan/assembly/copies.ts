/** Copies of a few words, which are not worth leaving WebAssembly for, as memory.copy() does. */

@inline
export function copyAddress(to: usize, from: usize): void {
  store<i64>(to, load<i64>(from));
  store<i64>(to, load<i64>(from, 8), 8);
}

/** `bytes` are a multiple of 8. */
export function copyRecord(to: usize, from: usize, bytes: i32): void {
  for (let at = 0; at < bytes; at += 8) store<i64>(to + at, load<i64>(from + at));
}
