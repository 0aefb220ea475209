/** Query parameters of pages and `/api`: checked here, with a message that names the parameter and its value. */

import { canonicalIp, formatMac, parseMac } from "../../agent/decode/addresses.ts";
import { nearest } from "../../agent/nearest.ts";

/** What a query asks for cannot be had; the message, for people, says what can. Answered with 400. */
export class ParameterError extends RangeError {}

/** Refuses names that are not `known` here, and those given twice: nothing is left out in silence. Throws ParameterError. */
export function checkNames(query: URLSearchParams, known: readonly string[]): void {
  for (const name of new Set(query.keys())) {
    if (!known.includes(name)) throw new ParameterError(unknownName(name, known));
    if (query.getAll(name).length > 1) throw new ParameterError(`${name} can be given only once`);
  }
}

function unknownName(name: string, known: readonly string[]): string {
  const unknown = `There is no ${JSON.stringify(name.slice(0, 40))} to ask for here`;
  if (known.length === 0) return `${unknown}, this address takes no query`;
  const hint = nearest(name, known);
  return `${unknown}${hint ? `; did you mean ${hint}?` : "."} It takes ${known.join(", ")}`;
}

/** One of `choices`, which are in lower case; undefined when it is missing or empty. Throws ParameterError. */
export function choiceParameter<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = textParameter(query, name);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text.toLowerCase());
  if (found !== undefined) return found;
  const hint = nearest(text, choices);
  throw new ParameterError(
    `${name} must be one of ${choices.join(", ")}, got "${text}"${
      hint ? `; did you mean ${hint}?` : ""
    }`,
  );
}

/** An IP or MAC address as we write it; undefined when it is missing or empty. Throws ParameterError. */
export function addressParameter(
  query: URLSearchParams,
  name: string,
  { takesMac }: { readonly takesMac: boolean },
): string | undefined {
  const text = textParameter(query, name);
  if (text === undefined) return undefined;
  const mac = takesMac ? parseMac(text) : null;
  const address = mac ? formatMac(mac, 0) : canonicalIp(text);
  if (address !== null) return address;
  throw new ParameterError(
    `${name} must be an IPv4 or IPv6 address${
      takesMac ? " or a MAC address" : ""
    }, got "${text}"; for parts of addresses and names there is text`,
  );
}

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

/** `from` and `to`. Throws ParameterError when nothing can be between them. */
export function timeRange(
  query: URLSearchParams,
): { readonly fromUs: number | undefined; readonly toUs: number | undefined } {
  const fromUs = timeParameter(query, "from");
  const toUs = timeParameter(query, "to");
  if (fromUs !== undefined && toUs !== undefined && toUs <= fromUs) {
    throw new ParameterError("to must be later than from");
  }
  return { fromUs, toUs };
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
