/** Counts where packets were not decoded to the end, and of how many nothing was seen that detection could judge. */
import { describeLinktype } from "../capture/linktypes.ts";
import { isOfLink, nameOfUnread } from "../decode/unread_names.ts";
import {
  type DecodeStop,
  Layer,
  LAYER_NAMES,
  type LayerName,
  type Packet,
  StopReason,
} from "../records.ts";

/** Places counted apart; those that come later are counted by their layer alone. */
const placesMax = 200;
const listMax = 20;
/** Numbers of what is not read are told apart up to here: all but those of odd link types within other headers. */
const whatMax = 0xfffff;

/** Layers with addresses in front of them that are only a tunnel's ends. */
const tunnels: ReadonlySet<number> = new Set(
  (["gre", "vxlan", "geneve", "teredo", "gtp-u", "l2tp", "tzsp", "nsh"] satisfies LayerName[])
    .map((name) => Layer[name]),
);

const reasons = ["truncated", "malformed", "unsupported"] as const;

interface Place {
  readonly layer: number;
  readonly reason: number;
  readonly what: number;
  packets: number;
  unread: number;
}

export class DecodeStops {
  #places = new Map<number, Place>();
  #unread = 0;

  /** Packets of which nothing was seen, see DecodeStop. */
  get unreadPackets(): number {
    return this.#unread;
  }

  /** Counts a packet that has a reason to stop. */
  add(packet: Packet): void {
    const { stopLayer: layer, stopReason: reason } = packet;
    const isUnsupported = reason === StopReason.unsupported;
    const what = isUnsupported ? Math.min(packet.stopNeeded, whatMax) : 0;
    const place = this.#placeOf(layer, reason, what);
    place.packets++;
    const isSeen = (packet.ipVersion !== 0 || packet.arpOffset >= 0) && !tunnels.has(layer);
    if (isSeen || isUnsupported && isOfLink(layer, what)) return;
    place.unread++;
    this.#unread++;
  }

  #placeOf(layer: number, reason: number, what: number): Place {
    const key = (layer * 4 + reason) * (whatMax + 1) + what;
    let place = this.#places.get(key);
    if (place !== undefined) return place;
    if (what !== 0 && this.#places.size >= placesMax) return this.#placeOf(layer, reason, 0);
    place = { layer, reason, what, packets: 0, unread: 0 };
    this.#places.set(key, place);
    return place;
  }

  /** Places with most packets, most first. */
  list(): DecodeStop[] {
    const places = [...this.#places.values()].sort((a, b) => b.packets - a.packets);
    return places.slice(0, listMax).map(({ layer, reason, what, packets, unread }) => ({
      layer: LAYER_NAMES[layer],
      reason: reasons[reason - 1],
      name: layer === Layer.link && what !== 0
        ? `link type ${describeLinktype(what)}`
        : nameOfUnread(layer, what),
      packets,
      unread,
    }));
  }
}
