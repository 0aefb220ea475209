/** What a flow counts for in the roll-ups. */
import { parseIp } from "../decode/addresses.ts";
import { placeOf } from "../geo/places.ts";
import { hasPorts, isUnspecified, TRANSPORT_NAMES } from "../records.ts";
import { otherKey, type RollupKind } from "./rollup_spans.ts";

/** A flow's row, as far as roll-ups need it: of the database, or made of the record. */
export interface RollupFlow {
  readonly start_us: number;
  readonly end_us: number;
  readonly orig_h: string;
  readonly resp_h: string;
  readonly resp_p: number;
  readonly proto: string;
  readonly service: string;
  readonly orig_pkts: number;
  readonly resp_pkts: number;
  readonly orig_wire_bytes: number;
  readonly resp_wire_bytes: number;
  /** 1, 0, or null where it is not known. */
  readonly local_orig: number | null;
  readonly local_resp: number | null;
  /** How many flows it stands for, if not one. */
  readonly flows?: number;
  /** The same, of a row of flows that were added up, whose originator may be 0.0.0.0 or ::, for many. */
  readonly summed_flows?: number | null;
}

/** Its originator is not one host. */
export function isOfMany({ summed_flows, orig_h }: RollupFlow): boolean {
  return Boolean(summed_flows) && isUnspecified(orig_h);
}

export function flowsIn({ flows, summed_flows }: RollupFlow): number {
  return flows ?? summed_flows ?? 1;
}

/** A key, and which way the originator's bytes go there: into it, out of it, or neither. */
interface RollupEntry {
  readonly kind: RollupKind;
  readonly key: string;
  readonly originatorGoes: "in" | "out" | null;
}

export function rollupEntries(flow: RollupFlow): RollupEntry[] {
  const { resp_h, local_orig, local_resp } = flow;
  const orig_h = isOfMany(flow) ? otherKey : flow.orig_h;
  const isOut = local_orig === 1 && local_resp !== 1;
  const isIn = local_resp === 1 && local_orig !== 1;
  const isPassing = !isOut && !isIn && local_orig !== 1;
  const originatorGoes = isOut ? "out" : isIn ? "in" : null;
  const entries: RollupEntry[] = [{ kind: "service", key: serviceKey(flow), originatorGoes }];
  if (!isIn) entries.push({ kind: "host", key: orig_h, originatorGoes: "out" });
  if (!isOut && resp_h !== orig_h) {
    entries.push({ kind: "host", key: resp_h, originatorGoes: "in" });
  }
  const peer = isIn ? orig_h : isOut || isPassing ? resp_h : null;
  if (peer === null) return entries;
  entries.push({ kind: "peer", key: networkOf(peer), originatorGoes });
  const country = placeOf(peer)?.country ?? "";
  if (country !== "") entries.push({ kind: "country", key: country, originatorGoes });
  return entries;
}

/** "tls"; "tcp/8443" where the application is not known; "icmp" where there are no ports, or many. */
function serviceKey({ service, proto, resp_p, summed_flows }: RollupFlow): string {
  if (service !== "") return service;
  if (summed_flows && resp_p === 0) return proto;
  return hasPorts(proto) ? `${proto}/${resp_p}` : proto;
}

/** The search of flows that finds what a service's key stands for. */
export function serviceSearch(key: string): string {
  const [proto, port] = key.split("/");
  if (port !== undefined) return `proto ${proto} and dport ${port}`;
  return TRANSPORT_NAMES.some((name) => name === key) ? `proto ${key}` : `service ${key}`;
}

const networks = new Map<string, string>();
const networksMax = 20_000;

/** "203.0.113.0/24", "2001:db8:1::/48"; what is no address stays what it is. */
export function networkOf(address: string): string {
  let network = networks.get(address);
  if (network === undefined) {
    network = readNetwork(address);
    if (networks.size >= networksMax) networks.clear();
    networks.set(address, network);
  }
  return network;
}

function readNetwork(address: string): string {
  if (!address.includes(":")) {
    const end = address.lastIndexOf(".");
    return end < 0 ? address : `${address.slice(0, end)}.0/24`;
  }
  const bytes = parseIp(address);
  if (bytes === null || bytes.length !== 16) return address;
  const groups = [0, 2, 4].map((at) => (bytes[at]! << 8 | bytes[at + 1]!).toString(16));
  while (groups.length > 0 && groups.at(-1) === "0") groups.pop();
  return groups.length === 0 ? "::/48" : `${groups.join(":")}::/48`;
}
