/** Words of a capture filter, by the longest match as libpcap's scanner takes them. */
import { parseIp } from "../../decode/addresses.ts";
import { FilterError, quoted } from "./filter_error.ts";
import { NUMBERS } from "./names.ts";

export interface Word {
  /**
   * "dotted" is an IPv4 address or the beginning of one, "name" any other text, also a keyword; "escaped" a name
   * behind a backslash, which is no keyword.
   */
  readonly kind: "name" | "escaped" | "number" | "dotted" | "ip6" | "mac" | "sign" | "end";
  /** Of keywords and signs in the one form that the parser knows; without the backslash. */
  readonly text: string;
  /** Of numbers. */
  readonly value: number;
  /** Code units from the beginning of the text. */
  readonly at: number;
}

const patterns: readonly (readonly [Word["kind"] | "blank", RegExp])[] = [
  ["blank", /[ \r\n\t]+/y],
  ["mac", /[0-9a-f]{1,2}(?:([:.-])[0-9a-f]{1,2})(?:\1[0-9a-f]{1,2}){4}/iy],
  ["mac", /[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}|[0-9a-f]{12}/iy],
  ["ip6", /(?:[0-9a-f]{0,4}:){2,7}(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]{0,4})/iy],
  ["dotted", /\d+(?:\.\d+){1,3}|0x[0-9a-f]+(?:\.0x[0-9a-f]+){1,3}/iy],
  ["number", /0x[0-9a-f]+|\d+/iy],
  ["name", /[a-z0-9](?:[-_.a-z0-9]*[.a-z0-9])?/iy],
  ["escaped", /\\[^ !()\n\t]+/y],
  ["sign", />=|<=|!=|==|<<|>>|&&|\|\||[-+*/%:[\]!<>()&|^=]/y],
];

const sameSigns: ReadonlyMap<string, string> = new Map([
  ["&&", "and"],
  ["||", "or"],
  ["not", "!"],
  ["==", "="],
  ["length", "len"],
]);

/** The words and, last, one of kind "end". Throws FilterError. */
export function splitWords(text: string): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < text.length;) {
    const { kind, length } = longestMatch(text, at);
    if (kind !== "blank") words.push(toWord(kind, text.slice(at, at + length), at));
    at += length;
  }
  words.push({ kind: "end", text: "", value: 0, at: text.length });
  return words;
}

function longestMatch(text: string, at: number) {
  let longest: { kind: Word["kind"] | "blank"; length: number } | null = null;
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const length = pattern.exec(text)?.[0].length ?? 0;
    if (length > (longest?.length ?? 0)) longest = { kind, length };
  }
  if (longest !== null) return longest;
  throw new FilterError(at + 1, `${quoted(text[at])} has no meaning in a capture filter`);
}

function toWord(kind: Word["kind"], text: string, at: number): Word {
  const plain = { kind, text, value: 0, at };
  switch (kind) {
    case "number":
      return { ...plain, value: numberOf(text, at) };
    case "name": {
      const number = NUMBERS.get(text);
      if (number !== undefined) return { ...plain, kind: "number", value: number };
      return sameSigns.has(text) ? { ...plain, kind: "sign", text: sameSigns.get(text)! } : plain;
    }
    case "sign":
      return { ...plain, text: sameSigns.get(text) ?? text };
    case "escaped":
      return { ...plain, text: text.slice(1) };
    case "ip6":
      if (parseIp(text) === null) {
        throw new FilterError(at + 1, `${quoted(text)} is no IPv6 address`);
      }
      return plain;
    default:
      return plain;
  }
}

/** As C reads it: 0x for hexadecimal, a leading 0 for octal. */
export function numberOf(text: string, at: number): number {
  const isOctal = /^0\d/.test(text);
  if (isOctal && /[89]/.test(text)) {
    throw new FilterError(
      at + 1,
      `${quoted(text)} begins with 0, so it is octal, and 8 and 9 are no digits`,
    );
  }
  const value = isOctal ? parseInt(text, 8) : Number(text);
  if (value <= 0xffffffff) return value;
  throw new FilterError(at + 1, `${quoted(text)} does not fit into 32 bits`);
}
