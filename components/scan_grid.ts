/** Which ports of which hosts a scan tried, and what came back, from the flows that it left. Pure. */
import type { Finding, ScanDetails } from "../agent/records.ts";
import { hostOf, OPENING_PROBES, portOf, serviceText } from "../agent/service.ts";
import type { StoredFlow } from "../agent/store/schema.ts";
import { hasPort } from "./finding_text.ts";

/** Rising weight: of several flows to one port the most telling counts. */
const CELL_STATES = ["none", "silent", "refused", "open"] as const;
export type CellState = typeof CELL_STATES[number];

export interface GridRow {
  /** First and last of neighbouring hosts that gave the same answers; the same for one host. */
  readonly first: string;
  readonly last: string;
  readonly hostCount: number;
  /** One for each column. */
  readonly cells: readonly CellState[];
}

export interface ScanGrid {
  readonly ports: readonly number[];
  readonly rows: readonly GridRow[];
  /** Cells of all hosts and ports, shown or not. */
  readonly counts: Readonly<Record<CellState, number>>;
  readonly portCount: number;
  readonly hostCount: number;
  readonly open: readonly OpenPort[];
  /** Ports found open beyond those in `open`. */
  readonly notListed: number;
}
type Found = Pick<ScanDetails, "probe" | "answered" | "found" | "cameBack">;

export interface OpenPort {
  readonly address: string;
  readonly port: number;
  /** Application seen, as "ssh"; "" when none was. */
  readonly service: string;
  /** The scanner came back to it. */
  readonly isUsed: boolean;
}

const portsMax = 24;
const rowsMax = 40;

/** Flows that are probes of `finding`, of those that its sources had while it went on. */
export function probesOf(finding: Finding, flows: readonly StoredFlow[]): readonly StoredFlow[] {
  const { scan, sources, targets, targetCount } = finding;
  if (!scan) return [];
  const isListed = targetCount <= targets.length;
  const [from, to] = [new Set(sources), new Set(targets)];
  const proto = scan.probe === "udp" ? "udp" : scan.probe === "sctp_init" ? "sctp" : "tcp";
  return flows.filter((flow) =>
    flow.proto === proto && from.has(flow.orig_h) && (!isListed || to.has(flow.resp_h)) &&
    hasPort(scan.ports, flow.resp_p)
  );
}

/**
 * Of `flows` that are probes, and of what the scan itself says that it found open, which is all of it unless there was more
 * than it keeps.
 */
export function buildScanGrid(flows: readonly StoredFlow[], scan: Found | undefined): ScanGrid {
  const hosts = new Map<string, Map<number, CellState>>();
  const open = new Map<string, OpenPort>();
  const found = new Set(scan && OPENING_PROBES.includes(scan.probe) ? scan.found : []);
  const isComplete = found.size > 0 && found.size >= (scan?.answered ?? 0);
  const take = (address: string, port: number, state: CellState, service: string) => {
    const key = serviceText(address, port);
    if (state === "open" && isComplete && !found.has(key)) return;
    const cells = hosts.get(address) ?? new Map<number, CellState>();
    hosts.set(address, cells);
    cells.set(port, heavier(cells.get(port) ?? "none", state));
    if (state === "open" && !open.get(key)?.service) {
      open.set(key, { address, port, service, isUsed: scan?.cameBack.includes(key) ?? false });
    }
  };
  for (const flow of flows) take(flow.resp_h, flow.resp_p, answerOf(flow), flow.service);
  for (const service of found) take(hostOf(service), Number(portOf(service)), "open", "");
  const byPort = weightOfPorts(hosts);
  const ports = [...byPort.keys()].sort((a, b) => byPort.get(b)! - byPort.get(a)! || a - b)
    .slice(0, portsMax).sort((a, b) => a - b);
  const addresses = [...hosts.keys()].sort(compareAddresses);
  return {
    ports,
    rows: foldRows(addresses, ports, hosts).slice(0, rowsMax),
    counts: countCells(hosts, byPort.size),
    portCount: byPort.size,
    hostCount: hosts.size,
    open: [...open.values()].sort(byAddress),
    notListed: found.size > 0 ? Math.max(0, scan!.answered - open.size) : 0,
  };
}

