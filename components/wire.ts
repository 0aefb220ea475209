/** Keys of JSON between server and browser: snake_case outside, as in the database and `analyze --json`; camelCase inside. */

type Json = string | number | boolean | null | undefined | readonly Json[] | {
  readonly [key: string]: Json;
};

/** `value` with every key as JSON shows it: `origPkts` becomes `orig_pkts`. */
export function toWire(value: unknown): unknown {
  return renameKeys(value as Json, (key) => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`));
}

/** The reverse of toWire; the caller names the type that the sender had. */
export function fromWire<T>(value: unknown): T {
  return renameKeys(
    value as Json,
    (key) => key.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()),
  ) as T;
}

function renameKeys(value: Json, rename: (key: string) => string): Json {
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [rename(key), renameKeys(item, rename)]),
  );
}
