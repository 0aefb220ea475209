/**
 * Beacons: a host that calls one outside address again and again at nearly equal intervals, in small calls, as malware
 * asks its command server for orders.
 *
 * The score is RITA's (activecm/rita, analysis of connections): one minus Bowley's skewness of the gaps, one minus
 * their median absolute deviation over the median, the same two of the sizes sent; their mean. A jitter of 30 % either
 * way leaves a deviation of 0.15. Before that nine gaps in ten must lie within 40 % of the median: eight gaps that come
 * by chance (a Poisson process) do so in 2 of 10,000 cases.
 *
 * So much of what a home does is periodic that only calls to public addresses count, and these do not: protocols whose
 * job it is (NTP, DNS, STUN, MQTT, mail, VPN keep-alives …), pings, packets that nothing answers, in a connection that
 * stays open heartbeats of a few bytes and a page's reports on its visitor, downloads in pieces (video), addresses that
 * several hosts call, hosts that call several addresses in step (monitoring), services of vendors and checks whether the
 * internet is there, which answer in a few plain bytes (names.ts). A gadget that asks its maker's server
 * every minute remains and looks the same as malware; hence "low", unless the host has come to notice otherwise.
 */
import { Transport } from "../../records.ts";
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { measureRegularity, type Regularity } from "../common/regularity.ts";
import { formatCount, formatPeriod } from "../../text/amounts.ts";
import { keyAddress } from "../common/address_words.ts";
import { isDnsQuery, Mark, type Observation, ObservationKind } from "../observation.ts";
import { Beats } from "./beats.ts";
import { BEATS_MIN } from "./beats_layout.ts";
import { CalledNames, CallKind } from "./names.ts";

const secondUs = 1_000_000;
/** Quick beacons must go on for so long. */
const spanMinUs = 45 * secondUs;
const steadyShareMin = 0.9;
const scoreMin = 0.6;
/**
 * In a connection that stays open: seconds and bytes, more than those of heartbeats; and as pages that are left open
 * report on their visitor in calls of all sizes, sizes that differ less (deviation over median).
 */
const openPeriodMin = 15;
const openSizeMin = 100;
const openSizeSpreadMax = 0.05;
/** Bytes that come back for a beat, above which it is a download; RITA's smallness takes the same. */
const downBytesMax = 65_535;
/** Other sources that call the address, or other addresses that the source calls in step: a service, a monitor. */
const companionsMax = 2;
const companionBeatsMin = 5;
const companionPeriodShare = 0.1;
const quietUs = 4 * 3600 * secondUs;
const portHttp = 80;
/** Bytes of the answer to a check whether the internet is there, and how much the questions may differ. */
const checkBytesMax = 1500;
const checkSizeSpreadMax = 0.05;

