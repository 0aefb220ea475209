/**
 * How much of the traffic is anomalous: packets in windows of flagged hosts, of all packets, over the last 5 minutes (or
 * over all of a file), with the windows judged and flagged in that time.
 */
import type { JudgedWindows } from "../../records.ts";
import type { JudgedWindow } from "./judged_window.ts";

interface WindowTotals {
  readonly tsUs: number;
  readonly packets: number;
  windows: number;
  windowsFlagged: number;
  packetsFlagged: number;
}

const spanUs = 300_000_000;
/** Ten days, should nobody take them. */
const judgedMax = 86_400;

export class AnomalyRate {
  readonly #isOfAll: boolean;
  #totals: WindowTotals[] = [];
  #judged: JudgedWindows[] = [];
  #gone = { windows: 0, windowsFlagged: 0, packets: 0, packetsFlagged: 0 };

  /** `isOfAll`: over all windows instead of those of the last 5 minutes. */
  constructor(isOfAll: boolean) {
    this.#isOfAll = isOfAll;
  }

  /** A window has ended in which that many packets passed. */
  addTraffic(tsUs: number, packets: number): void {
    this.#totals.push({ tsUs, packets, windows: 0, windowsFlagged: 0, packetsFlagged: 0 });
    while (Math.abs(tsUs - this.#totals[0].tsUs) >= spanUs) this.#leave(this.#totals.shift()!);
  }

  /** Hosts were judged in the window that began at `tsUs`. */
  addJudged(tsUs: number, windows: number, flagged: readonly JudgedWindow[]): void {
    const totals = this.#totals.findLast((one) => one.tsUs === tsUs);
    const packets = packetsOf(flagged);
    if (totals === undefined) {
      this.#gone.windows += windows;
      this.#gone.windowsFlagged += flagged.length;
      this.#gone.packetsFlagged += packets;
      return;
    }
    totals.windows += windows;
    totals.windowsFlagged += flagged.length;
    totals.packetsFlagged = Math.min(totals.packets, totals.packetsFlagged + packets);
    if (this.#isOfAll || windows === 0) return;
    const { anomalyRatePct: ratePct } = this.state();
    this.#judged.push({ tsUs, windows, flagged: flagged.length, ratePct });
    if (this.#judged.length > judgedMax) this.#judged.shift();
  }

  /** What was judged since the last call, the newest at most; nothing of a file that is judged as a whole. */
  takeJudged(): JudgedWindows[] {
    return this.#judged.splice(0);
  }

  state(): { windows: number; windowsFlagged: number; anomalyRatePct: number } {
    const sums = this.#isOfAll ? { ...this.#gone } : nothing();
    for (const totals of this.#totals) addTo(sums, totals);
    const share = Math.min(1, sums.packetsFlagged / Math.max(1, sums.packets));
    const { windows, windowsFlagged } = sums;
    return { windows, windowsFlagged, anomalyRatePct: 100 * share };
  }

  #leave(totals: WindowTotals): void {
    addTo(this.#gone, totals);
  }
}

function nothing() {
  return { windows: 0, windowsFlagged: 0, packets: 0, packetsFlagged: 0 };
}

function addTo(sums: ReturnType<typeof nothing>, totals: Omit<WindowTotals, "tsUs">): void {
  sums.windows += totals.windows;
  sums.windowsFlagged += totals.windowsFlagged;
  sums.packets += totals.packets;
  sums.packetsFlagged += totals.packetsFlagged;
}

/**
 * Packets that any of the hosts sent or received. Those between two of them are in both hosts' counts; how many they are
 * is estimated from the share of a host's connections that its flagged peers have.
 */
export function packetsOf(flagged: readonly JudgedWindow[]): number {
  let sum = 0;
  for (const { packets, peers, connections } of flagged) {
    const shared = peers.filter((peer) =>
      flagged.some((other) => isSame(other.address, peer.address))
    );
    const sharedConnections = shared.reduce((total, peer) => total + peer.connections, 0);
    sum += packets * (1 - Math.min(1, sharedConnections / Math.max(1, connections)) / 2);
  }
  return sum;
}

function isSame(one: Int32Array | null, other: Int32Array): boolean {
  return one !== null && one[3] === other[3] && one[2] === other[2] && one[1] === other[1] &&
    one[0] === other[0];
}
