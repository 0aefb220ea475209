/**
 * The newest beats of each client at a server's port: a bounded table of records (S_ of the layout), each known by its
 * address; 0 is none.
 *
 *     4,096 records of (472 + 16) bytes    2 MB
 */
import { findKey, insertKey } from "../../common/assembly/keyed_slots";
import { transport, wordAt } from "../../common/assembly/row";
import { isFull, makeTable, oldestOf, removeFrom, touch } from "../../common/assembly/slots";
import {
  INDEX_AT,
  KEY_AT,
  KEY_WORDS,
  LINKS_AT,
  OPEN_AT,
  RING_LENGTH,
  S_BEATS,
  S_DOWN_BYTES,
  S_FLOW,
  S_FLOW_BYTES,
  S_LAST_US,
  S_PORT,
  S_REPLIES,
  S_RESUMED,
  S_SIZES,
  S_SIZES_KNOWN,
  S_TIMES,
  SERIES_AT,
  SERIES_MAX,
  SERIES_TABLE_AT,
  SERIES_WORDS,
} from "../beats_layout";
import { forgotten } from "./imports";

const RECORD_BYTES: i32 = SERIES_WORDS << 2;
const SECOND_US: f64 = 1_000_000;
/** Connections are told when the client speaks, so they come nearly in order; this far back is another capture. */
const JUMP_US: f64 = 60 * SECOND_US;

let forgottenCount: i32 = 0;

export function makeSeries(): void {
  makeTable(
    SERIES_TABLE_AT,
    SERIES_AT,
    RECORD_BYTES,
    KEY_WORDS << 2,
    INDEX_AT,
    LINKS_AT,
    SERIES_MAX,
  );
}

/** Series taken over because the table was full. */
export function forgottenSeries(): i32 {
  return forgottenCount;
}

/**
 * The series of a client and a server whose addresses begin at words of the row; 0 when it is not there. Does not count as
 * use.
 */
export function findSeries(client: i32, server: i32, port: i32): usize {
  copyAddress(KEY_AT, wordAt(client));
  copyAddress(KEY_AT + 16, wordAt(server));
  store<i64>(KEY_AT, transport() << 16 | port, S_PORT << 2);
  return findKey(SERIES_TABLE_AT, KEY_AT, KEY_WORDS);
}

/** The same, now the one used last, added when it is not there. */
export function useSeries(client: i32, server: i32, port: i32): usize {
  const found = findSeries(client, server, port);
  if (found != 0) {
    touch(SERIES_TABLE_AT, found);
    return found;
  }
  if (isFull(SERIES_TABLE_AT)) forgetOldest();
  const series = insertKey(SERIES_TABLE_AT, KEY_AT, KEY_WORDS);
  reset(series);
  return series;
}

@inline
export function numberOf(series: usize): i32 {
  return <i32> (series - SERIES_AT) / RECORD_BYTES;
}

@inline
export function hasEpisode(series: usize): bool {
  return load<u8>(OPEN_AT + numberOf(series)) != 0;
}

/** Takes a beat; returns whether it counts as one. */
export function addBeat(series: usize, atUs: f64, isResumed: bool): bool {
  const lastUs = load<f64>(series, S_LAST_US << 2);
  const gapUs = atUs - lastUs;
  if (gapUs < -JUMP_US) reset(series);
  else if (gapUs < SECOND_US) {
    store<f64>(series, Math.max(atUs, lastUs), S_LAST_US << 2);
    return false;
  }
  const beats = load<u32>(series, S_BEATS << 2);
  store<f64>(series, atUs, S_LAST_US << 2);
  store<f64>(series + (beats % RING_LENGTH << 3), atUs, S_TIMES << 2);
  store<u32>(series, beats + 1, S_BEATS << 2);
  if (isResumed) store<i32>(series, load<i32>(series, S_RESUMED << 2) + 1, S_RESUMED << 2);
  return true;
}

/** What the client sent for one beat. */
export function addSize(series: usize, bytes: u32): void {
  const sizes = load<u32>(series, S_SIZES_KNOWN << 2);
  store<u32>(series + (sizes % RING_LENGTH << 2), bytes, S_SIZES << 2);
  store<u32>(series, sizes + 1, S_SIZES_KNOWN << 2);
}

/** What the server has sent in a flow so far. */
export function noteDown(series: usize, flow: u32, bytes: u32): void {
  const isSame = load<u32>(series, S_FLOW << 2) == flow;
  const before: u32 = isSame ? load<u32>(series, S_FLOW_BYTES << 2) : 0;
  const more: f64 = bytes > before ? bytes - before : 0;
  store<f64>(series, load<f64>(series, S_DOWN_BYTES << 2) + more, S_DOWN_BYTES << 2);
  store<u32>(series, flow, S_FLOW << 2);
  store<u32>(series, bytes, S_FLOW_BYTES << 2);
}

export function addReply(series: usize): void {
  store<i32>(series, load<i32>(series, S_REPLIES << 2) + 1, S_REPLIES << 2);
}

/** Begins anew, as if never seen. */
function reset(series: usize): void {
  store<f64>(series, -Infinity, S_LAST_US << 2);
  store<f64>(series, 0, S_DOWN_BYTES << 2);
  store<i32>(series, 0, S_BEATS << 2);
  store<i32>(series, 0, S_RESUMED << 2);
  store<i32>(series, 0, S_SIZES_KNOWN << 2);
  store<i32>(series, 0, S_REPLIES << 2);
  store<i32>(series, 0, S_FLOW << 2);
  store<i32>(series, 0, S_FLOW_BYTES << 2);
}

function forgetOldest(): void {
  const oldest = oldestOf(SERIES_TABLE_AT);
  forgottenCount++;
  if (hasEpisode(oldest)) forgotten(numberOf(oldest));
  removeFrom(SERIES_TABLE_AT, oldest);
}

function copyAddress(to: usize, from: usize): void {
  store<i64>(to, load<i64>(from));
  store<i64>(to, load<i64>(from, 8), 8);
}
