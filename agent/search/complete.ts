/** What may be typed at a place of a search. */
import { type Field, FIELD_HELP, SEARCH_TABLES, type SearchList } from "./fields.ts";
import { SearchError } from "./search_error.ts";
import { isComparison, keywordOf, splitWords, type Word } from "./words.ts";

export interface Completion {
  /** Takes the place of the text from `from` to the cursor. */
  readonly text: string;
  /** A few words for people. */
  readonly help: string;
}
interface Completions {
  readonly from: number;
  readonly words: readonly Completion[];
}

type Expected = "term" | "value" | "join";

/** The words that fit behind the first `at` code units of the text, which need not be a whole search. */
export function completeSearch(text: string, at: number, list: SearchList): Completions {
  const words = wordsBefore(text.slice(0, at));
  if (words === null) return { from: at, words: [] };
  const last = words.at(-1);
  const isUnfinished = last !== undefined && last.kind === "text" && last.end === at &&
    text[at - 1] !== ":";
  const { expected, field } = follow(isUnfinished ? words.slice(0, -1) : words, list);
  const typed = isUnfinished ? last.text : "";
  const begun = expected === "value" ? typed.slice(typed.lastIndexOf(",") + 1) : typed;
  const offered = expected === "term"
    ? termsOf(list)
    : expected === "join"
    ? joins
    : valuesOf(SEARCH_TABLES[list].fields[field]!);
  const fitting = offered.filter(({ text }) =>
    text.toLowerCase().startsWith(begun.toLowerCase()) && text !== begun
  );
  return { from: at - begun.length, words: fitting };
}

/** Null within a quotation, and where nothing can be read. */
function wordsBefore(text: string): Word[] | null {
  try {
    return splitWords(text);
  } catch (error) {
    if (error instanceof SearchError) return null;
    throw error;
  }
}

/** What is expected behind words, which may be wrong. */
function follow(
  words: readonly Word[],
  list: SearchList,
): { readonly expected: Expected; readonly field: string } {
  let expected: Expected = "term";
  let field = "";
  for (const word of words) {
    const keyword = keywordOf(word);
    const name = word.text.toLowerCase();
    if (expected === "value") expected = isComparison(word) ? "value" : "join";
    else if (keyword !== null || word.text === "(") expected = "term";
    else if (expected === "join") continue;
    else if (word.kind === "text" && Object.hasOwn(SEARCH_TABLES[list].fields, name)) {
      expected = "value";
      field = name;
    } else expected = "join";
  }
  return { expected, field };
}

const joins: readonly Completion[] = [
  { text: "and", help: "both" },
  { text: "or", help: "either" },
  { text: "not", help: "and not what follows" },
];
const comparisons: readonly Completion[] = [
  { text: ">", help: "more than" },
  { text: ">=", help: "at least" },
  { text: "<", help: "less than" },
  { text: "<=", help: "at most" },
];

function termsOf(list: SearchList): Completion[] {
  const fields = Object.keys(SEARCH_TABLES[list].fields);
  return [
    ...fields.map((text) => ({ text, help: FIELD_HELP[text]!.replaceAll("`", "") })),
    { text: "not", help: "all but what follows" },
  ];
}

function valuesOf(field: Field): readonly Completion[] {
  if (field.kind === "choice" || field.kind === "answered") {
    const choices = field.choices.map(({ word }) => ({ text: word, help: "" }));
    return field.kind === "choice" && field.isOrdered ? [...choices, ...comparisons] : choices;
  }
  const isNumber = field.kind === "number" || field.kind === "ports" || field.kind === "size" ||
    field.kind === "count" || field.kind === "duration";
  return isNumber ? comparisons : [];
}
