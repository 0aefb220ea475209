/**
 * Applications: what a payload is, and the names that a flow's first messages show. The payload's own words come first
 * (signatures_tcp.ts, signatures_udp.ts), the well-known port last (app_ports.ts).
 */
import {
  Application,
  APPLICATION_NAMES,
  type ApplicationDetails,
  type Packet,
  Transport,
} from "../records.ts";
import { readDnsOverTcp, readMessage } from "./app_details.ts";
import { PendingFlows } from "./app_pending.ts";
import { PayloadLook, type PortTable, tcpPorts, udpPorts } from "./app_ports.ts";
import { isTextAt } from "./app_text.ts";
import { readDatagramNames, readSegmentNames } from "./packet_names.ts";
import { readQuic } from "./quic_reader.ts";
import { matchTcp } from "./signatures_tcp.ts";
import { matchUdp } from "./signatures_udp.ts";
import { readStream } from "./stream_reader.ts";
import { isDtlsRecord } from "./tls.ts";

/** Bytes that must all be readable for a payload to look like text. */
const lookLength = 8;
const pendingMaxDefault = 4096;
const speaksDns = APPLICATION_NAMES.map((name) => ["dns", "mdns", "llmnr", "nbns"].includes(name));

/**
 * Index into APPLICATION_NAMES of what the packet's payload is, 0 when it does not say. Looks only at the payload that was
 * captured; allocates nothing and never throws.
 */
export function identifyApplication(bytes: Uint8Array, packet: Packet): number {
  const at = packet.payloadOffset;
  if (at < 0 || packet.payloadCapturedLength <= 0 || packet.isLaterFragment === 1) return 0;
  const end = at + packet.payloadCapturedLength;
  if (packet.transport === Transport.tcp) {
    return matchTcp(bytes, at, end, packet) || matchPorts(bytes, at, end, packet, tcpPorts);
  }
  if (packet.transport === Transport.udp) {
    return matchUdp(bytes, at, end, packet) || matchPorts(bytes, at, end, packet, udpPorts);
  }
  return 0;
}

/**
 * True for a query of DNS or one of its kin, which tells no address of a host. `application` is what identifyApplication()
 * has told of the flow.
 */
export function isNameQuery(bytes: Uint8Array, packet: Packet, application: number): boolean {
  if (!speaksDns[application]) return false;
  // The highest bit of the flags (RFC 1035 section 4.1.1); over TCP a length of two bytes comes first (section 4.2.2).
  const flags = packet.payloadOffset + (packet.transport === Transport.tcp ? 4 : 2);
  const end = packet.payloadOffset + packet.payloadCapturedLength;
  return flags < end && bytes[flags] < 0x80;
}

/** The lower port is the server's more often than not. */
function matchPorts(
  bytes: Uint8Array,
  at: number,
  end: number,
  packet: Packet,
  table: PortTable,
): number {
  const { sourcePort, destinationPort } = packet;
  if (sourcePort < 0 || destinationPort < 0) return 0;
  const isText = isTextAt(bytes, at, Math.min(end, at + lookLength));
  const look = isText ? PayloadLook.text : PayloadLook.binary;
  const low = Math.min(sourcePort, destinationPort);
  const high = Math.max(sourcePort, destinationPort);
  if ((table.looks[low] & look) !== 0) return table.applications[low];
  return (table.looks[high] & look) !== 0 ? table.applications[high] : 0;
}

/**
 * Reads the names that a flow shows, and keeps what is not whole yet: a TLS ClientHello or an HTTP head in several
 * segments, in any order, and a QUIC ClientHello in several Initial packets.
 */
export class ApplicationReader {
  readonly #pending: PendingFlows;

  /** `pendingMax`: most flows waiting at a time; see app_pending.ts for the memory. Throws RangeError below 1. */
  constructor(options: { readonly pendingMax?: number } = {}) {
    this.#pending = new PendingFlows(options.pendingMax ?? pendingMaxDefault);
  }

  /** Flows that wait for more packets. */
  get pendingCount(): number {
    return this.#pending.count;
  }

  /**
   * What the packet's payload says of its flow `key`, whose application identifyApplication has told; null when it says
   * nothing. `isComplete` is false while the flow's next packets are needed.
   */
  read(
    bytes: Uint8Array,
    packet: Packet,
    application: number,
    key: number,
  ): ApplicationDetails | null {
    if (packet.payloadCapturedLength <= 0 || packet.isLaterFragment === 1) return null;
    const at = packet.payloadOffset;
    const end = at + packet.payloadCapturedLength;
    if (packet.transport === Transport.tcp) {
      const details = application === Application.dns
        ? readDnsOverTcp(bytes, at, end)
        : readMessage(bytes, at, end, application);
      return details ?? readStream(this.#pending, bytes, packet, { application, key });
    }
    if (application === Application.quic) return readQuic(this.#pending, bytes, packet, key);
    return readMessage(
      bytes,
      at,
      end,
      isDtlsRecord(bytes, at, end) ? Application.dtls : application,
    );
  }

  /** Forgets what waits for flow `key`; to be called when the key gets another flow. */
  forget(key: number): void {
    this.#pending.delete(key);
  }
}

/**
 * The names in one packet by itself, as tshark lists them without reassembly in dns.qry.name, tls.sni and http.host: the
 * `decode` command's columns. NetBIOS names are not among them. Null when there are none.
 */
export function readPacketNames(bytes: Uint8Array, packet: Packet): ApplicationDetails | null {
  if (packet.payloadCapturedLength <= 0 || packet.isLaterFragment === 1) return null;
  if (packet.transport === Transport.tcp) return readSegmentNames(bytes, packet);
  return packet.transport === Transport.udp ? readDatagramNames(bytes, packet) : null;
}
