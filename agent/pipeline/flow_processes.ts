/**
 * The processes of this host behind flows under way. What begins at an address of this host is asked for, in messages of a
 * bounded number; what is answered while the flow stands is part of its record. Nothing waits: what finds no room is not asked.
 */
import { F_HIGH_3, F_HIGH_REST, F_ID, F_LOW_3, F_LOW_REST, F_META } from "../hot/layout.ts";
import {
  F_PORTS,
  F_START_US,
  F_STATE,
  META_IS_IPV6,
  SLOT_WORDS,
  STATE_ORIGINATOR_IS_LOW,
} from "../hot/layout.ts";
import type { HotPath } from "../hot/hot_path.ts";
import { KeyedSlots } from "../detect/common/keyed_slots.ts";
import type { AsksMessage, ProcessesMessage } from "../messages.ts";
import { ASK_WORDS, ASKS_MAX } from "../process/asks.ts";
import type { FlowProcess } from "../records.ts";

const ownMax = 1024;
/** Flows whose process is known at a time, some 500 bytes each at worst. */
const knownMax = 65_536;
/** Different processes that are kept once for all their flows. */
const sharedMax = 1024;
const protocolTcp = 6;
const protocolUdp = 17;
const ipv4Word = 0xffff;
const loopbackNet = 127;

export class FlowProcesses {
  readonly #hot: HotPath;
  /** Word of the first slot. */
  readonly #slots: number;
  readonly #own = new KeyedSlots({ capacity: ownMax, keyWords: 4 });
  readonly #low = new Int32Array(4);
  readonly #high = new Int32Array(4);
  readonly #known = new Map<number, FlowProcess>();
  readonly #shared = new Map<string, FlowProcess>();
  #rows = new Float64Array(ASKS_MAX * ASK_WORDS);
  #count = 0;
  #passedOver = 0;

  constructor(hot: HotPath) {
    this.#hot = hot;
    this.#slots = hot.exports.flowSlotsAt() / 4;
  }

  /** The addresses of this host, as words. */
  setOwn(addresses: readonly (readonly number[])[]): void {
    while (this.#own.oldest >= 0) this.#own.remove(this.#own.oldest);
    for (const words of addresses) this.#own.add(Int32Array.from(words));
  }

  /** A flow has begun in a slot. */
  began(slot: number): void {
    const { words, doubles } = this.#hot;
    const base = this.#slots + slot * SLOT_WORDS;
    const meta = words[base + F_META];
    const protocol = meta & 0xff;
    if (protocol !== protocolTcp && protocol !== protocolUdp) return;
    const isIpv6 = (meta & META_IS_IPV6) !== 0;
    this.#readAddress(this.#low, base, F_LOW_REST, F_LOW_3, isIpv6);
    this.#readAddress(this.#high, base, F_HIGH_REST, F_HIGH_3, isIpv6);
    const [isLowOwn, isHighOwn] = [this.#isOwn(this.#low), this.#isOwn(this.#high)];
    if (!isLowOwn && !isHighOwn) return;
    if (this.#count === ASKS_MAX || this.#known.size >= knownMax) {
      this.#passedOver++;
      return;
    }
    const isOriginatorLow = (words[base + F_STATE] & STATE_ORIGINATOR_IS_LOW) !== 0;
    const isLow = isLowOwn && isHighOwn ? isOriginatorLow : isLowOwn;
    const ports = words[base + F_PORTS];
    const [lowPort, highPort] = [ports >>> 16, ports & 0xffff];
    const row = this.#count++ * ASK_WORDS;
    this.#rows[row] = slot;
    this.#rows[row + 1] = doubles[(base + F_ID) / 2];
    this.#rows[row + 2] = doubles[(base + F_START_US) / 2];
    this.#rows[row + 3] = protocol;
    this.#rows[row + 4] = Number(isIpv6);
    this.#rows[row + 5] = Number(isLow === isOriginatorLow);
    this.#rows[row + 6] = isLow ? lowPort : highPort;
    this.#rows[row + 7] = isLow ? highPort : lowPort;
    this.#rows.set(isLow ? this.#low : this.#high, row + 8);
    this.#rows.set(isLow ? this.#high : this.#low, row + 12);
  }

  /** What is to be asked, or to be told of what was not; null when there is nothing. */
  takeAsks(): AsksMessage | null {
    if (this.#count === 0 && this.#passedOver === 0) return null;
    const [rows, count] = [this.#count === 0 ? new Float64Array() : this.#rows, this.#count];
    const message: AsksMessage = { type: "asks", rows, count, passedOver: this.#passedOver };
    if (count > 0) this.#rows = new Float64Array(ASKS_MAX * ASK_WORDS);
    this.#count = 0;
    this.#passedOver = 0;
    return message;
  }

  take({ processes, flows }: ProcessesMessage): void {
    const kept = processes.map((process) => this.#share(process));
    for (let at = 0; at < flows.length; at += 3) {
      const slot = flows[at];
      // Another flow may stand there by now.
      const id = this.#hot.doubles[(this.#slots + slot * SLOT_WORDS + F_ID) / 2];
      if (id === flows[at + 1]) this.#known.set(slot, kept[flows[at + 2]]);
    }
  }

  of(slot: number): FlowProcess | undefined {
    return this.#known.get(slot);
  }

  /** The flow has left its slot. */
  ended(slot: number): void {
    this.#known.delete(slot);
  }

  #isOwn(address: Int32Array): boolean {
    const isLoopback = address[2] === ipv4Word && address[3] >>> 24 === loopbackNet &&
      (address[0] | address[1]) === 0;
    return isLoopback || this.#own.find(address) >= 0;
  }

  #readAddress(
    into: Int32Array,
    base: number,
    rest: number,
    last: number,
    isIpv6: boolean,
  ): void {
    const { words } = this.#hot;
    for (let i = 0; i < 3; i++) {
      into[i] = isIpv6 ? words[base + rest + i] : i === 2 ? ipv4Word : 0;
    }
    into[3] = words[base + last];
  }

  #share(process: FlowProcess): FlowProcess {
    const key = JSON.stringify(process);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    if (this.#shared.size >= sharedMax) this.#shared.clear();
    this.#shared.set(key, process);
    return process;
  }
}
