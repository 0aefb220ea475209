/**
 * The wire form of island props: a JSON array whose element 0 is the root and whose nested values are indexes into it,
 * so that shared references and cycles survive. Negative indexes are constants; arrays that start with a string are
 * tagged values: `["Date", iso]`, `["Map", [k, v, …]]`, `["Signal", i]`, `["Slot", i]` …
 */

const UNDEFINED = -1;
const NULL = -2;
const NAN = -3;
const INFINITE = -4;
const NEGATIVE_INFINITE = -5;
const NEGATIVE_ZERO = -6;
const HOLE = -7;

/** Replaces values before they are written: a tag and the value to write under it, or null to leave it be. */
export type Replacer = (
  value: object,
) => { tag: string; value: unknown } | null;
/** Makes the value of a tag that is not built in. */
export type Reviver = (tag: string, value: unknown) => unknown;

interface SignalLike {
  peek(): unknown;
}
function isSignal(value: object): value is SignalLike {
  return "peek" in value && typeof value.peek === "function" &&
    "value" in value;
}
function isComputed(value: object): boolean {
  const { x, _fn } = value as { x?: unknown; _fn?: unknown };
  return typeof x === "function" || typeof _fn === "function";
}

/** Writes `root`; functions throw. */
export function stringify(root: unknown, replace: Replacer): string {
  const parts: string[] = [];
  const indexes = new Map<unknown, number>();
  const write = (value: unknown): number => {
    const constant = constantOf(value);
    if (constant !== null) return constant;
    const known = indexes.get(value);
    if (known !== undefined) return known;
    const index = parts.push("") - 1;
    indexes.set(value, index);
    parts[index] = written(value, write, replace);
    return index;
  };
  const index = write(root);
  return index < 0 ? String(index) : `[${parts.join(",")}]`;
}

function constantOf(value: unknown): number | null {
  if (value === undefined) return UNDEFINED;
  if (value === null) return NULL;
  if (typeof value !== "number") return null;
  if (Number.isNaN(value)) return NAN;
  if (value === Infinity) return INFINITE;
  if (value === -Infinity) return NEGATIVE_INFINITE;
  return Object.is(value, -0) ? NEGATIVE_ZERO : null;
}

function written(
  value: unknown,
  write: (value: unknown) => number,
  replace: Replacer,
): string {
  if (typeof value === "bigint") {
    return JSON.stringify(["BigInt", String(value)]);
  }
  if (typeof value === "function" || typeof value === "symbol") {
    throw new Error(`Serializing ${typeof value}s is not supported.`);
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const replaced = replace(value);
  if (replaced !== null) {
    return `[${JSON.stringify(replaced.tag)},${write(replaced.value)}]`;
  }
  if (isSignal(value)) {
    return `["${isComputed(value) ? "Computed" : "Signal"}",${
      write(value.peek())
    }]`;
  }
  if (Array.isArray(value)) {
    return `[${
      Array.from(value, (item, at) => at in value ? write(item) : HOLE).join(
        ",",
      )
    }]`;
  }
  return writtenBuiltIn(value, write) ?? writtenObject(value, write);
}

function writtenBuiltIn(
  value: object,
  write: (value: unknown) => number,
): string | null {
  if (value instanceof Date) {
    const isValid = !Number.isNaN(value.getTime());
    return JSON.stringify([
      "Date",
      isValid ? value.toISOString() : "Invalid Date",
    ]);
  }
  if (value instanceof URL) return JSON.stringify(["URL", value.href]);
  if (value instanceof RegExp) {
    return JSON.stringify(["RegExp", value.source, value.flags]);
  }
  if (value instanceof Uint8Array) {
    return JSON.stringify(["Uint8Array", btoa(String.fromCharCode(...value))]);
  }
  if (value instanceof Set) {
    return `["Set",[${[...value].map(write).join(",")}]]`;
  }
  if (value instanceof Map) {
    return `["Map",[${[...value].flat().map(write).join(",")}]]`;
  }
  return null;
}

function writtenObject(
  value: object,
  write: (value: unknown) => number,
): string {
  const fields = Object.entries(value).map(([key, item]) =>
    `${JSON.stringify(key)}:${write(item)}`
  );
  return `{${fields.join(",")}}`;
}

/** Reads what stringify() wrote. */
export function parse(text: string, revive: Reviver): unknown {
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts)) return constants.get(parts as number);
  const values = new Array<unknown>(parts.length);
  const isRead = new Uint8Array(parts.length);
  const read = (index: number): unknown => {
    if (index < 0) return constants.get(index);
    if (isRead[index] === 0) readInto(index);
    return values[index];
  };
  const readInto = (index: number) => {
    const part: unknown = parts[index];
    isRead[index] = 1;
    if (typeof part !== "object" || part === null) values[index] = part;
    else if (!Array.isArray(part)) {
      const object: Record<string, unknown> = values[index] = {};
      for (const [key, item] of Object.entries(part)) object[key] = read(item);
    } else if (typeof part[0] === "string") {
      values[index] = readTagged(part, read, revive);
    } else {
      const array: unknown[] = values[index] = new Array(part.length);
      part.forEach((item, at) => item === HOLE || (array[at] = read(item)));
    }
  };
  return read(0);
}

const constants = new Map<number, unknown>([
  [UNDEFINED, undefined],
  [NULL, null],
  [NAN, NaN],
  [INFINITE, Infinity],
  [NEGATIVE_INFINITE, -Infinity],
  [NEGATIVE_ZERO, -0],
]);

function readTagged(
  part: unknown[],
  read: (index: number) => unknown,
  revive: Reviver,
): unknown {
  const [tag, value] = part as [string, never];
  switch (tag) {
    case "BigInt":
      return BigInt(value);
    case "Date":
      return new Date(value);
    case "URL":
      return new URL(value);
    case "RegExp":
      return new RegExp(value, part[2] as string);
    case "Uint8Array":
      return Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
    case "Set":
      return new Set((value as number[]).map(read));
    case "Map":
      return new Map(pairs((value as number[]).map(read)));
    default:
      return revive(tag, read(value));
  }
}

function* pairs(items: unknown[]): Generator<[unknown, unknown]> {
  for (let at = 0; at < items.length; at += 2) yield [items[at], items[at + 1]];
}
