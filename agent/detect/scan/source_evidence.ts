/**
 * What speaks for each source being a scanner, by family of probes: the sequential test of Jung et al. (2004, see
 * options.ts) on logarithms, without windows. Each failed first contact adds ln((1 - theta1) / (1 - theta0)), each used
 * one takes off ln(theta0 / theta1), down to -ln(P_D / P_F); the sum decays with a half-life. Failures that benign hosts
 * show too (silent UDP, an address that DNS just named, bare ACKs) weigh less, and the rest is withheld until a
 * scanner's pattern shows. The newest probes of each source are kept as evidence.
 *
 *     8,192 slots of (44 + 37) bytes, and 24 probes of 48 bytes each    10 MB
 */
import { KeyedSlots } from "../keyed_slots.ts";
import { mix } from "./ends_hash.ts";
import { type JudgedProbe, Outcome } from "./judged_probe.ts";
import type { ScanOptions } from "./options.ts";
import { Family, isSweep, Trait } from "./probe_family.ts";

/** Probes kept of each source. */
export const RING_LENGTH = 24;
/** Words of a kept probe: target 0 to 3, port << 16 | source port, flow, traits, outcome. */
export const RING_WORDS = 8;
export const RING_PORTS = 4;
export const RING_FLOW = 5;
export const RING_TRAITS = 6;
export const RING_OUTCOME = 7;

/** From so many on, ports of one host, or hosts on one port asked from one source port, are a scanner's pattern. */
const patternPorts = 3;
const patternHosts = 5;
/** Slots looked at for one that may be forgotten. */
const secondChances = 8;

export interface SourceEvidenceHooks {
  /** Whether a full table should rather give up another slot than this. */
  readonly isProtected: (slot: number) => boolean;
  /** A full table gives up this slot. */
  readonly onForget: (slot: number) => void;
}

export class SourceEvidence {
  /** Kept probes; those of a slot begin at slot * RING_LENGTH * RING_WORDS. */
  readonly ring: Int32Array;
  /** For each kept probe when it began. */
  readonly ringStartUs: Float64Array;
  readonly #options: ScanOptions;
  readonly #slots: KeyedSlots;
  readonly #sum: Float64Array;
  readonly #withheld: Float64Array;
  readonly #lastUs: Float64Array;
  /** Failed contacts, decaying too. */
  readonly #failures: Float64Array;
  /** Scans of the source that are over, at most 255. */
  readonly #scansOver: Uint8Array;
  #namedCount = 0;
  /** Probes put into the ring so far. */
  readonly #kept: Int32Array;
  readonly #isProtected: (slot: number) => boolean;
  readonly #key = new Int32Array(5);
  readonly #failureStep: number;
  readonly #successStep: number;
  readonly #floor: number;
  readonly #threshold: number;

