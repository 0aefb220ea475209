/**
 * The names in one packet, without what came before it: what tshark shows with reassembly off. DNS is read on its ports, and
 * elsewhere when a datagram is nothing but a plain query; TLS, QUIC and HTTP wherever their first bytes are.
 */
import { Application, type ApplicationDetails, type Packet } from "../records.ts";
import { describeHttp, describeTls, readDnsOverTcp, readMessage } from "./app_details.ts";
import { readUint16 } from "./bytes.ts";
import { readClientHello } from "./client_hello.ts";
import { isDnsQueryStrict } from "./dns.ts";
import { readHttp } from "./http.ts";
import { skipProxyHeader } from "./proxy_header.ts";
import { readQuicDatagram } from "./quic_reader.ts";
import { isClientHelloRecord, tlsRecordHeaderLength } from "./tls.ts";

const dnsPort = 53;
const mdnsPort = 5353;
const llmnrPort = 5355;
/** Its queries look like DNS with unreadable names. */
const nbnsPort = 137;
const ssdpPort = 1900;

/** The names in a TCP segment. */
export function readSegmentNames(bytes: Uint8Array, packet: Packet): ApplicationDetails | null {
  const end = packet.payloadOffset + packet.payloadCapturedLength;
  const at = Math.max(packet.payloadOffset, skipProxyHeader(bytes, packet.payloadOffset, end));
  if (hasPort(packet, dnsPort)) return readDnsOverTcp(bytes, at, end);
  if (isClientHelloRecord(bytes, at, end)) return readHelloNames(bytes, packet, at);
  const http = readHttp(bytes, at, end);
  return http === null ? null : describeHttp(Application.http, http);
}

/** A hello that goes on in the next segment is not read; one that only its capture cut off is. */
function readHelloNames(
  bytes: Uint8Array,
  packet: Packet,
  at: number,
): ApplicationDetails | null {
  const length = packet.payloadLength - (at - packet.payloadOffset);
  if (tlsRecordHeaderLength + readUint16(bytes, at + 3) > length) return null;
  const end = at + packet.payloadCapturedLength;
  const tls = readClientHello(bytes, at + tlsRecordHeaderLength, end, "t");
  return tls === null ? null : describeTls(Application.tls, tls);
}

/** The names in a UDP datagram. */
export function readDatagramNames(bytes: Uint8Array, packet: Packet): ApplicationDetails | null {
  const at = packet.payloadOffset;
  const end = at + packet.payloadCapturedLength;
  if (hasPort(packet, dnsPort)) return readMessage(bytes, at, end, Application.dns);
  if (hasPort(packet, mdnsPort)) return readMessage(bytes, at, end, Application.mdns);
  if (hasPort(packet, llmnrPort)) return readMessage(bytes, at, end, Application.llmnr);
  if (hasPort(packet, ssdpPort)) return readMessage(bytes, at, end, Application.ssdp);
  if (hasPort(packet, nbnsPort)) return null;
  if (isDnsQueryStrict(bytes, at, end)) return readMessage(bytes, at, end, Application.dns);
  return readQuicDatagram(bytes, at, end);
}

function hasPort(packet: Packet, port: number): boolean {
  return packet.sourcePort === port || packet.destinationPort === port;
}
