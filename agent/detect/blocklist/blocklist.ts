/**
 * Contacts with what is on a block list: an address, a name that is asked for by DNS or in TLS, QUIC and HTTP, a JA4
 * fingerprint. One finding is of one entry and the host that met it, whoever of a listed network it was.
 */
import { maskOf } from "../../decode/addresses.ts";
import { type Finding, Transport } from "../../records.ts";
import { formatCount } from "../../text/amounts.ts";
import { keyAddress } from "../common/address_words.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import type { BlockHit, BlockLists } from "./block_lists.ts";

/** How an entry was met. */
const How = { calls: 0, called: 1, asks: 2, names: 3, ja4: 4 } as const;

/** Key: the host, the entry's two words, how. */
const keyWords = 7;
const capacity = 1024;
const quietUs = 1800e6;
/** Listed addresses kept of an entry; `sourceCount` and `targetCount` go no further. */
const othersMax = 256;
const othersListed = 64;
const tcpReset = 4;

interface Met {
  readonly hit: BlockHit;
  /** The other sides: listed addresses, servers of names. */
  readonly others: Set<string>;
  readonly port: number;
  /** Name that was asked for; "" where it is the entry. */
  readonly name: string;
  count: number;
  hasAnswer: boolean;
}

export class Blocklist implements Detector {
  readonly interests: readonly Interest[] = [
    { kind: ObservationKind.contact, marks: Mark.isNew | Mark.isFirstOfSide },
    { kind: ObservationKind.dns, marks: 0 },
    { kind: ObservationKind.name, marks: 0 },
  ];
  readonly #context: DetectorContext;
  readonly #lists: () => BlockLists;
  readonly #slots: KeyedSlots;
  readonly #episodes: Episodes;
  readonly #key = new Int32Array(keyWords);
  readonly #met: (Met | null)[] = new Array(capacity).fill(null);

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#lists = context.blockLists!;
    this.#episodes = new Episodes({
      context,
      kind: "blocklist",
      quietUs,
      describe: (slot, episode) => this.#describe(slot, episode),
    });
    this.#slots = new KeyedSlots({
      capacity,
      keyWords,
      onForget: (slot) => {
        this.#episodes.close(slot);
        this.#met[slot] = null;
      },
    });
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#lists().stateBytes;
  }
  get blocklists() {
    return this.#lists().state;
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    if (observation.kind === ObservationKind.contact) this.#takeContact(observation);
    else if (observation.kind === ObservationKind.dns) this.#takeDns(observation);
    else this.#takeNames(observation);
  }

  advance(nowUs: number): void {
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  #takeContact(observation: Observation): void {
    const { at } = observation;
    const isFromOriginator = observation.has(Mark.sentByOriginator);
    const isAnswer = !isFromOriginator;
    const originator = isFromOriginator ? at + 3 : at + 7;
    const responder = isFromOriginator ? at + 7 : at + 3;
    const isRefusal = observation.transport === Transport.tcp &&
      (observation.tcpFlags & tcpReset) !== 0;
    const port = isFromOriginator ? observation.destinationPort : observation.sourcePort;
    for (
      const [how, listed, other] of [
        [How.calls, responder, originator],
        [How.called, originator, responder],
      ] as const
    ) {
      const hit = this.#findAddress(observation, listed);
      if (hit === null) continue;
      // A first packet of the answering side of a flow whose beginning was seen adds nothing but the answer.
      const isNew = observation.has(Mark.isNew);
      this.#meet(observation, {
        how,
        hit,
        host: other,
        other: listed,
        port,
        isCounted: isNew,
        isAnswered: isAnswer && !isRefusal,
      });
    }
  }

  #findAddress({ words }: Observation, at: number): BlockHit | null {
    const [word0, word1, word2, word3] = words.subarray(at, at + 4);
    const hit = this.#lists().findAddress(word0, word1, word2, word3);
    if (hit === null) return null;
    const { prefixLength } = hit;
    const masked = [word0, word1, word2, word3].map((word, index) =>
      word & maskOf(prefixLength - 32 * index)
    ) as [number, number, number, number];
    const isIpv4 = word0 === 0 && word1 === 0 && word2 === 0xffff;
    const bits = isIpv4 ? prefixLength - 96 : prefixLength;
    const address = this.#context.formatAddress(...masked);
    return { ...hit, entry: bits === (isIpv4 ? 32 : 128) ? address : `${address}/${bits}` };
  }

  #takeDns(observation: Observation): void {
    const { at, isDnsResponse } = observation;
    const name = observation.dnsName;
    const hit = name === "" ? null : this.#lists().findName(name);
    if (hit === null) return;
    const [client, server] = isDnsResponse ? [at + 7, at + 3] : [at + 3, at + 7];
    const port = isDnsResponse ? observation.sourcePort : observation.destinationPort;
    this.#meet(observation, {
      how: How.asks,
      hit,
      host: client,
      other: server,
      port,
      name,
      isCounted: !isDnsResponse,
      isAnswered: isDnsResponse,
    });
  }

  #takeNames(observation: Observation): void {
    const { at } = observation;
    const name = observation.serverName;
    const seen = { host: at + 3, other: at + 7, port: observation.destinationPort };
    const named = name === "" ? null : this.#lists().findName(name);
    const isCounted = true;
    const isAnswered = true;
    if (named !== null) {
      this.#meet(observation, { ...seen, how: How.names, hit: named, name, isCounted, isAnswered });
    }
    const { ja4 } = observation;
    const printed = ja4 === "" ? null : this.#lists().findJa4(ja4);
    if (printed !== null) {
      this.#meet(observation, { ...seen, how: How.ja4, hit: printed, isCounted, isAnswered });
    }
  }

  /** `host` and `other` are places of addresses in the row. */
  #meet(
    { words, timestampUs, flowId }: Observation,
    { how, hit, host, other, port, name = "", isCounted, isAnswered }: {
      readonly how: number;
      readonly hit: BlockHit;
      readonly host: number;
      readonly other: number;
      readonly port: number;
      readonly name?: string;
      readonly isCounted: boolean;
      readonly isAnswered: boolean;
    },
  ): void {
    const key = this.#key;
    key.set(words.subarray(host, host + 4));
    key[4] = hit.lane0;
    key[5] = hit.lane1;
    key[6] = how;
    const slot = this.#slots.add(key);
    const isOpen = this.#episodes.get(slot) !== undefined;
    if (!isOpen || this.#met[slot] === null) {
      const others = new Set<string>();
      const shown = name === hit.entry ? "" : name;
      this.#met[slot] = { hit, others, port, name: shown, count: 0, hasAnswer: false };
    }
    const met = this.#met[slot]!;
    const [word0, word1, word2, word3] = words.subarray(other, other + 4);
    if (met.others.size < othersMax) {
      met.others.add(this.#context.formatAddress(word0, word1, word2, word3));
    }
    const isFirstAnswer = isAnswered && !met.hasAnswer;
    if (isFirstAnswer) met.hasAnswer = true;
    if (isCounted || !isOpen) met.count++;
    const evidence = { timestampUs, amount: met.count, flowId };
    if (!isOpen) return this.#episodes.open(slot, timestampUs, evidence);
    this.#episodes.grow(slot, evidence);
    if (isFirstAnswer) this.#episodes.retell(slot);
  }

  #describe(slot: number, { amount }: Episode): EpisodeFacts {
    const met = this.#met[slot]!;
    const how = this.#slots.keyWord(slot, 6);
    const host = keyAddress(this.#context, this.#slots, slot, 0);
    const others = [...met.others].slice(0, othersListed);
    const isCalled = how === How.called;
    const ofHost = { listed: [host], count: 1 };
    const ofOthers = { listed: others, count: met.others.size };
    const [source, target] = isCalled ? [ofOthers, ofHost] : [ofHost, ofOthers];
    return {
      severity: severityOf(how, met),
      attackId: isCalled ? "" : how === How.asks ? "T1071.004" : "T1071",
      sources: source.listed,
      sourceCount: source.count,
      targets: target.listed,
      targetCount: target.count,
      confidence: 0.9,
      reason: reasonOf(how, host, others, met, amount),
      hasSucceeded: false,
      ports: met.port > 0 ? String(met.port) : "",
    };
  }
}