/** What some scans found open, together. */
export interface OpenPorts {
  readonly ports: readonly OpenPort[];
  /** Further ones, of which only the number is known. */
  readonly notListed: number;
}

/** `flows` tell the services. */
export function openPortsOf(
  findings: readonly Finding[],
  flows: readonly StoredFlow[],
): OpenPorts {
  const byService = new Map<string, OpenPort>();
  let notListed = 0;
  for (const finding of findings) {
    if (!finding.scan || !OPENING_PROBES.includes(finding.scan.probe)) continue;
    const grid = buildScanGrid(probesOf(finding, flows), finding.scan);
    notListed += grid.notListed;
    for (const port of grid.open) {
      const key = serviceText(port.address, port.port);
      const before = byService.get(key);
      byService.set(key, {
        ...port,
        service: port.service || before?.service || "",
        isUsed: port.isUsed || (before?.isUsed ?? false),
      });
    }
  }
  return { ports: [...byService.values()].sort(byAddress), notListed };
}

function byAddress(a: OpenPort, b: OpenPort): number {
  return compareAddresses(a.address, b.address) || a.port - b.port;
}

/**
 * Flows that are evidence, each once: those to what was used first, then those to what was found open, then the others of
 * `linked`, the oldest of each first.
 */
export function answeredFirst(
  flows: readonly StoredFlow[],
  { found, cameBack }: Pick<Found, "found" | "cameBack">,
  linked: readonly StoredFlow[],
): readonly StoredFlow[] {
  const [used, open] = [new Set(cameBack), new Set(found)];
  const rank = ({ resp_h, resp_p }: StoredFlow) => {
    const service = serviceText(resp_h, resp_p);
    return used.has(service) ? 0 : open.has(service) ? 1 : 2;
  };
  const isLinked = new Set(linked.map(({ id }) => id));
  const byId = new Map(flows.map((flow) => [flow.id, flow]));
  return [...byId.values()].filter((flow) => isLinked.has(flow.id) || rank(flow) < 2)
    .sort((a, b) => rank(a) - rank(b) || a.start_us - b.start_us);
}

/** By Zeek's history: a responder's SYN-ACK is "h", its RST "r"; without TCP any packet back is an answer. */
function answerOf({ proto, history, resp_pkts: packets }: StoredFlow): CellState {
  if (proto === "tcp") {
    return history.includes("h") ? "open" : history.includes("r") ? "refused" : "silent";
  }
  return packets > 0 ? "open" : "silent";
}

function heavier(a: CellState, b: CellState): CellState {
  return CELL_STATES.indexOf(a) >= CELL_STATES.indexOf(b) ? a : b;
}

type Hosts = ReadonlyMap<string, ReadonlyMap<number, CellState>>;

/** Ports by their most telling cell, open and refused ones first. */
function weightOfPorts(hosts: Hosts): Map<number, number> {
  const weights = new Map<number, number>();
  for (const cells of hosts.values()) {
    for (const [port, state] of cells) {
      weights.set(port, Math.max(weights.get(port) ?? 0, CELL_STATES.indexOf(state)));
    }
  }
  return weights;
}

function countCells(hosts: Hosts, portCount: number): Record<CellState, number> {
  const counts = { none: 0, silent: 0, refused: 0, open: 0 };
  for (const cells of hosts.values()) {
    for (const state of cells.values()) counts[state]++;
    counts.none += portCount - cells.size;
  }
  return counts;
}

function foldRows(
  addresses: readonly string[],
  ports: readonly number[],
  hosts: Hosts,
): readonly GridRow[] {
  const rows: GridRow[] = [];
  for (const address of addresses) {
    const cells = ports.map((port) => hosts.get(address)!.get(port) ?? "none");
    const before = rows.at(-1);
    if (before && !cells.includes("open") && before.cells.join() === cells.join()) {
      rows[rows.length - 1] = { ...before, last: address, hostCount: before.hostCount + 1 };
    } else {
      rows.push({ first: address, last: address, hostCount: 1, cells });
    }
  }
  return rows;
}

/** Order of addresses as numbers: 10.0.0.9 before 10.0.0.10. */
function compareAddresses(a: string, b: string): number {
  return collator.compare(a, b);
}

const collator = new Intl.Collator("en", { numeric: true });
