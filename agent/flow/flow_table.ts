/**
 * The table of flows under way: packets in, ended flows out. A flow is both directions of an innermost 5-tuple (see
 * five_tuple.ts). Everything lives in typed arrays; a packet makes no object, string or closure.
 *
 * Who is the originator: the sender of the SYN, or the receiver of a SYN-ACK; without them the sender of the first
 * packet, unless it comes from a likely server port to one that is none (Zeek's rule: both likely, TCP: from the
 * lower port) and not to a multicast or broadcast address. Roles turned round against the first packet show as `^`.
 *
 * When a flow ends, on traffic time:
 * - "closed": silent for `tcpClosedUs` after the end of its TCP connection; or at once, when a SYN begins another
 *   connection with the same ports (after the close, or with another initial sequence number).
 * - "idle": silent for the timeout of its kind. Whether a packet still belongs is decided by the packet's own time
 *   and the flow's last, so results do not depend on how often advance() is called. A packet that is older than the
 *   flow's last by more than the timeout and a minute (joined files) also begins a new flow.
 * - "active": on its first packet after `activeUs`. The rest goes on as a new flow with the same Community ID,
 *   roles, TCP state, application and names, and its own counters and history.
 * - "evicted": the longest idle one, when a new flow finds flowCountMax standing.
 *
 * Packets are taken in by the hot path (agent/hot), whose memory holds the flows; this is the door to it, and everything
 * that needs strings or records.
 *
 * Memory at 1,000,000 flows:
 *     slots          256 bytes, agent/hot/layout.ts                  256 MB
 *     index          2^21 places of 4 bytes                            8 MB
 *     names          131,072 strings of 64 characters on average, 2 bytes each at worst, with about 150 bytes of
 *                    Map entry, header and counters                    36 MB
 *     sum                                                            300 MB
 * Slots that were never used cost nothing, and nothing is copied while the table grows.
 */
import { HotPath } from "../hot/hot_path.ts";
import {
  CLASS_COUNT,
  END_ACTIVE,
  F_COPIES,
  F_ID,
  F_JA4,
  F_KIND,
  F_LAST_US,
  F_NAME,
  F_PACKETS,
  F_PREVIOUS,
  F_SEEN,
  F_TCP_START,
  F_WIRE_BYTES,
  HEADS_AT,
  KIND_APPLICATION_SHIFT,
  S_ACTIVE_COUNT,
  S_ACTIVE_US,
  S_CUT_COUNT,
  S_EVICTED_COUNT,
  S_FLOW_ID_BASE,
  S_FLOW_ID_STEP,
  S_IS_NEW,
  S_IS_ORIGINATOR,
  S_NOW_US,
  S_SEED_0,
  S_SEED_1,
  S_TIMEOUT_MIN_US,
  S_TOTAL_COUNT,
  S_TURN,
  S_WANTS,
  S_WINDOW_START_US,
  SEEN_BUDGET_SHIFT,
  SEEN_IS_CONTINUED,
  SEEN_IS_FOLLOWED,
  SLOT_BYTES,
  SLOT_WORDS,
  TIMEOUTS_AT,
  WANTS_FLOWS,
} from "../hot/layout.ts";
import type { Flow, FlowEndReason, Packet } from "../records.ts";
import { icmpPairs } from "./five_tuple.ts";
import { makeFlow } from "./flow_record.ts";
import { FragmentCache } from "./fragment_cache.ts";
import { serverPortBits } from "./server_ports.ts";
import { StringTable } from "./string_table.ts";
import { DEFAULT_TIMEOUTS, type FlowTimeouts, timeoutsByClass } from "./timeouts.ts";

export interface FlowTableOptions {
  /** Most flows at a time; default 1,000,000. */
  readonly flowCountMax?: number;
  readonly timeouts?: FlowTimeouts;
  /**
   * Called before a flow leaves its slot: the slot can still be read, and is free when the call returns. Who owns `hot` may
   * take back WANTS_FLOWS: then only of flows that inspect() of HotCalls was called for.
   */
  readonly onEnd: (slot: number, reason: FlowEndReason) => void;
  /** Two random words against chosen collisions (live); the fixed default makes files repeat exactly. */
  readonly hashSeed?: readonly [number, number];
  /** Which of how many tables this is: their flows are numbered in turns. The only one unless told. */
  readonly part?: { readonly index: number; readonly count: number };
  /** Where the flows live, made for as many; one of the table's own when absent. */
  readonly hot?: HotPath;
}

