/** What a transaction's flows add to the sums by agent and minute, the hosts and the names: one upsert a key. A part of HubWriter. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isOfMany, type RollupFlow } from "../../store/rollup_keys.ts";
import type { RowInserter } from "../../store/row_inserter.ts";
import type { HostTotals } from "../../records.ts";
import { hostInserter } from "../../store/writer_rows.ts";
import { domainOf } from "./detect/first_seen.ts";
import type { AgentBounds } from "./agent_limits.ts";
import { AGENT_SPANS } from "./schema.ts";

/** What is counted of a flow, or of several that are alike. */
export interface CountedFlow extends RollupFlow {
  readonly name: string;
  readonly ja4: string;
  readonly flows: number;
}

/** flows, packets, bytes, bytes in, bytes out */
type Sums = [number, number, number, number, number];
/** first, last, flows, bytes */
type Seen = [number, number, number, number];

const minuteUs = AGENT_SPANS[0];
/** Longest name that is kept. */
const nameMax = 255;

export class HubSums {
  readonly #sum: StatementSync;
  readonly #host: StatementSync;
  readonly #name: StatementSync;
  /** By agent, then by minute, address, and kind and name. */
  readonly #agents = new Map<number, OfAgent>();
  readonly #own: RowInserter<HostTotals>;
  /** Hosts of the agents' networks, over all agents. */
  readonly #totals = new Map<string, Writable<HostTotals>>();