  constructor(options: ScanOptions, capacity: number, hooks: SourceEvidenceHooks) {
    this.#options = options;
    this.#isProtected = hooks.isProtected;
    this.#slots = new KeyedSlots({ capacity, keyWords: 5, onForget: hooks.onForget });
    this.ring = new Int32Array(capacity * RING_LENGTH * RING_WORDS);
    this.ringStartUs = new Float64Array(capacity * RING_LENGTH);
    this.#sum = new Float64Array(capacity);
    this.#withheld = new Float64Array(capacity);
    this.#lastUs = new Float64Array(capacity);
    this.#failures = new Float64Array(capacity);
    this.#kept = new Int32Array(capacity);
    this.#scansOver = new Uint8Array(capacity);
    const { benignSuccess, scannerSuccess, detectionRate, falseAlarmRate } = options;
    this.#failureStep = Math.log((1 - scannerSuccess) / (1 - benignSuccess));
    this.#successStep = Math.log(benignSuccess / scannerSuccess);
    this.#threshold = Math.log(detectionRate / falseAlarmRate);
    this.#floor = -this.#threshold;
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.ring.byteLength + this.ringStartUs.byteLength +
      this.#sum.byteLength * 4 + this.#kept.byteLength + this.#scansOver.byteLength;
  }

  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  /**
   * Slot of a source and family; -1 when nothing speaks against it. `key` begins with the source, whose first hash is
   * `hash`.
   */
  find(key: Int32Array, hash: number, family: number): number {
    if (this.#slots.count === 0) return -1;
    this.#setKey(key, family);
    return this.#slots.findHashed(this.#key, 0, mix(hash, 0, family));
  }

  /** Kept probes of a slot, at most RING_LENGTH. */
  count(slot: number): number {
    return Math.min(this.#kept[slot], RING_LENGTH);
  }

  /** Failed contacts of a slot, decaying; not bounded by the ring. */
  failures(slot: number): number {
    return this.#failures[slot];
  }

  /** Whether the sequential test has decided for a scanner; `probes` and pattern are the caller's to judge. */
  isAboveThreshold(slot: number): boolean {
    return this.#sum[slot] > this.#threshold;
  }

  /** Whether a slot holds fresh evidence of more than one failure. */
  isGrowing(slot: number, nowUs: number): boolean {
    return this.#failures[slot] > 1.5 && nowUs - this.#lastUs[slot] < this.#options.halfLifeUs;
  }

  /** Takes a probe; returns the source's slot, -1 when there is nothing to keep of it. */
  add(probe: JudgedProbe): number {
    if (probe.outcome === Outcome.used) return this.#reassure(probe);
    this.#setKey(probe.key, probe.family);
    const slot = this.#take(mix(probe.ends.source0, 0, probe.family));
    if (this.#slots.isNew) {
      this.#clear(slot, probe.atUs);
      this.#scansOver[slot] = 0;
    }
    this.#decay(slot, probe.atUs);
    if (this.#isKept(slot, probe)) return slot;
    this.#keep(slot, probe);
    if (probe.outcome === Outcome.neutral) return slot;
    this.#failures[slot] += 1;
    this.#weigh(slot, probe);
    return slot;
  }

  /** The source's scan is over: what it does from now on is weighed anew. */
  acquit(slot: number, nowUs: number): void {
    this.#clear(slot, nowUs);
    this.#namedCount++;
    if (this.#scansOver[slot] < 255) this.#scansOver[slot]++;
  }

  /** Scans that are over, of all sources since the start. */
  get namedCount(): number {
    return this.#namedCount;
  }

  /** Scans of a source that are over. */
  scansOver(slot: number): number {
    return this.#scansOver[slot];
  }

  #clear(slot: number, nowUs: number): void {
    this.#sum[slot] = 0;
    this.#withheld[slot] = 0;
    this.#failures[slot] = 0;
    this.#kept[slot] = 0;
    this.#lastUs[slot] = nowUs;
  }

  #reassure(probe: JudgedProbe): number {
    const slot = this.find(probe.key, probe.ends.source0, probe.family);
    if (slot < 0) return -1;
    this.#decay(slot, probe.atUs);
    this.#sum[slot] = Math.max(this.#floor, this.#sum[slot] - this.#successStep);
    return slot;
  }

  #weigh(slot: number, probe: JudgedProbe): void {
    const weight = this.#weightOf(probe);
    this.#sum[slot] += weight * this.#failureStep;
    this.#withheld[slot] += (1 - weight) * this.#failureStep;
    if (this.#withheld[slot] === 0 || !this.#showsPattern(slot, probe)) return;
    this.#sum[slot] += this.#withheld[slot];
    this.#withheld[slot] = 0;
  }

  #weightOf({ family, isSilent, traits }: JudgedProbe): number {
    const { silentUdpWeight, bareAckWeight, resolvedWeight } = this.#options;
    if (family === Family.udp && isSilent) return silentUdpWeight;
    if (family === Family.ack || family === Family.maimon) return bareAckWeight;
    return (traits & Trait.isResolved) !== 0 && !isSweep(family) ? resolvedWeight : 1;
  }

  /** Whether the probe makes a pattern with those kept, itself among them. */
  #showsPattern(slot: number, probe: JudgedProbe): boolean {
    const { key, sourcePort, port } = probe;
    let portsOfHost = 0;
    let portsFromOne = 0;
    let hostsFromOne = 0;
    for (let index = this.count(slot) - 1; index >= 0; index--) {
      const at = (slot * RING_LENGTH + index) * RING_WORDS;
      const ports = this.ring[at + RING_PORTS];
      const isSameSourcePort = (ports & 0xffff) === sourcePort;
      if (this.#isTarget(at, key)) {
        portsOfHost++;
        if (isSameSourcePort) portsFromOne++;
      }
      if (isSameSourcePort && ports >>> 16 === port) hostsFromOne++;
    }
    if (portsFromOne >= patternPorts || hostsFromOne >= patternHosts) return true;
    return portsOfHost >= (probe.family === Family.tcp ? patternPorts : patternHosts);
  }

  #isKept(slot: number, { key, port }: JudgedProbe): boolean {
    for (let index = this.count(slot) - 1; index >= 0; index--) {
      const at = (slot * RING_LENGTH + index) * RING_WORDS;
      if (this.ring[at + RING_PORTS] >>> 16 === port && this.#isTarget(at, key)) return true;
    }
    return false;
  }

  #isTarget(at: number, key: Int32Array): boolean {
    const { ring } = this;
    return ring[at + 3] === key[7] && ring[at + 2] === key[6] && ring[at + 1] === key[5] &&
      ring[at] === key[4];
  }

  #keep(slot: number, probe: JudgedProbe): void {
    const place = slot * RING_LENGTH + this.#kept[slot]++ % RING_LENGTH;
    const at = place * RING_WORDS;
    const { ring } = this;
    for (let word = 0; word < 4; word++) ring[at + word] = probe.key[4 + word];
    ring[at + RING_PORTS] = probe.port << 16 | probe.sourcePort;
    ring[at + RING_FLOW] = probe.flowId;
    ring[at + RING_TRAITS] = probe.traits;
    ring[at + RING_OUTCOME] = probe.outcome;
    this.ringStartUs[place] = probe.startUs;
  }

  #decay(slot: number, nowUs: number): void {
    const agedUs = nowUs - this.#lastUs[slot];
    this.#lastUs[slot] = nowUs;
    if (agedUs <= 0) return;
    const factor = 2 ** (-agedUs / this.#options.halfLifeUs);
    this.#sum[slot] *= factor;
    this.#withheld[slot] *= factor;
    this.#failures[slot] *= factor;
  }

  /** The slot of #key; a full table gives up the oldest that is not protected. */
  #take(hash: number): number {
    const slots = this.#slots;
    for (let tries = 0; slots.count === slots.capacity && tries < secondChances; tries++) {
      if (!this.#isProtected(slots.oldest)) break;
      slots.touch(slots.oldest);
    }
    return slots.addHashed(this.#key, 0, hash);
  }

  #setKey(key: Int32Array, family: number): void {
    for (let word = 0; word < 4; word++) this.#key[word] = key[word];
    this.#key[4] = family;
  }
}
