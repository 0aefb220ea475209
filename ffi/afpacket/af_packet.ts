/** A capture handle of Linux' own: a packet socket with a ring, and nothing but the C library. */
import type {
  BatchResult,
  CaptureStats,
  HandleOptions,
  PacketGroup,
  SharingHandle,
} from "../capture/capture_handle.ts";
import { CaptureError } from "../capture/capture_error.ts";
import { readKernelFile } from "../linux/kernel_file.ts";
import { errorText } from "../linux/libc.ts";
import { Errno, eventFlags, PacketOption, pollError, Pollfd, pollIn } from "./layout.ts";
import { cookedLink, type LinkKind, linkKindOf } from "./link_kinds.ts";
import { check, findInterface, PacketSocket, returnAlways } from "./packet_socket.ts";
import { Ring } from "./ring.ts";
import { socketFunctions } from "./symbols.ts";

export interface AfPacketOptions extends HandleOptions {
  /** The program, rows of `struct sock_filter`, of `filter` for packets of a kind; not called for "". Throws CaptureError. */
  readonly compileFilter: (filter: string, format: FilterFormat) => Uint8Array<ArrayBuffer>;
}

export interface FilterFormat extends Pick<LinkKind, "linktype" | "isCooked"> {
  /** What the program is to return for a packet that passes. */
  readonly snaplen: number;
}

/** The device that stands for all. */
const anyDevice = "any";
const everyInterface = { index: 0, hardware: -1 };
const loopbackHardware = 772;
const snaplenMax = 262_144;
const waitForever = -1;
/** A device that is taken away goes down first, and of the rest the kernel says nothing. */
const downMs = 100;

