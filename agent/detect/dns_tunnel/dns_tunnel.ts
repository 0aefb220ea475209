/**
 * DNS tunnels (iodine, dnscat2, DNSExfiltrator, Cobalt Strike's DNS beacons): one client that asks for ever new names
 * under one registered domain, long ones that look encoded, for they are the data; or that asks for short ones and gets
 * encoded data in ever new answers (DNSlivery, stagers).
 *
 * Measures as in Farnham, "Detecting DNS tunneling" (SANS 2013), and Born and Gustafson, "Detecting DNS tunnels using
 * character frequency analysis" (2010): different names for a domain, their length, entropy and digits, and rare record
 * types. How many names suffice goes by what an ordinary client asks for: NULL and private types never, TXT, MX, CNAME
 * for encoded names seldom, addresses of hashed host names now and then.
 *
 * Names that mail puts together (DKIM selectors, SPF macros, lists of senders) do not count where the answers are what such
 * names get; where no answers are seen, it is left at the look of the names.
 */
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { hasEncodedData, hasMarker, isPlainAnswer } from "./answers.ts";
import { hasLongNames } from "./exempt.ts";
import { QueriedName } from "./queried_name.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import { type Observation, ObservationKind } from "../observation.ts";
import { formatCount, formatPeriod, formatSize } from "../../text/amounts.ts";
import { keyAddress } from "../common/address_words.ts";

const secondUs = 1_000_000;
/** Evidence is forgotten when it has not sufficed after so long. */
const windowUs = 3600 * secondUs;
const quietUs = 1800 * secondUs;
/** Shorter data says nothing. */
const dataLengthMin = 20;
/** Different names that suffice: of types without a use, of types that carry text, of any. */
const rawNamesMin = 10;
const textNamesMin = 20;
const encodedNamesMin = 150;
const encodedShareMin = 0.6;
/** With rarer types the amount of data counts too. */
const textBytesMin = 600;

/** Different answers of encoded data that suffice, and their bytes. */
const answersMin = 15;
const answerBytesMin = 1500;

/** Key: client, two hashes of the registered domain. */
const keyWords = 6;
const capacity = 2048;
const seenWords = 32;
/** What is kept of the first name, from its end: the registered domain and labels that the others may share. */
const tailMax = 96;

/** What is counted of the different names: all, encoded ones, those for text types, those for raw types. */
const N = { all: 0, encoded: 1, text: 2, raw: 3, width: 4 } as const;

