/**
 * A device that is open for capture, whatever captures: libpcap (ffi/pcap) or a packet socket's ring (ffi/afpacket). Life:
 * opened, `read()` again and again, `breakLoop()` from anywhere in the thread to end a wait, `close()` when no read is
 * running.
 *
 * A batch is a row of capture-file records from the start of a buffer:
 *
 *     seconds u32 | micro- or nanoseconds u32 | captured length u32 | wire length u32 | captured bytes …
 *
 * in native byte order, little-endian on every platform that Deno has.
 */

/** The head of a record in a batch. */
export const RecordHeader = {
  seconds: 0,
  fraction: 4,
  capturedLength: 8,
  wireLength: 12,
  size: 16,
} as const;

/** What captures. */
export const CAPTURE_METHODS = ["pcap", "afpacket"] as const;
export type CaptureMethod = typeof CAPTURE_METHODS[number];

/** One batch, in `bytes` of its handle until the next read. */
export interface BatchResult {
  /** Whole records only. */
  readonly byteLength: number;
  readonly packetCount: number;
  /** Packets that the kernel handed over and that are not in the batch: no room, or damage. */
  readonly lostPackets: number;
  /** True when breakLoop() ended the wait. */
  readonly isBroken: boolean;
}

export interface HandleOptions {
  readonly device: string;
  /** Bytes kept of each packet. */
  readonly snaplen: number;
  readonly isPromiscuous: boolean;
  /** Kernel ring; less where there is no memory for it. */
  readonly bufferBytes: number;
  /** Longest time that the kernel collects packets before it hands them over. */
  readonly timeoutMs: number;
  /** BPF expression; "" captures everything. */
  readonly filter: string;
  /** Most packets in a batch; fewer where they might not fit. */
  readonly batchPacketsMax: number;
  /** Linux: the handle takes nothing until it has joined those of its device among which the kernel shares the packets. */
  readonly joins?: boolean;
}

/** Of packet sockets (PACKET_FANOUT_CBPF, packet(7)). */
export interface PacketGroup {
  /** 16 bits. Null makes a group that nobody else has, and the handle knows its id. */
  readonly id: number | null;
  /**
   * Rows of `struct sock_filter`: the remainder of what it returns is the number of the handle that gets the packet, in the order
   * in which they joined. When one is closed the last one takes its number. Null leaves the group's as it is.
   */
  readonly program: Uint8Array<ArrayBuffer> | null;
}

/** Packets since a handle was opened: 32-bit counters, which wrap. */
export interface CaptureStats {
  readonly received: number;
  readonly kernelDrops: number;
  readonly interfaceDrops: number;
}

export interface CaptureHandle {
  readonly method: CaptureMethod;
  /** LINKTYPE_ value. */
  readonly linktype: number;
  /** Record timestamps are seconds and nanoseconds, else seconds and microseconds. */
  readonly isNanosecond: boolean;
  readonly isPromiscuous: boolean;
  /** What there is to say although the device was opened; "" mostly. */
  readonly warning: string;
  /** Batches are made packet by packet, several times slower than usual. */
  readonly isSlow: boolean;
  /** Once all is read, the packets read and the kernel's drops are those received: not so where doubles are left out later. */
  readonly isExact: boolean;
  /** Where the records of the last batch stand, until the next `read()`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Waits for packets off the event loop; an idle device may be waited for without end: only `breakLoop()` ends that.
   * Throws CaptureError when the device fails or is gone; packets that came before are a batch of their own.
   */
  read(): Promise<BatchResult>;
  /** Ends the running `read()`, or the next one. Packets that it had already are in its batch. */
  breakLoop(): void;
  /** Not while `read()` is running. Throws CaptureError. */
  stats(): CaptureStats;
  /**
   * Not while `read()` is running; nothing of the handle may be called afterwards. Off the event loop: the kernel takes some
   * 25 ms until nobody looks at the socket any more.
   */
  close(): Promise<void>;
}

/** A handle that can share its device's packets with others: opened with `joins`. */
export interface SharingHandle extends CaptureHandle {
  /** Its group; null before it has joined. */
  readonly groupId: number | null;
  /**
   * Joins a group, once, and takes what the group's program gives it from then on. Off the event loop, as `steer()` is: the kernel
   * takes some 15 ms for each step. Throws CaptureError: `operation` "filter" for a bad expression, else "open".
   */
  join(group: PacketGroup): Promise<void>;
  /** Changes the program of its group: what comes once that is done goes by the new one. Throws CaptureError. */
  steer(program: Uint8Array<ArrayBuffer>): Promise<void>;
}
