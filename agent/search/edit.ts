/** Changes of a search's text: what links and chips do. */
import { parseSearch } from "./parse.ts";
import type { SearchSubject } from "./fields.ts";

/** A part of the search that can be taken away, and the search without it. */
interface Chip {
  readonly text: string;
  readonly isNot: boolean;
  readonly without: string;
}

/** The parts that a search is made of. Throws SearchError. */
export function chipsOf(text: string, list: SearchSubject): Chip[] {
  const { parts } = parseSearch(text, list);
  const texts = parts.map(({ at, end }) => text.slice(at, end).trim());
  return texts.map((own, index) => ({
    text: own,
    isNot: /^(?:not\b|!)/i.test(own),
    without: texts.filter((_, other) => other !== index).join(" and "),
  }));
}

/** The search with another term that has to fit as well; what it says already is not said twice. Throws SearchError. */
export function narrow(text: string, term: string, list: SearchSubject): string {
  return narrower(text, list)(term);
}

/** The same for many terms; the text is read once, with the first. */
export function narrower(text: string, list: SearchSubject): (term: string) => string {
  const trimmed = text.trim();
  if (trimmed === "") return (term) => term;
  let read: { readonly said: ReadonlySet<string>; readonly base: string } | null = null;
  return (term) => {
    read ??= readParts(text, list);
    return read.said.has(term) ? trimmed : `${read.base} and ${term}`;
  };
}

function readParts(text: string, list: SearchSubject) {
  const { parts, isEither } = parseSearch(text, list);
  const said = new Set(parts.map(({ at, end }) => text.slice(at, end).trim()));
  return { said, base: isEither ? `(${text.trim()})` : text.trim() };
}

/** `field value`, with the value in quotation marks where it needs them. A star in it, which stands for any text, becomes `?`. */
export function term(field: string, value: string | number): string {
  return `${field} ${quoteValue(String(value).replaceAll("*", "?"))}`;
}

/** A value as a search has it: a plain word, or in quotation marks. */
export function quoteValue(value: string): string {
  const isPlain = /^[^\s"()<>=!,*?\\&|:][^\s"()<>=!,*?\\]*$/u.test(value) &&
    !/^(?:and|or|not)$/i.test(value);
  return isPlain ? value : `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** A search for any of the addresses. */
export function anyHost(addresses: readonly string[]): string {
  return addresses.map((address) => term("host", address)).join(" or ");
}
