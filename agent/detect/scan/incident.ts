/**
 * One scan under way: a source and a family of probes, from detection until quiet. Its kind follows from the hosts and
 * ports seen so far (limits as in bro-simple-scan: few is up to 5) and may change as it grows.
 *
 * Memory: two port sets of at most 8 KB, 64 addresses, 64 flows, 128 ports found: at most 28 KB, mostly 12 KB.
 */
import { PAUSE_GROWTH } from "../incident.ts";
import {
  ADDRESSES_LISTED_MAX,
  FLOWS_LINKED_MAX,
  type ScanKind,
  type ScanProbe,
} from "../../records.ts";
import { Outcome } from "./judged_probe.ts";
import { PortSet } from "./port_set.ts";
import { Family, isSweep, PROBE_OF_FAMILY, Trait } from "./probe_family.ts";
import { Tempo } from "./tempo.ts";

export const CAME_BACK_MAX = 16;
const foundMax = 128;
const fewMax = 5;
/** Updates are told when the attempts have grown tenfold. */
const growthFactor = 10;

/** A probe as an incident takes it. */
export interface IncidentProbe {
  /** Text of the target; "" where needsTarget() is false. */
  readonly target: string;
  /** First probe of this target in this incident. */
  readonly isNewTarget: boolean;
  readonly port: number;
  readonly traits: number;
  readonly outcome: number;
  readonly startUs: number;
  readonly flowId: number;
}

export class Incident {
  readonly targets: string[] = [];
  readonly flowIds: number[] = [];
  readonly ports = new PortSet();
  readonly answeredPorts = new PortSet();
  readonly cameBack: string[] = [];
  readonly tempo = new Tempo();
  targetCount = 0;
  attempts = 0;
  answered = 0;
  firstUs = Infinity;
  lastUs = -Infinity;
  /** Traffic time of the last probe's outcome: an incident is quiet from then on. */
  judgedUs = -Infinity;
  /** Other sources that probed the same at the same time. */
  decoyCount = 0;
  /** Trait bits of the probe that was seen last. */
  traits = 0;
  /** Attempts from which the growth is told again. */
  tellAt = Infinity;
  #rawCount = 0;
  #nmapCount = 0;
  #masscanCount = 0;
  #zmapCount = 0;
  #toldAttempts = 0;
  readonly #found = new Set<string>();

  constructor(
    readonly id: number,
    readonly slot: number,
    readonly source: string,
    readonly family: number,
    readonly detectedUs: number,
  ) {}

  /** Bytes held, about: 64 for a short text, 8 for a number. */
  get stateBytes(): number {
    const texts = this.targets.length + this.#found.size + this.cameBack.length;
    return 500 + texts * 64 + this.flowIds.length * 8 + this.ports.stateBytes +
      this.answeredPorts.stateBytes;
  }

  /** Whether the text of a probe's target will be used. */
  needsTarget(isNewTarget: boolean, outcome: number): boolean {
    return outcome !== Outcome.failed || isNewTarget && this.targets.length < ADDRESSES_LISTED_MAX;
  }

  /** A probe that was sent before was sent again. */
  noteRepeat(timestampUs: number): void {
    this.lastUs = Math.max(this.lastUs, timestampUs);
    this.judgedUs = Math.max(this.judgedUs, timestampUs);
  }

  take(probe: IncidentProbe): void {
    const { target, port, traits, outcome, startUs } = probe;
    this.attempts++;
    this.traits = traits;
    this.firstUs = Math.min(this.firstUs, startUs);
    this.lastUs = Math.max(this.lastUs, startUs);
    this.tempo.add(startUs);
    if (probe.isNewTarget) {
      this.targetCount++;
      if (this.targets.length < ADDRESSES_LISTED_MAX) this.targets.push(target);
    }
    if (!isSweep(this.family)) this.ports.add(port);
    if (outcome !== Outcome.failed) this.#takeAnswer(target, port);
    if (this.flowIds.length < FLOWS_LINKED_MAX && probe.flowId !== 0) {
      this.flowIds.push(probe.flowId);
    }
    this.#countShape(traits, outcome);
  }

  /** Growth from here on is told at ten times the attempts so far. */
  noteTold(): void {
    this.tellAt = this.attempts * growthFactor;
    this.#toldAttempts = this.attempts;
  }

  /** It has grown enough since it was told to be told after a pause. */
  get hasNews(): boolean {
    return this.attempts >= this.#toldAttempts * PAUSE_GROWTH;
  }

  /** Data went both ways between the source and a port; returns whether that is news of this scan. */
  noteData(target: string, port: number): boolean {
    const text = target.includes(":") ? `[${target}]:${port}` : `${target}:${port}`;
    if (!this.#found.has(text) || this.cameBack.length >= CAME_BACK_MAX) return false;
    if (this.cameBack.includes(text)) return false;
    this.cameBack.push(text);
    return true;
  }

  get kind(): ScanKind {
    const hosts = this.targetCount;
    const ports = this.ports.count;
    if (isSweep(this.family)) return "horizontal";
    if (hosts === 1) return "vertical";
    if (ports === 1) return "horizontal";
    if (hosts <= fewMax && ports > 2 * hosts) return "vertical";
    return ports <= fewMax && hosts > 2 * ports ? "horizontal" : "block";
  }

  get probe(): ScanProbe {
    const isConnect = this.family === Family.tcp && this.#rawCount * 2 < this.attempts;
    return isConnect ? "connect" : PROBE_OF_FAMILY[this.family];
  }

  /** Only where all probes but a few have the tool's shape. */
  get tool(): string {
    const enough = Math.max(4, this.attempts * 0.9);
    if (this.#zmapCount >= enough) return "zmap";
    if (this.#masscanCount >= enough) return "masscan";
    return this.#nmapCount >= enough ? "nmap" : "";
  }

  #takeAnswer(target: string, port: number): void {
    this.answered++;
    if (isSweep(this.family)) return;
    this.answeredPorts.add(port);
    if (this.#found.size >= foundMax) return;
    this.#found.add(target.includes(":") ? `[${target}]:${port}` : `${target}:${port}`);
  }

  #countShape(traits: number, outcome: number): void {
    if ((traits & Trait.isRaw) !== 0 || outcome === Outcome.answered) this.#rawCount++;
    if ((traits & Trait.isNmapLike) !== 0) this.#nmapCount++;
    if ((traits & Trait.isMasscanLike) !== 0) this.#masscanCount++;
    if ((traits & Trait.isZmapLike) !== 0) this.#zmapCount++;
  }
}
