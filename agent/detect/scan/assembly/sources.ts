/**
 * What is known of each source and family of probes against which something speaks: a bounded table of records (S_ of the
 * layout), each with the newest probes of the source (K_). A source is known by the address of its record; 0 is none.
 *
 *     8,192 records of (72 + 16) bytes, and 24 probes of 40 bytes each    8.6 MB
 */
import {
  countOf,
  insertAt,
  isFull,
  makeTable,
  maskOf,
  oldestOf,
  removeFrom,
  touch,
} from "../../common/assembly/slots";
import {
  K_BYTES,
  RING_AT,
  RING_LENGTH,
  S_FAMILY,
  S_HASH,
  S_KEPT,
  SOURCE_INDEX_AT,
  SOURCE_LINKS_AT,
  SOURCE_TABLE_AT,
  SOURCE_WORDS,
  SOURCES_AT,
  SOURCES_MAX,
} from "../contact_layout";
import { copyAddress } from "./copies";
import { mix } from "./hashes";

const RECORD_BYTES: i32 = SOURCE_WORDS << 2;

let forgotten: i32 = 0;

export function makeSources(): void {
  makeTable(
    SOURCE_TABLE_AT,
    SOURCES_AT,
    RECORD_BYTES,
    S_HASH << 2,
    SOURCE_INDEX_AT,
    SOURCE_LINKS_AT,
    SOURCES_MAX,
  );
}

/** Sources that a full table forgot. */
export function forgottenSources(): i32 {
  return forgotten;
}

/** The source with the address, whose first hash is `hash0`; 0 when nothing speaks against it. */
export function findSource(address: usize, hash0: i32, family: i32): usize {
  if (countOf(SOURCE_TABLE_AT) == 0) return 0;
  const slot = load<i32>(placeOf(address, family, mix(hash0, 0, family))) - 1;
  return slot < 0 ? 0 : SOURCES_AT + slot * RECORD_BYTES;
}

/** The same source, now the one used last; 0 when it is not there. */
export function useSource(address: usize, hash0: i32, family: i32): usize {
  const source = findSource(address, hash0, family);
  if (source != 0) touch(SOURCE_TABLE_AT, source);
  return source;
}

/** A new source; the table must not be full. */
export function addSource(address: usize, hash0: i32, family: i32): usize {
  const hash = mix(hash0, 0, family);
  const source = insertAt(SOURCE_TABLE_AT, placeOf(address, family, hash), hash);
  copyAddress(source, address);
  store<i32>(source, family, S_FAMILY << 2);
  return source;
}

export function areSourcesFull(): bool {
  return isFull(SOURCE_TABLE_AT);
}

/** The source untouched for longest. */
export function oldestSource(): usize {
  return oldestOf(SOURCE_TABLE_AT);
}

export function touchSource(source: usize): void {
  touch(SOURCE_TABLE_AT, source);
}

export function forgetSource(source: usize): void {
  forgotten++;
  removeFrom(SOURCE_TABLE_AT, source);
}

/** Probes kept of a source, at most RING_LENGTH. */
export function keptOf(source: usize): i32 {
  return min(load<i32>(source, S_KEPT << 2), RING_LENGTH);
}

/** The `index`th place for a probe of a source. */
@inline
export function keptAt(source: usize, index: i32): usize {
  const slot = <i32> (source - SOURCES_AT) / RECORD_BYTES;
  return RING_AT + (slot * RING_LENGTH + index) * K_BYTES;
}

/** Place in the index of the source, or the empty one where it belongs. */
function placeOf(address: usize, family: i32, hash: i32): usize {
  const high = load<i64>(address);
  const low = load<i64>(address, 8);
  const mask = maskOf(SOURCE_TABLE_AT);
  let place = hash & mask;
  while (true) {
    const at: usize = SOURCE_INDEX_AT + (place << 2);
    const slot = load<i32>(at) - 1;
    if (slot < 0) return at;
    const own: usize = SOURCES_AT + slot * RECORD_BYTES;
    const isFamily = load<i32>(own, S_FAMILY << 2) == family;
    if (isFamily && load<i64>(own, 8) == low && load<i64>(own) == high) return at;
    place = place + 1 & mask;
  }
}