/** What reaches in from a list and is let stand is the internet's usual noise. */
function severityOf(how: number, { hasAnswer }: Met): Finding["severity"] {
  if (how === How.called) return hasAnswer ? "medium" : "low";
  return how === How.asks || how === How.calls && !hasAnswer ? "medium" : "high";
}

function reasonOf(
  how: number,
  host: string,
  others: readonly string[],
  { hit, name, hasAnswer, port }: Met,
  amount: number,
): string {
  const times = amount === 1 ? "" : ` ${formatCount(amount)} times`;
  const listed = `line ${formatCount(hit.line)} of ${hit.list}`;
  const [first = "an address"] = others;
  const at = `${first}${port > 0 ? ` (port ${port})` : ""}`;
  const more = others.length > 1 ? ` and ${others.length - 1} more` : "";
  const entry = hit.entry === first && more === "" ? "" : ` (${hit.entry})`;
  const silent = hasAnswer ? "" : ", without an answer";
  const asked = name === "" ? hit.entry : name;
  const matched = name === "" ? "" : ` (${hit.entry})`;
  switch (how) {
    case How.calls:
      return `${host} called ${at}${more}${times}${silent}; ${listed} lists it${entry}`;
    case How.called:
      return `${first}${more} called ${host}${
        port > 0 ? ` (port ${port})` : ""
      }${times}${silent}; ${listed} lists it${entry}`;
    case How.asks:
      return `${host} asked for the name ${asked}${times}; ${listed} lists it${matched}`;
    case How.names:
      return `${host} spoke with ${at}${times} by the name ${asked}; ${listed} lists it${matched}`;
    default:
      return `${host} spoke with ${at}${times} by TLS with the fingerprint ${hit.entry}; ${listed} lists it`;
  }
}
