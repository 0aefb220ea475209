/** Sets of ports: a bit for each of the 65,536, in 8 KB. */
import { LISTED_PORTS_AT, PORT_TEXT_AT, PORT_WORDS } from "../contact_layout";

/** Ranges written out; what is beyond is told as "…". */
const rangesMax: i32 = 200;
const PORT_BYTES: usize = PORT_WORDS << 2;
const COMMA: i32 = 0x2c;
const HYPHEN: i32 = 0x2d;
const DIGIT_0: u32 = 0x30;

let textEnd: usize = PORT_TEXT_AT;

@inline
export function addPort(ports: usize, port: u32): void {
  const word = ports + (port >> 5 << 2);
  store<u32>(word, load<u32>(word) | 1 << (port & 31));
}

@inline
export function hasPort(ports: usize, port: u32): bool {
  return (load<u32>(ports + (port >> 5 << 2)) >> (port & 31) & 1) != 0;
}

/** How many ports both have. */
export function countShared(ports: usize, others: usize): i32 {
  let count: i64 = 0;
  for (let at: usize = 0; at < PORT_BYTES; at += 8) {
    count += popcnt(load<i64>(ports + at) & load<i64>(others + at));
  }
  return <i32> count;
}

/** Number of the ports at LISTED_PORTS_AT. */
export function countPorts(): i32 {
  return countShared(LISTED_PORTS_AT, LISTED_PORTS_AT);
}

/** Writes the ports at LISTED_PORTS_AT as "22,80,1000-1024" to PORT_TEXT_AT; returns the bytes. */
export function writePorts(): i32 {
  textEnd = PORT_TEXT_AT;
  let ranges = 0;
  let from = nextPort(0, 0);
  while (from < 65_536) {
    if (ranges++ > 0) writeByte(COMMA);
    if (ranges > rangesMax) {
      // "…" in UTF-8.
      writeByte(0xe2);
      writeByte(0x80);
      writeByte(0xa6);
      break;
    }
    const end = nextPort(from + 1, -1);
    writeNumber(from);
    if (end > from + 1) {
      writeByte(HYPHEN);
      writeNumber(end - 1);
    }
    from = nextPort(end, 0);
  }
  return <i32> (textEnd - PORT_TEXT_AT);
}

/** The first port from `port` on that is there; with `flip` -1, that is not there. 65,536 without one. */
function nextPort(port: u32, flip: u64): u32 {
  for (let at = port; at < 65_536; at = (at | 63) + 1) {
    const rest = (load<u64>(LISTED_PORTS_AT + (at >> 6 << 3)) ^ flip) >> (at & 63);
    if (rest != 0) return at + <u32> ctz(rest);
  }
  return 65_536;
}

/** A port, from its last digit on. */
function writeNumber(port: u32): void {
  const length = 1 + i32(port >= 10) + i32(port >= 100) + i32(port >= 1000) + i32(port >= 10_000);
  textEnd += length;
  let rest = port;
  for (let index = 1; index <= length; index++) {
    // A tenth, without a division: exact below 81,920.
    const tenth = rest * 52_429 >> 19;
    store<u8>(textEnd - index, DIGIT_0 + rest - tenth * 10);
    rest = tenth;
  }
}

@inline
function writeByte(byte: u32): void {
  store<u8>(textEnd++, byte);
}
