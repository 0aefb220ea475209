/** A packet socket (packet(7)) and the calls on it, with errors that say what a person can do something about. */
import {
  CaptureError,
  type CaptureFault,
  type CaptureOperation,
} from "../capture/capture_error.ts";
import type { PacketGroup } from "../capture/capture_handle.ts";
import { cString, errorText, lastErrno } from "../linux/libc.ts";
import {
  afInet,
  afPacket,
  Errno,
  everyProtocol,
  fanoutByProgram,
  fanoutIgnoresOutgoing,
  fanoutWithNewId,
  Ifreq,
  IoctlRequest,
  membershipPromiscuous,
  PacketMreq,
  PacketOption,
  SockaddrLl,
  sockCloexec,
  sockDgram,
  SocketOption,
  SockFprog,
  sockRaw,
  solPacket,
  solSocket,
  TpacketStats,
} from "./layout.ts";
import { socketFunctions } from "./symbols.ts";

/** Bytes of a name of a device, with the zero at its end. */
const nameBytesMax = 16;
const instructionBytes = 8;
const idMask = 0xffff;

export class PacketSocket {
  readonly handle: number;
  #groupId: number | null = null;

  /** Of a socket that is open. */
  constructor(handle: number) {
    this.handle = handle;
  }

  /** Takes nothing until it is bound. Throws CaptureError. */
  static open(isCooked: boolean): PacketSocket {
    const type = (isCooked ? sockDgram : sockRaw) | sockCloexec;
    return new PacketSocket(check("open", "socket", socketFunctions().socket(afPacket, type, 0)));
  }

  /** A program that is started does not have it too: it would stay open, and in its group, as long as that runs. */
  keepToProcess(): void {
    const result = socketFunctions().ioctl(
      this.handle,
      BigInt(IoctlRequest.closeOnExec),
      new Uint8Array(),
    );
    check("open", "close-on-exec", result);
  }

  /** The group that it has joined; null before. */
  get groupId(): number | null {
    return this.#groupId;
  }

  /** Sets an option of 32-bit words; the error number, 0 when it is set. */
  trySet(option: number, ...words: readonly number[]): number {
    const bytes = bytesOf(Uint32Array.from(words));
    const { setsockopt } = socketFunctions();
    return setsockopt(this.handle, solPacket, option, bytes, bytes.length) < 0 ? lastErrno() : 0;
  }

  /** As `trySet`. Throws CaptureError. */
  set(option: number, ...words: readonly number[]): void {
    const errno = this.trySet(option, ...words);
    if (errno !== 0) throw failure("open", `option ${option} of a packet socket`, errno);
  }

  /** Until the socket is closed. */
  makePromiscuous(ifindex: number): void {
    const view = new DataView(new ArrayBuffer(PacketMreq.size));
    view.setInt32(PacketMreq.ifindex, ifindex, true);
    view.setUint16(PacketMreq.type, membershipPromiscuous, true);
    const { setsockopt } = socketFunctions();
    const result = setsockopt(
      this.handle,
      solPacket,
      PacketOption.addMembership,
      new Uint8Array(view.buffer),
      PacketMreq.size,
    );
    if (result < 0 && isDenied(lastErrno())) {
      throw new CaptureError("open", "promiscuousDenied", "promiscuous mode is not permitted");
    }
    check("open", "promiscuous mode", result);
  }

  /** Lets nothing pass until a filter is set or removed. Throws CaptureError. */
  letNothingPass(): void {
    const result = this.#setProgram(solSocket, SocketOption.attachFilter, returnAlways(0));
    check("open", "no packet socket", result);
  }

  /** Attaches a program: rows of `struct sock_filter`. The kernel copies it. Throws CaptureError. */
  setFilter(program: Uint8Array<ArrayBuffer>): void {
    const result = this.#setProgram(solSocket, SocketOption.attachFilter, program);
    check("filter", "the kernel refuses the filter", result);
  }

  removeFilter(): void {
    const { setsockopt } = socketFunctions();
    const nothing = new Uint8Array(4);
    const result = setsockopt(
      this.handle,
      solSocket,
      SocketOption.detachFilter,
      nothing,
      nothing.length,
    );
    check("filter", "no filter", result);
  }

