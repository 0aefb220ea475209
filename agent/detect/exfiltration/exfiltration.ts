/**
 * Data that leaves by a device which otherwise sends little: a host of the own networks that talks to few addresses outside, always
 * about as much, sends far more than it ever did to an address that it has not met before. What is usual is the host's own: most
 * bytes that it sent to outside in a minute, all addresses together.
 *
 * Only what the host began is found: a server that answers a new client sends much, too. A host that meets new addresses all the time
 * (a laptop, a telephone) has no such usual, and is left to the detector of anomalies. What was met before this run is not known:
 * nothing is found in a host's first ten minutes.
 *
 *     2,048 hosts at 95 bytes, 4,096 pairs at 110, 8,192 flows at 46: 1.1 MB
 */
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { keyAddress } from "../common/address_words.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import { formatCount, formatPeriod, formatSize } from "../../text/amounts.ts";

const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;
/** How long a host is watched before anybody is new to it, and in how many minutes of it it has sent. */
const knownMin = 10 * minuteUs;
const activeMinutesMin = 5;
/** Addresses outside that a host has met, beyond which it has no usual ones. */
const metMax = 16;
/** What is sent to the new address: at least, in highest minutes of before, and how many of those each minute. */
const bytesMin = 5_000_000;
const minutesWorthMin = 50;
const rateFactorMin = 5;
/** An address that was met so long ago is new no more. */
const newForUs = 3600 * secondUs;
const quietUs = 600 * secondUs;

const hostsMax = 2048;
const pairsMax = 4096;
const flowsMax = 8192;
/** Rows of less are not worth remembering: their flows are counted at their ends. */
const rowBytesMin = 1000;

