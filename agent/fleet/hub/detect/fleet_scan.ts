/**
 * One source that touches hosts of many agents within ten minutes, mostly without an answer: too slow for any one of them to see.
 * Counted are flows that somebody began towards a host of an agent's own network (never answers, so that CDNs, resolvers and time
 * servers are none), and of these only such as came to nothing. A source that is mostly served, as a monitoring host is, is none.
 */
import { addressAt } from "../../../decode/addresses.ts";
import { ADDRESSES_LISTED_MAX, isUnspecified } from "../../../records.ts";
import { counted, formatCount } from "../../../text/amounts.ts";
import type { FleetFinding } from "../hub_store.ts";
import { findingOf, type FleetRows, type FleetView, plainAddress } from "./fleet_detector.ts";

const minuteUs = 60_000_000;
/** Minutes of the window, and agents touched within it that make a scan: so many, or this share of a smaller fleet, but never fewer than three. */
const windowMinutes = 10;
const agentsNeeded = 20;
const shareNeeded = 0.1;
const leastNeeded = 3;
/** Share of a source's flows that came to nothing. */
const failedShare = 0.6;
/** Sources, and of each agents, hosts and ports that are remembered. */
const sourcesMax = 50_000;
const hostsMax = 4096;
const portsMax = 64;
const minutesKept = 16;
/** Traffic time without a further agent or contact after which it is over. */
const quietUs = 15 * minuteUs;
/** It is told again when so many times the agents are touched. */
const growth = 1.5;

interface Source {
  /** By agent: minutes in which it was touched. */
  readonly touched: Map<number, number[]>;
  readonly hosts: Set<string>;
  readonly ports: Set<number>;
  failed: number;
  served: number;
  firstUs: number;
  lastUs: number;
  isInside: boolean;
  episode: { readonly id: number; readonly detectedUs: number; told: number } | null;
}

/** What a row is to its responder's agent. */
interface Contact {
  readonly source: string;
  readonly host: string;
  readonly port: number;
  readonly us: number;
  readonly isInside: boolean;
  readonly failed: number;
  readonly served: number;
}

export class FleetScan {
  readonly #view: FleetView;
  /** Touched last stands last. */
  readonly #sources = new Map<string, Source>();
  readonly #open = new Set<string>();
  #found: FleetFinding[] = [];

  constructor(view: FleetView) {
    this.#view = view;
  }

  /** `limitUs` is the hub's clock: whatever an agent says is newer is of now. */
  take(rows: FleetRows, limitUs = Infinity): void {
    const skewUs = this.#view.skewUs(rows.agent);
    const site = this.#view.siteOf([rows.agent]);
    const { local_resp, orig_h } = rows.columns;
    for (let row = 0; row < rows.rowCount; row++) {
      // What comes from many is no one's scan.
      if (local_resp[row] !== 1 || isUnspecified(orig_h[row] as string)) continue;
      const contact = rows.kind === "flows"
        ? flowContact(rows.columns, row, skewUs)
        : rollupContact(rows.columns, row, skewUs);
      if (contact === null) continue;
      const us = Math.min(limitUs, contact.us);
      const source = addressAt(contact.source, site);
      const isAsItWas = us === contact.us && source === contact.source;
      this.#takeContact(rows.agent, isAsItWas ? contact : { ...contact, source, us });
    }
  }

  /** What has been found since; traffic has come to `nowUs`. */
  drain(nowUs: number): FleetFinding[] {
    for (const address of this.#open) {
      const source = this.#sources.get(address)!;
      if (nowUs - source.lastUs <= quietUs) continue;
      this.#tell(address, source, false);
      this.#sources.delete(address);
    }
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #takeContact(agent: number, contact: Contact): void {
    const known = this.#sources.get(contact.source);
    if (contact.failed === 0) {
      if (known !== undefined) known.served += contact.served;
      return;
    }
    const isOver = known !== undefined && known.episode === null &&
      contact.us - known.lastUs > quietUs;
    const source = known === undefined || isOver ? newSource(contact) : known;
    this.#sources.delete(contact.source);
    this.#sources.set(contact.source, source);
    this.#makeRoom();
    source.failed += contact.failed;
    source.served += contact.served;
    source.firstUs = Math.min(source.firstUs, contact.us);
    source.lastUs = Math.max(source.lastUs, contact.us);
    if (source.hosts.size < hostsMax) source.hosts.add(contact.host);
    if (source.ports.size < portsMax) source.ports.add(contact.port);
    if (noteMinute(source, agent, Math.floor(contact.us / minuteUs))) {
      this.#judge(contact, source);
    }
  }

  #judge({ source: address, us }: Contact, source: Source): void {
    const needed = neededOf(this.#view.agentCount());
    if (source.touched.size < needed || source.hosts.size < needed) return;
    if (source.failed < failedShare * (source.failed + source.served)) return;
    const { episode } = source;
    if (episode === null) {
      if (mostAround(source, Math.floor(us / minuteUs)) < needed) return;
      const id = this.#view.nextFindingId();
      source.episode = { id, detectedUs: source.lastUs, told: 0 };
      this.#open.add(address);
    } else if (source.touched.size < growth * episode.told) return;
    this.#tell(address, source, true);
  }

