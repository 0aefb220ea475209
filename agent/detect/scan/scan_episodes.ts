/**
 * Tells the scans under way: when a source's evidence has sufficed, again at tenfold growth, over after quiet or at
 * the end. Sources that begin to probe the same ports of the same host together are marked as each other's decoys.
 */
import { serviceText } from "../../service.ts";
import { PAUSE_US } from "../common/episodes.ts";
import type { DetectorContext } from "../detector.ts";
import type { ContactJudge } from "./contact_judge.ts";
import { Episode } from "./episode.ts";
import type { ScanOptions } from "./options.ts";
import { isSweep, Trait } from "./probe_family.ts";
import { episodeSummary, scanFinding, type ScanSummary } from "./scan_finding.ts";

const decoyPortsMin = 3;
const decoyStartUs = 10_000_000;

export class ScanEpisodes {
  readonly #context: DetectorContext;
  readonly #options: ScanOptions;
  readonly #contacts: ContactJudge;
  /** Episodes that were ever opened. */
  toldCount = 0;
  /** By their addresses in the memory of the contacts. */
  readonly #open = new Map<number, Episode>();

  constructor(context: DetectorContext, options: ScanOptions, contacts: ContactJudge) {
    this.#context = context;
    this.#options = options;
    this.#contacts = contacts;
  }

  /** The episode at an address has been opened. */
  open(at: number): void {
    const episode = new Episode(this.#contacts.memory, at, this.#context.formatAddress);
    this.#open.set(at, episode);
    this.toldCount++;
    this.#findDecoys(episode);
    this.#tell(episode, true);
  }

  /** The episode at an address has grown tenfold. */
  noteGrowth(at: number): void {
    this.#tell(this.#open.get(at)!, true);
  }

  /** Data went both ways between the source of the episode at an address and a port of `target`, four words. */
  noteReturn(at: number, target: Int32Array, port: number): void {
    const episode = this.#open.get(at)!;
    if (this.#isWithinHost(episode)) return;
    const text = this.#context.formatAddress(target[0], target[1], target[2], target[3]);
    episode.cameBack.push(serviceText(text, port));
    this.#tell(episode, true);
  }

  advance(nowUs: number): void {
    for (const episode of this.#open.values()) {
      const quietUs = Math.abs(nowUs - episode.judgedUs);
      if (quietUs >= this.#options.quietUs) this.#close(episode, nowUs);
      else if (quietUs >= PAUSE_US && episode.hasNews) this.#tell(episode, true);
    }
  }

  /** Closes the episode at an address. */
  close(at: number, nowUs: number): void {
    this.#close(this.#open.get(at)!, nowUs);
  }

  closeAll(nowUs: number): void {
    for (const episode of this.#open.values()) this.#close(episode, nowUs);
  }

  #close(episode: Episode, nowUs: number): void {
    this.#open.delete(episode.at);
    this.#tell(episode, false);
    this.#contacts.closeEpisode(episode.at, nowUs);
  }

  #tell(episode: Episode, isOpen: boolean): void {
    episode.noteTold();
    this.#context.report(scanFinding(this.#summaryOf(episode), isOpen));
  }

  #summaryOf(episode: Episode): ScanSummary {
    const { family, traits, ports, answeredPorts } = episode;
    return episodeSummary(episode, {
      evidenceMin: this.#contacts.evidenceMin(family, traits),
      isOneSided: this.#contacts.isOneSided,
      isWithinHost: this.#isWithinHost(episode),
      ports: this.#contacts.listPorts(ports),
      answeredPorts: this.#contacts.listPorts(answeredPorts),
    });
  }

  /** Between addresses of the host that captures packets go over loopback, whichever they are. */
  #isWithinHost({ traits, source, targets, targetCount }: Episode): boolean {
    if ((traits & Trait.isWithinHost) !== 0) return true;
    const { isOwn } = this.#context;
    return isOwn(source) && targetCount === targets.length && targets.every(isOwn);
  }

  #findDecoys(episode: Episode): void {
    if (isSweep(episode.family)) return;
    for (const other of this.#open.values()) {
      if (other === episode || !areTogether(episode, other)) continue;
      const shared = this.#contacts.countSharedPorts(episode.at, other.at);
      if (shared < decoyPortsMin) continue;
      episode.noteDecoy();
      other.noteDecoy();
      // The others' counts are told when they grow or end; at once only that there are decoys at all.
      if (other.decoyCount === 1) this.#tell(other, true);
    }
  }
}

/** Whether both probe one target, and did so at the same time. */
function areTogether(episode: Episode, other: Episode): boolean {
  return other.family === episode.family && episode.targetCount === 1 &&
    other.targetCount === 1 && other.targets[0] === episode.targets[0] &&
    Math.abs(other.firstUs - episode.firstUs) <= decoyStartUs &&
    other.lastUs >= episode.firstUs && episode.lastUs >= other.firstUs;
}
