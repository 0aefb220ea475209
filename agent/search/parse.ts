/**
 * The search language: text in, tree out.
 *
 *     search = any                    any  = all { "or" all }
 *     all    = one { "and" one }      one  = "not" one | "(" any ")" | term
 *     term   = FIELD [ OPERATOR ] VALUE | WORD
 *
 * `a not b` is `a and not b`; `:` and `=` may stand between a field and its value, `&&`, `||` and `!` for the words. Two terms
 * without a word between them are refused: the first is most likely a field's name with a mistake in it.
 */
import { canonicalIp, parseNetwork } from "../decode/addresses.ts";
import { nearest } from "../nearest.ts";
import { SEARCH_TABLES, type SearchSubject, type SearchTable } from "./fields.ts";
import { quoted, SearchError } from "./search_error.ts";
import { ALL, allOf, anyOf, lower, type SearchTree, type Test } from "./tree.ts";
import { readHost, readTerm } from "./values.ts";
import {
  isComparison,
  isFieldName,
  keywordOf,
  type Operator,
  splitWords,
  type Word,
} from "./words.ts";

/** A part of a search that all of it needs, where it stands in the text. */
interface SearchPart {
  readonly at: number;
  readonly end: number;
}
export interface Search {
  readonly tree: SearchTree;
  /** Parts joined by "and" at the top: what a reader may take away one by one. */
  readonly parts: readonly SearchPart[];
  /** The top is joined by "or". */
  readonly isEither: boolean;
}

const depthMax = 50;
const termsMax = 100;

/** Throws SearchError. An empty text fits everything. */
export function parseSearch(text: string, list: SearchSubject): Search {
  return new Parser(text, list).parse();
}

/** Where a bare word is looked for: addresses and names, or the whole of what has few values. */
export function parseBareWord(list: SearchSubject, text: string): SearchTree {
  const table = SEARCH_TABLES[list];
  const field = table.fields[table.hostField]!;
  if (field.kind === "host" && (canonicalIp(text) !== null || isNetwork(text))) {
    return readHost(field, { kind: "text", text, at: 0, end: text.length }, table.hostField);
  }
  const parts: Test[] = [{ op: "contains", columns: table.texts, text: lower(text) }];
  if (table.wholes.length > 0 && !/[*?]/.test(text)) {
    parts.push({ op: "glob", columns: table.wholes, pattern: lower(text) });
  }
  return anyOf(parts);
}

function isNetwork(text: string): boolean {
  return text.includes("/") && parseNetwork(text) !== null;
}

class Parser {
  readonly #list: SearchSubject;
  readonly #table: SearchTable;
  readonly #words: readonly Word[];
  readonly #length: number;
  #next = 0;
  #depth = 0;
  #terms = 0;
  #isEither = false;

  constructor(text: string, list: SearchSubject) {
    this.#list = list;
    this.#table = SEARCH_TABLES[list];
    this.#words = splitWords(text);
    this.#length = text.length;
  }