  #tell(key: string, source: Source, isOpen: boolean): void {
    const address = plainAddress(key);
    const episode = source.episode!;
    const agents = [...source.touched.keys()];
    episode.told = agents.length;
    if (!isOpen) this.#open.delete(key);
    const { failed, served, firstUs, lastUs, hosts } = source;
    const all = failed + served;
    const ports = [...source.ports].filter((port) => port > 0).sort((a, b) => a - b);
    const size = Math.max(agents.length, this.#view.agentCount());
    this.#found.push(findingOf({
      id: episode.id,
      kind: "fleet_scan",
      severity: "medium",
      attackId: source.isInside ? "T1046" : "T1595.001",
      sources: [address],
      targets: [...hosts].slice(0, ADDRESSES_LISTED_MAX),
      targetCount: hosts.size,
      firstUs,
      lastUs,
      detectedUs: episode.detectedUs,
      confidence: Math.min(0.99, 0.6 + 0.4 * failed / all),
      reason: `${address} scanned hosts of ${formatCount(agents.length)} of ${
        formatCount(size)
      } agents: ${counted(all, "contact")} with ${counted(hosts.size, "host")}${
        ports.length === 0 ? "" : ` on ${counted(ports.length, "port")}`
      }, of which ${formatCount(failed)} came to nothing`,
      isOpen,
      amount: failed,
      ports: ports.join(","),
      agents,
    }));
  }

  #makeRoom(): void {
    if (this.#sources.size <= sourcesMax) return;
    const [oldest] = this.#sources.keys();
    const source = this.#sources.get(oldest!)!;
    if (source.episode !== null) this.#tell(oldest!, source, false);
    this.#sources.delete(oldest!);
  }
}

function neededOf(agentCount: number): number {
  return Math.max(leastNeeded, Math.min(agentsNeeded, Math.ceil(agentCount * shareNeeded)));
}

function newSource({ us, isInside }: Contact): Source {
  return {
    touched: new Map(),
    hosts: new Set(),
    ports: new Set(),
    failed: 0,
    served: 0,
    firstUs: us,
    lastUs: us,
    isInside,
    episode: null,
  };
}

/** Whether the agent was not touched in this minute before. */
function noteMinute({ touched }: Source, agent: number, minute: number): boolean {
  const minutes = touched.get(agent);
  if (minutes === undefined) {
    touched.set(agent, [minute]);
    return true;
  }
  if (minutes.includes(minute)) return false;
  minutes.push(minute);
  if (minutes.length > minutesKept) minutes.shift();
  return true;
}

/** Most agents that were touched within one window that has this minute: late batches fill windows that are past. */
function mostAround({ touched }: Source, minute: number): number {
  const counts = new Array<number>(windowMinutes).fill(0);
  for (const minutes of touched.values()) {
    const ends = new Set<number>();
    for (const at of minutes) {
      const from = Math.max(0, at - minute);
      const to = Math.min(windowMinutes - 1, at - minute + windowMinutes - 1);
      for (let end = from; end <= to; end++) ends.add(end);
    }
    for (const end of ends) counts[end]!++;
  }
  return Math.max(...counts);
}

function flowContact(
  columns: Extract<FleetRows, { kind: "flows" }>["columns"],
  row: number,
  skewUs: number,
): Contact | null {
  const host = columns.resp_h[row] as string;
  const originPort = columns.orig_p[row] as number;
  const port = columns.resp_p[row] as number;
  const proto = columns.proto[row] as string;
  const history = columns.history[row] as string;
  if (isForAll(host)) return null;
  const hasAnswer = columns.resp_pkts[row] as number > 0;
  let isFailed: boolean;
  if (proto === "tcp") {
    // Who has not been seen to begin may be the one who answers: the end of a connection that is older than the capture.
    if (!history.startsWith("S")) return null;
    const isOpened = history.includes("h");
    // Torn down as soon as it was open, without a word.
    const isDropped = history.includes("R") && columns.orig_bytes[row] === 0;
    isFailed = !isOpened || isDropped;
  } else {
    // Late answers of resolvers and time servers come from their ports.
    if (proto === "udp" && originPort < 1024) return null;
    isFailed = !hasAnswer;
  }
  return {
    source: columns.orig_h[row] as string,
    host,
    port: proto === "tcp" || proto === "udp" ? port : 0,
    us: columns.start_us[row] as number - skewUs,
    isInside: columns.local_orig[row] === 1,
    failed: isFailed ? 1 : 0,
    served: isFailed ? 0 : 1,
  };
}

function rollupContact(
  columns: Extract<FleetRows, { kind: "rollups" }>["columns"],
  row: number,
  skewUs: number,
): Contact | null {
  const host = columns.resp_h[row] as string;
  const port = columns.resp_p[row] as number;
  const proto = columns.proto[row] as string;
  if (host === "" || isForAll(host)) return null;
  // Who began is not told: what goes to a port that clients are given may be an answer.
  if (proto === "udp" && port >= 32_768) return null;
  const failed = columns.failed_flows[row] as number;
  return {
    source: columns.orig_h[row] as string,
    host,
    port: proto === "tcp" || proto === "udp" ? port : 0,
    us: columns.start_us[row] as number - skewUs,
    isInside: columns.local_orig[row] === 1,
    failed,
    served: (columns.flows[row] as number) - failed,
  };
}

/** Multicast and broadcast, which one host sends and all agents see. */
function isForAll(address: string): boolean {
  if (address.includes(":")) return /^ff/i.test(address);
  return Number(address.slice(0, address.indexOf("."))) >= 224 || address.endsWith(".255");
}
