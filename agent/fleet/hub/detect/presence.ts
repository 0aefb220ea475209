/**
 * Agents that have gone silent, and credentials that two spools use. By the hub's clock: an agent reports each half minute, whatever its
 * own clock says. While the hub itself was away nobody is silent.
 */
import { formatPeriod } from "../../../text/amounts.ts";
import type { FleetFinding } from "../hub_store.ts";
import { findingOf, type FleetEpisode, type FleetView } from "./fleet_detector.ts";

export const SILENT_US = 90_000_000;
/** A spool that comes back within this time, after another was there, is not a new one. */
const cloneUs = 3_600_000_000;
const epochsKept = 4;

interface Presence {
  lastUs: number;
  /** Newest last. */
  epochs: { readonly epoch: string; us: number }[];
  silent: FleetEpisode | null;
  cloned: FleetEpisode | null;
}

export class PresenceWatch {
  readonly #view: FleetView;
  readonly #agents = new Map<number, Presence>();
  /** Since when the hub hears of all that agents say; null while it does not. */
  #listeningUs: number | null = null;
  /** Revoked: nobody waits for them. */
  #retired: ReadonlySet<number> = new Set();
  #found: FleetFinding[] = [];

  constructor(view: FleetView) {
    this.#view = view;
  }

  /** The hub is connected to the engine, or is not. */
  listen(isListening: boolean, nowUs: number): void {
    if (!isListening) this.#listeningUs = null;
    else this.#listeningUs ??= nowUs;
  }

  setRetired(agents: ReadonlySet<number>): void {
    this.#retired = agents;
  }

  get isListening(): boolean {
    return this.#listeningUs !== null;
  }

  /** An agent that was there before this hub started, and what was open of it. */
  restore(agent: number, lastUs: number, open: readonly FleetFinding[]): void {
    const episodeOf = (kind: string): FleetEpisode | null => {
      const found = open.find(({ finding }) => finding.kind === kind);
      return found === undefined ? null : { ...found.finding, attackId: "", agents: found.agents };
    };
    this.#agents.set(agent, {
      lastUs,
      epochs: [],
      silent: episodeOf("agent_silent"),
      cloned: null,
    });
  }

  /** `epoch` where the message tells the present one in its order of time, as health does. */
  saw(agent: number, nowUs: number, epoch: string | null = null): void {
    const presence = this.#presenceOf(agent, nowUs);
    presence.lastUs = Math.max(presence.lastUs, nowUs);
    if (presence.silent !== null) {
      this.#close(presence.silent, nowUs, "is back");
      presence.silent = null;
    }
    if (epoch !== null) this.#sawEpoch(agent, presence, { epoch, us: nowUs });
  }

  /** Its epochs alternate, or it has given the same numbers twice. */
  sawClone(agent: number, nowUs: number, firstUs = nowUs): void {
    const presence = this.#presenceOf(agent, nowUs);
    if (presence.cloned !== null) {
      presence.cloned = { ...presence.cloned, lastUs: Math.max(presence.cloned.lastUs, nowUs) };
      return;
    }
    const name = this.#view.agentName(agent);
    presence.cloned = this.#open(agent, {
      kind: "agent_cloned",
      severity: "high",
      firstUs,
      nowUs,
      reason:
        `${name} reports from two places in turns: a copied machine or a stolen credential uses its name`,
    });
  }

  /** Whether two use an agent's credentials now. */
  isCloned(agent: number): boolean {
    return this.#agents.get(agent)?.cloned !== null && this.#agents.has(agent);
  }

  drain(nowUs: number): FleetFinding[] {
    const sinceUs = this.#listeningUs;
    for (const [agent, presence] of this.#agents) {
      if (presence.cloned !== null && nowUs - presence.cloned.lastUs > cloneUs) {
        this.#close(presence.cloned, presence.cloned.lastUs, "");
        presence.cloned = null;
      }
      if (presence.silent !== null && this.#retired.has(agent)) {
        this.#close(presence.silent, nowUs, "is enrolled no more");
        presence.silent = null;
      }
      if (sinceUs === null || presence.silent !== null || this.#retired.has(agent)) continue;
      if (nowUs - Math.max(presence.lastUs, sinceUs) <= SILENT_US) continue;
      presence.silent = this.#open(agent, {
        kind: "agent_silent",
        severity: "medium",
        firstUs: presence.lastUs,
        nowUs,
        reason: `${this.#view.agentName(agent)} has said nothing for ${
          formatPeriod(nowUs - presence.lastUs)
        }`,
      });
    }
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #presenceOf(agent: number, nowUs: number): Presence {
    let presence = this.#agents.get(agent);
    if (presence === undefined) {
      presence = { lastUs: nowUs, epochs: [], silent: null, cloned: null };
      this.#agents.set(agent, presence);
    }
    return presence;
  }

  #sawEpoch(agent: number, presence: Presence, now: { epoch: string; us: number }): void {
    const { epochs } = presence;
    const last = epochs.at(-1);
    if (last?.epoch === now.epoch) {
      last.us = now.us;
      return;
    }
    const earlier = epochs.find(({ epoch, us }) => epoch === now.epoch && now.us - us <= cloneUs);
    presence.epochs = [...epochs.filter(({ epoch }) => epoch !== now.epoch), now].slice(
      -epochsKept,
    );
    if (earlier !== undefined) this.sawClone(agent, now.us, earlier.us);
  }

  #open(
    agent: number,
    { nowUs, firstUs, ...told }:
      & Pick<FleetEpisode, "kind" | "severity" | "reason" | "firstUs">
      & { readonly nowUs: number },
  ): FleetEpisode {
    const episode: FleetEpisode = {
      ...told,
      id: this.#view.nextFindingId(),
      attackId: "",
      sources: [this.#view.agentName(agent)],
      targets: [],
      targetCount: 0,
      firstUs,
      lastUs: nowUs,
      detectedUs: nowUs,
      confidence: 1,
      isOpen: true,
      amount: 1,
      agents: [agent],
    };
    this.#found.push(findingOf(episode));
    return episode;
  }

  /** `end` is what has become of a silent agent. */
  #close(episode: FleetEpisode, nowUs: number, end: string): void {
    this.#found.push(findingOf({
      ...episode,
      lastUs: nowUs,
      isOpen: false,
      ...(end !== "" && {
        reason: `${episode.sources[0]} said nothing for ${
          formatPeriod(nowUs - episode.firstUs)
        } and ${end}`,
      }),
    }));
  }
}
