/**
 * Inflate (RFC 1951): from packed bytes at INPUT_AT to bytes at OUTPUT_AT, which stand behind the window that matches reach
 * back to. It can stop after any symbol, for want of input or of room, and go on there, so that data which are cut off or
 * damaged give everything that stands before.
 */
import {
  BAD_BLOCK,
  BAD_CODE,
  BAD_DISTANCE,
  BAD_STORED_LENGTH,
  BAD_SYMBOL,
  DISTANCE_CODE_AT,
  IS_FULL,
  IS_OVER,
  LENGTHS_AT,
  LITERAL_CODE_AT,
  MEMORY_PAGES,
  NEEDS_INPUT,
  OUTPUT_AT,
  OUTPUT_END,
  OUTPUT_SLACK,
  TABLE_AT,
  TABLE_BITS,
  WINDOW_BYTES,
} from "../inflate_layout";
import { findWord, makeCode } from "./codes";

const STORED: i32 = 0;
const FIXED: i32 = 1;
const DYNAMIC: i32 = 2;
/** Between blocks, in place of a kind. */
const NO_BLOCK: i32 = 3;

const END_OF_BLOCK: i32 = 256;
const LITERALS: i32 = 286;
const DISTANCES: i32 = 30;
const CODE_LENGTHS: i32 = 19;
const LENGTH_SYMBOL_MAX: i32 = 28;
/** Of a length and a distance. */
const SYMBOL_BITS_MAX: i32 = 48;
const TABLE_MASK: u64 = (1 << TABLE_BITS) - 1;

/** Section 3.2.5: what a length and a distance begin from, and how many bits are added. */
const lengthBases = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
]);
const lengthBits = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const distanceBases = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
]);
const distanceBits = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);
/** Section 3.2.7: the order in which lengths of code-length codes are written. */
const codeLengthOrder = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]);
/** A symbol that begins here has room. */
const OUTPUT_LAST: usize = OUTPUT_END - OUTPUT_SLACK;

/** The next packed byte, and the end of those that are there. */
let input: usize = 0;
let inputEnd: usize = 0;
/** Bits taken from the input and not used yet, lowest first, and how many; fewer than 0 when more were used than there are. */
let hold: u64 = 0;
let bits: i32 = 0;
/** Where the next byte goes; the first byte that a match may reach. */
let output: usize = OUTPUT_AT;
let windowStart: usize = OUTPUT_AT;

let block: i32 = NO_BLOCK;
let isLast: bool = false;
/** Of a stored block. */
let storedLeft: usize = 0;

/** Makes the memory as large as it ever is; once, before all else. */
export function setUp(): void {
  memory.grow(MEMORY_PAGES - memory.size());
}

/** What comes next is the start of a deflate stream. */
export function begin(): void {
  hold = 0;
  bits = 0;
  windowStart = output;
  block = NO_BLOCK;
  isLast = false;
}

/** Where the bytes that have not been used begin; whole ones only, once the stream is over. */
export function inputAt(): usize {
  return input;
}

export function outputAt(): usize {
  return output;
}

/** Once everything up to outputAt() has been taken: makes room if there is none, and returns where the next output begins. */
export function makeRoom(): usize {
  if (output <= OUTPUT_LAST) return output;
  const kept = min<usize>(output - windowStart, WINDOW_BYTES);
  memory.copy(OUTPUT_AT, output - kept, kept);
  windowStart = OUTPUT_AT;
  output = OUTPUT_AT + <i32> kept;
  return output;
}

/** Unpacks the bytes from `from` to `to`, as far as there is room; returns why it went no further. */
export function inflate(from: usize, to: usize): i32 {
  input = from;
  inputEnd = to;
  let status = -1;
  while (status < 0) {
    if (block == STORED) status = copyStored();
    else if (block != NO_BLOCK) status = inflateBlock();
    else status = isLast ? IS_OVER : beginBlock();
  }
  if (status >= IS_OVER) returnBits();
  return status;
}

/** A stream ends, or goes wrong, within a byte; the bytes behind that one have not been used. */
function returnBits(): void {
  input -= bits >> 3;
  hold = 0;
  bits = 0;
}

/** Gets at least 56 bits, or all there are. */
function refill(): void {
  if (input + 8 <= inputEnd) {
    hold |= load<u64>(input) << bits;
    input += 63 - bits >> 3;
    bits |= 56;
  } else {
    for (; bits < 56 && input < inputEnd; bits += 8) hold |= <u64> load<u8>(input++) << bits;
  }
}

