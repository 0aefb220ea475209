/** A search that cannot be understood: where, what was read there, and what is allowed. */
export class SearchError extends RangeError {
  override readonly name = "SearchError";
  /** From 1, in code units of the text. */
  readonly column: number;
  /** Without the column, for where it is shown otherwise. */
  readonly detail: string;

  constructor(column: number, detail: string) {
    super(`Column ${column} of the search: ${detail}`);
    this.column = column;
    this.detail = detail;
  }
}

/** The text with a caret below the place; of a long text what is around it. */
export function pointAt(text: string, column: number): string {
  const start = Math.max(0, column - 1 - 50);
  const line = text.slice(start, start + 76).replaceAll(/\p{C}/gu, " ");
  return `  ${line}\n  ${" ".repeat(column - 1 - start)}^`;
}

/** A piece of text as messages quote it: short, on one line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
    .replaceAll(/\p{C}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
