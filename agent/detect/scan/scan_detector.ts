/**
 * Port scans, in real time and on traffic time. The way of a contact: its first packet opens a pending probe, unless the
 * same was tried before, it answers something, or its destination is being flooded; an answer, its silence or the
 * end of the input judges it; guards drop what is no evidence (so far contact_judge.ts); the rest is evidence against its
 * source (source_evidence.ts) and for its target (victim_watch.ts); enough of it, in a scan's pattern, opens an incident.
 *
 * Memory: pending probes 6.3 MB, remembered contacts 5.5 MB, counters 0.3 MB, evidence 10 MB, victims 2.2 MB, targets of
 * incidents 1 MB; 256 incidents 7 MB and 16 distributed ones 2 MB, if all were of the largest. In all 34 MB, mostly 25.
 */
import { Transport } from "../../records.ts";
import type { Detector, DetectorContext } from "../detector.ts";
import { Mark, type Observation } from "../observation.ts";
import { ContactJudge } from "./contact_judge.ts";
import { copyDestination, copySource } from "./ends.ts";
import { hashAddress0 } from "./ends_hash.ts";
import { type JudgedProbe, Outcome } from "./judged_probe.ts";
import { DEFAULT_SCAN_OPTIONS, type ScanOptions } from "./options.ts";
import { Family } from "./probe_family.ts";
import { ProbeJudge } from "./probe_judge.ts";

export class ScanDetector implements Detector {
  /** All comes in bulk. */
  readonly interests = [];
  readonly #context: DetectorContext;
  readonly #contacts: ContactJudge;
  readonly #judge: ProbeJudge;
  readonly #source = new Int32Array(4);

  constructor(context: DetectorContext, options: ScanOptions = DEFAULT_SCAN_OPTIONS) {
    this.#context = context;
    this.#contacts = new ContactJudge(options, {
      weigh: (probe) => this.#judge.weigh(probe),
      giveUp: (probe) => this.#giveUp(probe),
      isSuspicious: (row, source0, family) => this.#isSuspicious(row, source0, family),
      isScannedAnew: (row, port, family) => this.#judge.isScannedAnew(row, port, family),
      takeData: (row) => this.#takeData(row),
    });
    this.#judge = new ProbeJudge(context, options, this.#contacts);
  }

  get stateBytes(): number {
    return this.#contacts.stateBytes + this.#judge.stateBytes;
  }

  get forgottenCount(): number {
    return this.#contacts.forgottenCount + this.#judge.forgottenCount;
  }

  observe({ words, at }: Observation): void {
    this.takeRows(words, at, at + (words[at] >>> 16));
  }

  takeRows(words: Int32Array, from: number, to: number): void {
    this.#contacts.takeRows(words, from, to);
  }

  advance(nowUs: number): void {
    this.#contacts.advance(nowUs);
    this.#judge.advance(nowUs);
  }

  finish(nowUs: number): void {
    this.#contacts.finish(nowUs);
    this.#judge.closeAll(nowUs);
  }

  #isSuspicious(row: Observation, source0: number, family: number): boolean {
    copySource(row, this.#source);
    return this.#judge.isSuspicious(this.#source, source0, family);
  }

  /** The table of pending probes is full: those of known scanners count as unanswered, others are dropped. */
  #giveUp(probe: JudgedProbe): void {
    if (this.#judge.incidentOf(probe) === undefined) return;
    probe.outcome = Outcome.failed;
    probe.isSilent = true;
    this.#judge.weigh(probe);
  }

  /** The first payload of a side: does a scanner come back to what it found? */
  #takeData(o: Observation): void {
    if (!this.#judge.isAnyOpen || o.origBytes === 0 || o.respBytes === 0) return;
    const isAsker = o.has(Mark.sentByOriginator);
    const { formatAddress } = this.#context;
    const family = o.transport === Transport.tcp ? Family.tcp : Family.udp;
    if (isAsker) copySource(o, this.#source);
    else copyDestination(o, this.#source);
    const port = isAsker ? o.destinationPort : o.sourcePort;
    const target = () =>
      isAsker
        ? formatAddress(o.destination0, o.destination1, o.destination2, o.destination3)
        : formatAddress(o.source0, o.source1, o.source2, o.source3);
    this.#judge.noteData(this.#source, hashAddress0(this.#source, 0), family, port, target);
  }
}