export class DnsTunnel implements Detector {
  readonly interests: readonly Interest[] = [
    { kind: ObservationKind.dns, marks: 0 },
  ];
  readonly #context: DetectorContext;
  readonly #slots: KeyedSlots;
  readonly #episodes: Episodes;
  readonly #name = new QueriedName();
  readonly #key = new Int32Array(keyWords);
  readonly #server = new Int32Array(capacity * 4);
  readonly #firstUs = new Float64Array(capacity);
  /** Different names, those of them that had a plain answer, and different answers: one bit of 1,024 each. */
  readonly #seen = new Int32Array(capacity * seenWords);
  readonly #seenPlain = new Int32Array(capacity * seenWords);
  readonly #seenAnswers = new Int32Array(capacity * seenWords);
  /** As N: of the different names, of those with a plain answer, of those that mail may have put together. */
  readonly #names = new Uint32Array(capacity * N.width);
  readonly #plain = new Uint32Array(capacity * N.width);
  readonly #marked = new Uint32Array(capacity * N.width);
  readonly #queries = new Uint32Array(capacity);
  /** Answers of any kind; different ones of encoded data, and bytes of those. */
  readonly #answers = new Uint32Array(capacity);
  readonly #dataAnswers = new Uint32Array(capacity);
  readonly #dataAnswerBytes = new Float64Array(capacity);
  /** Data in the different names, in bytes. */
  readonly #dataBytes = new Float64Array(capacity);
  /** End of the first name, as far as the others share it. */
  readonly #tails = new Uint8Array(capacity * tailMax);
  readonly #tailLengths = new Uint8Array(capacity);
  readonly #domainLengths = new Uint8Array(capacity);

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#episodes = new Episodes({
      context,
      kind: "dns_tunnel",
      quietUs,
      describe: (slot, episode) => this.#describe(slot, episode),
    });
    this.#slots = new KeyedSlots({
      capacity,
      keyWords,
      onForget: (slot) => this.#episodes.close(slot),
    });
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#server.byteLength + this.#seen.byteLength * 3 +
      this.#names.byteLength * 3 + this.#tails.byteLength + capacity * (3 * 8 + 3 * 4 + 2);
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    const name = this.#name;
    name.read(observation);
    if (name.dataLength === 0) return;
    const slot = this.#slotOf(observation);
    this.#shareTail(slot);
    if (observation.isDnsResponse) this.#takeAnswer(slot, observation);
    else this.#takeQuestion(slot, observation);
    const { timestampUs, flowId } = observation;
    const amount = this.#queries[slot];
    if (this.#episodes.get(slot)) this.#episodes.grow(slot, { timestampUs, amount, flowId });
    else if (this.#suffices(slot) && !hasLongNames(name.domain) && !this.#isForwarded(slot)) {
      this.#episodes.open(slot, this.#firstUs[slot], { timestampUs, amount, flowId });
    }
  }

  advance(nowUs: number): void {
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  /** The slot of the client, whoever sent the message. */
  #slotOf(observation: Observation): number {
    const { words, at, timestampUs, isDnsResponse } = observation;
    const [client, server] = isDnsResponse ? [at + 7, at + 3] : [at + 3, at + 7];
    const key = this.#key;
    for (let word = 0; word < 4; word++) key[word] = words[client + word];
    key[4] = this.#name.domainHash0;
    key[5] = this.#name.domainHash1;
    const slot = this.#slots.add(key);
    const isOld = Math.abs(timestampUs - this.#firstUs[slot]) > windowUs;
    if (this.#slots.isNew || isOld && !this.#episodes.get(slot)) this.#reset(slot, timestampUs);
    for (let word = 0; word < 4; word++) this.#server[slot * 4 + word] = words[server + word];
    return slot;
  }

  #reset(slot: number, timestampUs: number): void {
    this.#firstUs[slot] = timestampUs;
    // A slot that was never used is empty, and its memory untouched.
    if (this.#queries[slot] + this.#answers[slot] > 0) this.#clear(slot);
    this.#queries[slot] = 0;
    this.#answers[slot] = 0;
    this.#dataAnswers[slot] = 0;
    this.#dataAnswerBytes[slot] = 0;
    this.#dataBytes[slot] = 0;
    const { bytes, domainAt, length } = this.#name;
    const tail = bytes.subarray(Math.max(0, length - tailMax), length);
    this.#tails.set(tail, slot * tailMax);
    this.#tailLengths[slot] = tail.length;
    this.#domainLengths[slot] = Math.min(length - domainAt, tailMax);
  }

  #clear(slot: number): void {
    for (const seen of [this.#seen, this.#seenPlain, this.#seenAnswers]) {
      seen.fill(0, slot * seenWords, (slot + 1) * seenWords);
    }
    for (const names of [this.#names, this.#plain, this.#marked]) {
      names.fill(0, slot * N.width, (slot + 1) * N.width);
    }
  }

  /** Leaves out of the name's data what all names have had so far, this one too. */
  #shareTail(slot: number): void {
    if (this.#names[slot * N.width] === 0) return;
    // All of the domain is shared, and nothing else is left.
    const isDomain = this.#tailLengths[slot] === this.#domainLengths[slot];
    if (isDomain && this.#tailLengths[slot] < tailMax) return;
    const end = slot * tailMax + this.#tailLengths[slot];
    const shared = this.#name.shareTail(this.#tails.subarray(slot * tailMax, end));
    this.#tails.copyWithin(slot * tailMax, end - shared, end);
    this.#tailLengths[slot] = shared;
  }

  #takeQuestion(slot: number, observation: Observation): void {
    const name = this.#name;
    this.#queries[slot]++;
    if (this.#isIn(this.#seen, slot, name.nameHash)) return;
    this.#remember(this.#seen, slot, name.nameHash);
    this.#dataBytes[slot] += name.dataLength;
    this.#count(this.#names, slot, observation.dnsQueryType);
    if (hasMarker(name)) this.#count(this.#marked, slot, observation.dnsQueryType);
  }

  #takeAnswer(slot: number, observation: Observation): void {
    const { nameHash } = this.#name;
    this.#answers[slot]++;
    if (isPlainAnswer(observation, this.#name)) {
      if (this.#isIn(this.#seenPlain, slot, nameHash)) return;
      this.#remember(this.#seenPlain, slot, nameHash);
      this.#count(this.#plain, slot, observation.dnsQueryType);
    } else if (isOfData(observation.dnsQueryType) && hasEncodedData(observation)) {
      const hash = observation.dnsDataHash;
      if (this.#isIn(this.#seenAnswers, slot, hash)) return;
      this.#remember(this.#seenAnswers, slot, hash);
      this.#dataAnswers[slot]++;
      this.#dataAnswerBytes[slot] += observation.dnsDataBytes;
    }
  }

  /** Whether something of that hash (or one that shares its bit) was seen before. */
  #isIn(seen: Int32Array, slot: number, hash: number): boolean {
    return (seen[slot * seenWords + (hash >>> 5 & seenWords - 1)] >>> (hash & 31) & 1) !== 0;
  }

  #remember(seen: Int32Array, slot: number, hash: number): void {
    seen[slot * seenWords + (hash >>> 5 & seenWords - 1)] |= 1 << (hash & 31);
  }

  /** Counts the name in hand. */
  #count(names: Uint32Array, slot: number, type: number): void {
    const at = slot * N.width;
    names[at + N.all]++;
    if (isRawType(type)) names[at + N.raw]++;
    if (this.#name.dataLength < dataLengthMin || !this.#name.isEncoded) return;
    names[at + N.encoded]++;
    if (textTypes.has(type) || isRawType(type)) names[at + N.text]++;
  }

  /** How many different names there are that nothing explains. */
  #unexplained(slot: number, what: number): number {
    const explained = this.#answers[slot] === 0 ? this.#marked : this.#plain;
    return Math.max(0, this.#names[slot * N.width + what] - explained[slot * N.width + what]);
  }

  #suffices(slot: number): boolean {
    return this.#hasTellingNames(slot) || this.#hasTellingAnswers(slot);
  }

  #hasTellingNames(slot: number): boolean {
    if (this.#names[slot * N.width + N.raw] >= rawNamesMin) return true;
    if (this.#unexplained(slot, N.text) >= textNamesMin && this.#dataBytes[slot] >= textBytesMin) {
      return true;
    }
    const encoded = this.#unexplained(slot, N.encoded);
    return encoded >= encodedNamesMin &&
      encoded >= this.#unexplained(slot, N.all) * encodedShareMin;
  }

  #hasTellingAnswers(slot: number): boolean {
    return this.#dataAnswers[slot] >= answersMin && this.#dataAnswerBytes[slot] >= answerBytesMin;
  }

  /** Whether another client's tunnel under the domain is known: this one is the resolver that passes it on. */
  #isForwarded(slot: number): boolean {
    if (this.#domainLengths[slot] === 0) return false;
    for (const other of this.#episodes.slots) {
      const isSame = this.#slots.keyWord(other, 4) === this.#slots.keyWord(slot, 4) &&
        this.#slots.keyWord(other, 5) === this.#slots.keyWord(slot, 5);
      if (isSame) return true;
    }
    return false;
  }

  #describe(slot: number, episode: Episode): EpisodeFacts {
    const source = keyAddress(this.#context, this.#slots, slot, 0);
    const [word0, word1, word2, word3] = this.#server.subarray(slot * 4, slot * 4 + 4);
    const server = this.#context.formatAddress(word0, word1, word2, word3);
    const isCertain = this.#names[slot * N.width + N.raw] >= rawNamesMin ||
      this.#unexplained(slot, N.text) >= textNamesMin;
    return {
      severity: "high",
      attackId: "T1071.004",
      sources: [source],
      sourceCount: 1,
      targets: [server],
      targetCount: 1,
      confidence: isCertain ? 0.95 : 0.8,
      reason: this.#hasTellingNames(slot)
        ? this.#nameSentence(slot, episode, source, server)
        : this.#answerSentence(slot, episode, source, server),
    };
  }

  #nameSentence(
    slot: number,
    { amount, firstUs, lastUs }: Episode,
    source: string,
    server: string,
  ) {
    const names = this.#names[slot * N.width + N.all];
    const mean = Math.round(this.#dataBytes[slot] / names);
    return `${source} asked ${server} ${formatCount(amount)} times within ` +
      `${formatPeriod(lastUs - firstUs)} for ever new names ${this.#domainText(slot)}, ` +
      `${mean} characters of data in the mean, as DNS tunnels do`;
  }

  #answerSentence(slot: number, { firstUs, lastUs }: Episode, source: string, server: string) {
    return `${source} got at least ${formatCount(this.#dataAnswers[slot])} different answers of ` +
      `encoded data from ${server} ${this.#domainText(slot)} within ` +
      `${formatPeriod(lastUs - firstUs)}, ${formatSize(this.#dataAnswerBytes[slot])} in all, as ` +
      `programs do that fetch orders or files by DNS`;
  }

  #domainText(slot: number): string {
    const end = slot * tailMax + this.#tailLengths[slot];
    const from = end - Math.min(this.#domainLengths[slot], this.#tailLengths[slot]);
    return from === end
      ? "under no domain"
      : `under ${String.fromCharCode(...this.#tails.subarray(from, end))}`;
  }
}

/** Types that an answer can carry data in, besides addresses. */
function isOfData(type: number): boolean {
  return textTypes.has(type) || isRawType(type);
}

/** MX, CNAME, TXT, SIG, KEY, NAPTR: they carry text or names of any kind. */
const textTypes: ReadonlySet<number> = new Set([5, 15, 16, 24, 25, 35]);

/** NULL (RFC 1035 section 3.3.10) and the private range (RFC 6895): nothing but tunnels uses them. */
function isRawType(type: number): boolean {
  return type === 10 || type >= 65_280 && type <= 65_534;
}
