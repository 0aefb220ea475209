/**
 * A device's packets by the whole kernel ring, and by a small one while little comes (ring_need.ts). Memory of a ring is taken
 * whole, in use or not, so on a quiet link the small one saves most of it.
 *
 *     one ring --(another size is needed)--> two: the new one opened, all packets led to it, the old one read to its end --> one
 *
 * Both are in one group of sockets (PACKET_FANOUT), whose program says which of them gets all that comes: so each packet is in one of
 * them, and all of the old one's are older.
 */
import { returnAlways } from "../../ffi/afpacket/packet_socket.ts";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import type {
  BatchResult,
  CaptureHandle,
  CaptureStats,
  PacketGroup,
  SharingHandle,
} from "../../ffi/capture/capture_handle.ts";
import { RingNeed, smallRingBytes } from "./ring_need.ts";

interface GrowingRingParts {
  /** Opens the device with a ring of so many bytes, in a group. Throws CaptureError. */
  readonly open: (bufferBytes: number, group: PacketGroup) => Promise<SharingHandle>;
  readonly bufferBytes: number;
  /** Longest time that the kernel collects packets before it hands them over. */
  readonly timeoutMs: number;
  /** What libpcap itself has to filter is received and never to be read. */
  readonly hasFilter: boolean;
  /** Something that people should know. */
  readonly warn: (text: string) => void;
  readonly need?: RingNeed;
  readonly nowMs?: () => number;
}

/** For the kernel's timer. */
const drainExtraMs = 100;
/** A read that was broken off may have nothing although there is some: so many, each of so long a time, tell that there is nothing. */
const emptyReadsMax = 2;
const emptyReadMs = 50;
/** Until a ring that was not to be had is tried again. */
const retryMs = 60_000;
/**
 * With a longer timeout the old ring would be waited for so long that the new one may fill; with a shorter one blocks that are
 * nearly empty use a small ring up in a moment.
 */
export const GROWING_TIMEOUT_MS = [50, 1000] as const;

export class GrowingRing implements CaptureHandle {
  readonly #parts: GrowingRingParts;
  readonly #need: RingNeed;
  readonly #nowMs: () => number;
  /** The one that is read; packets read from it. */
  #now: SharingHandle;
  #read = 0;
  /** Goes on while the one that is there is read; never rejects. */
  #opening: Promise<void> | null = null;
  /** What it failed by, of no device's fault: the next read throws it. */
  #error: unknown = null;
  #isClosing = false;
  /** Opened, and gets what comes. */
  #opened: SharingHandle | null = null;
  /** As it, while the one before is read to its end. All that the kernel had for that is there by then. */
  #next: SharingHandle | null = null;
  #drainedMs = Infinity;
  #emptyReads = 0;
  /** Read to its end: its last batch may be in use. */
  #last: CaptureHandle | null = null;
  readonly #closings = new Set<Promise<void>>();
  /** Counters of those that are closed; of the interface's, what was counted before the last opening. */
  #closed: CaptureStats = { received: 0, kernelDrops: 0, interfaceDrops: 0 };
  #isLarge: boolean;
  /** Of the group: which of its sockets gets what comes. */
  #index = 0;
  #retryAtMs = -Infinity;
  #hasWarned = false;

  /** Throws CaptureError. */
  static async open(parts: GrowingRingParts): Promise<GrowingRing> {
    const need = parts.need ?? new RingNeed();
    const openFirst = async (isLarge: boolean) => {
      const bufferBytes = isLarge ? parts.bufferBytes : smallRingBytes;
      const first = await parts.open(bufferBytes, { id: null, program: returnAlways(0) });
      return new GrowingRing({ ...parts, need }, first, isLarge);
    };
    if (!need.isLarge) return await openFirst(false);
    try {
      return await openFirst(true);
    } catch (error) {
      // There may be memory for the small one.
      const isRefused = error instanceof CaptureError && error.operation === "open" &&
        error.fault === "other";
      if (!isRefused) throw error;
      const ring = await openFirst(false);
      ring.#giveUp(error, parts.bufferBytes);
      return ring;
    }
  }

  private constructor(
    parts: GrowingRingParts & { readonly need: RingNeed },
    first: SharingHandle,
    isLarge: boolean,
  ) {
    this.#parts = parts;
    this.#need = parts.need;
    this.#nowMs = parts.nowMs ?? (() => performance.now());
    this.#now = first;
    this.#isLarge = isLarge;
  }