/** Uses bits; when there are not as many, `bits` is negative afterwards. */
function take(count: i32): i32 {
  const value = <i32> (hold & (<u64> 1 << count) - 1);
  hold >>= count;
  bits -= count;
  return value;
}

/** Reads the header of a block, or nothing when it is not whole; returns -1, NEEDS_INPUT or a fault. */
function beginBlock(): i32 {
  const inputBefore = input;
  const holdBefore = hold;
  const bitsBefore = bits;
  refill();
  const isLastOne = take(1) != 0;
  const kind = take(2);
  let status = -1;
  if (bits >= 0) {
    if (kind == STORED) status = readStoredLength();
    else if (kind == FIXED) makeFixedCodes();
    else if (kind == DYNAMIC) status = readCodes();
    else status = BAD_BLOCK;
  }
  // What the missing bits seem to say counts for nothing.
  if (bits < 0) {
    input = inputBefore;
    hold = holdBefore;
    bits = bitsBefore;
    return NEEDS_INPUT;
  }
  if (status < 0) {
    block = kind;
    isLast = isLastOne;
  }
  return status;
}

/** The rest of the byte is left out; then the length and its complement. */
function readStoredLength(): i32 {
  take(bits & 7);
  const length = take(16);
  if ((take(16) ^ length) != 0xffff) return BAD_STORED_LENGTH;
  storedLeft = length;
  return -1;
}

function copyStored(): i32 {
  while (storedLeft > 0 && bits > 0 && output <= OUTPUT_LAST) {
    store<u8>(output++, take(8));
    storedLeft--;
  }
  if (bits == 0) {
    hold = 0;
    const room: usize = output > OUTPUT_LAST ? 0 : OUTPUT_LAST + 1 - output;
    const count = min<usize>(min<usize>(storedLeft, inputEnd - input), room);
    memory.copy(output, input, count);
    input += count;
    output += count;
    storedLeft -= count;
  }
  if (storedLeft == 0) {
    block = NO_BLOCK;
    return -1;
  }
  return output > OUTPUT_LAST ? IS_FULL : NEEDS_INPUT;
}

function makeFixedCodes(): void {
  memory.fill(LENGTHS_AT, 8, 144);
  memory.fill(LENGTHS_AT + 144, 9, 112);
  memory.fill(LENGTHS_AT + 256, 7, 24);
  memory.fill(LENGTHS_AT + 280, 8, 8);
  makeCode(LITERAL_CODE_AT, LENGTHS_AT, 288);
  memory.fill(LENGTHS_AT, 5, 32);
  makeCode(DISTANCE_CODE_AT, LENGTHS_AT, 32);
}

/** Section 3.2.7. */
function readCodes(): i32 {
  const literals = take(5) + 257;
  const distances = take(5) + 1;
  const codeLengths = take(4) + 4;
  if (literals > LITERALS || distances > DISTANCES) return BAD_CODE;
  memory.fill(LENGTHS_AT, 0, CODE_LENGTHS);
  for (let place = 0; place < codeLengths; place++) {
    if (bits < 3) refill();
    store<u8>(LENGTHS_AT + load<u8>(codeLengthOrder + place), take(3));
  }
  if (bits < 0 || makeCode(LITERAL_CODE_AT, LENGTHS_AT, CODE_LENGTHS) != 0) return BAD_CODE;
  if (!readLengths(literals + distances) || load<u8>(LENGTHS_AT, END_OF_BLOCK) == 0) {
    return BAD_CODE;
  }
  const areMade = makeUsable(DISTANCE_CODE_AT, LENGTHS_AT + literals, distances) &&
    makeUsable(LITERAL_CODE_AT, LENGTHS_AT, literals);
  return areMade ? -1 : BAD_CODE;
}

/** Makes a code; it may leave words unused only when it has one word, of one bit, or none (as zlib has it). */
function makeUsable(code: usize, lengths: usize, count: i32): bool {
  const unused = makeCode(code, lengths, count);
  if (unused <= 0) return unused == 0;
  for (let symbol = 0; symbol < count; symbol++) {
    if (load<u8>(lengths + symbol) > 1) return false;
  }
  return true;
}

