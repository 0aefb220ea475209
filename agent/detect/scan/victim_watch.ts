/**
 * Scans that many sources share: each source stays below what is noticed, but one host's ports are tried one after
 * another. For each target and transport the newest failed contacts are kept; enough of them, on enough ports, from
 * enough sources are a distributed scan.
 *
 *     1,024 slots of (40 + 8) bytes, and 64 contacts of 26 bytes each    1.8 MB; 0.25 MB of marks
 */
import type { DetectorContext } from "../detector.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import type { ContactJudge } from "./contact_judge.ts";
import { P_DESTINATION, P_SOURCE } from "./contact_layout.ts";
import { DistributedEpisode } from "./distributed_episode.ts";
import type { JudgedProbe } from "./judged_probe.ts";
import type { ScanOptions } from "./options.ts";
import { scanFinding } from "./scan_finding.ts";

const keptLength = 64;
const capacity = 1024;
const episodesMax = 16;
/** Kept of one source, so that one that is fast does not push the others out. */
const keptPerSource = 8;
/** Evidence is looked at once in so many failures. */
const lookEvery = 5;
/** Least decayed sum of the failures, as a share of their least number. */
const freshShare = 0.8;
/** Least ports per failure: sources that share the work seldom try a port twice, decoys all try each. */
const portShareMin = 0.5;

export class VictimWatch {
  readonly #context: DetectorContext;
  readonly #options: ScanOptions;
  readonly #contacts: ContactJudge;
  readonly #slots: KeyedSlots;
  readonly #sources = new Int32Array(capacity * keptLength * 4);
  readonly #ports = new Uint16Array(capacity * keptLength);
  readonly #timesUs = new Float64Array(capacity * keptLength);
  readonly #kept = new Int32Array(capacity);
  /** Failures taken since a slot was last found empty. */
  readonly #taken = new Int32Array(capacity);
  readonly #open = new Map<number, DistributedEpisode>();
  readonly #key = new Int32Array(5);
  /** For each port the number of the look that saw it last. */
  readonly #seenPorts = new Uint32Array(65_536);
  #look = 0;

