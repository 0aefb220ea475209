/** Room in the memory, and the rows of features that all else works on. */

/** First address that no constant lies at. */
const ROOM_AT: usize = 4096;
/** Memory grows by so much, seldom, because that may move all of it: 4 MB, enough for any model. Pages have 64 KiB. */
const PAGES: i32 = 64;
const BLOCK: usize = PAGES << 16;

export let rows: usize = 0;
export let rowCount: i32 = 0;
export let rowBytes: usize = 0;
let end: usize = ROOM_AT;

/** Forgets all that was there; returns where the rows are to be written. */
export function makeRows(count: i32, featureCount: i32): usize {
  end = ROOM_AT;
  rowCount = count;
  rowBytes = <usize> featureCount << 3;
  // Those that fill the last four may be any; see walk.ts.
  rows = take((<usize> count + 3) * rowBytes);
  return rows;
}

/** Room for that many bytes at a multiple of 8, with whatever lies there; traps when there is no memory left. */
export function take(bytes: usize): usize {
  const at = end;
  end = at + bytes + 7 & ~7;
  const pages = <i32> ((end + BLOCK - 1) / BLOCK) * PAGES - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  return at;
}
