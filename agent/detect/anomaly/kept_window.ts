/**
 * What is kept of a window until it is judged. Most windows are usual and never told of, so what only a finding needs is
 * copied as it lies in HostActivity, and made of that when it is asked for.
 */
import { FLOWS_KEPT, type HostActivity, PEER_WORDS, PEERS_KEPT } from "./host_activity.ts";
import type { Peer, ScoredWindow } from "./judged_window.ts";

export interface KeptFacts {
  readonly tsUs: number;
  readonly vector: Float64Array;
  readonly packets: number;
  readonly connections: number;
}

export class KeptWindow implements ScoredWindow {
  readonly tsUs: number;
  readonly address: Int32Array | null;
  readonly vector: Float64Array;
  readonly packets: number;
  readonly connections: number;
  /** The verdict, once there is a model. */
  score = 0;
  threshold = 0;
  isAnomalous = false;
  readonly #flowIds: Uint32Array;
  readonly #peers: Int32Array;

  /** Copies what `activity` has of the slot; `facts.vector` becomes the window's own. */
  constructor(activity: HostActivity, slot: number, facts: KeptFacts) {
    const { flowIds, flowCounts, linkSlot, peers } = activity;
    const flowsAt = slot * FLOWS_KEPT;
    const peersAt = slot * PEERS_KEPT * PEER_WORDS;
    this.tsUs = facts.tsUs;
    this.vector = facts.vector;
    this.packets = facts.packets;
    this.connections = facts.connections;
    this.address = slot === linkSlot ? null : addressOf(activity, slot);
    this.#flowIds = flowIds.slice(flowsAt, flowsAt + flowCounts[slot]);
    this.#peers = peers.slice(peersAt, peersAt + PEERS_KEPT * PEER_WORDS);
  }

  get flowIds(): readonly number[] {
    return Array.from(this.#flowIds);
  }

  get peers(): readonly Peer[] {
    const peers: Peer[] = [];
    for (let at = 0; at < this.#peers.length; at += PEER_WORDS) {
      const connections = this.#peers[at + 4];
      if (connections > 0) peers.push({ address: this.#peers.slice(at, at + 4), connections });
    }
    return peers.sort((a, b) => b.connections - a.connections);
  }
}

function addressOf(activity: HostActivity, slot: number): Int32Array {
  const words = new Int32Array(4);
  for (let word = 0; word < 4; word++) words[word] = activity.addressWord(slot, word);
  return words;
}
