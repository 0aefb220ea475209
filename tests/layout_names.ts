/** For tests of a layout that TypeScript and AssemblyScript share: its numbers beside those of the records they stand for. */

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
