/**
 * The wire form of island props: a JSON array whose element 0 is the root and whose nested values are indexes into it,
 * so that a value which is met twice travels once. Negative indexes are constants. Only data travels: signals, dates,
 * maps and the like, which the published package knows too, are refused here.
 */

/** In the order of their indexes, -1 to -6. */
const constants: readonly unknown[] = [undefined, null, NaN, Infinity, -Infinity, -0];

/** Throws TypeError for what is no plain data. */
export function stringify(root: unknown): string {
  const parts: string[] = [];
  const indexes = new Map<unknown, number>();
  const write = (value: unknown): number => {
    const constant = isUsual(value) ? -1 : constants.findIndex((one) => Object.is(one, value));
    if (constant >= 0) return -1 - constant;
    let index = indexes.get(value);
    if (index === undefined) {
      index = parts.push("") - 1;
      indexes.set(value, index);
      parts[index] = written(value, write);
    }
    return index;
  };
  const index = write(root);
  return index < 0 ? String(index) : `[${parts.join(",")}]`;
}

/** Certainly none of the constants. */
function isUsual(value: unknown): boolean {
  return typeof value === "string" || Number.isFinite(value) && value !== 0;
}

function written(value: unknown, write: (value: unknown) => number): string {
  if (Array.isArray(value)) return `[${Array.from(value, write).join(",")}]`;
  if (typeof value === "object" && value !== null && isPlain(value)) {
    const fields = Object.entries(value).map(([key, item]) =>
      `${JSON.stringify(key)}:${write(item)}`
    );
    return `{${fields.join(",")}}`;
  }
  if (["string", "number", "boolean"].includes(typeof value)) return JSON.stringify(value);
  throw new TypeError(`Cannot send ${Deno.inspect(value)} to an island: it is no plain data`);
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Reads what stringify() wrote. */
export function parse(text: string): unknown {
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts)) return constants[-1 - Number(parts)];
  const values = new Map<number, unknown>();
  const read = (index: number): unknown => {
    if (index < 0) return constants[-1 - index];
    if (values.has(index)) return values.get(index);
    const part: unknown = parts[index];
    if (typeof part !== "object" || part === null) return part;
    const value: unknown[] | Record<string, unknown> = Array.isArray(part) ? [] : {};
    values.set(index, value);
    for (const [key, item] of Object.entries(part)) {
      (value as Record<string, unknown>)[key] = read(item);
    }
    return value;
  };
  return read(0);
}
