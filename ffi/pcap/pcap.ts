/** A capture handle of libpcap. */
import { findInterface, PacketSocket } from "../afpacket/packet_socket.ts";
import { CaptureError } from "../capture/capture_error.ts";
import type {
  BatchResult,
  CaptureStats,
  HandleOptions,
  PacketGroup,
  SharingHandle,
} from "../capture/capture_handle.ts";
import type { BatchReader } from "./batch_reader.ts";
import { CopyReader } from "./copy_reader.ts";
import { DumpReader } from "./dump_reader.ts";
import { errorBufferText, handleError, pcapError } from "./errors.ts";
import {
  BpfProgram,
  errorBufferSize,
  linktypeOfDlt,
  netmaskUnknown,
  PcapCode,
  PcapStat,
  precisionNanosecond,
} from "./layout.ts";
import { type PcapLibrary, readCString, toCString } from "./symbols.ts";

/** "dump" is DumpReader, "copy" CopyReader. */
export type BatchMethod = "dump" | "copy";

/** A protocol that no frame has (RFC 1701 reserves it): a socket that is bound to it takes nothing. */
const noProtocol = 0xffff;
/** Of all devices. */
const everyInterface = 0;

export interface PcapOptions extends HandleOptions {
  /** The fastest that the platform has, unless given. */
  readonly batchMethod?: BatchMethod;
}

export class Pcap implements SharingHandle {
  readonly method = "pcap";
  readonly device: string;
  readonly linktype: number;
  readonly isNanosecond: boolean;
  readonly isPromiscuous: boolean;
  readonly warning: string;
  readonly batchMethod: BatchMethod;
  readonly #library: PcapLibrary;
  readonly #handle: Deno.PointerObject;
  readonly #reader: BatchReader;
  readonly #filter: string;
  /** Of a handle that joins a group. */
  readonly #socket: PacketSocket | null;

  /** Opens and filters a device. Throws CaptureError: `operation` "filter" for a bad expression, else "open". */
  static open(library: PcapLibrary, options: PcapOptions): Pcap {
    const errorBuffer = new Uint8Array(errorBufferSize);
    const handle = library.pcap.pcap_create(toCString(options.device), errorBuffer);
    if (handle === null) {
      throw pcapError("open", PcapCode.error, errorBufferText(errorBuffer));
    }
    try {
      return new Pcap(library, handle, options);
    } catch (error) {
      library.pcap.pcap_close(handle);
      throw error;
    }
  }

  private constructor(library: PcapLibrary, handle: Deno.PointerObject, options: PcapOptions) {
    this.#library = library;
    this.#handle = handle;
    this.device = options.device;
    const status = activate(library, handle, options);
    this.warning = status > 0 ? this.#warningText(status) : "";
    // libpcap 1.10.3 opens "any" without promiscuous mode and without the warning that it promises.
    this.isPromiscuous = options.isPromiscuous && options.device !== "any" &&
      status !== PcapCode.promiscuousNotSupported;
    this.linktype = linktypeOfDlt(library.pcap.pcap_datalink(handle));
    this.isNanosecond = library.pcap.pcap_get_tstamp_precision(handle) === precisionNanosecond;
    this.#filter = options.filter;
    this.#socket = options.joins ? this.#closedSocket() : null;
    if (!options.joins && options.filter !== "") setFilter(library, handle, options.filter);
    const canDump = library.dump !== null && options.batchMethod !== "copy";
    this.batchMethod = canDump ? "dump" : "copy";
    const { snaplen, batchPacketsMax: packetsMax } = options;
    this.#reader = library.dump !== null && canDump
      ? new DumpReader(library, library.dump, { handle, snaplen, packetsMax })
      : new CopyReader(library, { handle, snaplen, packetsMax });
  }

  get groupId(): number | null {
    return this.#socket?.groupId ?? null;
  }

  async join(group: PacketGroup): Promise<void> {
    const socket = this.#socket!;
    await socket.join(group, {
      ifindex: this.device === "any" ? everyInterface : findInterface(this.device).index,
      // libpcap itself leaves out what loopback tells twice.
      ignoresOutgoing: false,
      letPass: () => {
        if (this.#filter === "") socket.removeFilter();
        else setFilter(this.#library, this.#handle, this.#filter);
      },
    });
  }

  steer(program: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#socket!.steer(program);
  }

  /** So far it is bound to what no frame has; once it is bound to its device nothing passes until it has joined. */
  #closedSocket(): PacketSocket {
    const socket = new PacketSocket(this.#library.pcap.pcap_fileno(this.#handle));
    socket.keepToProcess();
    socket.letNothingPass();
    return socket;
  }

  get isSlow(): boolean {
    return this.batchMethod === "copy";
  }

  /** libpcap leaves out what loopback tells twice, and on BSD counts what its filter refuses. */
  get isExact(): boolean {
    return Deno.build.os === "linux" && !["lo", "any"].includes(this.device);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#reader.bytes;
  }

  read(): Promise<BatchResult> {
    return this.#reader.read();
  }

  breakLoop(): void {
    this.#library.pcap.pcap_breakloop(this.#handle);
  }

  stats(): CaptureStats {
    const buffer = new Uint8Array(PcapStat.size);
    const code = this.#library.pcap.pcap_stats(this.#handle, buffer);
    if (code < 0) {
      throw handleError(this.#library, this.#handle, { operation: "stats", code });
    }
    const view = new DataView(buffer.buffer);
    return {
      received: view.getUint32(PcapStat.received, true),
      kernelDrops: view.getUint32(PcapStat.dropped, true),
      interfaceDrops: view.getUint32(PcapStat.interfaceDropped, true),
    };
  }

  async close(): Promise<void> {
    this.#reader.close();
    await this.#library.pcap.closeOffLoop(this.#handle);
  }

  #warningText(status: number): string {
    return handleError(this.#library, this.#handle, { operation: "open", code: status }).message;
  }
}

function activate(library: PcapLibrary, handle: Deno.PointerObject, options: PcapOptions): number {
  const { pcap } = library;
  pcap.pcap_set_snaplen(handle, options.snaplen);
  pcap.pcap_set_promisc(handle, options.isPromiscuous ? 1 : 0);
  pcap.pcap_set_timeout(handle, options.timeoutMs);
  pcap.pcap_set_buffer_size(handle, options.bufferBytes);
  // Refused where only microseconds are known; pcap_get_tstamp_precision() tells later.
  pcap.pcap_set_tstamp_precision(handle, precisionNanosecond);
  if (options.joins) {
    if (pcap.pcap_set_protocol_linux === null) {
      throw new CaptureError("open", "other", "libpcap before 1.9 has no groups");
    }
    pcap.pcap_set_protocol_linux(handle, noProtocol);
  }
  const status = pcap.pcap_activate(handle);
  if (status < 0) throw handleError(library, handle, { operation: "open", code: status });
  return status;
}

function setFilter(library: PcapLibrary, handle: Deno.PointerObject, expression: string): void {
  const { pcap } = library;
  const program = new Uint8Array(new ArrayBuffer(64), 0, BpfProgram.size);
  let code = pcap.pcap_compile(handle, program, toCString(expression), 1, netmaskUnknown);
  if (code >= 0) {
    code = pcap.pcap_setfilter(handle, program);
    pcap.pcap_freecode(program);
  }
  if (code >= 0) return;
  const reason = readCString(pcap.pcap_geterr(handle));
  throw pcapError("filter", code, `${reason} in the filter "${expression}"`);
}
