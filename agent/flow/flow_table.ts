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
 * Memory at 1,000,000 flows:
 *     slots          (160 + 72) bytes, flow_slots.ts                 232 MB
 *     free list, timeout lists                4 + 8 bytes             12 MB
 *     index          2^21 places of 4 bytes                            8 MB
 *     names          131,072 strings of 64 characters on average, 2 bytes each at worst, with about 150 bytes of
 *                    Map entry, header and counters                    36 MB
 *     sum                                                            288 MB   (338 MB while the slots double)
 */
import {
  type Flow,
  type FlowEndReason,
  FlowTurn,
  type Packet,
  Transport,
  WINDOW_US,
} from "../records.ts";
import { TCP_SYN } from "./conn_state.ts";
import { FlowKey, KEY_META, readFlowKey } from "./five_tuple.ts";
import { addPacket, forgetPiece, startPiece } from "./flow_counters.ts";
import { makeFlow, packInterface, writeEnds } from "./flow_record.ts";
import {
  D_ID,
  D_LAST,
  D_ORIG_BYTES,
  D_ORIG_WIRE_BYTES,
  D_RESP_BYTES,
  D_RESP_WIRE_BYTES,
  D_START,
  FlowSlots,
  KIND_APPLICATION_SHIFT,
  KIND_CLASS_SHIFT,
  M_HASH,
  M_INTERFACE,
  M_JA4,
  M_KEY,
  M_KIND,
  M_NAME,
  M_ORIG_PACKETS,
  M_RESP_PACKETS,
  M_SEEN,
  M_STATE,
  MAIN_WORDS,
  SEEN_BUDGET_SHIFT,
  STATE_IS_FLIPPED,
  STATE_ORIGINATOR_IS_LOW,
  STATE_TCP_MASK,
} from "./flow_slots.ts";
import { FragmentCache } from "./fragment_cache.ts";
import { addLetterOnce, Letter, Seen } from "./history.ts";
import { hashFlowKey } from "./key_hash.ts";
import { RecentSlots } from "./recent_slots.ts";
import { isSentByResponder } from "./roles.ts";
import { hasKey, SlotIndex } from "./slot_index.ts";
import { StringTable } from "./string_table.ts";
import { isPortReuse, startTcp, trackTcp } from "./tcp_tracking.ts";
import { TimeoutLists } from "./timeout_lists.ts";
import {
  DEFAULT_TIMEOUTS,
  endReasonOf,
  firstTimeoutClass,
  type FlowTimeouts,
  tcpTimeoutClass,
  TIMEOUT_CLASS_COUNT,
  timeoutsByClass,
} from "./timeouts.ts";
import { JUMP_US, TrafficClock } from "./traffic_clock.ts";

export interface FlowTableOptions {
  /** Most flows at a time; default 1,000,000. */
  readonly flowCountMax?: number;
  readonly timeouts?: FlowTimeouts;
  /** Called before a flow leaves its slot: the slot can still be read, and is free when the call returns. */
  readonly onEnd: (slot: number, reason: FlowEndReason) => void;
  /** Two random words against chosen collisions (live); the fixed default makes files repeat exactly. */
  readonly hashSeed?: readonly [number, number];
}

/** Payload packets of a flow that takeInspection() allows. */
const inspectionPackets = 12;
/** Silence after which a packet counts as resuming its flow, and the packets from which doublings count. */
const resumedUs = 1_000_000;
const doubledMin = 64;
const namesMax = { countMax: 131_072, lengthMax: 8 * 1024 * 1024 };

export class FlowTable {
  /** Flows begun and flows evicted since the start. */
  totalCount = 0;
  evictedCount = 0;
  /** About the last update(): it began a flow (also the next piece of one that was cut). */
  isNew = false;
  /** About the last update(): the packet's sender is the flow's originator. */
  isOriginator = false;
  /** About the last update(): FlowTurn bits. */
  turn = 0;
  /** Start of the window of WINDOW_US that traffic time is in; see FlowTurn.isFirstInWindow. */
  windowStartUs = -Infinity;
  readonly #onEnd: (slot: number, reason: FlowEndReason) => void;
  readonly #timeoutsUs: Float64Array;
  readonly #activeUs: number;
  readonly #slots: FlowSlots;
  readonly #index: SlotIndex;
  readonly #recent = new RecentSlots();
  readonly #lists = new TimeoutLists();
  readonly #strings = new StringTable(namesMax);
  readonly #fragments = new FragmentCache();
  readonly #clock = new TrafficClock();
  readonly #seed0: number;
  readonly #seed1: number;
  readonly #key = new FlowKey();
  #endingSlot = -1;
  #endingReason: FlowEndReason | "" = "";