/** Lengths of the codes for literals and distances, themselves in a code; false when they are not good or not there. */
function readLengths(count: i32): bool {
  let filled = 0;
  while (filled < count) {
    refill();
    const symbol = readSymbol(LITERAL_CODE_AT);
    let repeated = 1;
    let length = symbol;
    if (symbol == 16) {
      if (filled == 0) return false;
      length = load<u8>(LENGTHS_AT + filled - 1);
      repeated = take(2) + 3;
    } else if (symbol == 17) {
      length = 0;
      repeated = take(3) + 3;
    } else if (symbol == 18) {
      length = 0;
      repeated = take(7) + 11;
    }
    if (symbol > 18 || bits < 0 || filled + repeated > count) return false;
    memory.fill(LENGTHS_AT + filled, <u8> length, repeated);
    filled += repeated;
  }
  return true;
}

/** Uses the next word of a code and returns its symbol; more than any when the bits are no word. */
function readSymbol(code: usize): i32 {
  const entry = readWord(code, hold);
  take(entry & 15);
  return entry >> 4;
}

/**
 * Unpacks symbols of the block; returns -1 at its end, NEEDS_INPUT, IS_FULL or a fault. What a symbol needs is in locals until
 * it is whole: globals cost twice the time.
 */
function inflateBlock(): i32 {
  const end = inputEnd;
  let from = input;
  let to = output;
  let word = hold;
  let left = bits;
  let status = NEEDS_INPUT;
  while (to <= OUTPUT_LAST) {
    if (left < SYMBOL_BITS_MAX) {
      if (from + 8 <= end) {
        word |= load<u64>(from) << left;
        from += 63 - left >> 3;
        left |= 56;
      } else {
        for (; left < 56 && from < end; left += 8) word |= <u64> load<u8>(from++) << left;
      }
    }
    const entry = readWord(LITERAL_CODE_AT, word);
    const used = entry & 15;
    if (used > left) break;
    const symbol = (entry >> 4) - END_OF_BLOCK - 1;
    if (symbol < 0) {
      word >>= used;
      left -= used;
      if (symbol < -1) {
        store<u8>(to++, entry >> 4);
        continue;
      }
      block = NO_BLOCK;
      status = -1;
      break;
    }
    if (symbol > LENGTH_SYMBOL_MAX) {
      status = BAD_SYMBOL;
      break;
    }
    let rest = word >> used;
    const moreLength = <i32> load<u8>(lengthBits + symbol);
    const length = load<u16>(lengthBases + (symbol << 1)) + (<i32> rest & (1 << moreLength) - 1);
    rest >>= moreLength;
    const place = readWord(DISTANCE_CODE_AT, rest);
    const placeUsed = place & 15;
    if (used + moreLength + placeUsed > left) break;
    if (place >= DISTANCES << 4) {
      status = BAD_DISTANCE;
      break;
    }
    rest >>= placeUsed;
    const moreDistance = <i32> load<u8>(distanceBits + (place >> 4));
    const allUsed = used + moreLength + placeUsed + moreDistance;
    if (allUsed > left) break;
    const distance: usize = load<u16>(distanceBases + (place >> 4 << 1)) +
      (<i32> rest & (1 << moreDistance) - 1);
    if (distance > to - windowStart) {
      status = BAD_DISTANCE;
      break;
    }
    word = rest >> moreDistance;
    left -= allUsed;
    copyMatch(to, distance, length);
    to += length;
  }
  input = from;
  output = to;
  hold = word;
  bits = left;
  return status == NEEDS_INPUT && to > OUTPUT_LAST ? IS_FULL : status;
}

/** What the bits of `word` begin with in a code: symbol << 4 | length; NO_WORD, which is as long as the longest, when that is none. */
@inline
function readWord(code: usize, word: u64): i32 {
  const entry = <i32> load<u16>(code + (<usize> (word & TABLE_MASK) << 1), TABLE_AT);
  return entry != 0 ? entry : findWord(code, <i32> word);
}

/** May write up to seven bytes more. */
@inline
function copyMatch(to: usize, distance: usize, length: usize): void {
  const end = to + length;
  let from = to - distance;
  if (distance >= 8) {
    do {
      store<u64>(to, load<u64>(from));
      to += 8;
      from += 8;
    } while (to < end);
  } else {
    do store<u8>(to++, load<u8>(from++)); while (to < end);
  }
}
