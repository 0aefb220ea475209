/**
 * Where things lie in the memory of Inflater: read by the AssemblyScript sources (assembly/) and by TypeScript, so it holds
 * numbers only, in the part of the language that both have. Addresses are bytes.
 *
 *     4096  code of literals and lengths    8960  code of distances    12,288  lengths of codes
 *   16,384  packed bytes                  81,984  what they unpack to, with the window in front
 */

/**
 * A code: how many words of bits there are of each length (32 bytes), the symbols in order of their words (16 bits each),
 * and what the next bits say when the word has at most TABLE_BITS: symbol << 4 | length (16 bits each).
 */
export const LITERAL_CODE_AT = 4096;
export const DISTANCE_CODE_AT = 8960;
export const SYMBOLS_AT = 32;
export const TABLE_AT = 640;
export const TABLE_BITS = 10;
export const LENGTHS_AT = 12_288;

export const INPUT_AT = 16_384;
export const INPUT_BYTES = 65_536;
/** Nothing within one symbol or header of a block is longer. */
export const INPUT_NEEDED_MAX = 1024;

/** Matches reach back so far (RFC 1951 section 3.2.5). */
export const WINDOW_BYTES = 32_768;
export const OUTPUT_AT = 81_984;
export const OUTPUT_END = 376_896;
/** Room that a symbol needs: the longest match, copied eight bytes at a time. */
export const OUTPUT_SLACK = 272;

/** What inflate() returns. */
export const NEEDS_INPUT = 0;
export const IS_FULL = 1;
export const IS_OVER = 2;
/** From here on a fault. */
export const BAD_BLOCK = 3;
export const BAD_STORED_LENGTH = 4;
export const BAD_CODE = 5;
export const BAD_SYMBOL = 6;
export const BAD_DISTANCE = 7;

/** Pages of 64 KiB in the whole memory. */
export const MEMORY_PAGES = 6;
