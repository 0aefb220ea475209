/**
 * The ring of a packet socket (TPACKET_V3, Documentation/networking/packet_mmap.rst), mapped into the memory of the
 * WebAssembly (assembly/) that makes records of its frames. So the ring is read in place, and nothing can reach it once it
 * is gone: `close()` puts ordinary memory in its place, which lives as long as anything can address it.
 */
import { CaptureError } from "../capture/capture_error.ts";
import { lastErrno } from "../linux/libc.ts";
import { framesModule } from "./frames_code.ts";
import {
  blockIsOurs,
  blockStatusOffset,
  Errno,
  mmapFlags,
  PacketOption,
  readWrite,
  tpacketV3,
} from "./layout.ts";
import type { LinkKind } from "./link_kinds.ts";
import { failure, type PacketSocket } from "./packet_socket.ts";
import { socketFunctions } from "./symbols.ts";

interface RingOptions {
  /** Less where the system has not so much. */
  readonly byteLength: number;
  /** Longest time that the kernel fills a block that has packets. */
  readonly timeoutMs: number;
  readonly snaplen: number;
  readonly link: LinkKind;
}

export interface FrameExports {
  readonly memory: WebAssembly.Memory;
  setUp(ringBytes: number, recordBytes: number): number;
  setFormat(snaplen: number, isCooked: number, tagOffset: number): void;
  recordsAddress(): number;
  openBlock(at: number, byteLength: number): void;
  takeFrames(offset: number, byteLength: number, most: number): number;
  packetCount(): number;
  lostCount(): number;
  framesLeft(): number;
}

/**
 * Room for the longest frame (64 KiB of GSO or GRO payload, 256 KiB of snaplen) several times; where there is room so many
 * blocks that they last for seconds on a quiet link, where a few packets fill one each time that its timer ends.
 */
const blockBytesMax = 1 << 20;
const blockBytesMin = 1 << 18;
const blockCountUsual = 64;
const blockCountMin = 4;
/** Memory of a batch: as the records of the largest block need, which are shorter than its frames. */
const batchBytes = 2 << 20;

export class Ring {
  /** Of a batch, from its start. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #exports: FrameExports;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #at: number;
  readonly #blockBytes: number;
  readonly #blockCount: number;
  #block = 0;
  #isBlockOpen = false;
  #isClosed = false;

  /** Gives `socket`, which is not bound yet, a ring. Throws CaptureError. */
  constructor(socket: PacketSocket, { byteLength, timeoutMs, snaplen, link }: RingOptions) {
    socket.set(PacketOption.version, tpacketV3);
    this.#blockBytes = blockSize(byteLength);
    this.#blockCount = askForRing(socket, { byteLength, timeoutMs, blockBytes: this.#blockBytes });
    const { exports } = new WebAssembly.Instance(framesModule());
    this.#exports = exports as unknown as FrameExports;
    this.#at = this.#exports.setUp(this.#byteLength, batchBytes);
    if (this.#at === 0) throw new CaptureError("open", "other", "no address space for the ring");
    this.#exports.setFormat(snaplen, link.isCooked ? 1 : 0, link.tagOffset);
    const buffer = this.#exports.memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(buffer, this.#exports.recordsAddress(), batchBytes);
    this.#words = new Int32Array(buffer);
    this.#map(mmapFlags.shared | mmapFlags.fixed, socket.handle);
  }

  /** Whether frames wait that can be taken. */
  get isReady(): boolean {
    if (this.#isClosed) return false;
    return this.#isBlockOpen || (Atomics.load(this.#words, this.#statusIndex) & blockIsOurs) !== 0;
  }

  /** Makes a batch of what waits in one block, or in more that have few. */
  take(packetsMax: number): { byteLength: number; packetCount: number; lostPackets: number } {
    let byteLength = 0;
    let packetCount = 0;
    let lostPackets = 0;
    while (packetCount < packetsMax && this.isReady) {
      this.#openBlock();
      const end = this.#exports.takeFrames(byteLength, batchBytes, packetsMax - packetCount);
      packetCount += this.#exports.packetCount();
      lostPackets += this.#exports.lostCount();
      byteLength = end;
      // No room for another frame.
      if (this.#exports.framesLeft() > 0) break;
      this.#giveBlockBack();
    }
    return { byteLength, packetCount, lostPackets };
  }

  /** Nothing may be taken afterwards. The socket keeps its ring until it is closed. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#map(mmapFlags.private | mmapFlags.fixed | mmapFlags.anonymous, -1);
  }

  get #byteLength(): number {
    return this.#blockBytes * this.#blockCount;
  }

  get #blockAt(): number {
    return this.#at + this.#block * this.#blockBytes;
  }

  get #statusIndex(): number {
    return (this.#blockAt + blockStatusOffset) >> 2;
  }

  #openBlock(): void {
    if (this.#isBlockOpen) return;
    this.#exports.openBlock(this.#blockAt, this.#blockBytes);
    this.#isBlockOpen = true;
  }

  #giveBlockBack(): void {
    Atomics.store(this.#words, this.#statusIndex, 0);
    this.#block = (this.#block + 1) % this.#blockCount;
    this.#isBlockOpen = false;
  }

  /** Puts a mapping in the place of the ring. */
  #map(flags: number, file: number): void {
    const place = new Uint8Array(this.#exports.memory.buffer, this.#at, this.#byteLength);
    const address = Deno.UnsafePointer.of(place as Uint8Array<ArrayBuffer>);
    const length = BigInt(this.#byteLength);
    const mapped = socketFunctions().mmap(address, length, readWrite, flags, file, 0n);
    if (!Deno.UnsafePointer.equals(mapped, address)) throw failure("open", "mmap", lastErrno());
  }
}

function blockSize(byteLength: number): number {
  let blockBytes = blockBytesMax;
  while (blockBytes > blockBytesMin && blockBytes * blockCountUsual > byteLength) blockBytes /= 2;
  return blockBytes;
}

/** Asks for a ring, half as large each time that there is no memory; returns how many blocks it has. */
function askForRing(
  socket: PacketSocket,
  { byteLength, timeoutMs, blockBytes }: {
    byteLength: number;
    timeoutMs: number;
    blockBytes: number;
  },
): number {
  let count = Math.max(blockCountMin, Math.floor(byteLength / blockBytes));
  for (;;) {
    // Frames are as long as they are: their size and number only have to fit the blocks.
    const frames = [blockBytes, count];
    const words = [blockBytes, count, ...frames, Math.max(1, timeoutMs), 0, 0];
    const errno = socket.trySet(PacketOption.rxRing, ...words);
    if (errno === 0) return count;
    if (errno !== Errno.noMemory || count <= blockCountMin) {
      throw failure("open", `a ring of ${count * blockBytes} bytes`, errno);
    }
    count = Math.max(blockCountMin, count >> 1);
  }
}
