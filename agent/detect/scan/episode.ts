/**
 * One scan under way: a source and a family of probes, from detection until quiet. It is counted in the memory of ContactJudge
 * (assembly/episodes.ts), here is what its words say. Its kind follows from the hosts and ports seen so far (limits as in
 * bro-simple-scan: few is up to 5) and may change as it grows.
 */
import { PAUSE_GROWTH } from "../common/episodes.ts";
import type { ScanKind, ScanProbe } from "../../records.ts";
import { serviceText } from "../../service.ts";
import type { DetectorContext } from "../detector.ts";
import {
  EPISODE_WORDS,
  I_ANSWERED,
  I_ANSWERED_PORTS,
  I_ATTEMPTS,
  I_DECOYS,
  I_FAMILY,
  I_FIRST_US,
  I_FLOW_COUNT,
  I_FLOWS,
  I_FOUND,
  I_FOUND_COUNT,
  I_ID,
  I_JUDGED_US,
  I_LAST_US,
  I_MASSCAN,
  I_NMAP,
  I_PORTS,
  I_RAW,
  I_SOURCE,
  I_TARGET_COUNT,
  I_TARGETS,
  I_TELL_AT,
  I_TEMPO,
  I_TRAITS,
  I_ZMAP,
  PORT_WORDS,
  TARGETS_LISTED_MAX,
  TEMPO_BUCKETS,
} from "./contact_layout.ts";
import { Family, isSweep, PROBE_OF_FAMILY } from "./probe_family.ts";
import { Tempo } from "./tempo.ts";

const fewMax = 5;
/** An address and a port. */
const FOUND_WORDS = 5;
/** Updates are told when the attempts have grown tenfold. */
const growthFactor = 10;

export class Episode {
  readonly source: string;
  readonly detectedUs: number;
  /** A bit for each port. */
  readonly ports: Int32Array;
  readonly answeredPorts: Int32Array;
  readonly tempo: Tempo;
  /** Ports found whose data the source came back for, as "10.0.0.20:22". */
  readonly cameBack: string[] = [];
  readonly #found: string[] = [];
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #formatAddress: DetectorContext["formatAddress"];
  readonly #targets: string[] = [];
  readonly #flowIds: number[] = [];
  #toldAttempts = 0;

  /** The one whose words begin at `at`, and which has just been opened. */
  constructor(
    memory: ArrayBuffer,
    readonly at: number,
    formatAddress: DetectorContext["formatAddress"],
  ) {
    const words = new Int32Array(memory, at, EPISODE_WORDS);
    this.#words = words;
    this.#doubles = new Float64Array(memory, at, EPISODE_WORDS / 2);
    this.#formatAddress = formatAddress;
    this.source = this.#format(new Int32Array(memory, words[I_SOURCE], 4), 0);
    this.detectedUs = this.judgedUs;
    this.ports = words.subarray(I_PORTS, I_PORTS + PORT_WORDS);
    this.answeredPorts = words.subarray(I_ANSWERED_PORTS, I_ANSWERED_PORTS + PORT_WORDS);
    this.tempo = new Tempo(new Uint32Array(memory, at + I_TEMPO * 4, TEMPO_BUCKETS));
  }

  get id(): number {
    return this.#words[I_ID];
  }

  get family(): number {
    return this.#words[I_FAMILY];
  }

  /** Trait bits of the probe that was seen last. */
  get traits(): number {
    return this.#words[I_TRAITS];
  }

  get attempts(): number {
    return this.#words[I_ATTEMPTS];
  }

  get answered(): number {
    return this.#words[I_ANSWERED];
  }

  get targetCount(): number {
    return this.#words[I_TARGET_COUNT];
  }

  /** The first targets, at most 64. */
  get targets(): readonly string[] {
    const count = Math.min(this.targetCount, TARGETS_LISTED_MAX);
    while (this.#targets.length < count) {
      this.#targets.push(this.#format(this.#words, I_TARGETS + this.#targets.length * 4));
    }
    return this.#targets;
  }

  /** The first flows, at most 64. */
  get flowIds(): readonly number[] {
    while (this.#flowIds.length < this.#words[I_FLOW_COUNT]) {
      this.#flowIds.push(this.#words[I_FLOWS + this.#flowIds.length] >>> 0);
    }
    return this.#flowIds;
  }

  /** What accepted or answered, as "10.0.0.20:22": the first ones, at most SERVICES_FOUND_MAX. */
  get found(): readonly string[] {
    while (this.#found.length < this.#words[I_FOUND_COUNT]) {
      const at = I_FOUND + this.#found.length * FOUND_WORDS;
      this.#found.push(serviceText(this.#format(this.#words, at), this.#words[at + 4] & 0xffff));
    }
    return this.#found;
  }

  get firstUs(): number {
    return this.#doubles[I_FIRST_US / 2];
  }

  get lastUs(): number {
    return this.#doubles[I_LAST_US / 2];
  }

  /** Traffic time of the last probe's outcome: an episode is quiet from then on. */
  get judgedUs(): number {
    return this.#doubles[I_JUDGED_US / 2];
  }

  /** Other sources that probed the same at the same time. */
  get decoyCount(): number {
    return this.#words[I_DECOYS];
  }

  noteDecoy(): void {
    this.#words[I_DECOYS]++;
  }

  /** Growth from here on is told at ten times the attempts so far. */
  noteTold(): void {
    this.#words[I_TELL_AT] = this.attempts * growthFactor;
    this.#toldAttempts = this.attempts;
  }

  /** It has grown enough since it was told to be told after a pause. */
  get hasNews(): boolean {
    return this.attempts >= this.#toldAttempts * PAUSE_GROWTH;
  }

  /** What it is, with so many ports. */
  kindWith(ports: number): ScanKind {
    const hosts = this.targetCount;
    if (isSweep(this.family)) return "horizontal";
    if (hosts === 1) return "vertical";
    if (ports === 1) return "horizontal";
    if (hosts <= fewMax && ports > 2 * hosts) return "vertical";
    return ports <= fewMax && hosts > 2 * ports ? "horizontal" : "block";
  }

  get probe(): ScanProbe {
    const isConnect = this.family === Family.tcp && this.#words[I_RAW] * 2 < this.attempts;
    return isConnect ? "connect" : PROBE_OF_FAMILY[this.family];
  }

  /** Only where all probes but a few have the tool's shape. */
  get tool(): string {
    const enough = Math.max(4, this.attempts * 0.9);
    if (this.#words[I_ZMAP] >= enough) return "zmap";
    if (this.#words[I_MASSCAN] >= enough) return "masscan";
    return this.#words[I_NMAP] >= enough ? "nmap" : "";
  }

  #format(words: Int32Array, at: number): string {
    return this.#formatAddress(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }
}