  /**
   * Binds a socket through which nothing passes, has it join a group, and only then `letPass`: until it has joined it would get what
   * is the others'. Throws CaptureError, and what `letPass` throws.
   */
  async join(
    { id, program }: PacketGroup,
    { ifindex, ignoresOutgoing, letPass }: {
      readonly ifindex: number;
      readonly ignoresOutgoing: boolean;
      readonly letPass: () => void;
    },
  ): Promise<void> {
    await this.#bindOffLoop(ifindex);
    this.#joinGroup(id, ignoresOutgoing);
    letPass();
    if (program !== null) await this.steer(program);
  }

  /** Null makes a group of its own. */
  #joinGroup(id: number | null, ignoresOutgoing: boolean): void {
    const flags = (ignoresOutgoing ? fanoutIgnoresOutgoing : 0) |
      (id === null ? fanoutWithNewId : 0);
    this.set(PacketOption.fanout, (id ?? 0) | (fanoutByProgram | flags) << 16);
    const fanout = new DataView(this.#getOption(solPacket, PacketOption.fanout, 4));
    this.#groupId = fanout.getUint32(0, true) & idMask;
  }

  /** Sets the program of its group; when that is done, no packet goes by the one before any more. Throws CaptureError. */
  async steer(program: Uint8Array<ArrayBuffer>): Promise<void> {
    const { size } = SockFprog;
    const { setsockoptOffLoop } = socketFunctions();
    const result = await offLoop(size + program.length, (memory, address) => {
      memory.set(fprogOf(program, address + BigInt(size)));
      memory.set(program, size);
      const pointer = Deno.UnsafePointer.create(address);
      return setsockoptOffLoop(this.handle, solPacket, PacketOption.fanoutData, pointer, size);
    });
    if (result >= 0) return;
    // Why not is to be read only on the thread that asked.
    const again = this.#setProgram(solPacket, PacketOption.fanoutData, program);
    check("open", "the kernel refuses the program that shares packets", again);
  }

  #setProgram(level: number, option: number, program: Uint8Array<ArrayBuffer>): number {
    const address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)));
    const bytes = fprogOf(program, address);
    return socketFunctions().setsockopt(this.handle, level, option, bytes, bytes.length);
  }

  /** Takes packets from now on; of all devices where the index is 0. Throws CaptureError "notUp" of a device that is down. */
  bind(ifindex: number): void {
    const bytes = addressOf(ifindex);
    check("open", "bind", socketFunctions().bind(this.handle, bytes, bytes.length));
    const errno = this.takeError();
    if (errno !== 0) throw failure("open", "bind", errno);
  }

  /** As `bind()`, for a socket that is bound otherwise: the kernel waits until no processor uses that. */
  async #bindOffLoop(ifindex: number): Promise<void> {
    const bytes = addressOf(ifindex);
    await offLoop(bytes.length, (memory, address) => {
      memory.set(bytes);
      const pointer = Deno.UnsafePointer.create(address);
      return socketFunctions().bindOffLoop(this.handle, pointer, bytes.length);
    });
    // To be bound as it is takes no time, and says why it is not.
    this.bind(ifindex);
  }

  /** The error that waits at the socket, 0 when none does. */
  takeError(): number {
    return new DataView(this.#getOption(solSocket, SocketOption.error, 4)).getInt32(0, true);
  }

  /** False when the device is gone that the socket was bound to: a device that comes back has another index. */
  isBound(): boolean {
    const address = new Uint8Array(SockaddrLl.size);
    const { getsockname } = socketFunctions();
    const length = bytesOf(Uint32Array.of(address.length));
    check("read", "getsockname", getsockname(this.handle, address, length));
    return new DataView(address.buffer).getInt32(SockaddrLl.ifindex, true) !== -1;
  }

  /** Packets and drops since the last call. Packets are those that passed the filter, the dropped ones among them. */
  takeStatistics(): { packets: number; drops: number } {
    const stats = new DataView(
      this.#getOption(solPacket, PacketOption.statistics, TpacketStats.size),
    );
    return {
      packets: stats.getUint32(TpacketStats.packets, true),
      drops: stats.getUint32(TpacketStats.drops, true),
    };
  }

  close(): void {
    socketFunctions().close(this.handle);
  }

  async closeOffLoop(): Promise<void> {
    await socketFunctions().closeOffLoop(this.handle);
  }

  #getOption(level: number, option: number, size: number): ArrayBuffer {
    const bytes = new Uint8Array(size);
    const length = bytesOf(Uint32Array.of(size));
    const { getsockopt } = socketFunctions();
    check("stats", "getsockopt", getsockopt(this.handle, level, option, bytes, length));
    return bytes.buffer;
  }
}

