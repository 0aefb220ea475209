/** Huffman codes that are known by the lengths of their words (RFC 1951 section 3.2.2); inflate_layout.ts says how they lie. */
import { SYMBOLS_AT, TABLE_AT, TABLE_BITS } from "../inflate_layout";

const LENGTH_MAX: i32 = 15;
/** By length: the first word, and where its symbol goes. */
const nextWords = memory.data(32);
const nextPlaces = memory.data(32);

/**
 * Makes the code of `count` symbols whose lengths are bytes at `lengths`. Returns how many words of the greatest length are
 * not used, as zlib counts them: 0 for a complete code, below 0 for one that needs more words than there are; that is not made.
 */
export function makeCode(code: usize, lengths: usize, count: i32): i32 {
  memory.fill(code, 0, 32);
  for (let symbol = 0; symbol < count; symbol++) {
    const place = code + (<usize> load<u8>(lengths + symbol) << 1);
    store<u16>(place, load<u16>(place) + 1);
  }
  store<u16>(code, 0);
  let unused = 1;
  let word = 0;
  let filled = 0;
  for (let length = 1; length <= LENGTH_MAX; length++) {
    const words = <i32> load<u16>(code + (length << 1));
    unused = (unused << 1) - words;
    if (unused < 0) return unused;
    word <<= 1;
    store<u16>(nextWords + (length << 1), <u16> word);
    store<u16>(nextPlaces + (length << 1), <u16> filled);
    word += words;
    filled += words;
  }
  memory.fill(code + TABLE_AT, 0, 2 << TABLE_BITS);
  for (let symbol = 0; symbol < count; symbol++) {
    const length = <i32> load<u8>(lengths + symbol);
    if (length > 0) addWord(code, symbol, length);
  }
  return unused;
}

function addWord(code: usize, symbol: i32, length: i32): void {
  const nextPlace = nextPlaces + (length << 1);
  const place = <usize> load<u16>(nextPlace);
  store<u16>(nextPlace, <u16> (place + 1));
  store<u16>(code + (place << 1), <u16> symbol, SYMBOLS_AT);
  const nextWord = nextWords + (length << 1);
  const word = <i32> load<u16>(nextWord);
  store<u16>(nextWord, <u16> (word + 1));
  if (length > TABLE_BITS) return;
  // Words are read from their highest bit on, and bits come lowest first.
  let reversed = 0;
  for (let bit = 0; bit < length; bit++) reversed |= (word >> bit & 1) << (length - 1 - bit);
  for (let next = reversed; next < 1 << TABLE_BITS; next += 1 << length) {
    store<u16>(code + (<usize> next << 1), <u16> (symbol << 4 | length), TABLE_AT);
  }
}

/** What bits begin with that are no word: not a symbol of any code, and as long as the longest. */
const NO_WORD: i32 = 0xfff << 4 | LENGTH_MAX;

/** What `bits` begin with, without the table: symbol << 4 | length. */
export function findWord(code: usize, bits: i32): i32 {
  let word = 0;
  let first = 0;
  let place = 0;
  for (let length = 1; length <= LENGTH_MAX; length++) {
    word |= bits >> (length - 1) & 1;
    const words = <i32> load<u16>(code + (length << 1));
    if (word - first < words) {
      return <i32> load<u16>(code + (<usize> (place + word - first) << 1), SYMBOLS_AT) << 4 |
        length;
    }
    place += words;
    first = first + words << 1;
    word <<= 1;
  }
  return NO_WORD;
}
