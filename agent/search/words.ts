/** The text of a search as words, with their places. */
import { SEARCH_TABLES } from "./fields.ts";
import { quoted, SearchError } from "./search_error.ts";

export interface Word {
  /** `text` is what stands in the search, but of a quotation what stands in it; `operator` is one of > >= < <= = != and ( ). */
  readonly kind: "text" | "quotation" | "operator";
  readonly text: string;
  /** From 0, in code units: where it begins, and where what follows begins. */
  readonly at: number;
  readonly end: number;
}

/** Operators between a field and its value. */
const OPERATORS = [">", ">=", "<", "<=", "=", "!="] as const;
export type Operator = typeof OPERATORS[number];

const SEARCH_LENGTH_MAX = 2000;

const fieldNames = new Set(
  Object.values(SEARCH_TABLES).flatMap(({ fields }) => Object.keys(fields)),
);

/** Whether any list knows the word. */
export function isFieldName(text: string): boolean {
  return fieldNames.has(text.toLowerCase());
}

/** Throws SearchError for a quotation without end, and for a text that is too long. */
export function splitWords(text: string): Word[] {
  if (text.length > SEARCH_LENGTH_MAX) {
    throw new SearchError(
      SEARCH_LENGTH_MAX + 1,
      `it is ${text.length} characters long; a search may have ${SEARCH_LENGTH_MAX}`,
    );
  }
  const found: Word[] = [];
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text[at]!)) {
      at++;
      continue;
    }
    const word = readWord(text, at);
    found.push(word);
    at = word.end;
  }
  return found;
}

function readWord(text: string, at: number): Word {
  if (text[at] === '"') return readQuotation(text, at);
  const operator = /^(?:>=|<=|!=|&&|\|\||[><=()!])/.exec(text.slice(at, at + 2))?.[0];
  if (operator !== undefined) {
    return { kind: "operator", text: operator, at, end: at + operator.length };
  }
  // An operator ends a word that is the name of a field; elsewhere it is a part of it, as in "1:LQU9qZ=".
  const name = /^[a-z0-9_]+(?=[:<>=!])/i.exec(text.slice(at, at + 40))?.[0];
  if (name !== undefined && isFieldName(name)) {
    const end = at + name.length;
    return { kind: "text", text: name, at, end: text[end] === ":" ? end + 1 : end };
  }
  const [whole] = /^(?:(?!&&|\|\|)[^\s()"])+/.exec(text.slice(at))!;
  return { kind: "text", text: whole, at, end: at + whole.length };
}

/** A backslash takes the next character as it is. */
function readQuotation(text: string, at: number): Word {
  let inside = "";
  for (let place = at + 1; place < text.length; place++) {
    if (text[place] === '"') return { kind: "quotation", text: inside, at, end: place + 1 };
    if (text[place] === "\\" && place + 1 < text.length) place++;
    inside += text[place];
  }
  throw new SearchError(at + 1, `${quoted(text.slice(at))} has no closing quotation mark`);
}

const aliases: Readonly<Record<string, string>> = { "&&": "and", "||": "or", "!": "not" };

/** "and", "or" or "not"; null for any other word. */
export function keywordOf({ kind, text }: Word): string | null {
  if (kind === "quotation") return null;
  const word = aliases[text] ?? text.toLowerCase();
  return word === "and" || word === "or" || word === "not" ? word : null;
}

export function isComparison({ kind, text }: Word): boolean {
  return kind === "operator" && (OPERATORS as readonly string[]).includes(text);
}