/**
 * Makes a call in which the kernel waits for its processors, some 15 ms, without holding up this thread. Its memory is the C
 * library's: when a worker is terminated the call goes on, and must not find its memory in other hands.
 */
async function offLoop(
  byteLength: number,
  call: (memory: Uint8Array<ArrayBuffer>, address: bigint) => Promise<number>,
): Promise<number> {
  const { malloc, free } = socketFunctions();
  const pointer = malloc(BigInt(byteLength))!;
  const memory = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, byteLength));
  try {
    return await call(memory, BigInt(Deno.UnsafePointer.value(pointer)));
  } finally {
    free(pointer);
  }
}

/** `struct sockaddr_ll` of all packets of a device. */
function addressOf(ifindex: number): Uint8Array<ArrayBuffer> {
  const address = new DataView(new ArrayBuffer(SockaddrLl.size));
  address.setUint16(0, afPacket, true);
  address.setUint16(SockaddrLl.protocol, everyProtocol);
  address.setInt32(SockaddrLl.ifindex, ifindex, true);
  return new Uint8Array(address.buffer);
}

/** `struct sock_fprog` of a program that stands at an address. */
function fprogOf(program: Uint8Array, address: bigint): Uint8Array<ArrayBuffer> {
  const fprog = new DataView(new ArrayBuffer(SockFprog.size));
  fprog.setUint16(SockFprog.length, program.length / instructionBytes, true);
  fprog.setBigUint64(SockFprog.filter, address, true);
  return new Uint8Array(fprog.buffer);
}

/** What the kernel calls a device: its index, and the ARPHRD_ value of its hardware. Throws CaptureError "noSuchDevice". */
export function findInterface(
  device: string,
): { readonly index: number; readonly hardware: number } {
  const name = cString(device);
  if (name.length > nameBytesMax) throw failure("open", device, Errno.noDevice);
  const { socket, ioctl, close } = socketFunctions();
  // Any socket will do; to close a packet socket takes the kernel some milliseconds.
  const file = check("open", "socket", socket(afInet, sockDgram | sockCloexec, 0));
  const ask = (request: number) => {
    const ifreq = new Uint8Array(Ifreq.size);
    ifreq.set(name);
    check("open", device, ioctl(file, BigInt(request), ifreq));
    return new DataView(ifreq.buffer, Ifreq.value);
  };
  try {
    return {
      index: ask(IoctlRequest.index).getInt32(0, true),
      hardware: ask(IoctlRequest.hardwareAddress).getUint16(0, true),
    };
  } finally {
    close(file);
  }
}

/** A program that returns the same for each packet: BPF_RET | BPF_K. */
export function returnAlways(value: number): Uint8Array<ArrayBuffer> {
  const instruction = new DataView(new ArrayBuffer(instructionBytes));
  instruction.setUint16(0, 6, true);
  instruction.setUint32(4, value, true);
  return new Uint8Array(instruction.buffer);
}

/** `result`, unless it is less than zero: then throws CaptureError of the call before, on this thread. */
export function check(operation: CaptureOperation, what: string, result: number): number {
  if (result >= 0) return result;
  throw failure(operation, what, lastErrno());
}

export function failure(operation: CaptureOperation, what: string, errno: number): CaptureError {
  const fault: CaptureFault = isDenied(errno)
    ? "permissionDenied"
    : errno === Errno.noDevice
    ? "noSuchDevice"
    : errno === Errno.networkDown
    ? "notUp"
    : "other";
  return new CaptureError(operation, fault, `${what}: ${errorText(errno)}`);
}

function isDenied(errno: number): boolean {
  return errno === Errno.notPermitted || errno === Errno.accessDenied;
}

function bytesOf(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer);
}
