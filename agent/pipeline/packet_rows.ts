/** Decides which packets become rows, and makes the rows. */
import { formatCount } from "../text/amounts.ts";
import {
  Application,
  APPLICATION_NAMES,
  type ApplicationDetails,
  type Packet,
  type PacketBatch,
  type PacketRow,
  TRANSPORT_NAMES,
} from "../records.ts";

export type RowPolicy = "all" | "sampled" | "anomalous" | "none";

/** Rows a second of traffic time that `sampled` aims at: 2,000 rows are about 240 kB with their indexes. */
export const sampledRowsPerSecond = 2000;

/**
 * Picks every packet, none, or 1 in k, where k follows the rate: it is set each second from the packets of the last
 * one, and doubles at once when a second has brought twice the rows aimed at.
 */
export class RowSampler {
  readonly #policy: RowPolicy;
  readonly #rowsPerSecond: number;
  /** One row stands for this many packets. */
  sampleK = 1;
  #secondStartUs = -1;
  #packets = 0;
  #rows = 0;
  #untilNext = 0;

  /** `rowsPerSecond` is what `sampled` aims at. */
  constructor(policy: RowPolicy, rowsPerSecond = sampledRowsPerSecond) {
    this.#policy = policy;
    this.#rowsPerSecond = rowsPerSecond;
  }

  /** Whether the packet at `timestampUs` becomes a row; `sampleK` then holds what the row stands for. */
  takes(timestampUs: number): boolean {
    if (this.#policy !== "sampled") return this.#policy === "all";
    if (timestampUs - this.#secondStartUs >= 1e6 || timestampUs < this.#secondStartUs) {
      this.#beginSecond(timestampUs);
    }
    this.#packets++;
    if (this.#untilNext > 0) {
      this.#untilNext--;
      return false;
    }
    if (++this.#rows > 2 * this.#rowsPerSecond) {
      this.sampleK *= 2;
      this.#rows = 0;
    }
    this.#untilNext = this.sampleK - 1;
    return true;
  }

  #beginSecond(timestampUs: number): void {
    this.sampleK = Math.max(1, Math.ceil(this.#packets / this.#rowsPerSecond));
    this.#secondStartUs = timestampUs;
    this.#packets = 0;
    this.#rows = 0;
    this.#untilNext = 0;
  }
}

/** Formatting of addresses, given by the joiner so that this file needs no decoder. */
export interface AddressText {
  readonly ipv4: (bytes: Uint8Array, offset: number) => string;
  readonly words: (word0: number, word1: number, word2: number, word3: number) => string;
  readonly mac: (bytes: Uint8Array, offset: number) => string;
}

interface RowContext {
  readonly application: number;
  readonly flowId: number;
  readonly sampleK: number;
  readonly details: ApplicationDetails | null;
  readonly text: AddressText;
}

/** The row of the packet at `index` of the batch, just decoded into `packet`. */
export function makePacketRow(
  batch: PacketBatch,
  index: number,
  packet: Packet,
  context: RowContext,
): PacketRow {
  const { text } = context;
  const arpEnd = packet.arpOffset + 28;
  const isArp = packet.arpOffset >= 0 &&
    arpEnd <= batch.offsets[index] + batch.capturedLengths[index];
  const ports = packet.sourcePort >= 0;
  return {
    tsUs: batch.timestampsUs[index],
    interfaceId: batch.interfaceIds[index],
    wireLength: batch.wireLengths[index],
    capturedLength: batch.capturedLengths[index],
    src: packet.ipVersion
      ? text.words(packet.source0, packet.source1, packet.source2, packet.source3)
      : isArp
      ? text.mac(batch.bytes, packet.arpOffset + 8)
      : "",
    dst: packet.ipVersion
      ? text.words(
        packet.destination0,
        packet.destination1,
        packet.destination2,
        packet.destination3,
      )
      : isArp
      ? text.mac(batch.bytes, packet.arpOffset + 18)
      : "",
    srcPort: ports ? packet.sourcePort : null,
    dstPort: ports ? packet.destinationPort : null,
    protocol: TRANSPORT_NAMES[packet.transport],
    application: APPLICATION_NAMES[context.application],
    tcpFlags: packet.tcpFlags >= 0 ? packet.tcpFlags : null,
    vlanId: packet.vlanId >= 0 ? packet.vlanId : null,
    flowId: context.flowId,
    sampleK: context.sampleK,
    info: isArp ? arpInfo(batch.bytes, packet, text) : packetInfo(packet, context.details),
  };
}

function packetInfo(packet: Packet, details: ApplicationDetails | null): string {
  if (details?.dns) {
    const { dns } = details;
    if (!dns.isResponse) return `asks ${dns.queryType} ${dns.queryName}`;
    const answer = dns.answers[0] ? `: ${dns.answers[0].data}` : "";
    return `${dns.rcode ?? "answer"} ${dns.queryType} ${dns.queryName}${answer}`;
  }
  if (details?.tls) return `ClientHello ${details.tls.serverName ?? ""}`.trim();
  if (details?.http?.method) {
    return `${details.http.method} ${details.http.host ?? ""}${details.http.path ?? ""}`;
  }
  if (details?.http?.status) return `status ${details.http.status}`;
  if (details?.application === Application.ssh && details.sshBanner) return details.sshBanner;
  if (details?.name) return details.name;
  if (packet.tcpFlags >= 0) return tcpInfo(packet);
  if (packet.isLaterFragment) return "fragment";
  if (packet.icmpIdentifier >= 0) {
    return packet.sourcePort === 8 || packet.sourcePort === 128 ? "echo request" : "echo reply";
  }
  return packet.payloadLength > 0 ? `${formatCount(packet.payloadLength)} bytes` : "";
}

const flagNames = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS"];

function tcpInfo(packet: Packet): string {
  const flags = flagNames.filter((_, bit) => packet.tcpFlags & (1 << bit)).join(" ") || "no flags";
  return packet.payloadLength > 0 ? `${flags}, ${formatCount(packet.payloadLength)} bytes` : flags;
}

/** ARP for Ethernet and IPv4: sender at 8 and 14, target at 18 and 24 (RFC 826). */
function arpInfo(bytes: Uint8Array, packet: Packet, text: AddressText): string {
  const sender = text.ipv4(bytes, packet.arpOffset + 14);
  const target = text.ipv4(bytes, packet.arpOffset + 24);
  const operation = bytes[packet.arpOffset + 7];
  if (operation === 1) return `who has ${target}? tell ${sender}`;
  return `${sender} is at ${text.mac(bytes, packet.arpOffset + 8)}`;
}
