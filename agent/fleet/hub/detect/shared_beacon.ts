/** The same destination that hosts of several agents call at even intervals: what each agent has found by itself, put together. */
import { addressAt } from "../../../decode/addresses.ts";
import { ADDRESSES_LISTED_MAX } from "../../../records.ts";
import { formatCount } from "../../../text/amounts.ts";
import type { FleetFinding } from "../hub_store.ts";
import { bound, findingOf, type FleetView, plainAddress } from "./fleet_detector.ts";

const agentsNeeded = 3;
/** Of a fleet of so many agents this share calls what comes with its own software. */
const commonFrom = 10;
const commonShare = 0.5;
const keptUs = 24 * 3_600_000_000;
const targetsMax = 10_000;
const growth = 1.5;

interface Destination {
  /** Newest state of each finding, by id. */
  readonly findings: Map<number, FleetFinding>;
  episode: { readonly id: number; readonly detectedUs: number; told: number } | null;
}

export class SharedBeacon {
  readonly #view: FleetView;
  readonly #byTarget = new Map<string, Destination>();
  #found: FleetFinding[] = [];

  constructor(view: FleetView) {
    this.#view = view;
  }

  take(told: FleetFinding): void {
    const { kind, targets, id, lastUs } = told.finding;
    if (kind !== "beacon" || targets[0] === undefined || told.agents.length === 0) return;
    const target = addressAt(targets[0], this.#view.siteOf(told.agents));
    const destination = this.#byTarget.get(target) ?? { findings: new Map(), episode: null };
    this.#byTarget.delete(target);
    this.#byTarget.set(target, destination);
    bound(this.#byTarget, targetsMax);
    destination.findings.set(id, told);
    for (const [key, { finding }] of destination.findings) {
      if (lastUs - finding.lastUs > keptUs) destination.findings.delete(key);
    }
    this.#judge(target, destination, lastUs);
  }

  drain(): FleetFinding[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #judge(key: string, destination: Destination, nowUs: number): void {
    const target = plainAddress(key);
    const members = [...destination.findings.values()];
    const agents = [...new Set(members.flatMap(({ agents }) => agents))];
    if (agents.length < agentsNeeded) {
      destination.episode = null;
      return;
    }
    const { episode } = destination;
    if (episode !== null && agents.length < growth * episode.told) return;
    const { id, detectedUs } = destination.episode = {
      id: episode?.id ?? this.#view.nextFindingId(),
      detectedUs: episode?.detectedUs ?? nowUs,
      told: agents.length,
    };
    const size = Math.max(agents.length, this.#view.agentCount());
    const isCommon = size >= commonFrom && agents.length >= commonShare * size;
    const hosts = [...new Set(members.flatMap(({ finding }) => finding.sources))];
    const found = findingOf({
      id,
      kind: "beacon",
      severity: isCommon ? "low" : "high",
      attackId: members[0]!.finding.attackId,
      sources: hosts.slice(0, ADDRESSES_LISTED_MAX),
      targets: [target],
      targetCount: 1,
      firstUs: Math.min(...members.map(({ finding }) => finding.firstUs)),
      lastUs: Math.max(...members.map(({ finding }) => finding.lastUs)),
      detectedUs,
      confidence: isCommon ? 0.4 : 0.9,
      reason: `${formatCount(hosts.length)} hosts of ${formatCount(agents.length)} of ${
        formatCount(size)
      } agents call ${target} at even intervals${
        isCommon ? "; so many of a fleet call what comes with its own software, mostly" : ""
      }`,
      isOpen: false,
      amount: agents.length,
      agents,
    });
    this.#found.push({ ...found, finding: { ...found.finding, sourceCount: hosts.length } });
  }
}