export class AfPacket implements SharingHandle {
  readonly method = "afpacket";
  readonly linktype: number;
  readonly isNanosecond = true;
  readonly isPromiscuous: boolean;
  readonly warning = "";
  readonly isSlow = false;
  readonly isExact: boolean;
  readonly #device: string;
  readonly #socket: PacketSocket;
  readonly #ring: Ring;
  readonly #waker: Waker;
  readonly #packetsMax: number;
  /** What it needs to join a group. */
  readonly #joining: {
    readonly index: number;
    readonly isLoopback: boolean;
    readonly program: Uint8Array<ArrayBuffer> | null;
  };
  #isDown = false;
  #received = 0;
  #kernelDrops = 0;
  readonly #interfaceDropsBefore: number;

  /** Opens and filters a device. Throws CaptureError: `operation` "filter" for a bad expression, else "open". */
  static open(options: AfPacketOptions): AfPacket {
    const found = options.device === anyDevice ? null : findInterface(options.device);
    const link = found === null ? cookedLink : linkKindOf(found.hardware);
    const socket = PacketSocket.open(link.isCooked);
    try {
      return new AfPacket(socket, { ...found ?? everyInterface, link }, options);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  private constructor(
    socket: PacketSocket,
    { index, hardware, link }: { index: number; hardware: number; link: LinkKind },
    options: AfPacketOptions,
  ) {
    const { device } = options;
    const snaplen = Math.min(options.snaplen, snaplenMax);
    this.#device = device;
    this.#socket = socket;
    this.linktype = link.linktype;
    const program = filterProgram(options, { ...link, snaplen });
    const { joins = false } = options;
    this.#joining = { index, isLoopback: hardware === loopbackHardware, program };
    // Until it is in its group a socket gets what is the others'.
    if (joins) socket.letNothingPass();
    else if (program !== null) socket.setFilter(program);
    this.isPromiscuous = options.isPromiscuous && index !== everyInterface.index;
    if (this.isPromiscuous) socket.makePromiscuous(index);
    // What is sent there comes back as received; older kernels give both, of which the ring takes one.
    const { isLoopback } = this.#joining;
    this.isExact = !isLoopback && device !== anyDevice;
    if (isLoopback) socket.trySet(PacketOption.ignoreOutgoing, 1);
    this.#interfaceDropsBefore = interfaceDrops(device);
    this.#ring = new Ring(socket, {
      byteLength: options.bufferBytes,
      timeoutMs: options.timeoutMs,
      snaplen,
      link,
    });
    this.#packetsMax = options.batchPacketsMax;
    try {
      this.#waker = new Waker(socket.handle);
      if (!joins) socket.bind(index);
    } catch (error) {
      this.#ring.close();
      throw error;
    }
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#ring.bytes;
  }

  get groupId(): number | null {
    return this.#socket.groupId;
  }

  join(group: PacketGroup): Promise<void> {
    const { index, isLoopback, program } = this.#joining;
    return this.#socket.join(group, {
      ifindex: index,
      ignoresOutgoing: isLoopback,
      letPass: () => {
        if (program === null) this.#socket.removeFilter();
        else this.#socket.setFilter(program);
      },
    });
  }

  steer(program: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#socket.steer(program);
  }

  async read(): Promise<BatchResult> {
    const { isBroken, hasFailed } = await this.#waker.wait(this.#isDown ? downMs : waitForever);
    const batch = this.#ring.take(this.#packetsMax);
    if (batch.packetCount > 0) this.#isDown = false;
    else if (hasFailed || this.#isDown) this.#judgeFailure();
    return { ...batch, isBroken };
  }

  breakLoop(): void {
    this.#waker.wake();
  }

  stats(): CaptureStats {
    const { packets, drops } = this.#socket.takeStatistics();
    this.#received = (this.#received + packets) >>> 0;
    this.#kernelDrops = (this.#kernelDrops + drops) >>> 0;
    return {
      received: this.#received,
      kernelDrops: this.#kernelDrops,
      interfaceDrops: (interfaceDrops(this.#device) - this.#interfaceDropsBefore) >>> 0,
    };
  }

  async close(): Promise<void> {
    this.#ring.close();
    this.#waker.close();
    await this.#socket.closeOffLoop();
  }

  /** A device that went down stays bound, and its packets come again when it is up; one that is gone does not come back. */
  #judgeFailure(): void {
    const errno = this.#socket.takeError();
    if (errno !== 0 && errno !== Errno.networkDown) {
      throw new CaptureError("read", "other", `the packet socket: ${errorText(errno)}`);
    }
    if (errno === Errno.networkDown) this.#isDown = true;
    if (!this.#socket.isBound()) {
      throw new CaptureError("read", "other", "The interface disappeared");
    }
  }
}

/** Waits for the socket, or to be woken. */
class Waker {
  readonly #event: number;
  /** Of the C library: when a worker is terminated, a wait goes on and must not find the memory in other hands. */
  readonly #polls: Deno.PointerObject;
  readonly #view: DataView;

  constructor(socket: number) {
    const { eventfd, malloc } = socketFunctions();
    this.#event = check("open", "eventfd", eventfd(0, eventFlags));
    const size = 2 * Pollfd.size;
    this.#polls = malloc(BigInt(size))!;
    this.#view = new DataView(Deno.UnsafePointerView.getArrayBuffer(this.#polls, size));
    for (const [index, file] of [socket, this.#event].entries()) {
      this.#view.setInt32(index * Pollfd.size, file, true);
      this.#view.setInt16(index * Pollfd.size + Pollfd.events, pollIn, true);
    }
  }

  async wait(timeoutMs: number): Promise<{ isBroken: boolean; hasFailed: boolean }> {
    const { poll, read } = socketFunctions();
    // Less than zero is a signal.
    const ready = await poll(this.#polls, 2n, timeoutMs);
    if (ready <= 0) return { isBroken: false, hasFailed: false };
    const revents = (index: number) =>
      this.#view.getInt16(index * Pollfd.size + Pollfd.revents, true);
    const isBroken = revents(1) !== 0;
    if (isBroken) read(this.#event, new Uint8Array(8), 8n);
    return { isBroken, hasFailed: (revents(0) & pollError) !== 0 };
  }

  wake(): void {
    socketFunctions().write(this.#event, new Uint8Array(BigUint64Array.of(1n).buffer), 8n);
  }

  close(): void {
    const { close, free } = socketFunctions();
    close(this.#event);
    free(this.#polls);
  }
}

/** Without a filter the kernel is only told to cut packets off; null when there is nothing to cut. */
function filterProgram(options: AfPacketOptions, format: FilterFormat) {
  if (options.filter !== "") return options.compileFilter(options.filter, format);
  return format.snaplen < snaplenMax ? returnAlways(format.snaplen) : null;
}

/** What the device itself has lost, as libpcap counts it; 0 where that is not told. */
function interfaceDrops(device: string): number {
  const folder = `/sys/class/net/${device}/statistics`;
  return ["rx_missed_errors", "rx_fifo_errors"]
    .map((name) => Number(readKernelFile(`${folder}/${name}`) ?? 0))
    .reduce((sum, count) => sum + count, 0);
}
