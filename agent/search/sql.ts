/**
 * A search as SQL: names of columns come from fields.ts alone, all that a reader typed travels as parameters. No test is ever
 * NULL, so that "not" is the opposite.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { CONSTANTS, type SearchList } from "./fields.ts";
import { makeNetworkTest, makePlaceTest, namesPort } from "./match.ts";
import type { AgentColumn, PlaceTest, Range, SearchTree, Test } from "./tree.ts";

/** SQL with its parameters, in the order of its question marks. */
interface SearchSql {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

/** Networks whose tests are kept. */
const networksMax = 64;

/** Teaches a database what SQL has no words for; needed by what searchSql() makes. */
export function addSearchFunctions(database: DatabaseSync): void {
  const tests = new Map<SQLOutputValue, (cell: string) => boolean>();
  const options = { deterministic: true };
  database.function("tapwatch_in_network", options, (cell, network) => {
    let test = tests.get(network!);
    if (test === undefined) {
      if (tests.size >= networksMax) tests.clear();
      tests.set(network!, test = makeNetworkTest(String(network)));
    }
    return test(String(cell ?? "")) ? 1 : 0;
  });
  // What is known of places changes with the files, so it is asked for each time.
  database.function("tapwatch_in_place", (cell, by, values) => {
    const key = `${by} ${values}`;
    let test = tests.get(key);
    if (test === undefined) {
      if (tests.size >= networksMax) tests.clear();
      const place = { by: by === "asn" ? "asn" : "country", values: JSON.parse(String(values)) };
      tests.set(key, test = makePlaceTest(place as Pick<PlaceTest, "by" | "values">));
    }
    return test(String(cell ?? "")) ? 1 : 0;
  });
  database.function("tapwatch_names_port", options, (cell, min, max) => {
    return namesPort(String(cell ?? ""), [[Number(min), Number(max)]]) ? 1 : 0;
  });
}

/** Throws TypeError for a search that names hosts, see resolveHosts(). */
export function searchSql(tree: SearchTree, list: SearchList): SearchSql {
  if (tree.op === "and" || tree.op === "or") {
    if (tree.parts.length === 0) return { sql: tree.op === "and" ? "1" : "0", parameters: [] };
    return join(
      tree.parts.map((part) => searchSql(part, list)),
      tree.op === "and" ? " AND " : " OR ",
    );
  }
  if (tree.op === "not") {
    const { sql, parameters } = searchSql(tree.part, list);
    return { sql: `NOT ${sql}`, parameters };
  }
  return testSql(tree, list);
}

function testSql(test: Test, list: SearchList): SearchSql {
  switch (test.op) {
    case "in":
      return anyColumn(test, list, (column) => ({
        sql: `ifnull(${column} IN (${test.values.map(() => "?").join(", ")}), 0)`,
        parameters: test.values,
      }));
    case "lists":
      return anyColumn(test, list, (column) =>
        anyOf(test.values, (value) => ({
          sql: `instr(ifnull(${column}, ''), ?) > 0`,
          parameters: [JSON.stringify(value)],
        })));
    case "network":
      return anyColumn(test, list, (column) => networkSql(column, test.network));
    case "place":
      return anyColumn(test, list, (column) => ({
        sql: `tapwatch_in_place(${column}, ?, ?)`,
        parameters: [test.by, JSON.stringify(test.values)],
      }));
    case "number":
      return anyColumn(test, list, (column) => between(column, test.ranges));
    case "sum":
      return between(`(${test.columns.join(" + ")})`, test.ranges);
    case "span":
      return between(`(${test.columns[1]} - ${test.columns[0]})`, test.ranges);
    case "ports":
      return anyColumn(test, list, (column) =>
        anyOf(test.ranges, (range) => ({
          sql: `tapwatch_names_port(${column}, ?, ?)`,
          parameters: [...range],
        })));
    case "glob":
      return anyColumn(test, list, (column) => ({
        sql: `ifnull(lower(${column}) GLOB ?, 0)`,
        // Of what GLOB knows, sets are not in the language.
        parameters: [test.pattern.replaceAll("[", "[[]")],
      }));
    case "contains":
      return anyColumn(test, list, (column) => ({
        sql: `instr(lower(ifnull(${column}, '')), ?) > 0`,
        parameters: [test.text],
      }));
    case "answered":
      return {
        sql: "(CASE proto WHEN 'tcp' THEN instr(history, 'h') > 0 ELSE resp_pkts > 0 END)",
        parameters: [],
      };
    case "agents":
      return anyColumn(test, list, (column) => ({
        sql: agentSql[test.of].replace("COLUMN", column),
        parameters: [JSON.stringify(test.values)],
      }));
    case "agent":
      throw new TypeError("Cannot make SQL: the agents of the search are not resolved");
    case "known":
      throw new TypeError("Cannot make SQL: the hosts of the search are not resolved");
  }
}

/** The parameter is a JSON list of agents' numbers. */
const agentSql: { readonly [of in AgentColumn]: string } = {
  number: "COLUMN IN (SELECT value FROM json_each(?))",
  list: "EXISTS (SELECT 1 FROM json_each(COLUMN) AS own, json_each(?) AS asked " +
    "WHERE own.value = asked.value)",
  address:
    "COLUMN IN (SELECT address FROM agent_hosts WHERE agent IN (SELECT value FROM json_each(?)))",
};

/** Columns with JSON lists of addresses. */
const listColumns: readonly string[] = ["sources", "targets"];

/** IPv4 by its text, which is quick; what is left for the function are lists and IPv6. */
function networkSql(column: string, text: string): SearchSql {
  const call = { sql: `tapwatch_in_network(${column}, ?)`, parameters: [text] };
  if (listColumns.includes(column)) return call;
  if (text.includes(":")) return { ...call, sql: `(instr(${column}, ':') > 0 AND ${call.sql})` };
  const [address, length] = text.split("/");
  const bits = Number(length ?? 32);
  const octets = address!.split(".").map(Number);
  const whole = Math.floor(bits / 8);
  if (whole === 4) return { sql: `ifnull(${column} = ?, 0)`, parameters: [address!] };
  const size = 2 ** (8 - bits % 8);
  const low = Math.floor(octets[whole]! / size) * size;
  const begin = octets.slice(0, whole).map((octet) => `${octet}.`).join("");
  // What comes behind the whole octets is a number, or else the text is no IPv4 address.
  return {
    sql: `(instr(ifnull(${column}, ''), '.') > 0 AND instr(${column}, ':') = 0 AND ` +
      `substr(${column}, 1, ?) = ? AND CAST(substr(${column}, ?) AS INTEGER) BETWEEN ? AND ?)`,
    parameters: [begin.length, begin, begin.length + 1, low, low + size - 1],
  };
}

function anyColumn(
  { columns }: Pick<Test, "columns">,
  list: SearchList,
  make: (column: string) => SearchSql,
): SearchSql {
  return anyOf(columns, (column) => make(String(CONSTANTS[list]?.[column] ?? column)));
}

function anyOf<T>(items: readonly T[], make: (item: T) => SearchSql): SearchSql {
  return items.length === 0 ? { sql: "0", parameters: [] } : join(items.map(make), " OR ");
}

function between(value: string, ranges: readonly Range[]): SearchSql {
  return anyOf(ranges, ([min, max]) => ({
    sql: `ifnull(${value} BETWEEN ? AND ?, 0)`,
    parameters: [min, max],
  }));
}

function join(parts: readonly SearchSql[], word: string): SearchSql {
  return {
    sql: `(${parts.map(({ sql }) => sql).join(word)})`,
    parameters: parts.flatMap(({ parameters }) => parameters),
  };
}