export class Exfiltration implements Detector {
  readonly interests: readonly Interest[] = [
    {
      kind: ObservationKind.contact,
      marks: Mark.isFirstInWindow | Mark.hasDoubled,
      without: Mark.isNew | Mark.isToMany,
      skips: isOfNoHost,
    },
    {
      kind: ObservationKind.end,
      marks: Mark.isSourceLocal | Mark.isDestinationLocal,
      without: Mark.isToMany,
      skips: isEmpty,
    },
  ];
  readonly #context: DetectorContext;
  readonly #hosts = new KeyedSlots({ capacity: hostsMax, keyWords: 4 });
  readonly #pairs: KeyedSlots;
  readonly #flows = new KeyedSlots({ capacity: flowsMax, keyWords: 1 });
  readonly #episodes: Episodes;
  readonly #key = new Int32Array(8);
  /** Of hosts: when first seen; the minute in progress and its bytes; highest minute; minutes in which it sent, and whether it has in this one; addresses met. */
  readonly #firstUs = new Float64Array(hostsMax);
  readonly #minute = new Float64Array(hostsMax);
  readonly #minuteBytes = new Float64Array(hostsMax);
  readonly #highestBytes = new Float64Array(hostsMax);
  readonly #activeMinutes = new Float64Array(hostsMax);
  readonly #isActive = new Uint8Array(hostsMax);
  readonly #met = new Uint32Array(hostsMax);
  /** Of pairs: when they met, how long the host was known by then (0: it is no news); bytes sent since; highest minute then. */
  readonly #metUs = new Float64Array(pairsMax);
  readonly #knownUs = new Float64Array(pairsMax);
  readonly #sentBytes = new Float64Array(pairsMax);
  readonly #usualBytes = new Float64Array(pairsMax);
  readonly #metBefore = new Uint32Array(pairsMax);
  /** Of flows: bytes that have been counted. */
  readonly #counted = new Float64Array(flowsMax);

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#episodes = new Episodes({
      context,
      kind: "exfiltration",
      quietUs,
      describe: (slot, episode) => this.#describe(slot, episode),
    });
    this.#pairs = new KeyedSlots({
      capacity: pairsMax,
      keyWords: 8,
      onForget: (slot) => this.#episodes.close(slot),
    });
  }

  get stateBytes(): number {
    return this.#hosts.stateBytes + this.#pairs.stateBytes + this.#flows.stateBytes +
      hostsMax * (5 * 8 + 4 + 1) + pairsMax * (4 * 8 + 4) + flowsMax * 8;
  }
  get forgottenCount(): number {
    return this.#hosts.forgottenCount + this.#pairs.forgottenCount;
  }

  observe(observation: Observation): void {
    const { at } = observation;
    const isSourceOriginator = observation.has(Mark.sentByOriginator);
    const [originatorAt, responderAt] = isSourceOriginator ? [at + 3, at + 7] : [at + 7, at + 3];
    const isSourceLocal = observation.has(Mark.isSourceLocal);
    const isDestinationLocal = observation.has(Mark.isDestinationLocal);
    if (isSourceLocal && isDestinationLocal) {
      if (observation.origBytes > 0) this.#stayActive(observation, originatorAt);
      if (observation.respBytes > 0) this.#stayActive(observation, responderAt);
    } else {
      const isOwnFlow = isSourceLocal === isSourceOriginator;
      this.#takeSent(observation, {
        isOwnFlow,
        hostAt: isOwnFlow ? originatorAt : responderAt,
        peerAt: isOwnFlow ? responderAt : originatorAt,
      });
    }
  }

  /** The host has sent something, to whom in the own network does not matter. */
  #stayActive(observation: Observation, hostAt: number): void {
    const host = this.#host(observation, hostAt);
    this.#passMinute(host, observation.timestampUs);
    this.#isActive[host] = 1;
  }

  /** A host has sent to outside, in a flow that it began itself or not. */
  #takeSent(
    observation: Observation,
    { isOwnFlow, hostAt, peerAt }: {
      readonly isOwnFlow: boolean;
      readonly hostAt: number;
      readonly peerAt: number;
    },
  ): void {
    const bytes = this.#newBytes(
      observation,
      isOwnFlow ? observation.origBytes : observation.respBytes,
    );
    if (bytes <= 0) return;
    const { timestampUs, flowId } = observation;
    const host = this.#host(observation, hostAt);
    this.#passMinute(host, timestampUs);
    this.#isActive[host] = 1;
    const pair = this.#pair(observation, { host, peerAt, isOwnFlow });
    if (this.#knownUs[pair] === 0 || !isOwnFlow) {
      this.#minuteBytes[host] += bytes;
      return;
    }
    this.#sentBytes[pair] += bytes;
    const evidence = { timestampUs, amount: this.#sentBytes[pair], flowId };
    if (this.#episodes.get(pair)) this.#episodes.grow(pair, evidence);
    else if (timestampUs - this.#metUs[pair] > newForUs) this.#knownUs[pair] = 0;
    else if (this.#suffices(pair, timestampUs)) {
      this.#episodes.open(pair, this.#metUs[pair], evidence);
    }
  }

  advance(nowUs: number): void {
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  /** What one side has sent since the flow was last counted; `sent` is all that it has. */
  #newBytes({ kind, flowId }: Observation, sent: number): number {
    const key = this.#key;
    key[0] = flowId;
    let slot = this.#flows.find(key);
    if (kind === ObservationKind.end) {
      const counted = slot < 0 ? 0 : this.#counted[slot];
      if (slot >= 0) this.#flows.remove(slot);
      return sent - Math.min(sent, counted);
    }
    if (slot < 0 && sent < rowBytesMin) return 0;
    slot = this.#flows.add(key);
    if (this.#flows.isNew) this.#counted[slot] = 0;
    // A long flow is cut into pieces that count from 0.
    const counted = this.#counted[slot] > sent ? 0 : this.#counted[slot];
    this.#counted[slot] = sent;
    return sent - counted;
  }

  #host({ words, timestampUs }: Observation, at: number): number {
    const key = this.#key;
    for (let word = 0; word < 4; word++) key[word] = words[at + word];
    const slot = this.#hosts.add(key);
    // Time that has gone back is another capture's.
    if (!this.#hosts.isNew && timestampUs >= this.#firstUs[slot] - minuteUs) return slot;
    this.#firstUs[slot] = timestampUs;
    this.#minute[slot] = Math.floor(timestampUs / minuteUs);
    this.#minuteBytes[slot] = 0;
    this.#highestBytes[slot] = 0;
    this.#activeMinutes[slot] = 0;
    this.#isActive[slot] = 0;
    this.#met[slot] = 0;
    return slot;
  }

  #passMinute(host: number, timestampUs: number): void {
    const minute = Math.floor(timestampUs / minuteUs);
    if (minute <= this.#minute[host]) return;
    this.#activeMinutes[host] += this.#isActive[host];
    this.#isActive[host] = 0;
    this.#highestBytes[host] = Math.max(this.#highestBytes[host], this.#minuteBytes[host]);
    this.#minute[host] = minute;
    this.#minuteBytes[host] = 0;
  }

  /** The slot of the host and the address that it sends to; #key begins with the host. */
  #pair(
    { words, timestampUs, durationMs }: Observation,
    { host, peerAt, isOwnFlow }: {
      readonly host: number;
      readonly peerAt: number;
      readonly isOwnFlow: boolean;
    },
  ): number {
    const key = this.#key;
    for (let word = 0; word < 4; word++) key[4 + word] = words[peerAt + word];
    const slot = this.#pairs.add(key);
    const isKnown = !this.#pairs.isNew && timestampUs >= this.#metUs[slot] - minuteUs;
    if (isKnown) return slot;
    // A flow is told for the first time when it has lasted a while.
    const metUs = timestampUs - Math.min(durationMs * 1000, newForUs);
    const knownUs = metUs - this.#firstUs[host];
    const isNews = isOwnFlow && knownUs >= knownMin &&
      this.#activeMinutes[host] >= activeMinutesMin &&
      this.#met[host] <= metMax;
    this.#metUs[slot] = metUs;
    this.#knownUs[slot] = isNews ? knownUs : 0;
    this.#sentBytes[slot] = 0;
    this.#usualBytes[slot] = Math.max(this.#highestBytes[host], this.#minuteBytes[host]);
    this.#metBefore[slot] = this.#met[host]++;
    return slot;
  }

  #suffices(pair: number, timestampUs: number): boolean {
    const sent = this.#sentBytes[pair];
    const usual = this.#usualBytes[pair];
    const minutes = Math.max(1, (timestampUs - this.#metUs[pair]) / minuteUs);
    return sent >= bytesMin && sent >= minutesWorthMin * usual &&
      sent / minutes >= rateFactorMin * usual;
  }

  #describe(pair: number, { lastUs, amount, firstUs }: Episode): EpisodeFacts {
    const source = keyAddress(this.#context, this.#pairs, pair, 0);
    const target = keyAddress(this.#context, this.#pairs, pair, 4);
    const span = formatPeriod(Math.max(secondUs, lastUs - firstUs));
    const known = formatPeriod(this.#knownUs[pair]);
    return {
      severity: "high",
      attackId: "T1048",
      sources: [source],
      sourceCount: 1,
      targets: [target],
      targetCount: 1,
      confidence: 0.8,
      reason:
        `${source} sent ${formatSize(amount)} to ${target} within ${span}, which it had not ` +
        `met in the ${known} before; until then it sent ${this.#usualText(pair)}`,
    };
  }

  #usualText(pair: number): string {
    const met = this.#metBefore[pair];
    if (met === 0) return "nothing to outside";
    const whom = met === 1 ? "one address" : `${formatCount(met)} addresses`;
    return `at most ${formatSize(this.#usualBytes[pair])} a minute to ${whom} outside`;
  }
}

/** Neither end is of the own networks. */
function isOfNoHost(words: Int32Array, at: number): boolean {
  return (words[at + 13] & (Mark.isSourceLocal | Mark.isDestinationLocal)) === 0;
}

/** Nothing was sent either way. */
function isEmpty(words: Int32Array, at: number): boolean {
  return (words[at + 20] | words[at + 21]) === 0;
}
