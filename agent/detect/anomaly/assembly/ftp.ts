/**
 * Who has lately had an FTP connection with whom. Each file comes over a connection of its own to a port that was agreed on
 * (RFC 959, passive; RFC 1123 section 4.1.2.12), which says nothing of what is asked for: of two hosts they count as one.
 *
 * A place for each pair of a hash, which the next pair of it takes over: a mark of the pair, the window it was seen in.
 */
import { FTP_AT, FTP_PAIRS_MAX } from "../activity_layout";

/** Windows for which a pair is known when its control connection says nothing more. */
const WINDOWS: i32 = 60;

/** The two speak FTP; a pair is the sum of the hashes of their addresses. */
export function noteFtp(pair: u64, window: i32): void {
  const place = placeOf(pair);
  store<u32>(place, markOf(pair));
  store<i32>(place, window, 4);
}

export function haveFtp(pair: u64, window: i32): bool {
  const place = placeOf(pair);
  return load<u32>(place) == markOf(pair) && window - load<i32>(place, 4) <= WINDOWS;
}

@inline
function placeOf(pair: u64): usize {
  return FTP_AT + (<usize> (<i32> (pair ^ pair >> 40) & FTP_PAIRS_MAX - 1) << 3);
}

@inline
function markOf(pair: u64): u32 {
  return <u32> (pair >> 32) | 1;
}
