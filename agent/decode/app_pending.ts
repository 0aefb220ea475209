/**
 * Flows whose first message is not whole yet, by the caller's key, at most `pendingMax` of them: the one that began to wait
 * first leaves when there is no room.
 *
 * Memory at the bound: pendingMax * (assemblyLengthMax + about 1.5 KiB for pieces, keys and the Map's entry), so
 * 4096 * (17 KiB + 1.5 KiB) = 74 MiB when every one holds the longest hello; a usual one (2 KiB, grown by doubling) makes
 * 4096 * 4 KiB = 16 MiB.
 */
import type { Packet } from "../records.ts";
import { Assembly } from "./assembly.ts";
import type { InitialKeys } from "./quic_crypto.ts";

/** Packets looked at before a flow is given up, and before one whose start has not come. */
const packetsMax = 32;
const startlessPacketsMax = 4;

/** What has come of one flow's first message, in one direction. */
export class Pending {
  readonly assembly = new Assembly();
  /** TCP sequence number of the assembly's first byte. */
  sequence: number;
  /** Whether that byte is known to be the message's first. */
  isStartKnown: boolean;
  /** Keys of the QUIC connection. */
  keys: InitialKeys | null = null;
  /** What the flow's message is, as an index into APPLICATION_NAMES. */
  readonly application: number;
  readonly #sourcePort: number;
  readonly #source: number;
  #packets = 0;

  constructor(packet: Packet, application: number, isStartKnown: boolean) {
    this.application = application;
    this.sequence = packet.tcpSequence;
    this.isStartKnown = isStartKnown;
    this.#sourcePort = packet.sourcePort;
    this.#source = packet.source3;
  }

  /** True for packets of the direction that is collected. */
  isFrom(packet: Packet): boolean {
    return packet.sourcePort === this.#sourcePort && packet.source3 === this.#source;
  }

  /** Counts a packet; false when there have been too many. */
  countPacket(): boolean {
    return ++this.#packets <= (this.isStartKnown ? packetsMax : startlessPacketsMax);
  }

  /**
   * Adds a TCP payload at its place by sequence number; false when there is no room for it. Until the start is known, the
   * lowest number seen stands for it. What lies before the start is left out.
   */
  addSegment(bytes: Uint8Array, packet: Packet, isStart: boolean): boolean {
    const at = packet.payloadOffset;
    const end = at + packet.payloadCapturedLength;
    let offset = packet.tcpSequence - this.sequence | 0;
    if (!this.isStartKnown && (isStart || offset < 0)) {
      this.#moveStart(offset);
      this.sequence = packet.tcpSequence;
      this.isStartKnown = isStart;
      offset = 0;
    }
    const skipped = Math.max(0, -offset);
    return this.assembly.add(offset + skipped, bytes, at + skipped, end);
  }

  #moveStart(offset: number): void {
    if (offset > 0 || !this.assembly.shift(-offset)) this.assembly.clear();
  }
}

/** The pending flows, oldest first. */
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
