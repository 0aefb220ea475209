/**
 * First messages that are not whole yet, by the caller's key, at most `pendingMax` of them: the one that began to wait first
 * leaves when there is no room.
 *
 * Memory at the bound: pendingMax * (assemblyLengthMax + about 1.5 KiB for pieces, keys and the Map's entry), so
 * 4096 * (17 KiB + 1.5 KiB) = 74 MiB when every one holds the longest hello; a usual one (2 KiB, grown by doubling) makes
 * 4096 * 4 KiB = 16 MiB.
 */
import type { Packet } from "../records.ts";
import { Assembly } from "./assembly.ts";
import type { InitialKeys } from "./quic_crypto.ts";

/** Packets looked at before a message is given up: of all, of those in vain, of those while its start has not come. */
const packetsMax = 2048;
const vainPacketsMax = 32;
const startlessPacketsMax = 4;
const synFlag = 0x02;

/** A payload: `bytes` from `at` to `end`, which is all of it when `isWhole`. */
export interface SegmentInHand {
  readonly bytes: Uint8Array;
  readonly packet: Packet;
  readonly at: number;
  readonly end: number;
  readonly isWhole: boolean;
}

/** What is known of a message when its first bytes come. */
export interface PendingStart {
  /** Index into APPLICATION_NAMES; 0 for what is not known yet. */
  readonly application: number;
  /** TCP sequence number of the first byte; of the packet's payload when it is not given. */
  readonly sequence?: number;
  /** Whether that byte is known to be the message's first; true when it is not given. */
  readonly isStartKnown?: boolean;
  /** What the flow's application was told to be because of it; see `told`. */
  readonly told?: number;
}

/** What has come of one message, in one direction. */
export class Pending {
  readonly assembly = new Assembly();
  /** TCP sequence number of the assembly's first byte. */
  sequence: number;
  /** Whether that byte is known to be the message's first. */
  isStartKnown: boolean;
  /** Keys of the QUIC connection. */
  keys: InitialKeys | null = null;
  /** What the message is, as an index into APPLICATION_NAMES; 0 while it is not known. */
  application: number;
  /** The flow's application, if nothing but this message has told it so far: it may turn out to be another. */
  told: number;
  readonly #sourcePort: number;
  readonly #source: number;
  #packets = 0;
  #vainPackets = 0;
  #contiguous = 0;

  constructor(packet: Packet, start: PendingStart) {
    this.application = start.application;
    this.sequence = start.sequence ?? payloadSequence(packet);
    this.isStartKnown = start.isStartKnown ?? true;
    this.told = start.told ?? -1;
    this.#sourcePort = packet.sourcePort;
    this.#source = packet.source3;
  }

  /** True for packets of the direction that is collected. */
  isFrom(packet: Packet): boolean {
    return packet.sourcePort === this.#sourcePort && packet.source3 === this.#source;
  }

  /** To be called for each packet that was added; false when too many have not brought the message on. */
  countPacket(): boolean {
    const { contiguous } = this.assembly;
    const isVain = contiguous <= this.#contiguous || !this.isStartKnown;
    this.#contiguous = contiguous;
    if (isVain) this.#vainPackets++;
    return ++this.#packets <= packetsMax &&
      this.#vainPackets <= (this.isStartKnown ? vainPacketsMax : startlessPacketsMax);
  }

  /**
   * Adds a TCP payload at its place by sequence number; false when there is no room for it. Until the start is known, the
   * lowest number seen stands for it. What lies before the start is left out.
   */
  addSegment(bytes: Uint8Array, packet: Packet, isStart: boolean): boolean {
    const at = packet.payloadOffset;
    const end = at + packet.payloadCapturedLength;
    const sequence = payloadSequence(packet);
    let offset = sequence - this.sequence | 0;
    if (!this.isStartKnown && (isStart || offset < 0)) {
      this.#moveStart(offset);
      this.sequence = sequence;
      this.isStartKnown = isStart;
      offset = 0;
    }
    const skipped = Math.max(0, -offset);
    return this.assembly.add(offset + skipped, bytes, at + skipped, end);
  }

  /** Lets the message begin `length` bytes later; returns whether anything is left of it. */
  dropStart(length: number): boolean {
    this.sequence = this.sequence + length | 0;
    this.#contiguous = 0;
    this.#packets = 0;
    this.#vainPackets = 0;
    return this.assembly.drop(length);
  }

  #moveStart(offset: number): void {
    if (offset > 0 || !this.assembly.shift(-offset)) this.assembly.clear();
  }
}

/** Sequence number of a payload's first byte: a SYN takes one by itself (RFC 9293 section 3.4). */
export function payloadSequence({ tcpSequence, tcpFlags }: Packet): number {
  return tcpFlags > 0 && (tcpFlags & synFlag) !== 0 ? tcpSequence + 1 | 0 : tcpSequence;
}

/** The pending messages, oldest first. */
export class PendingFlows {
  readonly #flows = new Map<number, Pending>();
  readonly #countMax: number;

  constructor(countMax: number) {
    if (!Number.isInteger(countMax) || countMax < 1) {
      throw new RangeError(
        `Cannot hold pending flows: pendingMax must be at least 1, got ${countMax}`,
      );
    }
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#flows.size;
  }

  find(key: number): Pending | undefined {
    return this.#flows.size === 0 ? undefined : this.#flows.get(key);
  }

  add(key: number, pending: Pending): void {
    if (this.#flows.size >= this.#countMax && !this.#flows.has(key)) {
      for (const oldest of this.#flows.keys()) {
        this.#flows.delete(oldest);
        break;
      }
    }
    this.#flows.set(key, pending);
  }

  delete(key: number): void {
    this.#flows.delete(key);
  }
}
