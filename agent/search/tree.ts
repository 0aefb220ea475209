/** What a search says, in terms of a list's columns. Plain data: it may go to another thread. */

/** Both ends included. */
export type Range = readonly [min: number, max: number];
export type Columns = readonly string[];

export interface PlaceTest {
  readonly op: "place";
  readonly columns: Columns;
  readonly by: "country" | "asn";
  readonly values: readonly (string | number)[];
  /** Of the word in the search. */
  readonly at: number;
}

/** How a list's rows name agents: a number, a JSON list of numbers, or the address of a host that they have seen. */
export type AgentColumn = "number" | "list" | "address";

export type Test =
  /** Any of the columns holds one of the values. */
  | { readonly op: "in"; readonly columns: Columns; readonly values: readonly (string | number)[] }
  /** Any of the columns, JSON lists of texts, lists one of the values. */
  | { readonly op: "lists"; readonly columns: Columns; readonly values: readonly string[] }
  /** Any of the columns is an address in the network, or lists one. */
  | { readonly op: "network"; readonly columns: Columns; readonly network: string }
  /** Any of the columns is an address in one of the countries (codes) or autonomous systems (numbers), or lists one. */
  | PlaceTest
  | { readonly op: "number"; readonly columns: Columns; readonly ranges: readonly Range[] }
  | { readonly op: "sum"; readonly columns: Columns; readonly ranges: readonly Range[] }
  /** The second column less the first. */
  | {
    readonly op: "span";
    readonly columns: readonly [string, string];
    readonly ranges: readonly Range[];
  }
  /** Any of the columns, as "22,80,1000-1024", names a port in the ranges. */
  | { readonly op: "ports"; readonly columns: Columns; readonly ranges: readonly Range[] }
  /** Any of the columns as a whole is `pattern`, in which `*` and `?` stand for others. In lower case, as all texts here. */
  | { readonly op: "glob"; readonly columns: Columns; readonly pattern: string }
  | { readonly op: "contains"; readonly columns: Columns; readonly text: string }
  /** The responder of a flow accepted, or sent anything where nothing is accepted. */
  | { readonly op: "answered"; readonly columns: Columns }
  /** An agent of a hub by name; resolveAgents() makes it `agents`. */
  | {
    readonly op: "agent";
    readonly columns: Columns;
    readonly of: AgentColumn;
    readonly text: string;
    /** Of the word in the search. */
    readonly at: number;
  }
  | {
    readonly op: "agents";
    readonly columns: Columns;
    readonly of: AgentColumn;
    readonly values: readonly number[];
  }
  /** Hosts by what is known of them; resolveHosts() makes it the addresses that they have. */
  | {
    readonly op: "known";
    readonly columns: Columns;
    readonly areLists: boolean;
    readonly by: "name" | "mac";
    readonly text: string;
    /** Of the word in the search. */
    readonly at: number;
  };

export type SearchTree =
  | { readonly op: "and"; readonly parts: readonly SearchTree[] }
  | { readonly op: "or"; readonly parts: readonly SearchTree[] }
  | { readonly op: "not"; readonly part: SearchTree }
  | Test;

/** Fits everything. */
export const ALL: SearchTree = { op: "and", parts: [] };

export function allOf(parts: readonly SearchTree[]): SearchTree {
  return parts.length === 1 ? parts[0]! : { op: "and", parts };
}

export function anyOf(parts: readonly SearchTree[]): SearchTree {
  return parts.length === 1 ? parts[0]! : { op: "or", parts };
}

/** ASCII letters only, as SQLite's lower() does. */
export function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The tree with each test replaced. */
export function mapTests(tree: SearchTree, change: (test: Test) => SearchTree): SearchTree {
  if (tree === ALL) return ALL;
  if (tree.op === "and" || tree.op === "or") {
    return { op: tree.op, parts: tree.parts.map((part) => mapTests(part, change)) };
  }
  return tree.op === "not" ? { op: "not", part: mapTests(tree.part, change) } : change(tree);
}
