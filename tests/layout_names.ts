/**
 * For tests of a layout that TypeScript and AssemblyScript share: its numbers beside those of the records they stand for,
 * and its parts beside each other.
 */
import { ok } from "node:assert/strict";

/** The numbers of `layout` whose names begin with `prefix`, under the names that records have. */
export function namedIn(
  layout: Readonly<Record<string, unknown>>,
  prefix: string,
): Record<string, number> {
  const entries = Object.entries(layout).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(
    entries.map(([name, value]) => [camel(name.slice(prefix.length)), value as number]),
  );
}

/** Those entries of `record` that `part` names. */
export function same(part: Record<string, number>, record: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.keys(part).map((name) => [name, record[name]]));
}

function camel(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Throws unless each part, [place, length], lies behind the one before. */
export function checkApart(parts: readonly (readonly [at: number, length: number])[]): void {
  for (let index = 1; index < parts.length; index++) {
    const [at, length] = parts[index - 1];
    ok(at + length <= parts[index][0], `part ${index}: ${at} + ${length} > ${parts[index][0]}`);
  }
}
