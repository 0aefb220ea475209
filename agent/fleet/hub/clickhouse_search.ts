/** A search of flows as ClickHouse's SQL: the same verdicts as agent/search/sql.ts, with addresses as numbers. */
import { PROCESS_COLUMNS } from "../../text/processes.ts";
import { parseIpWords, parseNetwork } from "../../decode/addresses.ts";
import { CONSTANTS } from "../../search/fields.ts";
import type { Range, SearchTree, Test } from "../../search/tree.ts";
import { literal } from "./clickhouse.ts";

const processColumns: readonly string[] = PROCESS_COLUMNS;
type Words = readonly [number, number, number, number];
const known = new Map<string, Words>();
const knownMax = 100_000;
const none: Words = [0, 0, 0, 0];

/** The words of an address, IPv4 as ::ffff:0:0/96; zeros for what is none. */
export function addressWords(text: string): Words {
  let words = known.get(text);
  if (words === undefined) {
    words = parseIpWords(text) ?? none;
    if (known.size >= knownMax) known.clear();
    known.set(text, words);
  }
  return words;
}

function join64(high: number, low: number): string {
  return String(BigInt(high >>> 0) << 32n | BigInt(low >>> 0));
}

/** Throws RangeError for what ClickHouse cannot be asked. */
export function clickhouseSql(tree: SearchTree): string {
  if (tree.op === "and" || tree.op === "or") {
    if (tree.parts.length === 0) return tree.op === "and" ? "1" : "0";
    return `(${tree.parts.map(clickhouseSql).join(tree.op === "and" ? " AND " : " OR ")})`;
  }
  return tree.op === "not" ? `NOT (${clickhouseSql(tree.part)})` : testSql(tree);
}

function testSql(test: Test): string {
  switch (test.op) {
    case "in":
      return any(test.columns, (column) => {
        if (isAddress(column)) {
          return any(test.values, (value) => addressSql(column, String(value)));
        }
        const [first] = test.values;
        const cells = test.values.map((value) =>
          typeof value === "number" ? String(value) : literal(value)
        );
        return first === undefined ? "0" : `${columnSql(column)} IN (${cells.join(", ")})`;
      });
    case "network":
      return any(test.columns, (column) => networkSql(column, test.network));
    case "number":
      return any(test.columns, (column) => between(columnSql(column), test.ranges));
    case "sum":
      return between(`(${test.columns.join(" + ")})`, test.ranges);
    case "span":
      return between(`(${test.columns[1]} - ${test.columns[0]})`, test.ranges);
    case "glob":
      return any(
        test.columns,
        (column) =>
          isAddress(column) ? refuse("a pattern of addresses") : processColumns.includes(column)
            // What is not known is "" here and null elsewhere, which no pattern fits.
            ? `(${column} != '' AND match(lower(${column}), ${literal(globPattern(test.pattern))}))`
            : `match(lower(${column}), ${literal(globPattern(test.pattern))})`,
      );
    case "contains":
      return any(
        test.columns,
        (column) =>
          isAddress(column) ? "0" : `position(lower(${column}), ${literal(test.text)}) > 0`,
      );
    case "answered":
      return "if(proto = 'tcp', position(history, 'h') > 0, resp_pkts > 0)";
    case "agents":
      return test.values.length === 0 ? "0" : `agent IN (${test.values.join(", ")})`;
    case "place":
      return refuse("countries and networks by their owners");
    default:
      return refuse(`"${test.op}"`);
  }
}

function refuse(what: string): never {
  throw new RangeError(
    `This hub keeps its flows in ClickHouse, which cannot be asked for ${what}: search for addresses or networks`,
  );
}

function isAddress(column: string): boolean {
  return column === "orig_h" || column === "resp_h";
}

const part = (column: string) => column.replace("_h", "");

function columnSql(column: string): string {
  return String(CONSTANTS.flows?.[column] ?? column);
}

function addressSql(column: string, text: string): string {
  const words = parseIpWords(text);
  if (words === null) return "0";
  const [hi, lo] = [join64(words[0], words[1]), join64(words[2], words[3])];
  return `(${part(column)}_hi = ${hi} AND ${part(column)}_lo = ${lo})`;
}

function networkSql(column: string, text: string): string {
  const network = parseNetwork(text);
  if (network === null) return "0";
  const { words, prefixLength } = network;
  const [hi, lo] = [BigInt(join64(words[0], words[1])), BigInt(join64(words[2], words[3]))];
  const name = part(column);
  const version = `ip_version = ${text.includes(":") ? 6 : 4}`;
  const ends = (value: bigint, bits: number) => {
    const rest = 64n - BigInt(Math.max(0, Math.min(64, bits)));
    const low = value >> rest << rest;
    return `BETWEEN ${low} AND ${low + (1n << rest) - 1n}`;
  };
  if (prefixLength <= 64) return `(${version} AND ${name}_hi ${ends(hi, prefixLength)})`;
  return `(${version} AND ${name}_hi = ${hi} AND ${name}_lo ${ends(lo, prefixLength - 64)})`;
}

function globPattern(pattern: string): string {
  const body = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[\\s\\S]*")
    .replaceAll("?", "[\\s\\S]");
  return `^${body}$`;
}

function any<T>(items: readonly T[], make: (item: T) => string): string {
  return items.length === 0 ? "0" : `(${items.map(make).join(" OR ")})`;
}

function between(value: string, ranges: readonly Range[]): string {
  // Nothing that is counted is below zero; -1 stands for what is not there.
  return any(ranges, ([min, max]) => `(${value} BETWEEN ${min} AND ${max})`);
}
