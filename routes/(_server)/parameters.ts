/** Query parameters of pages and `/api`: checked here, with a message that names the parameter and its value. */

/** What a query asks for cannot be had; the message, for people, says what can. Answered with 400. */
export class ParameterError extends RangeError {}

/** A text without the spaces around it; undefined when it is missing or empty. Throws ParameterError when too long. */
export function textParameter(
  query: URLSearchParams,
  name: string,
  lengthMax = 200,
): string | undefined {
  const text = query.get(name)?.trim() ?? "";
  if (text === "") return undefined;
  if (text.length <= lengthMax) return text;
  throw new ParameterError(`${name} must be at most ${lengthMax} characters long`);
}

/** A whole number; undefined when it is missing or empty. Throws ParameterError outside the limits. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  limits: { readonly min: number; readonly max: number },
): number | undefined {
  const text = textParameter(query, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= limits.min && value <= limits.max) return value;
  throw new ParameterError(
    `${name} must be a whole number from ${limits.min} to ${limits.max}, got "${text}"`,
  );
}

/**
 * A time in microseconds: digits are microseconds since 1970, else ISO 8601; without a zone it is the sensor's clock,
 * as the inputs of the pages have it. Throws ParameterError for anything else.
 */
export function timeParameter(query: URLSearchParams, name: string): number | undefined {
  const text = textParameter(query, name);
  if (text === undefined) return undefined;
  const timeUs = /^\d{1,16}$/.test(text) ? Number(text) : isoTimeUs(text);
  if (Number.isSafeInteger(timeUs)) return timeUs;
  throw new ParameterError(
    `${name} must be microseconds since 1970 or a time like 2026-11-22T14:07:31Z, got "${text}"`,
  );
}

/** Date knows milliseconds; the digits beyond are added by hand. */
function isoTimeUs(text: string): number {
  const match = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(
    text,
  );
  if (!match) return NaN;
  const fraction = match[3] ?? "";
  const seconds = Date.parse(text.replace(fraction, "").replace(" ", "T"));
  return seconds * 1000 + Math.round(Number(`0${fraction}`) * 1e6);
}

/** A path on this site to go back to; "/" for anything else. */
export function localPath(value: unknown): string {
  return typeof value === "string" && /^\/(?![/\\])[^\\]*$/.test(value) ? value : "/";
}