  get method() {
    return this.#now.method;
  }
  get linktype() {
    return this.#now.linktype;
  }
  get isNanosecond() {
    return this.#now.isNanosecond;
  }
  get isPromiscuous() {
    return this.#now.isPromiscuous;
  }
  get warning() {
    return this.#now.warning;
  }
  get isSlow() {
    return this.#now.isSlow;
  }
  get isExact() {
    return this.#now.isExact;
  }
  get bytes() {
    return (this.#last ?? this.#now).bytes;
  }

  async read(): Promise<BatchResult> {
    if (this.#error !== null) throw this.#error;
    this.#closeLast();
    const timer = this.#next === null ? undefined : this.#breakWhenEmpty();
    let batch: BatchResult;
    try {
      batch = await this.#now.read();
    } catch (error) {
      // What the new ring has is still to be had, or it fails by itself.
      const hasNew = (this.#opened ?? this.#next) !== null;
      if (!hasNew || !(error instanceof CaptureError)) throw error;
      batch = { byteLength: 0, packetCount: 0, lostPackets: 0, isBroken: false };
      this.#emptyReads = emptyReadsMax;
    } finally {
      clearTimeout(timer);
    }
    this.#read += batch.packetCount + batch.lostPackets;
    const nowMs = this.#nowMs();
    this.#need.add(batch, nowMs);
    if (this.#opened !== null) this.#begin(this.#opened, nowMs);
    if (this.#next !== null) {
      if (this.#isDrained(batch, nowMs)) this.#moveOn(this.#next);
    } else if (this.#need.isLarge !== this.#isLarge && this.#canSwitch(nowMs)) {
      this.#opening = this.#openNext(this.#need.isLarge);
    }
    return batch;
  }

  breakLoop(): void {
    this.#now.breakLoop();
  }

  stats(): CaptureStats {
    const counted = this.#next ?? this.#now;
    const open = [this.#last, this.#now, this.#opened, this.#next].filter((handle) =>
      handle !== null
    )
      .map((handle) => ({ handle, stats: handle.stats() }));
    return open.reduce(
      (sum, { handle, stats }) => joined(sum, stats, handle === counted),
      this.#closed,
    );
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#opening;
    this.#closeLast();
    const rings = [this.#now, this.#opened, this.#next];
    for (const handle of rings) if (handle !== null) this.#close(handle);
    await Promise.all(this.#closings);
  }

  /** While one is being closed it still is in the group, and the numbers of the others are not what they will be. */
  #canSwitch(nowMs: number): boolean {
    return this.#opening === null && this.#last === null && this.#closings.size === 0 &&
      nowMs >= this.#retryAtMs;
  }

  /** Opens a ring of the size that is needed and leads all that comes to it; the read that runs then comes to its end. */
  async #openNext(isLarge: boolean): Promise<void> {
    const bufferBytes = isLarge ? this.#parts.bufferBytes : smallRingBytes;
    const id = this.#now.groupId;
    let next: SharingHandle | null = null;
    try {
      // The one that is there has the number 0 again, and the new one will have 1.
      if (this.#index !== 0) await this.#now.steer(returnAlways(0));
      this.#index = 0;
      next = await this.#parts.open(bufferBytes, { id, program: null });
      await next.steer(returnAlways(1));
      this.#index = 1;
      this.#opened = next;
      this.#isLarge = isLarge;
      this.#hasWarned = false;
      this.#now.breakLoop();
    } catch (error) {
      if (next !== null) this.#close(next);
      if (error instanceof CaptureError) this.#giveUp(error, bufferBytes);
      else {
        this.#error = error;
        this.#now.breakLoop();
      }
    } finally {
      this.#opening = null;
    }
  }

  /** For now. */
  #giveUp(error: CaptureError, bufferBytes: number): void {
    this.#retryAtMs = this.#nowMs() + retryMs;
    const size = `${bufferBytes / 2 ** 20} MiB`;
    // Of a device that is down or gone people are told already.
    const isOfDevice = error.fault === "notUp" || error.fault === "noSuchDevice";
    if (this.#hasWarned || this.#isClosing || isOfDevice) return;
    this.#hasWarned = true;
    this.#parts.warn(
      `A kernel ring of ${size} is not to be had (${error.message}); capturing goes on with the one that is there.`,
    );
  }

  /** All that comes from now on is in `next`. */
  #begin(next: SharingHandle, nowMs: number): void {
    // Of what the interface loses both tell: the one before up to now, `next` from now on.
    const interfaceDrops = this.stats().interfaceDrops - next.stats().interfaceDrops;
    this.#closed = { ...this.#closed, interfaceDrops: interfaceDrops >>> 0 };
    this.#opened = null;
    this.#next = next;
    this.#emptyReads = 0;
    this.#drainedMs = nowMs + this.#parts.timeoutMs + drainExtraMs;
  }

  #breakWhenEmpty(): number {
    const handle = this.#now;
    const waitMs = Math.max(emptyReadMs, this.#drainedMs - this.#nowMs());
    return setTimeout(() => handle.breakLoop(), waitMs);
  }

  #isDrained({ packetCount }: BatchResult, nowMs: number): boolean {
    if (packetCount > 0) this.#emptyReads = 0;
    else if (nowMs >= this.#drainedMs) this.#emptyReads++;
    return this.#emptyReads >= emptyReadsMax || this.#unread() === 0;
  }

  /** Packets in the ring that is read; null where the counters do not tell. */
  #unread(): number | null {
    if (!this.#now.isExact) return null;
    try {
      const { received, kernelDrops } = this.#now.stats();
      return (received - kernelDrops - this.#read) >>> 0;
    } catch (error) {
      // A device that is gone has no counters.
      if (!(error instanceof CaptureError)) throw error;
      return null;
    }
  }

  #moveOn(next: SharingHandle): void {
    const kernelDrops = this.#parts.hasFilter ? 0 : this.#unread() ?? 0;
    this.#closed = joined(this.#closed, { received: 0, kernelDrops, interfaceDrops: 0 }, false);
    this.#last = this.#now;
    this.#now = next;
    this.#next = null;
    this.#read = 0;
  }

  #closeLast(): void {
    if (this.#last === null) return;
    this.#close(this.#last);
    this.#last = null;
  }

  /** The kernel takes a while, and nobody has to wait for it. */
  #close(handle: CaptureHandle): void {
    try {
      this.#closed = joined(this.#closed, handle.stats(), false);
    } catch (error) {
      // A device that is gone has no counters.
      if (!(error instanceof CaptureError)) throw error;
    }
    const closing = handle.close();
    this.#closings.add(closing);
    closing.then(() => this.#closings.delete(closing));
  }
}

/** Of 32 bits, which wrap. */
function joined(a: CaptureStats, b: CaptureStats, withInterface: boolean): CaptureStats {
  return {
    received: (a.received + b.received) >>> 0,
    kernelDrops: (a.kernelDrops + b.kernelDrops) >>> 0,
    interfaceDrops: (a.interfaceDrops + (withInterface ? b.interfaceDrops : 0)) >>> 0,
  };
}
