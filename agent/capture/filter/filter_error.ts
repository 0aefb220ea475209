/** A capture filter that cannot be compiled: where, what was read there, and what is allowed. */
export class FilterError extends RangeError {
  override readonly name = "FilterError";
  /** From 1, in code units of the text. */
  readonly column: number;
  /** Without the column. */
  readonly detail: string;

  constructor(column: number, detail: string) {
    super(`column ${column}: ${detail}`);
    this.column = column;
    this.detail = detail;
  }
}

/** A piece of the filter as messages quote it: short, on one line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
    .replaceAll(/\p{C}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
