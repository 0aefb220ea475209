/**
 * DNS tunnels (iodine, dnscat2, DNSExfiltrator, Cobalt Strike's DNS beacons): one client that asks for ever new names
 * under one registered domain, long ones that look encoded, for they are the data.
 *
 * Measures as in Farnham, "Detecting DNS tunneling" (SANS 2013), and Born and Gustafson, "Detecting DNS tunnels using
 * character frequency analysis" (2010): different names for a domain, their length, entropy and digits, and rare record
 * types. How many names suffice goes by what an ordinary client asks for: NULL and private types never, TXT, MX, CNAME
 * for encoded names seldom, addresses of hashed host names now and then.
 */
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { hasLongNames } from "./exempt.ts";
import { QueriedName } from "./queried_name.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import { type Observation, ObservationKind } from "../observation.ts";
import { formatCount, formatPeriod, keyAddress } from "../common/sentence.ts";

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

/** Key: client, two hashes of the registered domain. */
const keyWords = 6;
const capacity = 2048;
const seenWords = 32;
const domainLengthMax = 64;

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
  /** Different names (one bit of 1,024 each), those that look encoded, those for text types, those for raw types. */
  readonly #seen = new Int32Array(capacity * seenWords);
  readonly #names = new Uint32Array(capacity);
  readonly #encodedNames = new Uint32Array(capacity);
  readonly #textNames = new Uint32Array(capacity);
  readonly #rawNames = new Uint32Array(capacity);
  readonly #queries = new Uint32Array(capacity);
  /** Data in the different names, in bytes. */
  readonly #dataBytes = new Float64Array(capacity);
  readonly #domains = new Uint8Array(capacity * domainLengthMax);
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
    return this.#slots.stateBytes + this.#server.byteLength + this.#seen.byteLength +
      this.#domains.byteLength + capacity * (2 * 8 + 5 * 4 + 1);
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    if (observation.isDnsResponse) return;
    const name = this.#name;
    name.read(observation);
    if (name.dataLength === 0) return;
    const slot = this.#slotOf(observation);
    const { timestampUs, flowId } = observation;
    this.#queries[slot]++;
    if (!this.#isSeen(slot, name.nameHash)) this.#count(slot, observation.dnsQueryType);
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

  #slotOf(observation: Observation): number {
    const { words, at, timestampUs } = observation;
    const key = this.#key;
    for (let word = 0; word < 4; word++) key[word] = words[at + 3 + word];
    key[4] = this.#name.domainHash0;
    key[5] = this.#name.domainHash1;
    const slot = this.#slots.add(key);
    const isOld = Math.abs(timestampUs - this.#firstUs[slot]) > windowUs;
    if (this.#slots.isNew || isOld && !this.#episodes.get(slot)) this.#reset(slot, timestampUs);
    for (let word = 0; word < 4; word++) this.#server[slot * 4 + word] = words[at + 7 + word];
    return slot;
  }

  #reset(slot: number, timestampUs: number): void {
    this.#firstUs[slot] = timestampUs;
    this.#seen.fill(0, slot * seenWords, (slot + 1) * seenWords);
    this.#names[slot] = 0;
    this.#encodedNames[slot] = 0;
    this.#textNames[slot] = 0;
    this.#rawNames[slot] = 0;
    this.#queries[slot] = 0;
    this.#dataBytes[slot] = 0;
    const { bytes, domainAt, length } = this.#name;
    const domain = bytes.subarray(domainAt, Math.min(length, domainAt + domainLengthMax));
    this.#domains.set(domain, slot * domainLengthMax);
    this.#domainLengths[slot] = domain.length;
  }

  /** Whether the name was asked for before (or one that shares its bit), and remembers it. */
  #isSeen(slot: number, hash: number): boolean {
    const place = slot * seenWords + (hash >>> 5 & seenWords - 1);
    const bit = 1 << (hash & 31);
    const isSeen = (this.#seen[place] & bit) !== 0;
    this.#seen[place] |= bit;
    return isSeen;
  }

  /** Counts a name not seen before. */
  #count(slot: number, type: number): void {
    const { dataLength } = this.#name;
    this.#names[slot]++;
    this.#dataBytes[slot] += dataLength;
    if (isRawType(type)) this.#rawNames[slot]++;
    if (dataLength < dataLengthMin || !this.#name.isEncoded) return;
    this.#encodedNames[slot]++;
    if (textTypes.has(type) || isRawType(type)) this.#textNames[slot]++;
  }

  #suffices(slot: number): boolean {
    if (this.#rawNames[slot] >= rawNamesMin) return true;
    if (this.#textNames[slot] >= textNamesMin && this.#dataBytes[slot] >= textBytesMin) return true;
    const encoded = this.#encodedNames[slot];
    return encoded >= encodedNamesMin && encoded >= this.#names[slot] * encodedShareMin;
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

  #describe(slot: number, { amount, firstUs, lastUs }: Episode): EpisodeFacts {
    const source = keyAddress(this.#context, this.#slots, slot, 0);
    const [word0, word1, word2, word3] = this.#server.subarray(slot * 4, slot * 4 + 4);
    const server = this.#context.formatAddress(word0, word1, word2, word3);
    const at = slot * domainLengthMax;
    const domain = String.fromCharCode(
      ...this.#domains.subarray(at, at + this.#domainLengths[slot]),
    );
    const under = domain === "" ? "under no domain" : `under ${domain}`;
    const mean = Math.round(this.#dataBytes[slot] / this.#names[slot]);
    const isCertain = this.#rawNames[slot] >= rawNamesMin || this.#textNames[slot] >= textNamesMin;
    return {
      severity: "high",
      attackId: "T1071.004",
      sources: [source],
      sourceCount: 1,
      targets: [server],
      targetCount: 1,
      confidence: isCertain ? 0.95 : 0.8,
      reason: `${source} asked ${server} ${formatCount(amount)} times within ` +
        `${formatPeriod(lastUs - firstUs)} for ever new names ${under}, ${mean} characters of ` +
        `data in each, as DNS tunnels do`,
    };
  }
}

/** MX, CNAME, TXT, SIG, KEY, NAPTR: they carry text or names of any kind. */
const textTypes: ReadonlySet<number> = new Set([5, 15, 16, 24, 25, 35]);

/** NULL (RFC 1035 section 3.3.10) and the private range (RFC 6895): nothing but tunnels uses them. */
function isRawType(type: number): boolean {
  return type === 10 || type >= 65_280 && type <= 65_534;
}
