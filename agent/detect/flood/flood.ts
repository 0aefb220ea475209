/**
 * Floods: more new connections or packets a second at one destination than a service or a scan explains; limits in
 * kinds.ts. A flood of one flow shows as doublings of its packet count, one with forged sources or counted-up
 * ports as a new flow with every packet.
 *
 * Many ports of one host from few sources are a scan, until more has come than a host has ports. What is answered is no
 * flood (busy servers, load tests, resolvers), nor are streams in one direction: below ten times the limit (logs), to a host
 * that speaks with their sender in another flow (iperf, cameras, tunnels), or of packets that bear numbers (RTP, iperf), as
 * long as nothing is refused.
 *
 * Reflected traffic is counted beside them: answers that their receiver has not asked for, in the whole capture or for five
 * minutes, of services over UDP and of TCP servers; and answers of a host here that are ten times what it was asked.
 */
import type { Detector, DetectorContext } from "../detector.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { roundEstimate } from "../../text/amounts.ts";
import { formatMac, keyAddress } from "../common/address_words.ts";
import { Arrivals } from "./arrivals.ts";
import { floodFacts, FloodKind, isReflection } from "./kinds.ts";
import { reflectionFacts } from "./reflection.ts";

/** Longer than a flow's idle time and a window together: the row of its end brings the last figures. */
const quietUs = 75_000_000;

export class Flood implements Detector {
  readonly #context: DetectorContext;
  readonly #arrivals: Arrivals;
  readonly #episodes: Episodes;

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#arrivals = new Arrivals({
      opened: (slot, timestampUs, flowId) => this.#open(slot, timestampUs, flowId),
      forgotten: (slot) => this.#episodes.close(slot),
    });
    this.#episodes = new Episodes({
      context,
      kind: (slot) => isReflection(this.#arrivals.keyWord(slot, 4)) ? "reflection" : "flood",
      quietUs,
      openSlots: this.#arrivals.openSlots,
      describe: (slot, episode) => this.#describe(slot, episode),
    });
  }

  get stateBytes(): number {
    return this.#arrivals.stateBytes;
  }
  get forgottenCount(): number {
    return this.#arrivals.forgottenCount;
  }

  takeRows(words: Int32Array, from: number, to: number): void {
    this.#arrivals.takeRows(words, from, to);
  }

  advance(nowUs: number): void {
    for (const slot of this.#episodes.slots) {
      const arrivals = this.#arrivals;
      this.#episodes.grow(slot, {
        firstUs: arrivals.firstUs(slot),
        timestampUs: arrivals.lastUs(slot),
        amount: arrivals.total(slot),
        flowId: 0,
      });
    }
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  #open(slot: number, timestampUs: number, flowId: number): void {
    const amount = this.#arrivals.total(slot);
    this.#episodes.open(slot, this.#arrivals.firstUs(slot), { timestampUs, amount, flowId });
  }

  #describe(slot: number, episode: Episode): EpisodeFacts {
    const arrivals = this.#arrivals;
    const kind = arrivals.keyWord(slot, 4);
    const others = arrivals.sources(slot).map((words) =>
      this.#context.formatAddress(words[0], words[1], words[2], words[3])
    );
    const peak = arrivals.peak(slot);
    const { isOneSided } = arrivals;
    const common = {
      kind,
      peak,
      isPeakRate: arrivals.isPeakRate(slot),
      isOneSided,
      bytes: arrivals.bytes(slot),
      service: arrivals.keyWord(slot, 5),
    };
    if (kind === FloodKind.dhcp) {
      const mac = formatMac(arrivals.keyWord(slot, 2), arrivals.keyWord(slot, 3));
      const target = others.length === 1 ? others[0] : `${others[0]} and others`;
      const flood = { ...common, target, port: -1, sources: [mac], sourceCount: 1 };
      return { ...floodFacts(flood, episode), targets: others, targetCount: others.length };
    }
    const factsOf = isReflection(kind) ? reflectionFacts : floodFacts;
    return factsOf({
      ...common,
      target: keyAddress(this.#context, arrivals, slot, 0),
      port: kind === FloodKind.icmp ? -1 : arrivals.port(slot),
      sources: others,
      sourceCount: others.length === 1
        ? 1
        : roundEstimate(Math.max(others.length, arrivals.sourceCount(slot))),
    }, episode);
  }
}