  constructor(context: DetectorContext, options: ScanOptions, contacts: ContactJudge) {
    this.#context = context;
    this.#contacts = contacts;
    this.#options = options;
    this.#slots = new KeyedSlots({
      capacity,
      keyWords: 5,
      onForget: (slot) => this.#close(slot),
    });
  }

  get stateBytes(): number {
    let episodes = 0;
    for (const episode of this.#open.values()) episodes += episode.stateBytes;
    return episodes + this.#slots.stateBytes + this.#sources.byteLength + this.#ports.byteLength +
      this.#timesUs.byteLength + this.#kept.byteLength * 2 + this.#seenPorts.byteLength;
  }

  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  /** Distributed scans under way. */
  get openCount(): number {
    return this.#open.size;
  }

  /**
   * Takes a failed contact. A source that has been named a scanner by itself only adds to what has been found to be
   * shared: several scanners in one hour need not be one scan.
   */
  take(probe: JudgedProbe, isNamed: boolean): void {
    if (isNamed && this.#open.size === 0) return;
    for (let word = 0; word < 4; word++) this.#key[word] = probe.words[P_DESTINATION + word];
    this.#key[4] = probe.transport;
    const slot = this.#slots.add(this.#key);
    if (this.#slots.isNew) this.#empty(slot);
    const episode = this.#open.get(slot);
    if (episode) {
      episode.take(this.#format(probe.words, P_SOURCE), probe.port, probe);
      if (episode.attempts >= episode.tellAt) this.#tell(episode, true);
      return;
    }
    if (isNamed) return;
    this.#keep(slot, probe);
    const isEnough = this.#kept[slot] >= this.#options.victimFailureMin;
    if (!isEnough || this.#taken[slot] % lookEvery !== 0) return;
    if (this.#isShared(slot, probe.atUs)) this.#begin(slot, probe);
  }

  advance(nowUs: number): void {
    for (const [slot, episode] of this.#open) {
      if (Math.abs(nowUs - episode.judgedUs) >= this.#options.quietUs) this.#close(slot);
    }
  }

  closeAll(): void {
    for (const slot of this.#open.keys()) this.#close(slot);
  }

  #keep(slot: number, probe: JudgedProbe): void {
    const place = this.#placeFor(slot, probe.words);
    for (let word = 0; word < 4; word++) {
      this.#sources[place * 4 + word] = probe.words[P_SOURCE + word];
    }
    this.#ports[place] = probe.port;
    this.#timesUs[place] = probe.startUs;
    this.#taken[slot]++;
  }

  /** The source's own oldest place if it has enough of them, else the next one. */
  #placeFor(slot: number, source: Int32Array): number {
    const base = slot * keptLength;
    let own = 0;
    let oldest = -1;
    for (let place = base + Math.min(this.#kept[slot], keptLength) - 1; place >= base; place--) {
      if (!this.#isOf(place * 4, source)) continue;
      own++;
      if (oldest < 0 || this.#timesUs[place] < this.#timesUs[oldest]) oldest = place;
    }
    return own < keptPerSource ? base + this.#kept[slot]++ % keptLength : oldest;
  }

  #isOf(at: number, source: Int32Array): boolean {
    const sources = this.#sources;
    return sources[at + 3] === source[3] && sources[at + 2] === source[2] &&
      sources[at + 1] === source[1] && sources[at] === source[0];
  }

  #empty(slot: number): void {
    this.#kept[slot] = 0;
    this.#taken[slot] = 0;
  }

  #isShared(slot: number, nowUs: number): boolean {
    const { victimFailureMin, victimPortMin, victimSourceMin, halfLifeUs } = this.#options;
    const base = slot * keptLength;
    const count = Math.min(this.#kept[slot], keptLength);
    this.#look++;
    let fresh = 0;
    let ports = 0;
    for (let place = base; place < base + count; place++) {
      fresh += 2 ** (-Math.max(0, nowUs - this.#timesUs[place]) / halfLifeUs);
      if (this.#seenPorts[this.#ports[place]] !== this.#look) ports++;
      this.#seenPorts[this.#ports[place]] = this.#look;
    }
    if (ports < Math.max(victimPortMin, count * portShareMin)) return false;
    if (fresh < victimFailureMin * freshShare) return false;
    return this.#countSources(base, count) >= victimSourceMin;
  }

  #countSources(base: number, count: number): number {
    const sources = new Set<string>();
    for (let at = base * 4; at < (base + count) * 4; at += 4) {
      sources.add(this.#sources.subarray(at, at + 4).join());
    }
    return sources.size;
  }

  #begin(slot: number, probe: JudgedProbe): void {
    if (this.#open.size >= episodesMax) return;
    const target = this.#format(probe.words, P_DESTINATION);
    const episode = new DistributedEpisode(this.#context.nextId(), target, probe);
    this.#open.set(slot, episode);
    const base = slot * keptLength;
    const count = Math.min(this.#kept[slot], keptLength);
    for (let place = base; place < base + count; place++) {
      const startUs = this.#timesUs[place];
      const source = this.#format(this.#sources, place * 4);
      episode.take(source, this.#ports[place], {
        startUs,
        atUs: probe.atUs,
        flowId: place === base + count - 1 ? probe.flowId : 0,
      });
    }
    this.#tell(episode, true);
  }

  #close(slot: number): void {
    const episode = this.#open.get(slot);
    if (!episode) return;
    this.#open.delete(slot);
    this.#empty(slot);
    this.#tell(episode, false);
  }

  #tell(episode: DistributedEpisode, isOpen: boolean): void {
    episode.noteTold();
    const ports = this.#contacts.listPorts(episode.ports);
    const summary = episode.summary(this.#options.victimFailureMin, ports);
    this.#context.report(scanFinding(summary, isOpen));
  }

  #format(words: Int32Array, at: number): string {
    return this.#context.formatAddress(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }
}