  constructor(options: FlowTableOptions) {
    const flowCountMax = options.flowCountMax ?? 1_000_000;
    if (!Number.isInteger(flowCountMax) || flowCountMax < 1 || flowCountMax > 2 ** 24) {
      throw new RangeError(
        `Cannot make flow table: flowCountMax must be 1 to 16777216, got ${flowCountMax}`,
      );
    }
    const timeouts = options.timeouts ?? DEFAULT_TIMEOUTS;
    this.#onEnd = options.onEnd;
    this.#timeoutsUs = timeoutsByClass(timeouts);
    this.#activeUs = timeouts.activeUs;
    this.#slots = new FlowSlots(flowCountMax);
    this.#index = new SlotIndex(this.#slots);
    [this.#seed0, this.#seed1] = options.hashSeed ?? [0x74617077, 0x61746368];
  }

  /** Flows standing now. */
  get activeCount(): number {
    return this.#slots.inUse;
  }

  /** Names not kept because too many different ones were held. */
  get namesDroppedCount(): number {
    return this.#strings.droppedCount;
  }

  /** Takes a packet into its flow and returns the flow's slot, or -1 for a packet without an IP header. */
  update(packet: Packet, timestampUs: number, wireLength: number, interfaceId: number): number {
    this.isNew = false;
    this.turn = 0;
    this.#clock.see(timestampUs);
    const inWindowUs = this.#clock.nowUs - this.windowStartUs;
    if (!(inWindowUs >= 0 && inWindowUs < WINDOW_US)) {
      this.windowStartUs = Math.floor(this.#clock.nowUs / WINDOW_US) * WINDOW_US;
    }
    if (packet.ipVersion === 0) return -1;
    this.#readKey(packet, timestampUs);
    let slot = this.#find();
    if (slot < 0 || this.#isOver(slot, packet, timestampUs)) {
      slot = this.#begin(packet, timestampUs, interfaceId);
    }
    this.#count(slot, packet, timestampUs, wireLength);
    return slot;
  }

  /** Ends flows whose time is over. `timestampUs` is traffic time, see traffic_clock.ts. Call it once a batch. */
  advance(timestampUs: number): void {
    this.#clock.advance(timestampUs);
    const nowUs = this.#clock.nowUs;
    for (let timeoutClass = 0; timeoutClass < TIMEOUT_CLASS_COUNT; timeoutClass++) {
      for (;;) {
        const slot = this.#lists.first(timeoutClass);
        if (slot < 0 || !this.#isSilent(slot, nowUs)) break;
        this.#end(slot, endReasonOf(timeoutClass));
      }
    }
  }

  /** Ends flows with reason "end", all or at most `countMax`; returns whether there are more. */
  end(countMax = Infinity): boolean {
    let count = 0;
    for (let timeoutClass = 0; timeoutClass < TIMEOUT_CLASS_COUNT; timeoutClass++) {
      for (;;) {
        const slot = this.#lists.first(timeoutClass);
        if (slot < 0) break;
        if (count++ === countMax) return true;
        this.#end(slot, "end");
      }
    }
    return false;
  }

  /** Flow.id of the flow in a slot. */
  id(slot: number): number {
    return this.#slots.mainDoubles[slot * (MAIN_WORDS / 2) + D_ID];
  }

  /** Packets of both directions so far. */
  packets(slot: number): number {
    const base = slot * MAIN_WORDS;
    const { main } = this.#slots;
    return (main[base + M_ORIG_PACKETS] >>> 0) + (main[base + M_RESP_PACKETS] >>> 0);
  }

  /** Bytes on the wire of both directions so far. */
  wireBytes(slot: number): number {
    const doubles = slot * (MAIN_WORDS / 2);
    const { mainDoubles } = this.#slots;
    return mainDoubles[doubles + D_ORIG_WIRE_BYTES] + mainDoubles[doubles + D_RESP_WIRE_BYTES];
  }

  /** Traffic time, see traffic_clock.ts; -Infinity before the first packet. */
  get nowUs(): number {
    return this.#clock.nowUs;
  }

  /**
   * Writes six words from `at`: packets of originator and responder, their payload bytes, milliseconds since the flow
   * began, application << 16 | TCP end states. Unsigned, cut off at 2^32 - 1.
   */
  writeTotals(slot: number, timestampUs: number, words: Int32Array, at: number): void {
    const { main, mainDoubles } = this.#slots;
    const base = slot * MAIN_WORDS;
    const doubles = slot * (MAIN_WORDS / 2);
    words[at] = main[base + M_ORIG_PACKETS];
    words[at + 1] = main[base + M_RESP_PACKETS];
    words[at + 2] = cutOff(mainDoubles[doubles + D_ORIG_BYTES]);
    words[at + 3] = cutOff(mainDoubles[doubles + D_RESP_BYTES]);
    words[at + 4] = cutOff((timestampUs - mainDoubles[doubles + D_START]) / 1000);
    words[at + 5] = main[base + M_KIND] & -1 << KIND_APPLICATION_SHIFT |
      main[base + M_STATE] & STATE_TCP_MASK;
  }

  /** Writes nine words from `at`: the originator's address, the responder's, and their ports. */
  writeEnds(slot: number, words: Int32Array, at: number): void {
    writeEnds(this.#slots.main, slot * MAIN_WORDS, words, at);
  }

  /** Index into TRANSPORT_NAMES. */
  transport(slot: number): number {
    return this.#slots.main[slot * MAIN_WORDS + M_KIND] & 0xff;
  }

  /** Time of the flow's newest packet. */
  lastUs(slot: number): number {
    return this.#lastUs(slot);
  }

  /** Index into APPLICATION_NAMES; 0 while it is not known. */
  application(slot: number): number {
    return this.#slots.main[slot * MAIN_WORDS + M_KIND] >>> KIND_APPLICATION_SHIFT;
  }

  setApplication(slot: number, application: number): void {
    const place = slot * MAIN_WORDS + M_KIND;
    const rest = this.#slots.main[place] & (1 << KIND_APPLICATION_SHIFT) - 1;
    this.#slots.main[place] = rest | application << KIND_APPLICATION_SHIFT;
  }

  /** SNI, queried name or HTTP host; "" while none is set. */
  name(slot: number): string {
    return this.#strings.text(this.#slots.main[slot * MAIN_WORDS + M_NAME]);
  }

  setName(slot: number, name: string): void {
    this.#setString(slot * MAIN_WORDS + M_NAME, name);
  }

  setJa4(slot: number, ja4: string): void {
    this.#setString(slot * MAIN_WORDS + M_JA4, ja4);
  }

  /**
   * True when this packet's payload may be looked at: for the first few calls of a flow that is not settled. Call it
   * for packets with payload only.
   */
  takeInspection(slot: number): boolean {
    const place = slot * MAIN_WORDS + M_SEEN;
    const word = this.#slots.main[place];
    if (word >>> SEEN_BUDGET_SHIFT === 0) return false;
    this.#slots.main[place] = word - (1 << SEEN_BUDGET_SHIFT);
    return true;
  }

  /** Nothing more is to be learnt from the flow's payload. */
  markSettled(slot: number): void {
    this.#slots.main[slot * MAIN_WORDS + M_SEEN] &= (1 << SEEN_BUDGET_SHIFT) - 1;
  }

  /** The flow as a record. Inside onEnd, and only there, it has its endReason. */
  flow(slot: number): Flow {
    const reason = slot === this.#endingSlot ? this.#endingReason : "";
    return makeFlow(this.#slots, this.#strings, slot, reason);
  }

  /** Calls `visit` for each standing flow's slot, in no order that means anything. `visit` must not update. */
  forEachActive(visit: (slot: number) => void): void {
    for (let timeoutClass = 0; timeoutClass < TIMEOUT_CLASS_COUNT; timeoutClass++) {
      let slot = this.#lists.last(timeoutClass);
      while (slot >= 0) {
        visit(slot);
        slot = this.#lists.before(slot);
      }
    }
  }

  /** Slots of the `count` flows that had a packet last, newest first. */
  newest(count: number): number[] {
    const candidates: number[] = [];
    for (let timeoutClass = 0; timeoutClass < TIMEOUT_CLASS_COUNT; timeoutClass++) {
      let slot = this.#lists.last(timeoutClass);
      for (let taken = 0; slot >= 0 && taken < count; taken++) {
        candidates.push(slot);
        slot = this.#lists.before(slot);
      }
    }
    return candidates.sort((a, b) => this.#lastUs(b) - this.#lastUs(a)).slice(0, count);
  }

  #readKey(packet: Packet, timestampUs: number): void {
    let sourcePort = packet.sourcePort;
    let destinationPort = packet.destinationPort;
    if (packet.isFragment !== 0) {
      if (packet.isLaterFragment === 0) this.#fragments.put(packet, timestampUs);
      else {
        const ports = this.#fragments.ports(packet, timestampUs);
        if (ports === ports) {
          sourcePort = ports >>> 16;
          destinationPort = ports & 0xffff;
        }
      }
    }
    readFlowKey(this.#key, packet, sourcePort, destinationPort);
  }

  /** The slot of #key; -1 when there is none. */
  #find(): number {
    const { words } = this.#key;
    const recent = this.#recent.slot(words);
    if (recent >= 0 && hasKey(this.#slots.main, recent, words)) return recent;
    const slot = this.#index.find(words, hashFlowKey(words, this.#seed0, this.#seed1));
    if (slot >= 0) this.#recent.put(words, slot);
    return slot;
  }

  /** Ends the flow in `slot` when the packet is not part of it any more; cuts it when it is too old. */
  #isOver(slot: number, packet: Packet, timestampUs: number): boolean {
    if (this.#isSilent(slot, timestampUs)) {
      this.#end(slot, endReasonOf(this.#timeoutClass(slot)));
      return true;
    }
    const isSyn = packet.tcpFlags > 0 && (packet.tcpFlags & TCP_SYN) !== 0;
    if (isSyn && isPortReuse(this.#slots, slot, packet, this.#isFromOriginator(slot))) {
      this.#end(slot, "closed");
      return true;
    }
    const startUs = this.#slots.mainDoubles[slot * (MAIN_WORDS / 2) + D_START];
    if (timestampUs - startUs > this.#activeUs) this.#cut(slot, timestampUs);
    return false;
  }

  #isSilent(slot: number, timestampUs: number): boolean {
    const ageUs = timestampUs - this.#lastUs(slot);
    const timeoutUs = this.#timeoutsUs[this.#timeoutClass(slot)];
    return ageUs > timeoutUs || ageUs < -(timeoutUs + JUMP_US);
  }

  #lastUs(slot: number): number {
    return this.#slots.mainDoubles[slot * (MAIN_WORDS / 2) + D_LAST];
  }

  #timeoutClass(slot: number): number {
    return this.#slots.main[slot * MAIN_WORDS + M_KIND] >>> KIND_CLASS_SHIFT & 0xff;
  }

  /** Whether the packet of #key was sent by the originator of the flow in `slot`. */
  #isFromOriginator(slot: number): boolean {
    const isLow = (this.#slots.main[slot * MAIN_WORDS + M_STATE] & STATE_ORIGINATOR_IS_LOW) !== 0;
    return isLow !== this.#key.isSwapped;
  }

  #begin(packet: Packet, timestampUs: number, interfaceId: number): number {
    let slot = this.#slots.take();
    if (slot < 0) {
      this.#evict();
      slot = this.#slots.take();
    }
    this.#lists.reserve(this.#slots.capacity);
    const { main } = this.#slots;
    const base = slot * MAIN_WORDS;
    main.set(this.#key.words, base + M_KEY);
    main[base + M_HASH] = hashFlowKey(this.#key.words, this.#seed0, this.#seed1);
    const isFlipped = isSentByResponder(packet);
    main[base + M_STATE] = (isFlipped === this.#key.isSwapped ? STATE_ORIGINATOR_IS_LOW : 0) |
      (isFlipped ? STATE_IS_FLIPPED : 0);
    main[base + M_SEEN] = inspectionPackets << SEEN_BUDGET_SHIFT;
    const timeoutClass = firstTimeoutClass(packet.transport);
    main[base + M_KIND] = packet.transport | timeoutClass << KIND_CLASS_SHIFT;
    main[base + M_INTERFACE] = packInterface(interfaceId, packet.vlanId);
    if (packet.transport === Transport.tcp) startTcp(this.#slots, slot);
    this.#start(slot, timestampUs);
    this.turn = FlowTurn.isNew | FlowTurn.isFirstInWindow;
    this.#index.add(slot);
    this.#lists.append(slot, timeoutClass);
    return slot;
  }

  #start(slot: number, timestampUs: number): void {
    startPiece(this.#slots, slot, ++this.totalCount, timestampUs);
    this.isNew = true;
  }

  /** Ends the piece so far and begins the next one in the same slot. */
  #cut(slot: number, timestampUs: number): void {
    this.#report(slot, "active");
    forgetPiece(this.#slots, slot);
    this.#start(slot, timestampUs);
    this.turn = FlowTurn.isContinued;
  }

  #count(slot: number, packet: Packet, timestampUs: number, wireLength: number): void {
    const { main, mainDoubles } = this.#slots;
    const base = slot * MAIN_WORDS;
    const isOriginator = this.#isFromOriginator(slot);
    this.isOriginator = isOriginator;
    const seen = main[base + M_SEEN];
    const lastUs = mainDoubles[slot * (MAIN_WORDS / 2) + D_LAST];
    addPacket(this.#slots, slot, isOriginator, packet.payloadLength, wireLength, timestampUs);
    let turn = this.turn;
    if (lastUs < this.windowStartUs) turn |= FlowTurn.isFirstInWindow;
    if (timestampUs - lastUs >= resumedUs) turn |= FlowTurn.isResumed;
    if ((main[base + M_KIND] & 0xff) === Transport.tcp) {
      const isMoved = packet.tcpFlags >= 0 &&
        trackTcp(this.#slots, slot, packet, isOriginator, timestampUs);
      if (isMoved) {
        this.#setTcpTimeoutClass(base);
        turn |= FlowTurn.hasTcpStateMoved;
      }
    } else if ((main[base + M_KIND] & 0xff) === Transport.udp) {
      addLetterOnce(this.#slots, slot, isOriginator, Seen.data, Letter.data);
    }
    const added = main[base + M_SEEN] & ~seen;
    if ((added & (Seen.data | Seen.data << 8)) !== 0) turn |= FlowTurn.isFirstPayload;
    const packets = main[base + (isOriginator ? M_ORIG_PACKETS : M_RESP_PACKETS)];
    if (packets === 1) turn |= FlowTurn.isFirstOfSide;
    else if (packets >= doubledMin && (packets & packets - 1) === 0) turn |= FlowTurn.hasDoubled;
    this.turn = turn;
    this.#lists.touch(slot, this.#timeoutClass(slot));
  }

  #setTcpTimeoutClass(base: number): void {
    const { main } = this.#slots;
    const timeoutClass = tcpTimeoutClass(main[base + M_STATE] & STATE_TCP_MASK);
    const rest = main[base + M_KIND] & ~(0xff << KIND_CLASS_SHIFT);
    main[base + M_KIND] = rest | timeoutClass << KIND_CLASS_SHIFT;
  }

  #evict(): void {
    let oldest = -1;
    for (let timeoutClass = 0; timeoutClass < TIMEOUT_CLASS_COUNT; timeoutClass++) {
      const slot = this.#lists.first(timeoutClass);
      if (slot < 0) continue;
      if (oldest < 0 || this.#lastUs(slot) < this.#lastUs(oldest)) oldest = slot;
    }
    this.evictedCount++;
    this.#end(oldest, "evicted");
  }

  #report(slot: number, reason: FlowEndReason): void {
    this.#endingSlot = slot;
    this.#endingReason = reason;
    this.#onEnd(slot, reason);
    this.#endingSlot = -1;
  }

  #end(slot: number, reason: FlowEndReason): void {
    this.#report(slot, reason);
    const base = slot * MAIN_WORDS;
    this.#strings.release(this.#slots.main[base + M_NAME]);
    this.#strings.release(this.#slots.main[base + M_JA4]);
    this.#index.remove(slot);
    this.#lists.remove(slot);
    this.#slots.main[base + M_KEY + KEY_META] = -1; // no key: RecentSlots may still point here
    this.#slots.giveBack(slot);
  }

  #setString(place: number, text: string): void {
    const { main } = this.#slots;
    const old = main[place];
    main[place] = this.#strings.acquire(text);
    this.#strings.release(old);
  }
}

/** As an unsigned word. */
function cutOff(value: number): number {
  return value > 0xffffffff ? -1 : value > 0 ? value : 0;
}
