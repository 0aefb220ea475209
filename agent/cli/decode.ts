/**
 * `tapwatch decode FILE`: one line of text per packet. Packets are decoded one by one, without flows and without
 * reassembly, and memory does not grow with the file.
 */
import { CaptureFileReader } from "../capture/file_reader.ts";
import { readPacketNames } from "../decode/application.ts";
import { identifyApplication } from "../decode/identify.ts";
import { decodePacket } from "../decode/decode.ts";
import { tunnelPorts } from "../decode/tunnel_ports.ts";
import { formatTsvRow, TSV_HEADER, type TsvRow } from "../decode/tsv.ts";
import {
  Application,
  type ApplicationDetails,
  Linktype,
  Packet,
  type PacketBatch,
  Transport,
} from "../records.ts";
import { ProgressBar } from "./progress.ts";

/** Takes a piece of the output; the next one comes when the promise has settled. */
type WriteChunk = (chunk: Uint8Array) => void | Promise<void>;

const CHUNK_CHARACTERS = 128 * 1024;

/**
 * Writes the header and a line for each packet of the file at `path` ("-" is standard input). Warnings of the reader
 * go to stderr. When the other end of the output is closed (`| head`), it ends as if all were written.
 *
 * @param vxlanPorts UDP ports of VXLAN besides the usual ones
 * @throws CaptureFormatError when the file is no readable capture
 */
export async function runDecode(
  path: string,
  write: WriteChunk,
  vxlanPorts: readonly number[] = [],
): Promise<void> {
  const reader = await CaptureFileReader.open(path);
  try {
    await writeRows(reader, write, new RowFormatter(vxlanPorts));
    for (const warning of reader.info.warnings) console.error(`${path}: ${warning}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  } finally {
    reader.close();
  }
}

async function writeRows(
  reader: CaptureFileReader,
  write: WriteChunk,
  formatter: RowFormatter,
): Promise<void> {
  const encoder = new TextEncoder();
  const progress = Deno.stdout.isTerminal() ? null : new ProgressBar("decoding");
  let text = TSV_HEADER;
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (let i = 0; i < batch.count; i++) {
      text += formatter.format(batch, i);
      if (text.length < CHUNK_CHARACTERS) continue;
      await write(encoder.encode(text));
      text = "";
    }
    progress?.update(() => reader.info);
  }
  progress?.clear();
  await write(encoder.encode(text));
}

/** Decodes and formats packet after packet. */
class RowFormatter {
  readonly #tunnelPorts: Uint8Array;
  #packet = new Packet();
  #quoted = new Packet();
  #row: TsvRow = {
    number: 0,
    timestampUs: 0,
    nanoseconds: 0,
    wireLength: 0,
    capturedLength: 0,
    bytes: new Uint8Array(0),
    packet: this.#packet,
    application: 0,
    names: null,
  };

  constructor(vxlanPorts: readonly number[]) {
    this.#tunnelPorts = tunnelPorts(vxlanPorts);
  }

  format(batch: PacketBatch, index: number): string {
    const packet = this.#packet;
    const row = this.#row;
    row.number++;
    row.timestampUs = batch.timestampsUs[index];
    row.nanoseconds = batch.nanoseconds[index];
    row.wireLength = batch.wireLengths[index];
    row.capturedLength = batch.capturedLengths[index];
    row.bytes = batch.bytes;
    const { capturedLength, wireLength } = row;
    const offset = batch.offsets[index];
    const linktype = batch.linktypes[index];
    const ports = this.#tunnelPorts;
    decodePacket(batch.bytes, offset, capturedLength, wireLength, linktype, packet, ports);
    row.application = identifyApplication(batch.bytes, packet);
    row.names = readNames(batch.bytes, packet, row.application) ??
      this.#readQuotedNames(batch.bytes);
    return formatTsvRow(row);
  }

  /** An ICMP error quotes the packet that caused it, which may hold a name. */
  #readQuotedNames(bytes: Uint8Array): ApplicationDetails | null {
    const { payloadOffset, payloadCapturedLength, payloadLength } = this.#packet;
    if (!isIcmpError(this.#packet) || payloadCapturedLength === 0) return null;
    const quoted = this.#quoted;
    decodePacket(bytes, payloadOffset, payloadCapturedLength, payloadLength, Linktype.raw, quoted);
    return readNames(bytes, quoted, identifyApplication(bytes, quoted));
  }
}

/** NetBIOS messages have the form of DNS, but their names belong in no DNS column. */
function readNames(
  bytes: Uint8Array,
  packet: Packet,
  application: number,
): ApplicationDetails | null {
  return application === Application.nbns ? null : readPacketNames(bytes, packet);
}

/** Unreachable, quench, redirect, time exceeded, parameter problem (RFC 792); types below 128 (RFC 4443). */
function isIcmpError(packet: Packet): boolean {
  const type = packet.sourcePort;
  if (packet.transport === Transport.icmpv6) return type > 0 && type < 128;
  const isError = type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
  return packet.transport === Transport.icmp && isError;
}
