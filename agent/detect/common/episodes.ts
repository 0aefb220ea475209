/**
 * The life of a detector's findings: told when it is opened, again each time its amount has grown tenfold, after a pause
 * if it has grown by a fifth, and once more when it is over, after quiet or at the end of the input. A detector keeps its
 * evidence by slots of a bounded table; an episode is known by that slot, and to be closed when its key is forgotten.
 */
import { type Finding, type FindingKind, FLOWS_LINKED_MAX } from "../../records.ts";
import type { DetectorContext } from "../detector.ts";

/** What a detector says of an episode; the rest of a Finding is kept here. */
export type EpisodeFacts = Pick<
  Finding,
  | "severity"
  | "attackId"
  | "sources"
  | "sourceCount"
  | "targets"
  | "targetCount"
  | "confidence"
  | "reason"
  | "hasSucceeded"
  | "ports"
>;

/** Evidence, in the detector's own unit (sessions, packets, names …). */
export interface Evidence {
  readonly timestampUs: number;
  /** All so far. */
  readonly amount: number;
  /** When all of it began, where that may become known later. */
  readonly firstUs?: number;
  /** Flow.id, 0 without one. */
  readonly flowId: number;
}

interface EpisodesOptions {
  readonly context: DetectorContext;
  readonly kind: FindingKind | ((slot: number) => FindingKind);
  /** An episode is over after so long without evidence, in microseconds. */
  readonly quietUs: number;
  /** By slot: kept 1 while it has an episode, for who asks often. */
  readonly openSlots?: Uint8Array;
  /** Asked whenever the episode of a slot is told. */
  readonly describe: (slot: number, episode: Episode) => EpisodeFacts;
}

export interface Episode {
  readonly id: number;
  readonly firstUs: number;
  readonly detectedUs: number;
  readonly lastUs: number;
  readonly amount: number;
}
interface OpenEpisode extends Episode {
  firstUs: number;
  lastUs: number;
  amount: number;
  /** Amount when it was told last. */
  toldAmount: number;
  readonly flowIds: number[];
}

/** Most episodes of a detector that are open at a time; the oldest is closed to make room. */
const openMax = 256;
const growth = 10;
/** After so long without evidence an episode is told again that has grown by a fifth: what people see stays true. */
export const PAUSE_US = 2_000_000;
export const PAUSE_GROWTH = 1.2;

export class Episodes {
  readonly #options: EpisodesOptions;
  readonly #open = new Map<number, OpenEpisode>();

  constructor(options: EpisodesOptions) {
    this.#options = options;
  }

  /** Slots that have an episode. */
  get slots(): IterableIterator<number> {
    return this.#open.keys();
  }

  get(slot: number): Episode | undefined {
    return this.#open.get(slot);
  }

  /** Opens and tells the episode of a slot that has none. */
  open(slot: number, firstUs: number, evidence: Evidence, flowIds: readonly number[] = []): void {
    if (this.#open.size >= openMax) this.close(this.#open.keys().next().value!);
    const { timestampUs, amount } = evidence;
    const episode: OpenEpisode = {
      id: this.#options.context.nextId(),
      firstUs,
      detectedUs: timestampUs,
      lastUs: timestampUs,
      amount,
      toldAmount: amount,
      flowIds: flowIds.slice(0, FLOWS_LINKED_MAX),
    };
    linkFlow(episode, evidence.flowId);
    this.#open.set(slot, episode);
    if (this.#options.openSlots) this.#options.openSlots[slot] = 1;
    this.#tell(slot, episode, true);
  }

  /** Takes more evidence, if the slot has an episode. */
  grow(slot: number, evidence: Evidence): void {
    const episode = this.#open.get(slot);
    if (!episode) return;
    episode.firstUs = Math.min(episode.firstUs, evidence.firstUs ?? Infinity);
    episode.lastUs = Math.max(episode.lastUs, evidence.timestampUs);
    episode.amount = evidence.amount;
    linkFlow(episode, evidence.flowId);
    if (episode.amount < episode.toldAmount * growth) return;
    this.#tell(slot, episode, true);
  }

  /** Tells an episode again whose facts have changed. */
  retell(slot: number): void {
    const episode = this.#open.get(slot);
    if (episode) this.#tell(slot, episode, true);
  }

  /** Closes the episode of a slot, if it has one. */
  close(slot: number): void {
    const episode = this.#open.get(slot);
    if (!episode) return;
    this.#tell(slot, episode, false);
    this.#open.delete(slot);
    if (this.#options.openSlots) this.#options.openSlots[slot] = 0;
  }

  /** Closes what has been quiet; time that has gone back (another capture) closes too. */
  advance(nowUs: number): void {
    for (const [slot, episode] of this.#open) {
      const quietUs = Math.abs(nowUs - episode.lastUs);
      if (quietUs > this.#options.quietUs) this.close(slot);
      else if (quietUs >= PAUSE_US && episode.amount >= episode.toldAmount * PAUSE_GROWTH) {
        this.#tell(slot, episode, true);
      }
    }
  }

  finish(): void {
    for (const slot of [...this.#open.keys()]) this.close(slot);
  }

  #tell(slot: number, episode: OpenEpisode, isOpen: boolean): void {
    const { context, kind, describe } = this.#options;
    episode.toldAmount = episode.amount;
    const { id, firstUs, lastUs, detectedUs, flowIds } = episode;
    const facts = describe(slot, episode);
    context.report({
      id,
      kind: typeof kind === "string" ? kind : kind(slot),
      ...facts,
      firstUs,
      lastUs,
      detectedUs,
      isOpen,
      flowIds: [...flowIds],
      amount: episode.amount,
    });
  }
}

function linkFlow({ flowIds }: OpenEpisode, flowId: number): void {
  if (flowId === 0 || flowIds.length >= FLOWS_LINKED_MAX || flowIds.includes(flowId)) return;
  flowIds.push(flowId);
}
