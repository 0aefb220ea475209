/**
 * The slower way, for platforms without `fmemopen` or without a way to the address of `pcap_dump`: `pcap_next_ex`
 * packet by packet. The first packet of a batch is waited for off the event loop; the others, already in the
 * kernel's buffer, are copied without waiting. Several times slower than DumpReader.
 */
import { type BatchResult, RecordHeader } from "../capture/capture_handle.ts";
import { type BatchReader, expectedRecordBytes } from "./batch_reader.ts";
import { handleError } from "./errors.ts";
import { errorBufferSize, PcapCode, PcapPkthdr } from "./layout.ts";
import type { PcapLibrary } from "./symbols.ts";

/** Small enough that the event loop is never kept for long. */
const copyBatchBytes = 4 << 20;
const copyPacketsMax = 4096;

export class CopyReader implements BatchReader {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #library: PcapLibrary;
  readonly #handle: Deno.PointerObject;
  readonly #recordBytesMax: number;
  readonly #packetsMax: number;
  /** Where `pcap_next_ex` leaves the addresses of header and bytes. */
  readonly #header = new BigUint64Array(new ArrayBuffer(64), 0, 1);
  readonly #data = new BigUint64Array(new ArrayBuffer(64), 0, 1);
  readonly #errorBuffer = new Uint8Array(errorBufferSize);
  #end = 0;

  constructor(
    library: PcapLibrary,
    options: { handle: Deno.PointerObject; snaplen: number; packetsMax: number },
  ) {
    this.#library = library;
    this.#handle = options.handle;
    this.#packetsMax = Math.min(options.packetsMax, copyPacketsMax);
    this.#recordBytesMax = Math.max(
      RecordHeader.size + options.snaplen,
      expectedRecordBytes(options.snaplen),
    );
    this.bytes = new Uint8Array(Math.max(copyBatchBytes, this.#recordBytesMax));
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Throws CaptureError when the device fails; packets that came before are a batch of their own. */
  async read(): Promise<BatchResult> {
    const { pcap } = this.#library;
    this.#end = 0;
    let packetCount = 0;
    let code = await pcap.pcap_next_ex_wait(this.#handle, this.#header, this.#data);
    pcap.pcap_setnonblock(this.#handle, 1, this.#errorBuffer);
    while (code === 1) {
      this.#appendRecord();
      packetCount++;
      if (packetCount >= this.#packetsMax || !this.#hasRoom()) break;
      code = pcap.pcap_next_ex(this.#handle, this.#header, this.#data);
    }
    pcap.pcap_setnonblock(this.#handle, 0, this.#errorBuffer);
    const isBroken = code === PcapCode.break;
    if (code < 0 && !isBroken && packetCount === 0) {
      throw handleError(this.#library, this.#handle, { operation: "read", code });
    }
    return { byteLength: this.#end, packetCount, lostPackets: 0, isBroken };
  }

  close(): void {}

  #hasRoom(): boolean {
    return this.#end + this.#recordBytesMax <= this.bytes.length;
  }

  #appendRecord(): void {
    const header = new Deno.UnsafePointerView(Deno.UnsafePointer.create(this.#header[0])!);
    const capturedLength = header.getUint32(PcapPkthdr.caplen);
    const view = this.#view;
    view.setUint32(this.#end + RecordHeader.seconds, header.getUint32(PcapPkthdr.tvSec), true);
    view.setUint32(this.#end + RecordHeader.fraction, header.getUint32(PcapPkthdr.tvUsec), true);
    view.setUint32(this.#end + RecordHeader.capturedLength, capturedLength, true);
    view.setUint32(this.#end + RecordHeader.wireLength, header.getUint32(PcapPkthdr.len), true);
    const start = this.#end + RecordHeader.size;
    this.#end = start + capturedLength;
    if (capturedLength === 0) return;
    const data = new Deno.UnsafePointerView(Deno.UnsafePointer.create(this.#data[0])!);
    data.copyInto(this.bytes.subarray(start, this.#end));
  }
}
