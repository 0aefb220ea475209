/**
 * A move from host to host: A logs in to B, and B, within half an hour, to C, where neither pair has had a session before. Which agents
 * see the two does not matter; mostly no one of them sees both. Counted are sessions of remote log-in and administration (SSH, RDP, SMB,
 * WinRM, VNC, Telnet) between hosts of the own networks in which both sides have spoken.
 */
import { addressAt } from "../../../decode/addresses.ts";
import { ADDRESSES_LISTED_MAX } from "../../../records.ts";
import { formatPeriod } from "../../../text/amounts.ts";
import type { FleetFinding } from "../hub_store.ts";
import {
  bound,
  findingOf,
  type FleetRows,
  type FleetView,
  plainAddress,
} from "./fleet_detector.ts";

const minuteUs = 60_000_000;
const withinUs = 30 * minuteUs;
/** Traffic in which sessions are only learnt. */
const learningUs = 24 * 60 * minuteUs;
/** Payload of each side beyond what a look at a banner takes. */
const leastBytes = 1000;
const edgesMax = 100_000;
const hopsMax = 10_000;

/** By responder's port, what people call it. */
const services: ReadonlyMap<number, string> = new Map([
  [22, "SSH"],
  [23, "Telnet"],
  [445, "SMB"],
  [3389, "RDP"],
  [5900, "VNC"],
  [5985, "WinRM"],
  [5986, "WinRM"],
]);

/** Hosts as addressAt() tells them apart. */
export interface LogIn {
  readonly orig: string;
  readonly resp: string;
  readonly port: number;
  readonly us: number;
}
export interface KnownLogIns {
  readonly has: (logIn: LogIn) => boolean;
  /** Remembers it, with the transaction that judges. */
  readonly add: (logIn: LogIn, agent: number) => void;
  /** Traffic time of the first flow of the fleet; null before it. */
  readonly sinceUs: () => number | null;
}

interface Hop extends LogIn {
  readonly agent: number;
  /** Hosts before, the first first. */
  readonly before: readonly string[];
}

export class Lateral {
  readonly #view: FleetView;
  readonly #known: KnownLogIns;
  readonly #seen = new Set<string>();
  /** New sessions towards a host, the newest last. */
  readonly #into = new Map<string, Hop[]>();
  /** And from one, of late batches whose first half comes after the second. */
  readonly #from = new Map<string, Hop[]>();
  #found: FleetFinding[] = [];

  constructor(view: FleetView, known: KnownLogIns) {
    this.#view = view;
    this.#known = known;
  }

  take(rows: FleetRows): void {
    const { columns } = rows;
    const site = this.#view.siteOf([rows.agent]);
    for (let row = 0; row < rows.rowCount; row++) {
      const port = columns.resp_p[row] as number;
      if (!services.has(port) || columns.proto[row] !== "tcp") continue;
      if (columns.local_orig[row] !== 1 || columns.local_resp[row] !== 1) continue;
      if (columns.orig_bytes[row] as number < leastBytes) continue;
      if (columns.resp_bytes[row] as number < leastBytes) continue;
      this.#takeLogIn(rows.agent, {
        orig: addressAt(columns.orig_h[row] as string, site),
        resp: addressAt(columns.resp_h[row] as string, site),
        port,
        us: columns.start_us[row] as number - this.#view.skewUs(rows.agent),
      });
    }
  }

  drain(): FleetFinding[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #takeLogIn(agent: number, logIn: LogIn): void {
    const { orig, resp, port, us } = logIn;
    if (orig === resp || orig === "" || resp === "") return;
    const key = `${orig} ${resp} ${port}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    bound(this.#seen, edgesMax);
    const isKnown = this.#known.has(logIn);
    this.#known.add(logIn, agent);
    const sinceUs = this.#known.sinceUs();
    if (isKnown || sinceUs === null || us - sinceUs < learningUs) return;
    const first = latest(this.#into.get(orig), (hop) => hop.us < us && us - hop.us <= withinUs);
    const isBack = first !== undefined && (first.orig === resp || first.before.includes(resp));
    const before = first === undefined || isBack ? [] : [...first.before, first.orig];
    const hop: Hop = { ...logIn, agent, before };
    put(this.#into, resp, hop);
    put(this.#from, orig, hop);
    if (first !== undefined && !isBack) this.#tell(first, hop);
    const second = latest(this.#from.get(resp), (next) => us < next.us && next.us - us <= withinUs);
    if (second !== undefined && second.resp !== orig) this.#tell(hop, second);
  }

  #tell(first: Hop, second: Hop): void {
    const path = [...first.before, first.orig, first.resp, second.resp].map(plainAddress);
    const actor = path[0]!;
    const agents = [...new Set([first.agent, second.agent])];
    this.#found.push(findingOf({
      id: this.#view.nextFindingId(),
      kind: "lateral_movement",
      severity: path.length > 3 ? "high" : "medium",
      attackId: "T1021",
      sources: [actor],
      targets: path.slice(1, 1 + ADDRESSES_LISTED_MAX),
      targetCount: path.length - 1,
      firstUs: first.us,
      lastUs: second.us,
      detectedUs: second.us,
      confidence: 0.7,
      reason: `${path.slice(0, -2).join(" over ")} logged in to ${path.at(-2)} by ${
        services.get(first.port)
      }, which logged in to ${path.at(-1)} by ${services.get(second.port)} ${
        formatPeriod(second.us - first.us)
      } later: neither had done so before`,
      isOpen: false,
      amount: path.length - 1,
      ports: [...new Set([first.port, second.port])].join(","),
      agents,
    }));
  }
}

function put(map: Map<string, Hop[]>, key: string, hop: Hop): void {
  const hops = (map.get(key) ?? []).filter(({ us }) => Math.abs(hop.us - us) <= 2 * withinUs);
  map.delete(key);
  map.set(key, [...hops.slice(-15), hop]);
  bound(map, hopsMax);
}

function latest(hops: readonly Hop[] | undefined, fits: (hop: Hop) => boolean): Hop | undefined {
  return hops?.filter(fits).reduce<Hop | undefined>(
    (best, hop) => best === undefined || hop.us > best.us ? hop : best,
    undefined,
  );
}