/** From the originator's TCP words in a slot to the responder's. */
const directionWords = 4;
const flowCountLimit = 2 ** 23;
/** By END_ of the hot path's layout. */
const endReasons: readonly FlowEndReason[] = ["closed", "idle", "active", "evicted", "end"];
const namesMax = { countMax: 131_072, lengthMax: 8 * 1024 * 1024 };

export class FlowTable {
  readonly #onEnd: (slot: number, reason: FlowEndReason) => void;
  readonly #hot: HotPath;
  /** Word of the first slot. */
  readonly #slots: number;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #strings = new StringTable(namesMax);
  readonly #fragments = new FragmentCache();
  #endingSlot = -1;
  #endingReason: FlowEndReason | "" = "";

  constructor(options: FlowTableOptions) {
    const flowCountMax = options.flowCountMax ?? 1_000_000;
    if (!Number.isInteger(flowCountMax) || flowCountMax < 1 || flowCountMax > flowCountLimit) {
      throw new RangeError(
        `Cannot make flow table: flowCountMax must be 1 to ${flowCountLimit}, got ${flowCountMax}`,
      );
    }
    const timeouts = options.timeouts ?? DEFAULT_TIMEOUTS;
    const hot = options.hot ?? new HotPath({ flowCountMax, hostCountMax: 1 });
    this.#onEnd = options.onEnd;
    this.#hot = hot;
    this.#slots = hot.exports.flowSlotsAt() / 4;
    this.#words = hot.words;
    this.#doubles = hot.doubles;
    hot.state[S_WANTS] |= WANTS_FLOWS;
    hot.calls.flowEnded = (slot, reason) => this.#ended(slot, reason);
    hot.setTables(icmpPairs, serverPortBits);
    const timeoutsUs = timeoutsByClass(timeouts);
    hot.doublesAt(TIMEOUTS_AT, CLASS_COUNT).set(timeoutsUs);
    hot.times[S_TIMEOUT_MIN_US / 2] = Math.min(...timeoutsUs);
    hot.times[S_ACTIVE_US / 2] = timeouts.activeUs;
    [hot.state[S_SEED_0], hot.state[S_SEED_1]] = options.hashSeed ?? [0x74617077, 0x61746368];
    const { index, count } = options.part ?? { index: 0, count: 1 };
    hot.times[S_FLOW_ID_STEP / 2] = count;
    hot.times[S_FLOW_ID_BASE / 2] = index + 1 - count;
  }

  /** Flows standing now. */
  get activeCount(): number {
    return this.#hot.state[S_ACTIVE_COUNT];
  }

  /** Flows begun since the start; one that was cut counts once. */
  get totalCount(): number {
    return this.#hot.times[S_TOTAL_COUNT / 2] - this.#hot.times[S_CUT_COUNT / 2];
  }

  get evictedCount(): number {
    return this.#hot.times[S_EVICTED_COUNT / 2];
  }

  /** About the last packet: it began a flow (also the next piece of one that was cut). */
  get isNew(): boolean {
    return this.#hot.state[S_IS_NEW] !== 0;
  }

  /** About the last packet: its sender is the flow's originator. */
  get isOriginator(): boolean {
    return this.#hot.state[S_IS_ORIGINATOR] !== 0;
  }

  /** About the last packet: FlowTurn bits. */
  get turn(): number {
    return this.#hot.state[S_TURN];
  }

  /** Start of the window of WINDOW_US that traffic time is in; see FlowTurn.isFirstInWindow. */
  get windowStartUs(): number {
    return this.#hot.times[S_WINDOW_START_US / 2];
  }

  /** Names not kept because too many different ones were held. */
  get namesDroppedCount(): number {
    return this.#strings.droppedCount;
  }

  /** Takes a packet into its flow and returns the flow's slot, or -1 for a packet without an IP header. */
  update(packet: Packet, timestampUs: number, wireLength: number, interfaceId: number): number {
    this.setPacket(packet, timestampUs);
    return this.#hot.exports.updateFlow(timestampUs, wireLength, interfaceId);
  }

