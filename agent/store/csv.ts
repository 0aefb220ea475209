/**
 * Rows as CSV: RFC 4180, with a header, CRLF, quotes where needed, empty for NULL. Names in traffic are chosen by strangers, and
 * spreadsheets run a cell that begins with = + - @ (or a tab or return before one) as a formula. Such a text gets an
 * apostrophe in front, which spreadsheets read as "this is text"; so does the rest of a text behind a semicolon or tab, where some
 * cut cells. Control characters and marks of direction are told by number, for terminals. Numbers are never changed; who needs the
 * exact bytes takes JSON.
 */

/** A list becomes one text, its items apart by spaces. */
type Value = string | number | null | readonly string[];
export type Row = Readonly<Record<string, Value>>;

export function csvHeader(columns: readonly string[]): string {
  return columns.join(",") + "\r\n";
}

export function csvRow(row: Row, columns: readonly string[]): string {
  return columns.map((column) => csvCell(row[column] ?? null)).join(",") + "\r\n";
}

/** With the full-width forms, which some spreadsheets take for the others. */
const formula = /^[\t\r\n ]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;
const laterFormula = /([;\t\r\n] *)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;
const unprintable =
  // deno-lint-ignore no-control-regex -- what a terminal would obey, and what turns a line round
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
}

/** One cell; see above for what is done to formulas. */
export function csvCell(given: Value): string {
  if (given === null) return "";
  if (typeof given === "number") return String(given);
  const value = typeof given === "string" ? given : given.join(" ");
  const shown = value.replaceAll(unprintable, (one) => escapeCharacter(one));
  const first = formula.exec(shown)?.[0] ?? "";
  const rest = shown.slice(first.length).replaceAll(laterFormula, "$1'");
  const text = first === "" ? rest : `'${first}${rest}`;
  return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
