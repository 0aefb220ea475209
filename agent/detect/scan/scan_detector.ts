/**
 * Port scans, in real time and on traffic time. The way of a contact: its first packet opens a pending probe, unless the
 * same was tried before, it answers something, or its destination is being flooded; an answer, its silence or the
 * end of the input judges it; guards drop what is no evidence; the rest is evidence against its source; enough of it, in a scan's
 * pattern, opens an episode (so far contact_judge.ts), which is told by scan_episodes.ts. What failed is also evidence
 * for its target (victim_watch.ts).
 *
 * Memory: pending probes 6.3 MB, remembered contacts 5.5 MB, counters 0.3 MB, evidence 8.6 MB, scans under way 5.3 MB and
 * their targets 1 MB, hosts reached 0.3 MB, rows 0.1 MB, victims 2.2 MB; 16 distributed scans 2 MB, if all were of the largest. In all 31 MB;
 * what was never used takes address space only.
 */
import type { Detector, DetectorContext } from "../detector.ts";
import { ContactJudge } from "./contact_judge.ts";
import type { JudgedProbe } from "./judged_probe.ts";
import { DEFAULT_SCAN_OPTIONS, type ScanOptions } from "./options.ts";
import { ScanEpisodes } from "./scan_episodes.ts";
import { VictimWatch } from "./victim_watch.ts";

export class ScanDetector implements Detector {
  readonly #contacts: ContactJudge;
  readonly #episodes: ScanEpisodes;
  readonly #victims: VictimWatch;

  constructor(context: DetectorContext, options: ScanOptions = DEFAULT_SCAN_OPTIONS) {
    this.#contacts = new ContactJudge(options, {
      nextId: () => context.nextId(),
      opened: (episode) => this.#episodes.open(episode),
      grown: (episode) => this.#episodes.noteGrowth(episode),
      cameBack: (episode, target, port) => this.#episodes.noteReturn(episode, target, port),
      forget: (episode, nowUs) => this.#episodes.close(episode, nowUs),
      failed: (probe, isNamed) => this.#takeFailed(probe, isNamed),
    });
    this.#episodes = new ScanEpisodes(context, options, this.#contacts);
    this.#victims = new VictimWatch(context, options, this.#contacts);
  }

  get stateBytes(): number {
    return this.#contacts.stateBytes + this.#victims.stateBytes;
  }

  get forgottenCount(): number {
    return this.#contacts.forgottenCount + this.#victims.forgottenCount;
  }

  /** What nobody answered may also have been a scan. */
  get isOneWay(): boolean {
    return this.#contacts.isOneSided ||
      this.#contacts.isUnanswered && this.#episodes.toldCount === 0;
  }

  takeRows(words: Int32Array, from: number, to: number): void {
    this.#contacts.takeRows(words, from, to);
  }

  advance(nowUs: number): void {
    this.#contacts.advance(nowUs);
    this.#episodes.advance(nowUs);
    this.#victims.advance(nowUs);
    this.#contacts.noteShared(this.#victims.openCount);
  }

  finish(nowUs: number): void {
    this.#contacts.finish(nowUs);
    this.#episodes.closeAll(nowUs);
    this.#victims.closeAll();
  }

  #takeFailed(probe: JudgedProbe, isNamed: boolean): void {
    this.#victims.take(probe, isNamed);
    this.#contacts.noteShared(this.#victims.openCount);
  }
}