  /** Makes `packet` the one that the hot path has in hand. */
  setPacket(packet: Packet, timestampUs: number): void {
    let { sourcePort, destinationPort } = packet;
    if (packet.isFragment !== 0 && packet.ipVersion !== 0) {
      if (packet.isLaterFragment === 0) this.#fragments.put(packet, timestampUs);
      else {
        const ports = this.#fragments.ports(packet, timestampUs);
        if (ports === ports) {
          sourcePort = ports >>> 16;
          destinationPort = ports & 0xffff;
        }
      }
    }
    this.#hot.setPacket(packet, sourcePort, destinationPort);
  }

  /** Ends flows whose time is over. `timestampUs` is traffic time, see agent/hot/assembly/traffic_clock.ts. Call it once a batch. */
  advance(timestampUs: number): void {
    this.#hot.exports.advanceFlows(timestampUs);
  }

  /** Ends flows with reason "end", all or at most `countMax`; returns whether there are more. */
  end(countMax = Infinity): boolean {
    return this.#hot.exports.endFlows(countMax) !== 0;
  }

  /** Flow.id of the flow in a slot. */
  id(slot: number): number {
    return this.#double(slot, F_ID);
  }

  /** Packets of both directions so far, copies among them. */
  packets(slot: number): number {
    return [F_PACKETS, F_PACKETS + 1, F_COPIES, F_COPIES + 1]
      .reduce((sum, place) => sum + (this.#word(slot, place) >>> 0), 0);
  }

  /** Bytes on the wire of both directions so far. */
  wireBytes(slot: number): number {
    return this.#double(slot, F_WIRE_BYTES) + this.#double(slot, F_WIRE_BYTES + 2);
  }

  /** Traffic time; -Infinity before the first packet. */
  get nowUs(): number {
    return this.#hot.times[S_NOW_US / 2];
  }

  /** Time of the flow's newest packet. */
  lastUs(slot: number): number {
    return this.#double(slot, F_LAST_US);
  }

  /** Index into APPLICATION_NAMES; 0 while it is not known. */
  application(slot: number): number {
    return this.#word(slot, F_KIND) >>> KIND_APPLICATION_SHIFT;
  }

  setApplication(slot: number, application: number): void {
    const place = this.#place(slot) + F_KIND;
    const rest = this.#words[place] & (1 << KIND_APPLICATION_SHIFT) - 1;
    this.#words[place] = rest | application << KIND_APPLICATION_SHIFT;
  }

  /** SNI, queried name or HTTP host; "" while none is set. */
  name(slot: number): string {
    return this.#strings.text(this.#word(slot, F_NAME));
  }

  setName(slot: number, name: string): void {
    this.#setString(this.#place(slot) + F_NAME, name);
  }

  setJa4(slot: number, ja4: string): void {
    this.#setString(this.#place(slot) + F_JA4, ja4);
  }

  /**
   * True when this packet's payload may be looked at: for the first few calls of a flow that is not settled. Call it
   * for packets with payload only.
   */
  takeInspection(slot: number): boolean {
    return this.#hot.exports.takeInspection(slot) !== 0;
  }

  /** The packet in hand has told nothing yet: it does not count among those calls. */
  returnInspection(slot: number): void {
    this.#words[this.#place(slot) + F_SEEN] += 1 << SEEN_BUDGET_SHIFT;
  }

  /** Bytes of the stream before the payload of the packet in hand, a TCP segment, in its direction. */
  streamOffset(slot: number, sequence: number): number {
    return this.#offset(slot, sequence, this.isOriginator ? 0 : directionWords);
  }

  /** What the packet in hand, a TCP segment, acknowledges: bytes of the other direction's stream. */
  peerOffset(slot: number, acknowledgement: number): number {
    return this.#offset(slot, acknowledgement, this.isOriginator ? directionWords : 0);
  }

  #offset(slot: number, sequence: number, direction: number): number {
    return sequence - (this.#word(slot, F_TCP_START + direction) + 1) | 0;
  }

  /** Nothing more is to be learnt from the flow's payload. */
  markSettled(slot: number): void {
    this.#words[this.#place(slot) + F_SEEN] &= (1 << SEEN_BUDGET_SHIFT) - 1;
  }

  /** Whether the next payload of the flow will be looked at. */
  isOpen(slot: number): boolean {
    return this.#words[this.#place(slot) + F_SEEN] >>> SEEN_BUDGET_SHIFT !== 0;
  }

  /** The segments of a flow of TCP are to be told (segmentSeen() of HotCalls), and not looked at. */
  follow(slot: number): void {
    this.#words[this.#place(slot) + F_SEEN] |= SEEN_IS_FOLLOWED;
  }

  isFollowed(slot: number): boolean {
    return (this.#words[this.#place(slot) + F_SEEN] & SEEN_IS_FOLLOWED) !== 0;
  }

  unfollow(slot: number): void {
    this.#words[this.#place(slot) + F_SEEN] &= ~SEEN_IS_FOLLOWED;
  }

  /** A later piece of a flow that was cut at its longest age. */
  isContinued(slot: number): boolean {
    return (this.#word(slot, F_SEEN) & SEEN_IS_CONTINUED) !== 0;
  }

  /** The flow as a record. Inside onEnd, and only there, it has its endReason. */
  flow(slot: number): Flow {
    const reason = slot === this.#endingSlot ? this.#endingReason : "";
    return makeFlow(this.#hot, this.#place(slot), this.#strings, reason);
  }

  /** Calls `visit` for each standing flow's slot, in no order that means anything. `visit` must not update. */
  forEachActive(visit: (slot: number) => void): void {
    for (let timeoutClass = 0; timeoutClass < CLASS_COUNT; timeoutClass++) {
      let slot = this.#last(timeoutClass);
      while (slot >= 0) {
        visit(slot);
        slot = this.#before(slot);
      }
    }
  }

  /**
   * Slots of the standing flows, the one that had a packet last first, by arrival: packets out of order may swap two. There must
   * be no update before the last one was taken.
   */
  *newestFirst(): Generator<number> {
    const heads = Array.from(
      { length: CLASS_COUNT },
      (_, timeoutClass) => this.#last(timeoutClass),
    );
    for (;;) {
      let newest = -1;
      heads.forEach((slot, index) => {
        if (slot < 0) return;
        if (newest < 0 || this.lastUs(slot) > this.lastUs(heads[newest])) newest = index;
      });
      if (newest < 0) return;
      const slot = heads[newest];
      heads[newest] = this.#before(slot);
      yield slot;
    }
  }

  /** First word of a slot. */
  #place(slot: number): number {
    return this.#slots + slot * SLOT_WORDS;
  }

  #word(slot: number, offset: number): number {
    return this.#words[this.#slots + slot * SLOT_WORDS + offset];
  }

  #double(slot: number, offset: number): number {
    return this.#doubles[(this.#slots + slot * SLOT_WORDS + offset) / 2];
  }

  /** The most recently touched slot of a timeout class; -1 when there is none. */
  #last(timeoutClass: number): number {
    return this.#slotOfLinks(this.#words[HEADS_AT / 4 + timeoutClass * 2]);
  }

  /** The slot touched just before `slot` in its class; -1 when there is none. */
  #before(slot: number): number {
    return this.#slotOfLinks(this.#word(slot, F_PREVIOUS));
  }

  /** The slot that has its links at an address; -1 for a head's. */
  #slotOfLinks(address: number): number {
    const links = (address >>> 0) - (this.#slots + F_PREVIOUS) * 4;
    return links < 0 ? -1 : links / SLOT_BYTES;
  }

  /** The hot path ends a flow, or cuts it. */
  #ended(slot: number, code: number): void {
    const reason = endReasons[code];
    this.#endingSlot = slot;
    this.#endingReason = reason;
    this.#onEnd(slot, reason);
    this.#endingSlot = -1;
    if (code === END_ACTIVE) return;
    this.#strings.release(this.#word(slot, F_NAME));
    this.#strings.release(this.#word(slot, F_JA4));
  }

  #setString(place: number, text: string): void {
    const old = this.#words[place];
    this.#words[place] = this.#strings.acquire(text);
    this.#strings.release(old);
  }
}
