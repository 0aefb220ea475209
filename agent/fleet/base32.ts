/** Base32 (RFC 4648 section 6) without padding. */

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function encodeBase32(bytes: Uint8Array): string {
  let [text, bits, value] = ["", 0, 0];
  for (const byte of bytes) {
    value = value << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[value >>> (bits - 5) & 31];
    value &= 2 ** bits - 1;
  }
  return bits > 0 ? text + alphabet[value << (5 - bits) & 31] : text;
}

/** Null for what is no such text. */
export function decodeBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor(text.length * 5 / 8));
  let [at, bits, value] = [0, 0, 0];
  for (const letter of text) {
    const digit = alphabet.indexOf(letter);
    if (digit < 0) return null;
    value = value << 5 | digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = value >>> bits;
    value &= 2 ** bits - 1;
  }
  return value === 0 ? bytes : null;
}

/** 128 random bits, as agents and epochs are called. */
export function randomId(): string {
  return encodeBase32(crypto.getRandomValues(new Uint8Array(16)));
}
