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
 * several hosts call, hosts that call several addresses in step (monitoring). A gadget that asks its maker's server
 * every minute remains and looks the same as malware; hence "low", unless the host has come to notice otherwise.
 */
import { Transport } from "../records.ts";
import { isNoBeacon } from "./beacon_exempt.ts";
import { BeatHistory } from "./beacon_history.ts";
import type { Detector, DetectorContext, Interest } from "./detector.ts";
import { type Incident, type IncidentFacts, Incidents } from "./incident.ts";
import type { KeyedSlots } from "./keyed_slots.ts";
import { Mark, type Observation, ObservationKind } from "./observation.ts";
import { measureRegularity, type Regularity } from "./regularity.ts";
import { formatCount, formatPeriod, keyAddress } from "./sentence.ts";

const secondUs = 1_000_000;
const beatsMin = 9;
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
/** Calls longer than this are connections that stay open: their size says nothing of a beat. */
const callMsMax = 30_000;
const quietUs = 4 * 3600 * secondUs;

/** Key: source, destination, transport << 16 | destination port. */
const keyWords = 9;
const capacity = 4096;

export class Beacon implements Detector {
  readonly interests: readonly Interest[] = [
    { kind: ObservationKind.contact, marks: Mark.isFirstPayload | Mark.isResumed },
    { kind: ObservationKind.end, marks: 0 },
  ];
  readonly #context: DetectorContext;
  readonly #slots: KeyedSlots;
  readonly #history = new BeatHistory(capacity);
  readonly #incidents: Incidents;
  readonly #key = new Int32Array(keyWords);
  /** Of incidents: score, and 1 where the source had come to notice otherwise when it was opened. */
  readonly #scores = new Float64Array(capacity);
  readonly #suspects = new Uint8Array(capacity);

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#incidents = new Incidents({
      context,
      kind: "beacon",
      quietUs,
      capacity,
      keyWords,
      describe: (slot, incident) => this.#describe(slot, incident),
    });
    this.#slots = this.#incidents.keys;
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#history.stateBytes + this.#scores.byteLength +
      this.#suspects.byteLength;
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    const { kind, transport } = observation;
    if (transport !== Transport.tcp && transport !== Transport.udp) return;
    if (kind === ObservationKind.end) this.#end(observation);
    else if (!observation.has(Mark.sentByOriginator)) this.#reply(observation);
    else if (observation.has(Mark.isFirstPayload | Mark.isResumed)) this.#call(observation);
  }

  advance(nowUs: number): void {
    this.#incidents.advance(nowUs);
  }
  finish(): void {
    this.#incidents.finish();
  }

  #call(observation: Observation): void {
    if (observation.has(Mark.isDestinationLocal | Mark.isToMany)) return;
    if (isNoBeacon(observation.application, observation.destinationPort)) return;
    const isFirst = observation.has(Mark.isFirstPayload);
    // A keep-alive repeats one byte at most (RFC 9293 section 3.8.4).
    if (!isFirst && (observation.payloadLength <= 1 || observation.respPackets === 0)) return;
    this.#readKey(observation, 3, 7, observation.destinationPort);
    const slot = this.#slots.add(this.#key);
    if (this.#slots.isNew) this.#history.reset(slot);
    const { timestampUs, flowId } = observation;
    const isBeginning = isFirst && observation.durationMs < callMsMax;
    const beganUs = isBeginning ? timestampUs - observation.durationMs * 1000 : timestampUs;
    if (!this.#history.beat(slot, beganUs, !isBeginning)) return;
    if (!isBeginning) this.#history.size(slot, observation.payloadLength);
    this.#history.down(slot, flowId, observation.respBytes);
    const amount = this.#history.count(slot);
    if (this.#incidents.get(slot)) this.#incidents.grow(slot, { timestampUs, amount, flowId });
    else if (amount >= beatsMin) this.#judge(slot, observation);
  }

  #reply(observation: Observation): void {
    if (observation.has(Mark.isSourceLocal) || !observation.has(Mark.isFirstPayload)) return;
    this.#readKey(observation, 7, 3, observation.sourcePort);
    const slot = this.#slots.find(this.#key);
    if (slot >= 0) this.#history.reply(slot);
  }

  #end(observation: Observation): void {
    if (observation.has(Mark.isDestinationLocal) || observation.origBytes === 0) return;
    this.#readKey(observation, 3, 7, observation.destinationPort);
    const slot = this.#slots.find(this.#key);
    if (slot < 0) return;
    this.#history.down(slot, observation.flowId, observation.respBytes);
    if (observation.durationMs < callMsMax) this.#history.size(slot, observation.origBytes);
  }

  #judge(slot: number, { timestampUs, flowId, transport }: Observation): void {
    const history = this.#history;
    const gaps = history.gaps(slot);
    const firstUs = history.timeUs(slot, gaps.length);
    if (timestampUs - firstUs < spanMinUs || history.downBytesPerBeat(slot) > downBytesMax) return;
    const isOpen = history.resumedShare(slot) >= 0.5;
    if (transport === Transport.udp && !isOpen && history.replyShare(slot) < 0.5) return;
    const timing = measureRegularity(gaps);
    if (timing.steadyShare < steadyShareMin || !this.#isPlausible(slot, timing)) return;
    const score = scoreOf(timing, history.sizes(slot));
    if (score < scoreMin || this.#hasCompanions(slot, timing.median)) return;
    this.#scores[slot] = score;
    this.#suspects[slot] = this.#isSuspect(slot) ? 1 : 0;
    const amount = history.count(slot);
    this.#incidents.open(slot, firstUs, { timestampUs, amount, flowId });
  }

  /** Not the heartbeat of a connection that stays open, nor a page's reports. */
  #isPlausible(slot: number, { median }: Regularity): boolean {
    if (this.#history.resumedShare(slot) < 0.5) return true;
    const sizes = measureRegularity(this.#history.sizes(slot));
    return median >= openPeriodMin && sizes.median >= openSizeMin &&
      sizes.deviation <= sizes.median * openSizeSpreadMax;
  }

  /** Whether others call the same address, or the source calls other addresses in step. */
  #hasCompanions(slot: number, period: number): boolean {
    const slots = this.#slots;
    let callers = 0;
    let siblings = 0;
    for (let other = slots.oldest; other >= 0; other = slots.after(other)) {
      if (other === slot || this.#history.count(other) < companionBeatsMin) continue;
      if (this.#isSame(slot, other, 4)) callers++;
      else if (this.#isSame(slot, other, 0)) {
        const { median, steadyShare } = measureRegularity(this.#history.gaps(other));
        const isInStep = Math.abs(median - period) <= period * companionPeriodShare;
        if (isInStep && steadyShare >= steadyShareMin) siblings++;
      }
    }
    return callers > companionsMax || siblings > companionsMax;
  }

  /** Whether the addresses of two slots that begin at `word` are equal. */
  #isSame(slot: number, other: number, word: number): boolean {
    for (let index = word; index < word + 4; index++) {
      if (this.#slots.keyWord(slot, index) !== this.#slots.keyWord(other, index)) return false;
    }
    return true;
  }

  #isSuspect(slot: number): boolean {
    const word = (index: number) => this.#slots.keyWord(slot, index);
    return this.#context.isSuspect(word(0), word(1), word(2), word(3));
  }

  /** Places of client's and server's address in the row. */
  #readKey(observation: Observation, client: number, server: number, port: number): void {
    const { words, at } = observation;
    for (let word = 0; word < 4; word++) {
      this.#key[word] = words[at + client + word];
      this.#key[4 + word] = words[at + server + word];
    }
    this.#key[8] = observation.transport << 16 | port;
  }

  #describe(slot: number, { amount }: Incident): IncidentFacts {
    const source = keyAddress(this.#context, this.#slots, slot, 0);
    const target = keyAddress(this.#context, this.#slots, slot, 4);
    const port = this.#slots.keyWord(slot, 8) & 0xffff;
    const { median, deviation } = measureRegularity(this.#history.gaps(slot));
    const jitter = Math.round(deviation / median * 100);
    return {
      severity: this.#suspects[slot] === 1 ? "high" : "low",
      attackId: port === 80 || port === 443 ? "T1071.001" : "T1571",
      sources: [source],
      sourceCount: 1,
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
