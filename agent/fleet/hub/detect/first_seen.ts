/**
 * A domain or a client's fingerprint (JA4) that no agent has met before: for information. Nothing is told in the first day of traffic, and
 * a few in an hour at most: the list of all names has the others.
 */
import { isUnspecified } from "../../../records.ts";
import type { FleetFinding } from "../hub_store.ts";
import { bound, findingOf, type FleetRows, type FleetView } from "./fleet_detector.ts";

const hourUs = 3_600_000_000;
const learningUs = 24 * hourUs;
const toldAnHour = 6;
const knownMax = 100_000;

export interface KnownNames {
  /** Whether the database has it. */
  readonly has: (kind: "domain" | "ja4", text: string) => boolean;
  /** Traffic time of the first flow of the fleet; null before it. */
  readonly sinceUs: () => number | null;
}

export class FirstSeen {
  readonly #view: FleetView;
  readonly #names: KnownNames;
  readonly #known = { domain: new Set<string>(), ja4: new Set<string>() };
  #hour = -Infinity;
  #told = 0;
  #found: FleetFinding[] = [];

  constructor(view: FleetView, names: KnownNames) {
    this.#view = view;
    this.#names = names;
  }

  /** `limitUs` is the hub's clock: whatever an agent says is newer is of now. */
  take(rows: FleetRows, limitUs = Infinity): void {
    const { agent, columns, rowCount } = rows;
    const skewUs = this.#view.skewUs(agent);
    for (let row = 0; row < rowCount; row++) {
      const us = Math.min(limitUs, columns.start_us[row] as number - skewUs);
      this.#takeText(rows, row, { kind: "ja4", text: columns.ja4[row] as string, us });
      const text = domainOf(columns.name[row] as string);
      this.#takeText(rows, row, { kind: "domain", text, us });
    }
  }

  drain(): FleetFinding[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #takeText(
    { agent, columns }: FleetRows,
    row: number,
    { kind, text, us }: {
      readonly kind: "domain" | "ja4";
      readonly text: string;
      readonly us: number;
    },
  ): void {
    const source = columns.orig_h[row] as string;
    // What comes from many is no one's.
    if (text === "" || isUnspecified(source)) return;
    const known = this.#known[kind];
    if (known.has(text)) return;
    known.add(text);
    bound(known, knownMax);
    if (this.#names.has(kind, text)) return;
    const sinceUs = this.#names.sinceUs();
    if (sinceUs === null || us - sinceUs < learningUs) return;
    const hour = Math.floor(us / hourUs);
    if (hour > this.#hour) [this.#hour, this.#told] = [hour, 0];
    if (hour < this.#hour || this.#told >= toldAnHour) return;
    this.#told++;
    const what = kind === "ja4" ? "made a TLS client of a kind" : "spoke with a name";
    this.#found.push(findingOf({
      id: this.#view.nextFindingId(),
      kind: "first_seen",
      severity: "info",
      attackId: "",
      sources: [source],
      targets: [columns.resp_h[row] as string].filter((address) => address !== ""),
      targetCount: 1,
      firstUs: us,
      lastUs: us,
      detectedUs: us,
      confidence: 1,
      reason: `${source}, seen by ${
        this.#view.agentName(agent)
      }, ${what} that no agent has met before: ${text}`,
      isOpen: false,
      amount: 1,
      agents: [agent],
    }));
  }
}

const domains = new Map<string, string>();
const domainsMax = 50_000;

/** The last two labels, or three below a short one ("example.co.uk"): what somebody has registered, mostly. */
export function domainOf(name: string): string {
  if (name === "") return "";
  let domain = domains.get(name);
  if (domain === undefined) {
    domain = readDomain(name);
    if (domains.size >= domainsMax) domains.clear();
    domains.set(name, domain);
  }
  return domain;
}

function readDomain(name: string): string {
  const labels = name.toLowerCase().replace(/\.$/, "").split(".");
  if (labels.length < 2 || /^\d+$/.test(labels.at(-1)!)) return "";
  const isShort = labels.length > 2 && labels.at(-1)!.length === 2 && labels.at(-2)!.length <= 3;
  return labels.slice(isShort ? -3 : -2).join(".");
}
