/**
 * Rows as CSV: RFC 4180, with a header, CRLF, quotes where needed, empty for NULL. Names in traffic are chosen by strangers, and
 * spreadsheets run a cell that begins with = + - @ (or a tab or return before one) as a formula. Such a text gets an
 * apostrophe in front, which spreadsheets read as "this is text". Numbers are never changed; who needs the exact
 * bytes takes JSON.
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

/** One cell; see above for what is done to formulas. */
export function csvCell(given: Value): string {
  if (given === null) return "";
  if (typeof given === "number") return String(given);
  const value = typeof given === "string" ? given : given.join(" ");
  const text = /^[\t\r\n ]*[=+\-@]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
