/**
 * Where a list goes on: the place of the last row looked at, in the list's own order. Rows that come in later, or go,
 * do not move it. Opaque to those who hand it back; anything else than what was handed out is refused.
 */

/** A place in a list, newest first: before this time, and at this time before this id. */
export interface TimePlace {
  readonly tsUs: number;
  readonly id: number;
}

/** Lists whose cursors must not be mixed up. */
export type TimeListName =
  | "packets"
  | "flows"
  | "anomalies"
  | "scans"
  | "incidents"
  | "alerts"
  | "first_contacts";

const cursorLengthMax = 400;
const numberPattern = "-?[0-9]{1,16}";

export function encodeTimeCursor(list: TimeListName, { tsUs, id }: TimePlace): string {
  return encode(`${list}:${tsUs}:${id}`);
}

/** Throws RangeError when `cursor` is not one of this list's. */
export function decodeTimeCursor(list: TimeListName, cursor: string): TimePlace {
  const found = new RegExp(`^${list}:(${numberPattern}):(${numberPattern})$`).exec(decode(cursor));
  const place = { tsUs: Number(found?.[1]), id: Number(found?.[2]) };
  if (!Number.isSafeInteger(place.tsUs) || !Number.isSafeInteger(place.id)) throw refusal(cursor);
  return place;
}

/** A place in a list that is sorted by a value, and the newest row of those that were sorted. */
interface SortedPlace {
  readonly value: number;
  readonly id: number;
  readonly newest: TimePlace;
}

export function encodeSortedCursor(order: string, { value, id, newest }: SortedPlace): string {
  return encode(`${order}:${value}:${id}:${newest.tsUs}:${newest.id}`);
}

/** Throws RangeError when `cursor` is not one of this list in this order. */
export function decodeSortedCursor(order: string, cursor: string): SortedPlace {
  const pattern = `^${order}${`:(${numberPattern})`.repeat(4)}$`;
  const [, ...found] = new RegExp(pattern).exec(decode(cursor)) ?? [];
  const [value, id, tsUs, newestId] = found.map(Number);
  if (found.length === 0 || ![value, id, tsUs, newestId].every(Number.isSafeInteger)) {
    throw refusal(cursor);
  }
  return { value: value!, id: id!, newest: { tsUs: tsUs!, id: newestId! } };
}

/** A place among hosts, in one of their orders: after this value, and at this value after this address. */
interface HostPlace {
  readonly value: number;
  readonly address: string;
}

export function encodeHostCursor(order: string, { value, address }: HostPlace): string {
  return encode(`hosts-${order}:${value}:${address}`);
}

/** Throws RangeError when `cursor` is not one of the hosts in this order. */
export function decodeHostCursor(order: string, cursor: string): HostPlace {
  const found = new RegExp(`^hosts-${order}:(${numberPattern}):([^]{1,100})$`).exec(decode(cursor));
  const value = Number(found?.[1]);
  if (!found || !Number.isSafeInteger(value)) throw refusal(cursor);
  return { value, address: found[2]! };
}

function encode(text: string): string {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(cursor: string): string {
  if (cursor.length > cursorLengthMax || !/^[A-Za-z0-9_-]*$/.test(cursor)) throw refusal(cursor);
  try {
    return atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
  } catch (error) {
    throw refusal(cursor, error);
  }
}

function refusal(cursor: string, cause?: unknown): RangeError {
  return new RangeError(
    `Unknown cursor "${cursor.slice(0, 40)}": use the one that the last page of the same list gave`,
    { cause },
  );
}
