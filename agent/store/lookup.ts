/** What of a search of flows an index answers: the addresses of which each row must have one. */
import { ALL, allOf, type SearchTree } from "../search/tree.ts";

/** Rows that have one of the values in one of the columns. */
export interface Lookup {
  readonly columns: readonly string[];
  readonly values: readonly string[];
}

const valuesMax = 16;

/** The addresses, and what else is asked; the whole tree where there are none, or too many. */
export function lookupOf(
  tree: SearchTree,
): { readonly lookup: Lookup | null; readonly rest: SearchTree } {
  const parts = tree.op === "and" ? tree.parts : [tree];
  for (const part of parts) {
    const lookup = addressesOf(part);
    if (lookup === null) continue;
    const others = parts.filter((other) => other !== part);
    return { lookup, rest: others.length === 0 ? ALL : allOf(others) };
  }
  return { lookup: null, rest: tree };
}

function addressesOf(part: SearchTree): Lookup | null {
  const tests = part.op === "or" ? part.parts : [part];
  const values = new Set<string>();
  let columns: readonly string[] | null = null;
  for (const test of tests) {
    if (test.op !== "in") return null;
    if (columns !== null && String(columns) !== String(test.columns)) return null;
    columns = test.columns;
    for (const value of test.values) values.add(String(value));
  }
  const areAddresses = columns?.every((column) => column === "orig_h" || column === "resp_h");
  if (columns === null || !areAddresses || values.size > valuesMax) return null;
  return { columns, values: [...values] };
}
