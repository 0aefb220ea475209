/** Known names and MAC addresses in a search become the addresses that they stand for. */
import { knowsCountries, knowsNetworks } from "../geo/places.ts";
import { quoted, SearchError } from "./search_error.ts";
import { mapTests, type PlaceTest, type SearchTree } from "./tree.ts";

/** The addresses of hosts whose name fits a pattern, or whose MAC address it is; at most `knownHostsMax` + 1. */
type HostLookup = (by: "name" | "mac", text: string) => readonly string[];

/** Hosts that a name may stand for. */
export const knownHostsMax = 200;

/** Throws SearchError for what no host is known by, for what too many are, and for places without a file that knows them. */
export function resolveHosts(tree: SearchTree, lookUp: HostLookup): SearchTree {
  return mapTests(tree, (test) => {
    if (test.op === "place") checkPlace(test);
    if (test.op !== "known") return test;
    const { columns, areLists, by, text, at } = test;
    const values = lookUp(by, text);
    if (values.length === 0) {
      throw new SearchError(
        at + 1,
        `no host is known by the ${by === "mac" ? "MAC address" : "name"} ${quoted(text)}. ` +
          "A host is an address, a network as 10.0.0.0/8, or a name that the Hosts page has",
      );
    }
    if (values.length > knownHostsMax) {
      throw new SearchError(
        at + 1,
        `more than ${knownHostsMax} hosts are known by ${quoted(text)}; name fewer, or a network`,
      );
    }
    return { op: areLists ? "lists" : "in", columns, values };
  });
}

/** Numbers of a hub's agents whose name fits a pattern; null where there are no agents. */
type AgentLookup = (text: string) => readonly number[] | null;

/** Throws SearchError for what no agent is called, and on a database of no hub. */
export function resolveAgents(tree: SearchTree, lookUp: AgentLookup): SearchTree {
  return mapTests(tree, (test) => {
    if (test.op !== "agent") return test;
    const { columns, of, text, at } = test;
    const values = lookUp(text);
    if (values !== null && values.length > 0) return { op: "agents", columns, of, values };
    throw new SearchError(
      at + 1,
      values === null
        ? "agent can be asked of a hub only: this is the history of one host"
        : `no agent is called ${quoted(text)}. The Agents page has their names`,
    );
  });
}

function checkPlace({ by, at }: PlaceTest): void {
  if (by === "country" ? knowsCountries() : knowsNetworks()) return;
  throw new SearchError(
    at + 1,
    `${by} cannot be asked for: no file with ${
      by === "country" ? "countries" : "networks (AS numbers)"
    } is there. Add --geo-db FILE; the Status page says how to get one`,
  );
}

/** Whether it asks for hosts by what is known of them. */
export function namesHosts(tree: SearchTree): boolean {
  if (tree.op === "and" || tree.op === "or") return tree.parts.some(namesHosts);
  return tree.op === "not" ? namesHosts(tree.part) : tree.op === "known";
}