  constructor(database: DatabaseSync) {
    const add = (columns: readonly string[]) =>
      columns.map((column) => `${column} = ${column} + excluded.${column}`).join(", ");
    const widen =
      "first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)";
    this.#own = hostInserter(database);
    this.#sum = database.prepare(
      `INSERT INTO agent_sums(span_us, ts_us, agent, flows, packets, bytes, in_bytes, out_bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ${
        add(["flows", "packets", "bytes", "in_bytes", "out_bytes"])
      }`,
    );
    this.#host = database.prepare(
      `INSERT INTO agent_hosts(address, agent, first_us, last_us, flows, bytes)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ${widen}, ${add(["flows", "bytes"])}`,
    );
    this.#name = database.prepare(
      `INSERT INTO agent_names(kind, name, agent, first_us, last_us, flows)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ${widen}, ${add(["flows"])}`,
    );
  }

  #addHost(address: string, flow: CountedFlow, isOriginator: boolean): void {
    let host = this.#totals.get(address);
    if (host === undefined) this.#totals.set(address, host = newHost(address, flow.start_us));
    host.firstSeenUs = Math.min(host.firstSeenUs, flow.start_us);
    host.lastSeenUs = Math.max(host.lastSeenUs, flow.end_us);
    host.outPackets += isOriginator ? flow.orig_pkts : flow.resp_pkts;
    host.inPackets += isOriginator ? flow.resp_pkts : flow.orig_pkts;
    host.outBytes += isOriginator ? flow.orig_wire_bytes : flow.resp_wire_bytes;
    host.inBytes += isOriginator ? flow.resp_wire_bytes : flow.orig_wire_bytes;
  }

  add(agent: number, flow: CountedFlow): void {
    const { start_us, end_us, orig_wire_bytes: sent, resp_wire_bytes: received, flows } = flow;
    const isOut = flow.local_orig === 1 && flow.local_resp !== 1;
    const isIn = flow.local_resp === 1 && flow.local_orig !== 1;
    const bytes = sent + received;
    let own = this.#agents.get(agent);
    if (own === undefined) this.#agents.set(agent, own = newOfAgent());
    const minute = Math.floor(end_us / minuteUs) * minuteUs;
    let sums = own.minutes.get(minute);
    if (sums === undefined) own.minutes.set(minute, sums = [0, 0, 0, 0, 0]);
    sums[0] += flows;
    sums[1] += flow.orig_pkts + flow.resp_pkts;
    sums[2] += bytes;
    if (isIn) sums[3] += sent;
    if (isOut) sums[3] += received;
    if (isIn) sums[4] += received;
    if (isOut) sums[4] += sent;
    const seen: Seen = [start_us, end_us, flows, bytes];
    if (flow.local_orig === 1 && !isOfMany(flow)) {
      widenBy(own.hosts, flow.orig_h, seen);
      this.#addHost(flow.orig_h, flow, true);
    }
    if (flow.local_resp === 1 && flow.resp_h !== "") {
      widenBy(own.hosts, flow.resp_h, seen);
      this.#addHost(flow.resp_h, flow, false);
    }
    if (flow.name !== "") {
      const { name } = flow;
      widenBy(own.name, name.length > nameMax ? name.slice(0, nameMax) : name, seen);
      const domain = domainOf(name);
      if (domain !== "") widenBy(own.domain, domain, seen);
    }
    if (flow.ja4 !== "") widenBy(own.ja4, flow.ja4, seen);
  }

  /** By minute, over all agents. */
  totals() {
    const byMinute = new Map<number, Sums>();
    const all = this.#agents.values().flatMap(({ minutes }) => minutes);
    for (const [minute, sums] of all) {
      const total = byMinute.get(minute) ?? [0, 0, 0, 0, 0];
      byMinute.set(minute, total);
      for (let at = 0; at < sums.length; at++) total[at]! += sums[at]!;
    }
    return [...byMinute].map(([tsUs, [newFlows, packets, bytes, inBytes, outBytes]]) => ({
      tsUs,
      newFlows,
      packets,
      bytes,
      inBytes,
      outBytes,
    }));
  }

  /** Writes what was added, inside the caller's transaction. */
  flush(bounds: AgentBounds): void {
    for (const [agent, own] of this.#agents) {
      bounds.wrote("sums", agent, AGENT_SPANS.length * own.minutes.size);
      bounds.wrote("hosts", agent, own.hosts.size);
      bounds.wrote("names", agent, own.name.size + own.domain.size + own.ja4.size);
      for (const spanUs of AGENT_SPANS) {
        for (const [minute, sums] of own.minutes) {
          this.#sum.run(spanUs, Math.floor(minute / spanUs) * spanUs, agent, ...sums);
        }
      }
      for (const [address, seen] of own.hosts) this.#host.run(address, agent, ...seen);
      for (const kind of ["name", "domain", "ja4"] as const) {
        for (const [name, [first, last, flows]] of own[kind]) {
          this.#name.run(kind, name, agent, first, last, flows);
        }
      }
    }
    this.#own.insert([...this.#totals.values()]);
    this.discard();
  }

  discard(): void {
    this.#totals.clear();
    this.#agents.clear();
  }
}

type Writable<Row> = { -readonly [name in keyof Row]: Row[name] };

function newHost(address: string, us: number): Writable<HostTotals> {
  return {
    address,
    mac: "",
    name: "",
    isLocal: true,
    firstSeenUs: us,
    lastSeenUs: us,
    inPackets: 0,
    inBytes: 0,
    outPackets: 0,
    outBytes: 0,
  };
}

interface OfAgent {
  readonly minutes: Map<number, Sums>;
  readonly hosts: Map<string, Seen>;
  readonly name: Map<string, Seen>;
  readonly domain: Map<string, Seen>;
  readonly ja4: Map<string, Seen>;
}

function newOfAgent(): OfAgent {
  return {
    minutes: new Map(),
    hosts: new Map(),
    name: new Map(),
    domain: new Map(),
    ja4: new Map(),
  };
}

function widenBy(map: Map<string, Seen>, key: string, seen: Seen): void {
  const known = map.get(key);
  if (known === undefined) {
    map.set(key, [...seen]);
    return;
  }
  known[0] = Math.min(known[0], seen[0]);
  known[1] = Math.max(known[1], seen[1]);
  known[2] += seen[2];
  known[3] += seen[3];
}