export class Beacon implements Detector {
  readonly interests: readonly Interest[] = [
    { kind: ObservationKind.dns, marks: 0, skips: isDnsQuery },
    { kind: ObservationKind.contact, marks: Mark.hasHost },
  ];
  readonly #context: DetectorContext;
  readonly #beats: Beats;
  readonly #names = new CalledNames();
  readonly #episodes: Episodes;
  /** Series to be judged, and the moment and flow of their newest beats. */
  readonly #pending = new Map<number, { readonly timestampUs: number; readonly flowId: number }>();
  /** Of episodes: score, and 1 where the source had come to notice otherwise when it was opened. */
  readonly #scores: Float64Array;
  readonly #suspects: Uint8Array;
  /** Beats before those by which it was found. */
  readonly #before: Uint32Array;

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#beats = new Beats({
      grown: (slot, timestampUs, flowId) => this.#grow(slot, timestampUs, flowId),
      judge: (slot, timestampUs, flowId) => this.#pending.set(slot, { timestampUs, flowId }),
      forgotten: (slot) => this.#episodes.close(slot),
    });
    this.#episodes = new Episodes({
      context,
      kind: "beacon",
      quietUs,
      openSlots: this.#beats.openSlots,
      describe: (slot, episode) => this.#describe(slot, episode),
    });
    this.#scores = new Float64Array(this.#beats.capacity);
    this.#suspects = new Uint8Array(this.#beats.capacity);
    this.#before = new Uint32Array(this.#beats.capacity);
  }

  get stateBytes(): number {
    return this.#beats.stateBytes + this.#names.stateBytes + this.#scores.byteLength +
      this.#suspects.byteLength + this.#before.byteLength;
  }
  get forgottenCount(): number {
    return this.#beats.forgottenCount;
  }

  takeRows(words: Int32Array, from: number, to: number): void {
    this.#beats.takeRows(words, from, to);
  }

  observe(observation: Observation): void {
    if (observation.kind === ObservationKind.contact) this.#names.learnHost(observation);
    else this.#names.learnAnswer(observation);
  }

  /** What other detectors found in the same second is known by now. */
  advance(nowUs: number): void {
    for (const [slot, { timestampUs, flowId }] of this.#pending) {
      if (this.#beats.count(slot) >= BEATS_MIN) this.#judge(slot, timestampUs, flowId);
    }
    this.#pending.clear();
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  #grow(slot: number, timestampUs: number, flowId: number): void {
    const amount = this.#beats.count(slot) - this.#before[slot];
    this.#episodes.grow(slot, { timestampUs, amount, flowId });
  }

  #judge(slot: number, timestampUs: number, flowId: number): void {
    const beats = this.#beats;
    const transport = beats.keyWord(slot, 8) >>> 16;
    const gaps = beats.gaps(slot);
    const firstUs = beats.timeUs(slot, gaps.length);
    if (timestampUs - firstUs < spanMinUs || beats.downBytesPerBeat(slot) > downBytesMax) return;
    const isOpen = beats.resumedShare(slot) >= 0.5;
    if (transport === Transport.udp && !isOpen && beats.replyShare(slot) < 0.5) return;
    const timing = measureRegularity(gaps);
    if (timing.steadyShare < steadyShareMin || !this.#isPlausible(slot, timing)) return;
    const score = scoreOf(timing, beats.sizes(slot));
    if (score < scoreMin || this.#isKnownService(slot)) return;
    if (this.#hasCompanions(slot, timing.median)) return;
    this.#scores[slot] = score;
    this.#suspects[slot] = this.#isSuspect(slot) ? 1 : 0;
    const amount = gaps.length + 1;
    this.#before[slot] = beats.count(slot) - amount;
    this.#episodes.open(slot, firstUs, { timestampUs, amount, flowId });
  }

  /** Not the heartbeat of a connection that stays open, nor a page's reports. */
  #isPlausible(slot: number, { median }: Regularity): boolean {
    if (this.#beats.resumedShare(slot) < 0.5) return true;
    const sizes = measureRegularity(this.#beats.sizes(slot));
    return median >= openPeriodMin && sizes.median >= openSizeMin &&
      sizes.deviation <= sizes.median * openSizeSpreadMax;
  }

  /** A vendor's service, or a check that gets what checks get: one small answer that anybody may read, always to the same question. */
  #isKnownService(slot: number): boolean {
    const beats = this.#beats;
    const kind = this.#names.kindOf((index) => beats.keyWord(slot, index));
    if (kind !== CallKind.check) return kind === CallKind.vendor;
    const isPlain = (beats.keyWord(slot, 8) & 0xffff) === portHttp &&
      beats.resumedShare(slot) < 0.5;
    if (!isPlain || beats.downBytesPerBeat(slot) > checkBytesMax) return false;
    const sizes = beats.sizes(slot);
    if (sizes.length === 0) return true;
    const { median, deviation } = measureRegularity(sizes);
    return deviation <= median * checkSizeSpreadMax;
  }

  /** Whether others call the same address, or the source calls other addresses in step. */
  #hasCompanions(slot: number, period: number): boolean {
    const beats = this.#beats;
    let callers = 0;
    let siblings = 0;
    for (let other = 0; other < beats.capacity; other++) {
      if (other === slot || beats.count(other) < companionBeatsMin) continue;
      if (this.#isSame(slot, other, 4)) callers++;
      else if (this.#isSame(slot, other, 0)) {
        const { median, steadyShare } = measureRegularity(beats.gaps(other));
        const isInStep = Math.abs(median - period) <= period * companionPeriodShare;
        if (isInStep && steadyShare >= steadyShareMin) siblings++;
      }
    }
    return callers > companionsMax || siblings > companionsMax;
  }

  /** Whether the addresses of two slots that begin at `word` are equal. */
  #isSame(slot: number, other: number, word: number): boolean {
    for (let index = word; index < word + 4; index++) {
      if (this.#beats.keyWord(slot, index) !== this.#beats.keyWord(other, index)) return false;
    }
    return true;
  }

  #isSuspect(slot: number): boolean {
    const word = (index: number) => this.#beats.keyWord(slot, index);
    return this.#context.isSuspect(word(0), word(1), word(2), word(3));
  }

  #describe(slot: number, { amount }: Episode): EpisodeFacts {
    const source = keyAddress(this.#context, this.#beats, slot, 0);
    const target = keyAddress(this.#context, this.#beats, slot, 4);
    const port = this.#beats.keyWord(slot, 8) & 0xffff;
    const { median, deviation } = measureRegularity(this.#beats.gaps(slot));
    const jitter = Math.round(deviation / median * 100);
    return {
      severity: this.#suspects[slot] === 1 ? "high" : "low",
      attackId: port === 80 || port === 443 ? "T1071.001" : "T1571",
      sources: [source],
      sourceCount: 1,
      ports: String(port),
      targets: [target],
      targetCount: 1,
      confidence: Math.min(0.99, this.#scores[slot]),
      reason:
        `${source} called ${target} (port ${port}) ${formatCount(amount)} times, about every ` +
        `${formatPeriod(median * secondUs)}${jitter > 0 ? `, give or take ${jitter} %` : ""}`,
    };
  }
}

/** RITA's mean; sizes count when there are enough of them. */
function scoreOf(timing: Regularity, sizes: Float64Array): number {
  const times = regularityScore(timing);
  if (sizes.length < companionBeatsMin) return times;
  return (times + regularityScore(measureRegularity(sizes))) / 2;
}

function regularityScore({ median, deviation, skewness }: Regularity): number {
  const spread = median > 0 ? Math.max(0, 1 - deviation / median) : 0;
  return (1 - Math.abs(skewness) + spread) / 2;
}