  parse(): Search {
    if (this.#words.length === 0) return { tree: ALL, parts: [], isEither: false };
    const parts: SearchPart[] = [];
    const tree = this.#any(parts);
    const rest = this.#words[this.#next];
    if (rest === undefined) return { tree, parts, isEither: this.#isEither };
    throw this.#unexpected(rest);
  }

  /** Fills in `parts` of the top. */
  #any(parts?: SearchPart[]): SearchTree {
    const { at } = this.#words[this.#next]!;
    const branches = [this.#all(parts)];
    while (this.#takes("or")) branches.push(this.#all());
    if (parts !== undefined && branches.length > 1) {
      this.#isEither = true;
      parts.splice(0, parts.length, { at, end: this.#lastEnd });
    }
    return anyOf(branches);
  }

  #all(parts?: SearchPart[]): SearchTree {
    const branches: SearchTree[] = [];
    do {
      const at = this.#words[this.#next]?.at ?? 0;
      branches.push(this.#one());
      parts?.push({ at, end: this.#lastEnd });
    } while (this.#takes("and") || this.#isAt("not"));
    return allOf(branches);
  }

  #one(): SearchTree {
    const word = this.#words[this.#next];
    if (word === undefined) {
      throw new SearchError(
        this.#length + 1,
        `it ends where a term is expected: ${this.#takenWords()}`,
      );
    }
    if (++this.#depth > depthMax) {
      throw new SearchError(word.at + 1, `brackets and "not" may lie ${depthMax} deep`);
    }
    try {
      if (this.#takes("not")) return { op: "not", part: this.#one() };
      if (!isOperator(word, "(")) return this.#term();
      this.#next++;
      if (this.#next === this.#words.length) return this.#one();
      const inside = this.#any();
      this.#close(word);
      return inside;
    } finally {
      this.#depth--;
    }
  }

  #close(open: Word): void {
    const word = this.#words[this.#next];
    if (word !== undefined && isOperator(word, ")")) this.#next++;
    else if (word !== undefined) throw this.#unexpected(word);
    else throw new SearchError(open.at + 1, 'this "(" is never closed');
  }

  #term(): SearchTree {
    const word = this.#words[this.#next++]!;
    if (++this.#terms > termsMax) {
      throw new SearchError(word.at + 1, `a search may have ${termsMax} terms`);
    }
    if (word.kind === "operator" || keywordOf(word) !== null) {
      throw new SearchError(
        word.at + 1,
        `read ${quoted(word.text)} where a term is expected: ${this.#takenWords()}`,
      );
    }
    if (word.kind === "quotation") return this.#bare(word);
    const name = word.text.toLowerCase();
    if (Object.hasOwn(this.#table.fields, name)) return this.#fieldTerm(name);
    if (isFieldName(name)) throw this.#foreignField(word);
    const following = this.#words[this.#next];
    if (following !== undefined && isComparison(following)) {
      throw this.#unknownField(word, word.text);
    }
    const [, claimed] = /^([a-z_]+)(?:[<>=]|!=)|^([a-z_]*[g-z_][a-z_]*):/i.exec(word.text)
      ?.filter((found) => found !== undefined) ?? [];
    if (claimed !== undefined) throw this.#unknownField(word, claimed);
    return this.#bare(word);
  }

  #bare(word: Word): SearchTree {
    if (word.text.trim() === "") throw new SearchError(word.at + 1, "there is nothing to look for");
    return parseBareWord(this.#list, word.text);
  }

  #fieldTerm(name: string): SearchTree {
    const field = this.#table.fields[name]!;
    let operator: Operator = "=";
    const sign = this.#words[this.#next];
    if (sign !== undefined && isComparison(sign)) {
      operator = sign.text as Operator;
      this.#next++;
    }
    const value = this.#words[this.#next];
    if (value === undefined || value.kind === "operator" || keywordOf(value) !== null) {
      const read = value === undefined ? "the end" : quoted(value.text);
      throw new SearchError(
        (value?.at ?? this.#length) + 1,
        `read ${read} where ${name} needs a value`,
      );
    }
    this.#next++;
    return readTerm({ name, field }, operator, value);
  }

  #foreignField(word: Word): SearchError {
    return new SearchError(
      word.at + 1,
      `${this.#subject} have no ${word.text.toLowerCase()}. ${this.#takenWords()}. In quotation marks it is looked for as a word`,
    );
  }

  #unknownField(word: Word, name: string): SearchError {
    const hint = nearest(name, Object.keys(this.#table.fields));
    return new SearchError(
      word.at + 1,
      `there is no ${quoted(name)}${hint ? `; did you mean ${hint}?` : "."} ${this.#takenWords()}`,
    );
  }

  #unexpected(word: Word): SearchError {
    const before = this.#words[this.#next - 1];
    const hint = before?.kind === "text" && word.kind !== "operator"
      ? nearest(before.text, Object.keys(this.#table.fields))
      : null;
    const isField = Object.hasOwn(this.#table.fields, word.text.toLowerCase());
    return new SearchError(
      word.at + 1,
      `read ${quoted(word.text)} where "and", "or" or the end is expected${
        hint
          ? `; did you mean ${hint} instead of ${quoted(before!.text)}?`
          : isField
          ? `; write "and ${word.text}" where both are to fit`
          : ""
      }`,
    );
  }

  get #subject(): string {
    return this.#list === "pcap" ? "captured packets" : this.#list;
  }

  #takenWords(): string {
    return `${this.#subject} are searched by ${
      Object.keys(this.#table.fields).join(", ")
    }, or a word of an address or name`;
  }

  get #lastEnd(): number {
    return this.#words[this.#next - 1]!.end;
  }

  #isAt(keyword: string): boolean {
    const word = this.#words[this.#next];
    return word !== undefined && keywordOf(word) === keyword;
  }

  #takes(keyword: string): boolean {
    const is = this.#isAt(keyword);
    if (is) this.#next++;
    return is;
  }
}

function isOperator({ kind, text }: Word, operator: string): boolean {
  return kind === "operator" && text === operator;
}
