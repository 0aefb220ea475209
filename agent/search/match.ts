/** A search as a test of rows in memory; gives the same verdict as its SQL (sql.ts). */
import { isInNetwork, parseIpWords, parseNetwork } from "../decode/addresses.ts";
import { placeOf } from "../geo/places.ts";
import { lower, type PlaceTest, type Range, type SearchTree, type Test } from "./tree.ts";

export type SearchRow = Readonly<Record<string, unknown>>;

/** The test of a row under its table's column names. Throws TypeError for a search that names hosts, see resolveHosts(). */
export function makeMatcher(tree: SearchTree): (row: SearchRow) => boolean {
  if (tree.op === "and" || tree.op === "or") {
    const parts = tree.parts.map(makeMatcher);
    return tree.op === "and"
      ? (row) => parts.every((fits) => fits(row))
      : (row) => parts.some((fits) => fits(row));
  }
  if (tree.op === "not") {
    const fits = makeMatcher(tree.part);
    return (row) => !fits(row);
  }
  return makeTest(tree);
}

function makeTest(test: Test): (row: SearchRow) => boolean {
  switch (test.op) {
    case "in": {
      const values = new Set<unknown>(test.values);
      return anyColumn(test, (cell) => values.has(cell));
    }
    case "lists": {
      const items = test.values.map((value) => JSON.stringify(value));
      return anyColumn(test, (cell) => items.some((item) => textOf(cell).includes(item)));
    }
    case "network": {
      const fits = makeNetworkTest(test.network);
      return anyColumn(test, (cell) => fits(textOf(cell)));
    }
    case "place": {
      const fits = makePlaceTest(test);
      return anyColumn(test, (cell) => fits(textOf(cell)));
    }
    case "number":
      return anyColumn(test, (cell) => typeof cell === "number" && isInRanges(cell, test.ranges));
    case "sum":
      return (row) =>
        isInRanges(test.columns.reduce((sum, column) => sum + Number(row[column]), 0), test.ranges);
    case "span": {
      const [from, to] = test.columns;
      return (row) => isInRanges(Number(row[to]) - Number(row[from]), test.ranges);
    }
    case "ports":
      return anyColumn(test, (cell) => namesPort(textOf(cell), test.ranges));
    case "glob": {
      const fits = makeGlob(test.pattern);
      return anyColumn(test, (cell) => cell !== null && fits(lower(textOf(cell))));
    }
    case "contains":
      return anyColumn(test, (cell) => lower(textOf(cell)).includes(test.text));
    case "answered":
      return ({ proto, history, resp_pkts }) =>
        proto === "tcp" ? textOf(history).includes("h") : Number(resp_pkts) > 0;
    // Rows in memory are of this host.
    case "agents":
      return () => false;
    case "agent":
    case "known":
      throw new TypeError("Cannot match rows: the hosts of the search are not resolved");
  }
}

function anyColumn(
  { columns }: Pick<Test, "columns">,
  fits: (cell: unknown) => boolean,
): (row: SearchRow) => boolean {
  return (row) => columns.some((column) => fits(row[column] ?? null));
}

function textOf(cell: unknown): string {
  return cell === null ? "" : String(cell);
}

function isInRanges(value: number, ranges: readonly Range[]): boolean {
  return ranges.some(([min, max]) => value >= min && value <= max);
}

/** Whether a cell, an address or a JSON list of addresses, has one in the network. Remembers what it was asked last. */
export function makeNetworkTest(text: string): (cell: string) => boolean {
  const network = parseNetwork(text);
  const known = new Map<string, boolean>();
  const isIn = (address: string) => {
    const words = network && parseIpWords(address);
    return words !== null && isInNetwork(network!, ...words);
  };
  return (cell) => {
    let fits = known.get(cell);
    if (fits !== undefined) return fits;
    fits = cell.startsWith("[") ? listOf(cell).some(isIn) : isIn(cell);
    if (known.size >= knownMax) known.clear();
    known.set(cell, fits);
    return fits;
  };
}
const knownMax = 10_000;

/** The same of countries and autonomous systems. */
export function makePlaceTest(
  { by, values }: Pick<PlaceTest, "by" | "values">,
): (cell: string) => boolean {
  const wanted = new Set<unknown>(values);
  const isThere = (address: string) => wanted.has(placeOf(address)?.[by]);
  return (cell) => cell.startsWith("[") ? listOf(cell).some(isThere) : isThere(cell);
}

function listOf(cell: string): string[] {
  const list: unknown = JSON.parse(cell);
  return Array.isArray(list) ? list.map(String) : [];
}

/** Whether "22,80,1000-1024", or a JSON list of such texts, names a port in the ranges. */
export function namesPort(text: string, ranges: readonly Range[]): boolean {
  for (const [, first, last] of text.matchAll(/(\d+)(?:-(\d+))?/g)) {
    const [from, to] = [Number(first), Number(last ?? first)];
    if (ranges.some(([min, max]) => from <= max && to >= min)) return true;
  }
  return false;
}

/** `*` stands for any text, `?` for one character. Linear in both but for the text after the last star. */
export function makeGlob(pattern: string): (text: string) => boolean {
  const parts = Array.from(pattern);
  return (text) => {
    const letters = Array.from(text);
    let [at, place, starAt, starPlace] = [0, 0, -1, 0];
    while (place < letters.length) {
      if (parts[at] === "*") {
        starAt = at++;
        starPlace = place;
      } else if (at < parts.length && (parts[at] === "?" || parts[at] === letters[place])) {
        at++;
        place++;
      } else if (starAt >= 0) {
        at = starAt + 1;
        place = ++starPlace;
      } else return false;
    }
    while (parts[at] === "*") at++;
    return at === parts.length;
  };
}
