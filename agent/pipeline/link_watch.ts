/** What the pipeline does to know who is on the link: it hands the packets that tell something to link_view.ts. */
import type { HotPath } from "../hot/hot_path.ts";
import {
  KNOWN_MACS_AT,
  KNOWN_MACS_MAX,
  MAC_IS_ROUTER,
  MAC_IS_SETTLED,
  P_DESTINATION,
  P_LINK_OFFSET,
  P_SOURCE,
  P_TTL,
  PACKET_AT,
  S_KNOWN_MACS,
} from "../hot/layout.ts";
import { Linktype, type Packet, type PacketBatch } from "../records.ts";
import type { Address, HomeNetwork } from "./home_network.ts";
import { hearLink, macAt } from "./link_speech.ts";
import { Known, LinkView, type MacKnowledge, type MacWords } from "./link_view.ts";
import type { MacBook } from "./mac_book.ts";

/** Rows of the host table. */
interface PacketHosts {
  readonly source: number;
  readonly destination: number;
}

export class LinkWatch {
  readonly #hot: HotPath;
  readonly #view: LinkView;
  readonly #macs: MacBook;
  #toldCount = 0;

  constructor(hot: HotPath, home: HomeNetwork, macs: MacBook) {
    this.#hot = hot;
    this.#macs = macs;
    this.#view = new LinkView(home, (mac, known) => this.#tell(mac, known));
  }

  /** Takes a packet that was decoded, in case that it speaks of the link; returns whether it does. */
  hear(bytes: Uint8Array, packet: Packet, frameEnd: number): boolean {
    return hearLink({ view: this.#view, macs: this.#macs }, bytes, packet, frameEnd);
  }

  /** Takes the MAC addresses of the packet that the hot path has in hand, which is at `index` of the batch. */
  seeMacs(batch: PacketBatch, index: number, hosts: PacketHosts & { isAnswered: boolean }) {
    const { bytes, linktypes } = batch;
    const { words } = this.#hot;
    const packet = PACKET_AT / 4;
    const at = words[packet + P_LINK_OFFSET];
    const isToOne = linktypes[index] === Linktype.ethernet && (bytes[at] & 1) === 0;
    const known = this.#view.see({
      fromMac: macAt(bytes, at + 6),
      toMac: isToOne ? macAt(bytes, at) : null,
      source: addressAt(words, packet + P_SOURCE),
      destination: addressAt(words, packet + P_DESTINATION),
      hopLimit: words[packet + P_TTL],
      isAnswered: hosts.isAnswered,
    });
    return {
      isSourceKnown: (known & Known.source) !== 0,
      isDestinationKnown: (known & Known.destination) !== 0,
    };
  }

  /** Lets the hot path know what it needs of a MAC address; when there is no place left, another one's is taken. */
  #tell(mac: MacWords, { isSettled, isRouter }: MacKnowledge): void {
    const upper = mac[0];
    const lower = mac[1];
    this.#macs.setRouter(mac, isRouter);
    const { words, state } = this.#hot;
    const flags = (isSettled ? MAC_IS_SETTLED : 0) | (isRouter ? MAC_IS_ROUTER : 0);
    const from = KNOWN_MACS_AT / 4;
    let at = from;
    const end = from + state[S_KNOWN_MACS] * 2;
    while (at < end && (words[at + 1] !== lower || (words[at] & 0xffff) !== upper)) at += 2;
    if (at === end) {
      if (flags === 0) return;
      at = from + this.#toldCount++ % KNOWN_MACS_MAX * 2;
      state[S_KNOWN_MACS] = Math.min(this.#toldCount, KNOWN_MACS_MAX);
    }
    words[at] = flags << 16 | upper;
    words[at + 1] = lower;
  }
}

function addressAt(words: Int32Array, at: number): Address {
  return [words[at], words[at + 1], words[at + 2], words[at + 3]];
}
